/* conv_im2col.c - convolution as im2col and one matrix product per chunk of rows, for CPUs without a
 * hand-written tile kernel.
 *
 * im2col copies, for every output position, the inputs under the kernel into one row of a matrix.  The
 * weights come in panels; the matrix product wants [K, out_c], so each run unpacks them into scratch. */
#include <string.h>

#include "lib/layers/conv_internal.h"

enum {
    CHUNK_BYTES = 2 << 20, /* of the im2col matrix, per thread */
    MIN_CHUNKS = 8,      /* so many, if each has at least CHUNK_MIN_ROWS rows: threads share a layer evenly */
    CHUNK_MIN_ROWS = 64, /* fewer make a slow product */
    FEW_CHUNKS = 4,      /* a layer with no more is cut by columns too */
    FEW_COLUMNS = 256,   /* then of so many */
};

/* Cuts depend on sizes only, so that a product's shape, and with it its rounding, never depends on threads.
 */
typedef struct im2col_plan {
    int depth; /* K = kernel * kernel * in_c */
    int rows, chunk_rows, chunks;
    int columns, column_blocks;
    bool in_place; /* the input already is the matrix */
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
    im2col_plan p = {
        .depth = conv->kernel * conv->kernel * conv->in_c,
        .rows = cpt_conv_rows(conv, batch),
        .in_place = conv->kernel == 1 && conv->stride == 1 && conv->pad == 0,
    };
    p.chunk_rows = cpt_max(CHUNK_BYTES / (int)sizeof(float) / p.depth, CPTK_MAX_ROWS);
    p.chunk_rows = cpt_min(p.chunk_rows, cpt_max(p.rows / MIN_CHUNKS, CHUNK_MIN_ROWS));
    p.chunks = cpt_ceil_div(p.rows, p.chunk_rows);
    p.columns = p.chunks <= FEW_CHUNKS ? cpt_min(FEW_COLUMNS, conv->out_c) : conv->out_c;
    p.column_blocks = cpt_ceil_div(conv->out_c, p.columns);
    return p;
}

static size_t matrix_bytes(int rows, int columns)
{
    return cpt_buffer_bytes((size_t)rows, (size_t)columns);
}

size_t cpt_conv_im2col_scratch(const cpt_conv *conv, int batch, int threads)
{
    const im2col_plan p = plan_im2col(conv, batch);
    const size_t b = matrix_bytes(p.depth, conv->out_c), gathered = matrix_bytes(p.chunk_rows, p.depth);
    const size_t result = matrix_bytes(p.chunk_rows, p.columns);
    size_t all;
    if (b == 0 || gathered == 0 || result == 0 || !cpt_add(p.in_place ? 0 : gathered, result, &all) ||
        !cpt_mul(all, (size_t)threads, &all) || !cpt_add(all, b, &all)) {
        return SIZE_MAX;
    }
    return all;
}

static void unpack_task(void *user, int panel, int thread)
{
    const im2col_job *d = user;
    const cpt_conv *conv = d->job->conv;
    const float *from = conv->filters.weight + (size_t)panel * (size_t)d->plan.depth * CPTK_PANEL;
    float *to = d->b + (size_t)panel * CPTK_PANEL;
    const size_t bytes = (size_t)cpt_min(CPTK_PANEL, conv->out_c - panel * CPTK_PANEL) * sizeof(float);
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
    const size_t in_c = (size_t)conv->in_c, pitch = cpt_conv_in_pitch(conv);
    const int kernel = conv->kernel;
    /* taps left..right-1 lie inside the map */
    const int left = cpt_min(cpt_max(-x0, 0), kernel);
    const int right = cpt_max(cpt_min(conv->in_w - x0, kernel), left);
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

/* to [rows, depth]: the matrix from row `first` on. */
static void gather(const im2col_job *d, int first, int rows, float *to)
{
    const cpt_conv *conv = d->job->conv;
    const size_t map_floats = (size_t)conv->in_h * (size_t)conv->in_w * cpt_conv_in_pitch(conv);
    const float *in = d->job->args->in;
    for (int r = first; r < first + rows; r++, to += d->plan.depth) {
        const int x = r % conv->out_w, y = r / conv->out_w % conv->out_h;
        const int image = r / conv->out_w / conv->out_h;
        gather_row(conv, in + (size_t)image * map_floats, y * conv->stride - conv->pad,
                   x * conv->stride - conv->pad, to);
    }
}

/* Rows first..first+rows-1 of the output, columns column..column+columns-1. */
typedef struct part {
    int first, rows, column, columns;
} part;

/* result [rows, columns], its rows `stride` floats apart: adds the bias and what is to be added, then ReLU.
 */
static void finish(const im2col_job *d, const part *p, float *result, size_t stride)
{
    const cpt_conv *conv = d->job->conv;
    const float *add = d->job->args->add;
    const float *bias = conv->filters.bias ? conv->filters.bias + p->column : NULL;
    const size_t pitch = cpt_conv_add_pitch(conv), columns = (size_t)p->columns;
    if (add) add += (size_t)p->first * pitch + (size_t)p->column;
    if (stride == columns && (!add || pitch == columns)) {
        d->job->kernels->bias_act_f32(result, bias, add, (size_t)p->rows, p->columns, conv->relu);
        return;
    }
    for (int r = 0; r < p->rows; r++, result += stride) {
        d->job->kernels->bias_act_f32(result, bias, add, 1, p->columns, conv->relu);
        if (add) add += pitch;
    }
}

/* The product of one part; `own` is the thread's scratch. */
static void run_part(const im2col_job *d, const part *p, float *own)
{
    const cpt_conv *conv = d->job->conv;
    const cpt_conv_run_args *args = d->job->args;
    const size_t out_pitch = cpt_conv_out_pitch(conv), in_pitch = cpt_conv_in_pitch(conv);
    float *out = (float *)args->out + (size_t)p->first * out_pitch + p->column;
    /* where the result replaces what is added, the product must not overwrite that yet */
    const bool apart = args->add == args->out;
    float *result = apart ? own + d->gathered_floats : out;
    const size_t stride = apart ? (size_t)p->columns : out_pitch;
    const float *a = d->plan.in_place ? (const float *)args->in + (size_t)p->first * in_pitch : own;
    const size_t a_stride = d->plan.in_place ? in_pitch : (size_t)d->plan.depth;
    if (!d->plan.in_place) gather(d, p->first, p->rows, own);
    const cptk_gemm product = {
        .sgemm = d->job->kernels->sgemm,
        .a = a,
        .b = d->b + p->column,
        .c = result,
        .m = p->rows,
        .n = p->columns,
        .k = d->plan.depth,
        .lda = (int)a_stride,
        .ldb = conv->out_c,
        .ldc = (int)stride,
    };
    d->job->kernels->gemm_f32(&product);
    finish(d, p, result, stride);
    for (int r = 0; apart && r < p->rows; r++) {
        memcpy(out + (size_t)r * out_pitch, result + (size_t)r * stride, stride * sizeof(float));
    }
}

static void part_task(void *user, int index, int thread)
{
    const im2col_job *d = user;
    const im2col_plan *p = &d->plan;
    const int chunk = index / p->column_blocks, column = index % p->column_blocks * p->columns;
    const int first = cpt_part(p->rows, p->chunks, chunk);
    const part piece = {
        .first = first,
        .rows = cpt_part(p->rows, p->chunks, chunk + 1) - first,
        .column = column,
        .columns = cpt_min(p->columns, d->job->conv->out_c - column),
    };
    run_part(d, &piece, d->chunks + (size_t)thread * (d->gathered_floats + d->result_floats));
}

void cpt_conv_im2col_run(const cpt_conv_job *job)
{
    im2col_job d = {
        .job = job,
        .plan = plan_im2col(job->conv, job->args->batch),
        .b = job->args->scratch,
    };
    const im2col_plan *p = &d.plan;
    d.chunks = d.b + matrix_bytes(p->depth, job->conv->out_c) / sizeof(float);
    d.gathered_floats = p->in_place ? 0 : matrix_bytes(p->chunk_rows, p->depth) / sizeof(float);
    d.result_floats = matrix_bytes(p->chunk_rows, p->columns) / sizeof(float);
    cpt_pool_run(job->pool, unpack_task, &d, cpt_conv_panels(job->conv));
    cpt_pool_run(job->pool, part_task, &d, p->chunks * p->column_blocks);
}
