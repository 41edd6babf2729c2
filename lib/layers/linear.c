/* linear.c - a Linear layer for a few rows: each weight is read once for all rows. */
#include "lib/layers/linear.h"

#include <string.h>

#include "lib/layers/parts.h"
#include "lib/layers/tiles.h"

/* ---- output columns are cut into chunks, which the pool shares ---- */

enum {
    CHUNK = 512, /* columns of one task: at 1024 inputs 2 MB of float32 weights, or 1 MB of int16 */
    CHUNK_INT8 = 128,
};

static int chunk_columns_most(const cpt_linear *l)
{
    return cpt_linear_is_int8(l) ? CHUNK_INT8 : CHUNK;
}

static int chunk_count(const cpt_linear *l)
{
    return cpt_ceil_div(l->out, chunk_columns_most(l));
}

/* The columns of the chunk that begins at column `first`. */
static int chunk_columns(const cpt_linear *l, int first)
{
    return cpt_min(chunk_columns_most(l), l->out - first);
}

/* ---- float32 ---- */

/* The distance from the weights that are read to those that are fetched: reading so much from memory takes
 * longer than one access. */
enum { AHEAD_BYTES = 32 << 10 };

/* The tiles of columns first..first+count-1. */
static cpt_tiles tiles_of(const cpt_linear *l, const cpt_linear_args *args, int first, int count)
{
    const size_t panel = (size_t)l->in * CPTK_PANEL, out = (size_t)l->out;
    return (cpt_tiles){
        .first = {.a = args->x,
                  .b = l->weight + (size_t)(first / CPTK_PANEL) * panel,
                  .b_panel = panel,
                  .bias = l->bias ? l->bias + first : NULL,
                  .c = args->out + first,
                  .c_stride = out,
                  .taps = 1,
                  .depth = l->in,
                  .n = count},
        .rows = args->rows,
        .tile_rows = CPTK_MAX_ROWS, /* the fewer tiles, the less often the weights are read */
    };
}

void cpt_linear_columns(const cpt_linear *linear, const cpt_linear_args *args, int first, int count,
                        const cptk_kernels *kernels)
{
    const cpt_tiles tiles = tiles_of(linear, args, first, count);
    cpt_tiles_run(&tiles, kernels);
}

typedef struct linear_job {
    const cpt_linear *linear;
    const cpt_linear_args *args;
    const cptk_kernels *kernels;
} linear_job;

static void linear_task(void *user, int index, int thread)
{
    const linear_job *job = user;
    const int first = index * CHUNK;
    cpt_tiles tiles = tiles_of(job->linear, job->args, first, chunk_columns(job->linear, first));
    (void)thread;
    tiles.first.soon = (uintptr_t)tiles.first.b + AHEAD_BYTES;
    tiles.first.soon_step = CPTK_PANEL * (int)sizeof(float);
    cpt_tiles_run(&tiles, job->kernels);
}

void cpt_linear_rows(const cpt_linear *linear, const float *const *x, int rows, float *out,
                     const cptk_kernels *kernels, cpt_pool *pool)
{
    const cpt_linear_args args = {.x = x, .out = out, .rows = rows};
    linear_job job = {.linear = linear, .args = &args, .kernels = kernels};
    cpt_pool_run(pool, linear_task, &job, chunk_count(linear));
}

/* ---- int8 ---- */

typedef struct u8_job {
    const cpt_linear *linear;
    const uint8_t *const *x;
    float *out;
    int rows;
    const cptk_kernels *kernels;
} u8_job;

static void u8_task(void *user, int index, int thread)
{
    const u8_job *job = user;
    const cpt_linear *l = job->linear;
    const int first = index * CHUNK_INT8;
    const size_t panel = cpt_quad_bytes(l->in) * CPTK_PANEL, out = (size_t)l->out;
    const int8_t *b = l->quads + (size_t)(first / CPTK_PANEL) * panel;
    const cpt_tiles_int8 tiles = {
        .first = {.a = job->x,
                  .b = b,
                  .b_panel = panel,
                  .out = {.scale = l->scale + first,
                          .bias = l->bias ? l->bias + first : NULL,
                          .c_f32 = job->out + first,
                          .c_stride = out},
                  .taps = 1,
                  .depth = (int)cpt_quad_bytes(l->in),
                  .n = chunk_columns(l, first),
                  .soon = (uintptr_t)b + AHEAD_BYTES,
                  .soon_step = CPTK_PANEL * CPTK_QUAD},
        .rows = job->rows,
        .tile_rows = CPTK_MAX_ROWS,
    };
    (void)thread;
    cpt_tiles_int8_run(&tiles, job->kernels);
}

void cpt_quantise_row(const float *x, int n, float inverse, float zero, uint8_t *bytes,
                      const cptk_kernels *kernels)
{
    kernels->quantize_u8(x, bytes, n, inverse, zero);
    memset(bytes + n, 0, cpt_quad_bytes(n) - (size_t)n);
}

void cpt_linear_rows_u8(const cpt_linear *linear, const uint8_t *const *x, int rows, float *out,
                        const cptk_kernels *kernels, cpt_pool *pool)
{
    u8_job job = {.linear = linear, .x = x, .out = out, .rows = rows, .kernels = kernels};
    cpt_pool_run(pool, u8_task, &job, chunk_count(linear));
}

void cpt_linear_positive(const cpt_linear *linear, const float *x, uint8_t *bytes, float *out,
                         const cptk_kernels *kernels, cpt_pool *pool)
{
    if (!cpt_linear_is_int8(linear)) {
        cpt_linear_rows(linear, &x, 1, out, kernels, pool);
        return;
    }
    const uint8_t *row = bytes;
    cpt_linear sums = *linear;
    float most = 0;
    for (int i = 0; i < linear->in; i++) most = x[i] > most ? x[i] : most;
    cpt_quantise_row(x, linear->in, most > 0 ? 255 / most : 0, 0, bytes, kernels);
    sums.bias = NULL;
    cpt_linear_rows_u8(&sums, &row, 1, out, kernels, pool);
    const float step = most / 255;
    for (int j = 0; j < linear->out; j++) out[j] = out[j] * step + (linear->bias ? linear->bias[j] : 0);
}

/* ---- int16 ---- */

typedef struct i16_job {
    const cpt_linear *linear;
    const cpt_rows_i16 *x;
    float *out;
    const cptk_kernels *kernels;
} i16_job;

static void i16_task(void *user, int index, int thread)
{
    const i16_job *job = user;
    const cpt_linear *l = job->linear;
    const int first = index * CHUNK;
    const cptk_product product = {
        .a = job->x->pairs,
        .b = l->pairs + (size_t)first * cpt_words_i16(l->in),
        .a_scale = job->x->scale,
        .b_scale = l->scale + first,
        .bias = l->bias + first,
        .c = job->out + first,
        .c_stride = (size_t)l->out,
        .rows = job->x->rows,
        .depth = l->in,
        .n = chunk_columns(l, first),
    };
    (void)thread;
    job->kernels->product_i16(&product);
}

void cpt_linear_rows_i16(const cpt_linear *linear, const cpt_rows_i16 *x, float *out,
                         const cptk_kernels *kernels, cpt_pool *pool)
{
    i16_job job = {.linear = linear, .x = x, .out = out, .kernels = kernels};
    cpt_pool_run(pool, i16_task, &job, chunk_count(linear));
}
