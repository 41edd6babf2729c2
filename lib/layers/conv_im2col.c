/* conv_im2col.c - convolution as im2col and one matrix product per chunk of rows, for CPUs without a
 * hand-written tile kernel.  Called by conv.c.
 *
 * The weights come in panels; the matrix product wants [K, out_c], so each run unpacks them into scratch. */
#include <string.h>

#include "lib/layers/conv_internal.h"
#include "lib/platform/arena.h"

enum {
    CHUNK_BYTES = 2 << 20, /* of the im2col matrix, per thread */
    FEW_ROWS = 64,         /* a layer with no more is cut by columns instead */
    COLUMNS = 256,
};

/* Cuts depend on sizes only, so that a product's shape, and with it its rounding, never depends on threads.
 */
typedef struct im2col_plan {
    int depth; /* K = kernel * kernel * in_c */
    int rows, chunk_rows, chunks;
    int columns, column_blocks;
    int in_place; /* the input already is the matrix */
} im2col_plan;

typedef struct im2col_job {
    const cpt_conv_job *job;
    im2col_plan plan;
    float *b;      /* [depth, out_c] */
    float *chunks; /* [threads]: the gathered rows [chunk_rows, depth], then a result [chunk_rows, columns] */
    size_t gathered_floats, result_floats;
} im2col_job;

static im2col_plan plan_im2col(const cpt_conv *conv, int batch)
{
    im2col_plan p;
    p.depth = conv->kernel * conv->kernel * conv->in_c;
    p.rows = cpt_conv_rows(conv, batch);
    p.in_place = conv->kernel == 1 && conv->stride == 1 && conv->pad == 0;
    p.chunk_rows = cpt_max(CHUNK_BYTES / (int)sizeof(float) / p.depth, CPTK_MAX_ROWS);
    p.chunk_rows = cpt_min(p.chunk_rows, cpt_max(p.rows / 8, FEW_ROWS));
    p.chunks = cpt_ceil_div(p.rows, p.chunk_rows);
    p.columns = p.chunks <= 4 ? cpt_min(COLUMNS, conv->out_c) : conv->out_c;
    p.column_blocks = cpt_ceil_div(conv->out_c, p.columns);
    return p;
}

/* Floats, a multiple of a cache line; 0 on overflow. */
static size_t matrix_floats(int rows, int columns)
{
    size_t floats;
    if (!cpt_mul((size_t)rows, (size_t)columns, &floats) || floats > SIZE_MAX / 8) return 0;
    return (floats + 15) / 16 * 16;
}

size_t cpt_conv_im2col_scratch(const cpt_conv *conv, int batch, int threads)
{
    im2col_plan p = plan_im2col(conv, batch);
    size_t b = matrix_floats(p.depth, conv->out_c);
    size_t gathered = matrix_floats(p.chunk_rows, p.depth), result = matrix_floats(p.chunk_rows, p.columns);
    size_t all;
    if (b == 0 || gathered == 0 || result == 0 || !cpt_add(p.in_place ? 0 : gathered, result, &all) ||
        !cpt_mul(all, (size_t)threads, &all) || !cpt_add(all, b, &all) ||
        !cpt_mul(all, sizeof(float), &all)) {
        return SIZE_MAX;
    }
    return all;
}

static void unpack_task(void *user, int panel, int thread)
{
    const im2col_job *d = user;
    const cpt_conv *conv = d->job->conv;
    const float *from = conv->weight + (size_t)panel * (size_t)d->plan.depth * CPTK_PANEL;
    float *to = d->b + (size_t)panel * CPTK_PANEL;
    size_t bytes = (size_t)cpt_min(CPTK_PANEL, conv->out_c - panel * CPTK_PANEL) * sizeof(float);
    (void)thread;
    for (int k = 0; k < d->plan.depth; k++) {
        memcpy(to, from, bytes);
        from += CPTK_PANEL;
        to += conv->out_c;
    }
}

/* One row of the matrix: the kernel x kernel positions around an output, zeros outside the map. */
static void gather_row(const cpt_conv *conv, const float *map, int y0, int x0, float *to)
{
    size_t in_c = (size_t)conv->in_c, pitch = cpt_conv_in_pitch(conv);
    int kernel = conv->kernel;
    int left = cpt_min(cpt_max(-x0, 0), kernel), right = cpt_max(cpt_min(conv->in_w - x0, kernel), left);
    for (int iy = y0; iy < y0 + kernel; iy++, to += (size_t)kernel * in_c) {
        if (iy < 0 || iy >= conv->in_h) {
            memset(to, 0, (size_t)kernel * in_c * sizeof(float));
            continue;
        }
        if (left > 0) memset(to, 0, (size_t)left * in_c * sizeof(float));
        for (int x = left; x < right; x++) {
            memcpy(to + (size_t)x * in_c, map + ((size_t)iy * (size_t)conv->in_w + (size_t)(x0 + x)) * pitch,
                   in_c * sizeof(float));
        }
        if (right < kernel) {
            memset(to + (size_t)right * in_c, 0, (size_t)(kernel - right) * in_c * sizeof(float));
        }
    }
}

static void gather(const im2col_job *d, int first, int rows, float *to)
{
    const cpt_conv *conv = d->job->conv;
    size_t map_floats = (size_t)conv->in_h * (size_t)conv->in_w * cpt_conv_in_pitch(conv);
    for (int r = first; r < first + rows; r++, to += d->plan.depth) {
        int x = r % conv->out_w, y = r / conv->out_w % conv->out_h, image = r / conv->out_w / conv->out_h;
        gather_row(conv, d->job->args->in + (size_t)image * map_floats, y * conv->stride - conv->pad,
                   x * conv->stride - conv->pad, to);
    }
}

/* result [rows, columns], its rows `stride` floats apart, += bias and what is to be added, then ReLU: the
 * output positions from `first` on, columns from `column` on. */
static void finish(const im2col_job *d, float *result, size_t stride, int first, int rows, int column)
{
    const cpt_conv *conv = d->job->conv;
    const float *add = d->job->args->add, *bias = conv->bias ? conv->bias + column : NULL;
    size_t pitch = cpt_conv_add_pitch(conv);
    int columns = cpt_min(d->plan.columns, conv->out_c - column);
    if (add) add += (size_t)first * pitch + (size_t)column;
    if (stride == (size_t)columns && (!add || pitch == (size_t)columns)) {
        d->job->kernels->bias_act(result, bias, add, (size_t)rows, columns, conv->relu);
        return;
    }
    for (int r = 0; r < rows; r++, result += stride) {
        d->job->kernels->bias_act(result, bias, add, 1, columns, conv->relu);
        if (add) add += pitch;
    }
}

static void chunk_task(void *user, int index, int thread)
{
    const im2col_job *d = user;
    const cpt_conv *conv = d->job->conv;
    const cpt_conv_run_args *args = d->job->args;
    const im2col_plan *p = &d->plan;
    float *own = d->chunks + (size_t)thread * (d->gathered_floats + d->result_floats);
    int chunk = index / p->column_blocks, column = index % p->column_blocks * p->columns;
    int first = cpt_part(p->rows, p->chunks, chunk);
    int rows = cpt_part(p->rows, p->chunks, chunk + 1) - first;
    int columns = cpt_min(p->columns, conv->out_c - column);
    int stride = (int)cpt_conv_out_pitch(conv), depth_stride = (int)cpt_conv_in_pitch(conv);
    const float *a = args->in + (size_t)first * (size_t)depth_stride;
    float *out = args->out + (size_t)first * (size_t)stride + column, *result = out;
    if (!p->in_place) {
        gather(d, first, rows, own);
        a = own;
        depth_stride = p->depth;
    }
    if (args->add == args->out) { /* which the product must not overwrite yet */
        result = own + d->gathered_floats;
        stride = columns;
    }
    const cptk_gemm product = {.a = a,
                               .b = d->b + column,
                               .c = result,
                               .m = rows,
                               .n = columns,
                               .k = p->depth,
                               .lda = depth_stride,
                               .ldb = conv->out_c,
                               .ldc = stride};
    d->job->kernels->gemm(&product);
    finish(d, result, (size_t)stride, first, rows, column);
    if (result == out) return;
    for (int r = 0; r < rows; r++) {
        memcpy(out + (size_t)r * cpt_conv_out_pitch(conv), result + (size_t)r * (size_t)columns,
               (size_t)columns * sizeof(float));
    }
}

void cpt_conv_im2col_run(const cpt_conv_job *job)
{
    im2col_job d = {.job = job, .plan = plan_im2col(job->conv, job->args->batch)};
    d.b = job->args->scratch;
    d.chunks = d.b + matrix_floats(d.plan.depth, job->conv->out_c);
    d.gathered_floats = d.plan.in_place ? 0 : matrix_floats(d.plan.chunk_rows, d.plan.depth);
    d.result_floats = matrix_floats(d.plan.chunk_rows, d.plan.columns);
    cpt_pool_run(job->pool, unpack_task, &d, cpt_conv_panels(job->conv));
    cpt_pool_run(job->pool, chunk_task, &d, d.plan.chunks * d.plan.column_blocks);
}
