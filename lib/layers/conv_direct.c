/* conv_direct.c - direct convolution: tiles of output positions x weight panels.  The input's rows are
 * addressed in place, by one pointer for each output position and kernel tap.
 *
 * Every output is one accumulation in one order, however tiles, blocks and threads cut the work. */
#include <string.h>

#include "lib/layers/conv_internal.h"
#include "lib/layers/tiles.h"

enum {
    /* Weights that stay in the second-level cache while rows stream past, and elements of input rows that do
     * while weights stream past.  In bytes this is a quarter for int8; its products read memory four times as
     * fast. */
    CACHED_WEIGHTS = 128 << 10,
    CACHED_INPUT = 256 << 10,
    STREAMED_MAX_ROWS = 256, /* of a block, where weights stream */
    STREAMED_MIN_TASKS = 8,  /* so that as many threads have work */
    CACHED_MIN_BLOCKS = 14,  /* where weights stay: as many blocks, so that threads share a layer evenly */
    CACHED_MAX_ROWS = 112,   /* of such a block: 8 tiles of 14 rows, the fastest with 512-bit vectors */
    STEP_PANELS_F32 = 2,     /* panels that a tile takes at once */
    STEP_PANELS_INT8 = 4,    /* their bytes are half of those; a tile's rows are prepared once for all */
};

/* How a layer is cut: row blocks x column blocks, column blocks innermost. */
typedef struct direct_plan {
    int taps_y, taps_x, depth; /* without padding and gaps the taps of a kernel row are one run of memory */
    int rows, row_blocks;
    int panels, column_blocks;
    int block_rows;  /* most rows a block has */
    int column_step; /* columns that a tile takes at once */
} direct_plan;

/* Where a tap of an output reads: the pointer that the tile kernel of the filters' type wants. */
typedef union direct_pointer {
    const float *f32;
    const uint8_t *u8;
} direct_pointer;

/* What one thread keeps between its tasks. */
typedef struct direct_thread {
    int block;                /* the row block that pointer[] belongs to, or -1 */
    direct_pointer pointer[]; /* [tiles of the block][taps][rows of the tile] */
} direct_thread;

typedef struct direct_job {
    const cpt_conv_job *job;
    direct_plan plan;
    const unsigned char *zero; /* [depth] elements, stands for positions in the padding */
    unsigned char *threads;
    size_t thread_bytes;
    int tile_rows; /* most rows of a tile */
} direct_job;

/* Depends on sizes only.  Small weights stay in cache while blocks of rows stream past.  With large weights
 * the rows of a block stay, and the weights stream past once per block. */
static direct_plan plan_direct(const cpt_conv *conv, int batch)
{
    const size_t k = (size_t)conv->kernel, stride = (size_t)conv->stride,
                 depth = (size_t)cpt_conv_depth(conv);
    const int step_panels = cpt_conv_is_int8(conv) ? STEP_PANELS_INT8 : STEP_PANELS_F32;
    const size_t weights = k * k * depth * (size_t)conv->out_c;
    const size_t row = stride * stride * depth; /* elements of input for each output position */
    direct_plan p = {
        .taps_y = conv->kernel,
        .taps_x = conv->kernel,
        .depth = (int)depth,
        .rows = cpt_conv_rows(conv, batch),
        .panels = cpt_conv_panels(conv),
        .column_blocks = 1,
        .column_step = step_panels * CPTK_PANEL,
    };
    if (conv->pad == 0 && cpt_conv_in_pitch(conv) == depth) {
        p.depth *= p.taps_x;
        p.taps_x = 1;
    }
    int wanted;
    if (weights <= CACHED_WEIGHTS) {
        wanted = cpt_min(p.rows / CACHED_MIN_BLOCKS, CACHED_MAX_ROWS);
    } else {
        wanted = cpt_min((int)(CACHED_INPUT / row), STREAMED_MAX_ROWS);
        p.column_blocks = cpt_ceil_div(p.panels, step_panels);
        wanted = cpt_min(wanted, p.rows / cpt_ceil_div(STREAMED_MIN_TASKS, p.column_blocks));
    }
    p.row_blocks = cpt_ceil_div(p.rows, cpt_max(wanted, CPTK_MAX_ROWS));
    p.block_rows = cpt_ceil_div(p.rows, p.row_blocks);
    return p;
}

static size_t zero_bytes(const cpt_conv *conv)
{
    return conv->pad == 0 ? 0 : cpt_align_up((size_t)cpt_conv_depth(conv) * cpt_conv_element(conv));
}

static size_t thread_bytes(const direct_plan *p)
{
    return cpt_align_up(sizeof(direct_thread) +
                        (size_t)p->block_rows * (size_t)(p->taps_y * p->taps_x) * sizeof(direct_pointer));
}

size_t cpt_conv_direct_scratch(const cpt_conv *conv, int batch, int threads)
{
    const direct_plan p = plan_direct(conv, batch);
    size_t all;
    if (!cpt_mul(thread_bytes(&p), (size_t)threads, &all) || !cpt_add(all, zero_bytes(conv), &all)) {
        return SIZE_MAX;
    }
    return all;
}

static void point(const direct_job *d, const unsigned char *at, direct_pointer *to)
{
    if (cpt_conv_is_int8(d->job->conv)) {
        to->u8 = at;
    } else {
        to->f32 = (const float *)(const void *)at;
    }
}

/* to[taps], `count` apart: where the taps of the output at y, x of one map read. */
static void point_taps(const direct_job *d, const unsigned char *map, const int yx[2], int count,
                       direct_pointer *to)
{
    const cpt_conv *conv = d->job->conv;
    const int y0 = yx[0] * conv->stride - conv->pad, x0 = yx[1] * conv->stride - conv->pad;
    const size_t pitch = cpt_conv_in_pitch(conv) * cpt_conv_element(conv); /* in bytes */
    const size_t step = (size_t)conv->in_w * pitch;
    const int ring = d->job->args->in_ring;
    if (conv->pad == 0 && d->plan.taps_x == 1) { /* nothing lies outside */
        const unsigned char *at = map + (size_t)x0 * pitch;
        for (int y = y0; y < y0 + d->plan.taps_y; y++, to += count) {
            point(d, at + cptk_row_at(y, ring) * step, to);
        }
        return;
    }
    for (int y = y0; y < y0 + d->plan.taps_y; y++) {
        const bool inside_y = y >= 0 && y < conv->in_h;
        const unsigned char *line = inside_y ? map + cptk_row_at(y, ring) * step : NULL;
        for (int x = x0; x < x0 + d->plan.taps_x; x++, to += count) {
            const bool inside = inside_y && x >= 0 && x < conv->in_w;
            point(d, inside ? line + (size_t)x * pitch : d->zero, to);
        }
    }
}

/* to[taps][count]: the same for output positions first..first+count-1 of the batch. */
static void point_rows(const direct_job *d, int first, int count, direct_pointer *to)
{
    const cpt_conv *conv = d->job->conv;
    const size_t map_bytes =
        (size_t)conv->in_h * (size_t)conv->in_w * cpt_conv_in_pitch(conv) * cpt_conv_element(conv);
    const unsigned char *in = d->job->args->in;
    const unsigned char *map = in + (size_t)(first / conv->out_w / conv->out_h) * map_bytes;
    const int first_row = d->job->args->first_row;
    int yx[2] = {first_row + first / conv->out_w % conv->out_h, first % conv->out_w};
    for (int m = 0; m < count; m++) {
        point_taps(d, map, yx, count, to + m);
        if (++yx[1] < conv->out_w) continue;
        yx[1] = 0;
        if (++yx[0] < first_row + conv->out_h) continue;
        yx[0] = first_row;
        map += map_bytes;
    }
}

/* What is worth fetching during one step of columns.  Where weights stream: those of the next step, which
 * this thread probably takes next.  Where they stay: the rows of the next tile, in the first pass over the
 * block, if these lie side by side. */
static cpt_ahead look_ahead(const direct_job *d, int column)
{
    const cpt_conv *conv = d->job->conv;
    if (d->plan.column_blocks > 1) {
        return column + 2 * d->plan.column_step <= conv->out_c ? CPT_AHEAD_WEIGHTS : CPT_AHEAD_AS_SET;
    }
    return column == 0 && conv->kernel == 1 && conv->stride == 1 ? CPT_AHEAD_ROWS : CPT_AHEAD_AS_SET;
}

/* Output positions first..first+rows-1, columns column..column_end-1. */
typedef struct direct_block {
    int first, rows;
    int column, column_end;
} direct_block;

static void run_block_f32(const direct_job *d, const direct_block *block, const direct_pointer *pointers)
{
    const cpt_conv *conv = d->job->conv;
    const cpt_conv_run_args *args = d->job->args;
    const size_t add_pitch = cpt_conv_add_pitch(conv), out_pitch = cpt_conv_out_pitch(conv);
    const size_t first = (size_t)block->first;
    const float *add = args->add;
    float *out = args->out;
    cpt_tiles tiles = {
        .first = {.a = &pointers->f32,
                  .add_stride = add_pitch,
                  .c_stride = out_pitch,
                  .taps = d->plan.taps_y * d->plan.taps_x,
                  .depth = d->plan.depth,
                  .relu = conv->relu},
        .rows = block->rows,
        .tile_rows = d->tile_rows,
        .row_pitch = cpt_conv_in_pitch(conv),
    };
    cptk_tile *t = &tiles.first;
    t->b_panel = (size_t)t->taps * (size_t)t->depth * CPTK_PANEL;
    for (int column = block->column; column < block->column_end; column += d->plan.column_step) {
        t->b = conv->filters.weight + (size_t)(column / CPTK_PANEL) * t->b_panel;
        t->bias = conv->filters.bias ? conv->filters.bias + column : NULL;
        t->add = add ? add + first * add_pitch + column : NULL;
        t->c = out + first * out_pitch + column;
        t->n = cpt_min(d->plan.column_step, block->column_end - column);
        tiles.ahead = look_ahead(d, column);
        cpt_tiles_run(&tiles, d->job->kernels);
    }
}

static void run_block_int8(const direct_job *d, const direct_block *block, const direct_pointer *pointers)
{
    const cpt_conv *conv = d->job->conv;
    const cpt_conv_run_args *args = d->job->args;
    const size_t add_pitch = cpt_conv_add_pitch(conv), out_pitch = cpt_conv_out_pitch(conv);
    const size_t first = (size_t)block->first;
    const uint16_t *add = args->add;
    cpt_tiles_int8 tiles = {
        .first = {.a = &pointers->u8,
                  .out = {.add_scale = conv->add_scale, .add_stride = add_pitch, .c_stride = out_pitch},
                  .taps = d->plan.taps_y * d->plan.taps_x,
                  .depth = d->plan.depth},
        .rows = block->rows,
        .tile_rows = d->tile_rows,
        .row_pitch = cpt_conv_in_pitch(conv),
    };
    cptk_tile_int8 *t = &tiles.first;
    t->b_panel = (size_t)t->taps * (size_t)t->depth * CPTK_PANEL;
    for (int column = block->column; column < block->column_end; column += d->plan.column_step) {
        const size_t at = first * out_pitch + (size_t)column;
        t->b = conv->filters.quads + (size_t)(column / CPTK_PANEL) * t->b_panel;
        t->out.scale = conv->filters.scale + column;
        t->out.bias = conv->filters.bias ? conv->filters.bias + column : NULL;
        t->out.add = add ? add + first * add_pitch + column : NULL;
        t->out.c_u8 = conv->floats || !args->out ? NULL : (uint8_t *)args->out + at;
        t->out.c_u16 = args->out_wide ? args->out_wide + at : NULL;
        t->out.c_f32 = conv->floats ? (float *)args->out + at : NULL;
        t->n = cpt_min(d->plan.column_step, block->column_end - column);
        tiles.ahead = look_ahead(d, column);
        cpt_tiles_int8_run(&tiles, d->job->kernels);
    }
}

static void direct_task(void *user, int index, int thread)
{
    const direct_job *d = user;
    const direct_plan *p = &d->plan;
    direct_thread *own = (direct_thread *)(void *)(d->threads + (size_t)thread * d->thread_bytes);
    const int row_block = index / p->column_blocks, column_block = index % p->column_blocks;
    const int first = cpt_part(p->rows, p->row_blocks, row_block);
    const int column_end = cpt_part(p->panels, p->column_blocks, column_block + 1) * CPTK_PANEL;
    const direct_block block = {
        .first = first,
        .rows = cpt_part(p->rows, p->row_blocks, row_block + 1) - first,
        .column = cpt_part(p->panels, p->column_blocks, column_block) * CPTK_PANEL,
        .column_end = cpt_min(column_end, d->job->conv->out_c),
    };
    if (own->block != row_block) {
        const int tiles = cpt_ceil_div(block.rows, d->tile_rows), taps = p->taps_y * p->taps_x;
        for (int i = 0; i < tiles; i++) {
            const int at = cpt_part(block.rows, tiles, i);
            point_rows(d, first + at, cpt_part(block.rows, tiles, i + 1) - at, own->pointer + at * taps);
        }
        own->block = row_block;
    }
    if (cpt_conv_is_int8(d->job->conv)) {
        run_block_int8(d, &block, own->pointer);
    } else {
        run_block_f32(d, &block, own->pointer);
    }
}

void cpt_conv_direct_run(const cpt_conv_job *job)
{
    unsigned char *scratch = job->args->scratch;
    const size_t zeros = zero_bytes(job->conv);
    const int threads = cpt_pool_threads(job->pool);
    direct_job d = {
        .job = job,
        .plan = plan_direct(job->conv, job->args->batch),
        .threads = scratch + zeros,
        .tile_rows = cpt_conv_is_int8(job->conv) ? job->kernels->tile_rows_u8 : job->kernels->tile_rows,
    };
    d.thread_bytes = thread_bytes(&d.plan);
    if (zeros > 0) {
        memset(scratch, job->conv->in_zero, zeros); /* for float32 in_zero is 0 */
        d.zero = scratch;
    }
    for (int i = 0; i < threads; i++) {
        ((direct_thread *)(void *)(d.threads + (size_t)i * d.thread_bytes))->block = -1;
    }
    cpt_pool_run(job->pool, direct_task, &d, d.plan.row_blocks * d.plan.column_blocks);
}
