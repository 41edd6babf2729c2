/* conv_winograd.c - 3x3 stride-1 convolution by Winograd F(4x4, 3x3), 4 x 4 outputs from 36 products instead
 * of 144, or F(2x2, 3x3), 2 x 2 from 16 instead of 36.  Called by conv.c for layers whose model file has the
 * transformed weights.
 *
 * Tiles (of the whole batch, image by image) are taken in blocks: input transform V [planes, tiles, in_c],
 * that many matrix products M [planes, tiles, out_c] = V x weights, output transform.  Where the weights are
 * small each block is one task and its V and M stay in the cache of the thread that works on it; where they
 * are large a block has many tiles, so that the weights stream past few times, and the threads share each of
 * its three steps. */
#include "lib/layers/conv_internal.h"
#include "lib/platform/arena.h"

enum {
    CACHED_WEIGHTS = 1 << 20, /* bytes */
    SMALL_BLOCK = 14,         /* tiles, where every block is a task */
    LARGE_BLOCK = 64,         /* tiles, where the threads share a block */
    SHARED_STEP = 4,          /* tiles per task of a shared block's transforms */
    COLUMN_STEP = 6 * CPTK_PANEL,
    PLANE_GAP = 16, /* floats between planes, as without them a position's often share one set of a cache */
};

typedef struct winograd_plan {
    int planes;
    int image_tiles, tiles, blocks;
    int block_tiles; /* most a block has */
    int shared;
} winograd_plan;

typedef struct winograd_job {
    const cpt_conv_job *job;
    winograd_plan plan;
    float *scratch;
    size_t v_plane, m_plane; /* floats */
    int first, count;        /* tiles of the shared block */
} winograd_job;

/* Depends on sizes only. */
static winograd_plan plan_winograd(const cpt_conv *conv, int batch)
{
    winograd_plan p = {.planes = (conv->winograd_size + 2) * (conv->winograd_size + 2)};
    size_t weights = (size_t)p.planes * (size_t)conv->in_c * (size_t)conv->out_c * sizeof(float);
    p.image_tiles = cpt_conv_winograd_tiles(conv);
    p.tiles = p.image_tiles * batch;
    p.shared = weights > CACHED_WEIGHTS;
    p.blocks = cpt_ceil_div(p.tiles, p.shared ? LARGE_BLOCK : SMALL_BLOCK);
    p.block_tiles = cpt_ceil_div(p.tiles, p.blocks);
    return p;
}

/* Floats of one block's V and M. */
static size_t block_floats(const winograd_plan *p, const cpt_conv *conv)
{
    size_t floats;
    if (!cpt_mul((size_t)p->block_tiles, (size_t)conv->in_c + (size_t)conv->out_c, &floats) ||
        !cpt_add(floats, 2 * PLANE_GAP, &floats) || !cpt_mul(floats, (size_t)p->planes, &floats) ||
        floats > SIZE_MAX / 8) {
        return SIZE_MAX;
    }
    return (floats + 15) / 16 * 16;
}

size_t cpt_conv_winograd_scratch(const cpt_conv *conv, int batch, int threads)
{
    winograd_plan p = plan_winograd(conv, batch);
    size_t all;
    if (!cpt_mul(block_floats(&p, conv), p.shared ? 1 : (size_t)threads, &all) ||
        !cpt_mul(all, sizeof(float), &all)) {
        return SIZE_MAX;
    }
    return all;
}

/* Tiles first..first+count-1 between their maps and V or M, image by image. */
static void transform(const winograd_job *d, float *block, int first, int count, int output)
{
    const cpt_conv *conv = d->job->conv;
    const cpt_conv_run_args *args = d->job->args;
    int c = output ? conv->out_c : conv->in_c;
    size_t pitch = output ? cpt_conv_out_pitch(conv) : cpt_conv_in_pitch(conv);
    size_t map_floats = (size_t)conv->in_h * (size_t)conv->in_w * pitch;
    while (count > 0) {
        int image = first / d->plan.image_tiles, at = first % d->plan.image_tiles;
        int n = cpt_min(count, d->plan.image_tiles - at);
        cptk_winograd w = {.plane = output ? d->m_plane : d->v_plane,
                           .size = conv->winograd_size,
                           .h = conv->in_h,
                           .w = conv->in_w,
                           .c = c,
                           .pitch = (int)pitch,
                           .first = at,
                           .count = n,
                           .relu = conv->relu};
        if (output) {
            w.in = block;
            w.out = args->out + (size_t)image * map_floats;
            w.bias = conv->bias;
            d->job->kernels->winograd_output(&w);
        } else {
            w.in = args->in + (size_t)image * map_floats;
            w.out = block;
            d->job->kernels->winograd_input(&w);
        }
        block += (size_t)n * (size_t)c;
        first += n;
        count -= n;
    }
}

/* Plane e of M = plane e of V x plane e of the weights, for `count` tiles. */
static void multiply(const winograd_job *d, const float *v, float *m, int e, int count)
{
    const cpt_conv *conv = d->job->conv;
    int tiles = cpt_ceil_div(count, d->job->kernels->tile_rows);
    size_t panel = (size_t)conv->in_c * CPTK_PANEL;
    const float *weight = conv->winograd + (size_t)e * (size_t)cpt_conv_panels(conv) * panel;
    v += (size_t)e * d->v_plane;
    m += (size_t)e * d->m_plane;
    for (int column = 0; column < conv->out_c; column += COLUMN_STEP) {
        const float *rows[CPTK_MAX_ROWS];
        cptk_tile t = {.a = rows,
                       .b = weight + (size_t)(column / CPTK_PANEL) * panel,
                       .b_panel = panel,
                       .b_step = CPTK_PANEL,
                       .c_stride = (size_t)conv->out_c,
                       .taps = 1,
                       .depth = conv->in_c,
                       .n = cpt_min(COLUMN_STEP, conv->out_c - column)};
        /* the weights after these, spread over the tiles of these */
        uintptr_t soon = (uintptr_t)(t.b + (size_t)(t.n / CPTK_PANEL) * panel);
        t.soon_step = d->plan.shared ? cpt_ceil_div(CPTK_PANEL * (int)sizeof(float), tiles) : 0;
        for (int i = 0; i < tiles; i++) {
            int at = cpt_part(count, tiles, i);
            t.rows = cpt_part(count, tiles, i + 1) - at;
            for (int r = 0; r < t.rows; r++) rows[r] = v + (size_t)(at + r) * (size_t)conv->in_c;
            t.soon = soon + (size_t)(i * (t.n / CPTK_PANEL) * t.soon_step) * (size_t)conv->in_c;
            t.c = m + (size_t)at * (size_t)conv->out_c + column;
            d->job->kernels->tile(&t);
        }
    }
}

static float *m_of(const winograd_job *d, float *block)
{
    return block + (size_t)d->plan.planes * d->v_plane;
}

/* A whole block, in the thread's own scratch. */
static void block_task(void *user, int index, int thread)
{
    const winograd_job *d = user;
    float *v = d->scratch + (size_t)thread * block_floats(&d->plan, d->job->conv), *m = m_of(d, v);
    int first = cpt_part(d->plan.tiles, d->plan.blocks, index);
    int count = cpt_part(d->plan.tiles, d->plan.blocks, index + 1) - first;
    transform(d, v, first, count, 0);
    for (int e = 0; e < d->plan.planes; e++) multiply(d, v, m, e, count);
    transform(d, m, first, count, 1);
}

/* The three steps of a shared block. */
static void input_task(void *user, int index, int thread)
{
    const winograd_job *d = user;
    int at = index * SHARED_STEP;
    (void)thread;
    transform(d, d->scratch + (size_t)at * (size_t)d->job->conv->in_c, d->first + at,
              cpt_min(SHARED_STEP, d->count - at), 0);
}

static void multiply_task(void *user, int e, int thread)
{
    const winograd_job *d = user;
    (void)thread;
    multiply(d, d->scratch, m_of(d, d->scratch), e, d->count);
}

static void output_task(void *user, int index, int thread)
{
    const winograd_job *d = user;
    int at = index * SHARED_STEP;
    (void)thread;
    transform(d, m_of(d, d->scratch) + (size_t)at * (size_t)d->job->conv->out_c, d->first + at,
              cpt_min(SHARED_STEP, d->count - at), 1);
}

void cpt_conv_winograd_run(const cpt_conv_job *job)
{
    const cpt_conv *conv = job->conv;
    winograd_job d = {
        .job = job, .plan = plan_winograd(conv, job->args->batch), .scratch = job->args->scratch};

    d.v_plane = (size_t)d.plan.block_tiles * (size_t)conv->in_c + PLANE_GAP;
    d.m_plane = (size_t)d.plan.block_tiles * (size_t)conv->out_c + PLANE_GAP;
    if (!d.plan.shared) {
        cpt_pool_run(job->pool, block_task, &d, d.plan.blocks);
        return;
    }
    for (int b = 0; b < d.plan.blocks; b++) {
        int steps;
        d.first = cpt_part(d.plan.tiles, d.plan.blocks, b);
        d.count = cpt_part(d.plan.tiles, d.plan.blocks, b + 1) - d.first;
        steps = cpt_ceil_div(d.count, SHARED_STEP);
        cpt_pool_run(job->pool, input_task, &d, steps);
        cpt_pool_run(job->pool, multiply_task, &d, d.plan.planes);
        cpt_pool_run(job->pool, output_task, &d, steps);
    }
}
