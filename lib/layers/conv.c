/* conv.c - chooses a layer's algorithm, and runs direct convolution: tiles of output positions x weight
 * panels, the input's rows addressed in place.  Called by resnet.c.  The other algorithms are in
 * conv_im2col.c and conv_winograd.c.
 *
 * Every output is one accumulation in one order, wherever tiles, blocks and threads meet. */
#include "lib/layers/conv.h"

#include <string.h>

#include "lib/layers/conv_internal.h"
#include "lib/platform/arena.h"

enum {
    CACHED_WEIGHTS = 512 << 10, /* bytes of weights that may stay in the second-level cache */
    CACHED_INPUT = 1 << 20,     /* bytes of input likewise, when the weights stream past it */
    BLOCK_ROWS = 256,           /* most output positions of a block */
    COLUMN_STEP = 2 * CPTK_PANEL,
};

static int winograd_fits(const cpt_conv *conv)
{
    return conv->winograd && conv->kernel == 3 && conv->stride == 1 && conv->pad == 1;
}

/* Below 9 tiles of outputs its weight planes, read for few rows each, cost more than they save. */
static int winograd_pays(const cpt_conv *conv)
{
    return winograd_fits(conv) && cpt_conv_winograd_tiles(conv) >= 9 && conv->in_c >= 16 && conv->out_c >= 16;
}

caption_conv cpt_conv_choose(const cpt_conv *conv, caption_conv wish, const cptk_kernels *kernels)
{
    switch (wish) {
    case CAPTION_CONV_WINOGRAD:
        return winograd_fits(conv) ? CAPTION_CONV_WINOGRAD : CAPTION_CONV_DIRECT;
    case CAPTION_CONV_DIRECT:
    case CAPTION_CONV_IM2COL:
        return wish;
    case CAPTION_CONV_AUTO:
        break;
    }
    if (!kernels->has_tile) return CAPTION_CONV_IM2COL;
    return winograd_pays(conv) ? CAPTION_CONV_WINOGRAD : CAPTION_CONV_DIRECT;
}

size_t cpt_conv_scratch(const cpt_conv *conv, caption_conv algorithm, int batch, int threads)
{
    size_t direct = cpt_conv_direct_scratch(conv, batch, threads), winograd;
    switch (algorithm) {
    case CAPTION_CONV_WINOGRAD: /* which may fall back to direct */
        winograd = cpt_conv_winograd_scratch(conv, batch, threads);
        return winograd > direct ? winograd : direct;
    case CAPTION_CONV_IM2COL:
        return cpt_conv_im2col_scratch(conv, batch, threads);
    case CAPTION_CONV_AUTO:
    case CAPTION_CONV_DIRECT:
        break;
    }
    return direct;
}

void cpt_conv_run(const cpt_conv *conv, const cpt_conv_run_args *args, const cptk_kernels *kernels,
                  cpt_pool *pool)
{
    cpt_conv_job job = {conv, args, kernels, pool};
    switch (args->algorithm) {
    case CAPTION_CONV_WINOGRAD:
        if (args->add) { /* no layer of ResNet asks for it */
            cpt_conv_direct_run(&job);
            break;
        }
        cpt_conv_winograd_run(&job);
        break;
    case CAPTION_CONV_IM2COL:
        cpt_conv_im2col_run(&job);
        break;
    case CAPTION_CONV_AUTO:
    case CAPTION_CONV_DIRECT:
        cpt_conv_direct_run(&job);
        break;
    }
}

/* ---- direct ---- */

/* How a layer is cut: row blocks x column blocks, column blocks innermost. */
typedef struct direct_plan {
    int taps_y, taps_x, depth; /* without padding and gaps the taps of a kernel row are one run of memory */
    int rows, row_blocks;
    int panels, column_blocks;
    int block_rows; /* most rows a block has */
} direct_plan;

/* What one thread keeps between its tasks. */
typedef struct direct_thread {
    int block;              /* the row block that rows[] belongs to, or -1 */
    const float *pointer[]; /* [tile][taps][rows of the tile] */
} direct_thread;

typedef struct direct_job {
    const cpt_conv_job *job;
    direct_plan plan;
    const float *zero; /* [in_c], stands for positions in the padding */
    unsigned char *threads;
    size_t thread_bytes;
} direct_job;

/* Depends on sizes only.  Small weights: they stay in cache while blocks of rows stream past.  Large weights:
 * the rows of a block stay and the weights stream past, once per block. */
static direct_plan plan_direct(const cpt_conv *conv, int batch)
{
    direct_plan p;
    size_t weights = (size_t)conv->kernel * (size_t)conv->kernel * (size_t)conv->in_c * (size_t)conv->out_c;
    size_t row_bytes = (size_t)conv->stride * (size_t)conv->stride * (size_t)conv->in_c * sizeof(float);
    int wanted;
    p.taps_y = conv->kernel;
    p.taps_x = conv->kernel;
    p.depth = conv->in_c;
    if (conv->pad == 0 && cpt_conv_in_pitch(conv) == (size_t)conv->in_c) {
        p.depth *= p.taps_x;
        p.taps_x = 1;
    }
    p.rows = cpt_conv_rows(conv, batch);
    p.panels = cpt_conv_panels(conv);
    if (weights * sizeof(float) <= CACHED_WEIGHTS) {
        wanted = cpt_min(p.rows / 14, 112);
        p.column_blocks = 1;
    } else {
        wanted = (int)(CACHED_INPUT / row_bytes);
        wanted = cpt_min(wanted, BLOCK_ROWS);
        p.column_blocks = cpt_ceil_div(p.panels, 2);
    }
    wanted = cpt_max(wanted, CPTK_MAX_ROWS);
    p.row_blocks = cpt_ceil_div(p.rows, wanted);
    p.block_rows = cpt_ceil_div(p.rows, p.row_blocks);
    return p;
}

static size_t align_up(size_t bytes)
{
    return (bytes + CPT_ALIGN - 1) / CPT_ALIGN * CPT_ALIGN;
}

static size_t zero_bytes(const cpt_conv *conv)
{
    return conv->pad == 0 ? 0 : align_up((size_t)conv->in_c * sizeof(float));
}

static size_t thread_bytes(const direct_plan *p)
{
    return align_up(sizeof(direct_thread) +
                    (size_t)p->block_rows * (size_t)(p->taps_y * p->taps_x) * sizeof(float *));
}

size_t cpt_conv_direct_scratch(const cpt_conv *conv, int batch, int threads)
{
    direct_plan p = plan_direct(conv, batch);
    size_t all;
    if (!cpt_mul(thread_bytes(&p), (size_t)threads, &all) || !cpt_add(all, zero_bytes(conv), &all)) {
        return SIZE_MAX;
    }
    return all;
}

/* to[taps], `count` apart: where the taps of the output at y, x of one map read. */
static void point_taps(const direct_job *d, const float *map, const int yx[2], int count, const float **to)
{
    const cpt_conv *conv = d->job->conv;
    int y0 = yx[0] * conv->stride - conv->pad, x0 = yx[1] * conv->stride - conv->pad;
    ptrdiff_t pitch = (ptrdiff_t)cpt_conv_in_pitch(conv), step = conv->in_w * pitch;
    const float *line = map + y0 * step + x0 * pitch;
    if (conv->pad == 0 && d->plan.taps_x == 1) { /* nothing lies outside */
        for (int t = 0; t < d->plan.taps_y; t++, to += count, line += step) *to = line;
        return;
    }
    for (int y = y0; y < y0 + d->plan.taps_y; y++, line += step) {
        int inside_y = y >= 0 && y < conv->in_h;
        for (int t = 0; t < d->plan.taps_x; t++, to += count) {
            int inside = inside_y && x0 + t >= 0 && x0 + t < conv->in_w;
            *to = inside ? line + t * pitch : d->zero;
        }
    }
}

/* to[taps][count]: the same for output positions first..first+count-1 of the batch. */
static void point_rows(const direct_job *d, int first, int count, const float **to)
{
    const cpt_conv *conv = d->job->conv;
    size_t map_floats = (size_t)conv->in_h * (size_t)conv->in_w * cpt_conv_in_pitch(conv);
    int yx[2] = {first / conv->out_w % conv->out_h, first % conv->out_w};
    const float *map = d->job->args->in + (size_t)(first / conv->out_w / conv->out_h) * map_floats;
    for (int m = 0; m < count; m++) {
        point_taps(d, map, yx, count, to + m);
        if (++yx[1] < conv->out_w) continue;
        yx[1] = 0;
        if (++yx[0] < conv->out_h) continue;
        yx[0] = 0;
        map += map_floats;
    }
}

/* What tile i of a block's `tiles` may prefetch.  Streaming weights: those that this thread probably takes
 * next, spread over the tiles.  Cached weights: the rows of the next tile, in the first pass over the block.
 */
static void look_ahead(const direct_job *d, cptk_tile *t, int column, int tiles, int i)
{
    const cpt_conv *conv = d->job->conv;
    int panels = COLUMN_STEP / CPTK_PANEL, k = t->taps * t->depth;
    t->soon_step = 0;
    if (d->plan.column_blocks > 1) {
        if (column + 2 * COLUMN_STEP > conv->out_c) return;
        t->soon_step = cpt_ceil_div(CPTK_PANEL * (int)sizeof(float), tiles);
        t->soon =
            (uintptr_t)(t->b + (size_t)panels * t->b_panel) + (size_t)(i * panels * t->soon_step) * (size_t)k;
    } else if (column == 0 && conv->kernel == 1 && conv->stride == 1) {
        t->soon_step = cpt_ceil_div(t->rows * (int)sizeof(float), panels);
        t->soon = (uintptr_t)t->a[0] + (size_t)t->rows * cpt_conv_in_pitch(conv) * sizeof(float);
    }
}

static void direct_task(void *user, int index, int thread)
{
    const direct_job *d = user;
    const cpt_conv *conv = d->job->conv;
    const cpt_conv_run_args *args = d->job->args;
    const direct_plan *p = &d->plan;
    direct_thread *own = (direct_thread *)(void *)(d->threads + (size_t)thread * d->thread_bytes);
    int block = index / p->column_blocks, column_block = index % p->column_blocks;
    int first = cpt_part(p->rows, p->row_blocks, block);
    int rows = cpt_part(p->rows, p->row_blocks, block + 1) - first;
    int tiles = cpt_ceil_div(rows, d->job->kernels->tile_rows), taps = p->taps_y * p->taps_x;
    int column = cpt_part(p->panels, p->column_blocks, column_block) * CPTK_PANEL;
    int column_end = cpt_part(p->panels, p->column_blocks, column_block + 1) * CPTK_PANEL;
    size_t add_pitch = cpt_conv_add_pitch(conv), out_pitch = cpt_conv_out_pitch(conv),
           depth = (size_t)taps * (size_t)p->depth;
    if (own->block != block) {
        for (int i = 0; i < tiles; i++) {
            int at = cpt_part(rows, tiles, i);
            point_rows(d, first + at, cpt_part(rows, tiles, i + 1) - at, own->pointer + at * taps);
        }
        own->block = block;
    }
    column_end = cpt_min(column_end, conv->out_c);
    for (; column < column_end; column += COLUMN_STEP) {
        cptk_tile t = {.b_panel = depth * CPTK_PANEL,
                       .b_step = CPTK_PANEL,
                       .bias = conv->bias ? conv->bias + column : NULL,
                       .add_stride = add_pitch,
                       .c_stride = out_pitch,
                       .taps = taps,
                       .depth = p->depth,
                       .n = cpt_min(COLUMN_STEP, column_end - column),
                       .relu = conv->relu};
        t.b = conv->weight + (size_t)(column / CPTK_PANEL) * t.b_panel;
        for (int i = 0; i < tiles; i++) {
            int at = cpt_part(rows, tiles, i);
            t.a = own->pointer + at * taps;
            t.rows = cpt_part(rows, tiles, i + 1) - at;
            t.add = args->add ? args->add + (size_t)(first + at) * add_pitch + column : NULL;
            t.c = args->out + (size_t)(first + at) * out_pitch + column;
            look_ahead(d, &t, column, tiles, i);
            d->job->kernels->tile(&t);
        }
    }
}

void cpt_conv_direct_run(const cpt_conv_job *job)
{
    direct_job d = {.job = job, .plan = plan_direct(job->conv, job->args->batch)};
    unsigned char *scratch = job->args->scratch;
    int threads = cpt_pool_threads(job->pool);
    if (job->conv->pad != 0) {
        memset(scratch, 0, zero_bytes(job->conv));
        d.zero = (const float *)(const void *)scratch;
    }
    d.threads = scratch + zero_bytes(job->conv);
    d.thread_bytes = thread_bytes(&d.plan);
    for (int i = 0; i < threads; i++) {
        ((direct_thread *)(void *)(d.threads + (size_t)i * d.thread_bytes))->block = -1;
    }
    cpt_pool_run(job->pool, direct_task, &d, d.plan.row_blocks * d.plan.column_blocks);
}
