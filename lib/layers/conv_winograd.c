/* conv_winograd.c - 3x3 convolution of stride 1 by Winograd's algorithms (Lavin and Gray 2016).  F(4x4, 3x3)
 * makes 4 x 4 outputs from 36 products instead of 144, F(2x2, 3x3) makes 2 x 2 from 16 instead of 36.
 *
 * A tile is one such square of outputs.  The tiles of the whole batch, image by image, are cut into blocks. A
 * block takes three steps: the input transform gives V [planes, tiles, in_c], one matrix product for each
 * plane gives M [planes, tiles, out_c] = V x weights, and the output transform writes the map.
 *
 * Where the weights are small, each block is one task, and its V and M stay in the cache of the thread that
 * works on it.  Where they are large, a block has many tiles, so that the weights stream past few times, and
 * the threads share each of its three steps. */
#include "lib/layers/conv_internal.h"
#include "lib/layers/tiles.h"

enum {
    CACHED_WEIGHTS = 1 << 20,     /* bytes that stay in the second-level cache */
    SMALL_BLOCK = 14,             /* tiles, where every block is a task: the rows that are fastest with
                                     512-bit vectors */
    LARGE_BLOCK = 64,             /* tiles, where the threads share a block */
    SHARED_STEP = 4,              /* tiles per task of a shared block's transforms */
    COLUMN_STEP = 6 * CPTK_PANEL, /* columns that go over the rows of a block together */
    /* Floats between planes.  Without them the elements that belong to one position often share one set of a
     * cache. */
    PLANE_GAP = 16,
};

typedef struct winograd_plan {
    int size;               /* a tile has size x size outputs */
    int planes;             /* (size + 2)^2 */
    int image_tiles, tiles; /* of one image, of the batch */
    int blocks;
    int block_tiles; /* most a block has */
    bool shared;     /* the threads share each block */
} winograd_plan;

typedef struct winograd_job {
    const cpt_conv_job *job;
    winograd_plan plan;
    float *scratch;          /* V and M of the shared block, or of one block for each thread */
    size_t v_plane, m_plane; /* floats from one plane to the next */
    int first, count;        /* tiles of the shared block */
} winograd_job;

/* Depends on sizes only. */
static winograd_plan plan_winograd(const cpt_conv *conv, int batch)
{
    const int size = cpt_conv_winograd_size(conv);
    winograd_plan p = {.size = size, .planes = (size + 2) * (size + 2)};
    const size_t weights = (size_t)p.planes * (size_t)conv->in_c * (size_t)conv->out_c * sizeof(float);
    p.image_tiles = cpt_conv_winograd_tiles(conv);
    p.tiles = p.image_tiles * batch;
    p.shared = weights > CACHED_WEIGHTS;
    p.blocks = cpt_ceil_div(p.tiles, p.shared ? LARGE_BLOCK : SMALL_BLOCK);
    p.block_tiles = cpt_ceil_div(p.tiles, p.blocks);
    return p;
}

/* Bytes of one block's V and M; 0 when the number does not fit. */
static size_t block_bytes(const winograd_plan *p, const cpt_conv *conv)
{
    size_t plane; /* floats of a plane of both */
    if (!cpt_mul((size_t)p->block_tiles, (size_t)conv->in_c + (size_t)conv->out_c, &plane) ||
        !cpt_add(plane, 2 * PLANE_GAP, &plane)) {
        return 0;
    }
    return cpt_buffer_bytes(plane, (size_t)p->planes);
}

size_t cpt_conv_winograd_scratch(const cpt_conv *conv, int batch, int threads)
{
    const winograd_plan p = plan_winograd(conv, batch);
    const size_t block = block_bytes(&p, conv);
    size_t all;
    if (block == 0 || !cpt_mul(block, p.shared ? 1 : (size_t)threads, &all)) return SIZE_MAX;
    return all;
}

typedef enum direction { MAP_TO_V, M_TO_MAP } direction;

/* Tiles first..first+count-1 from their maps to V or from M to their maps, image by image.  `planes` points
 * to the first of them in V or M. */
static void transform(const winograd_job *d, direction to, float *planes, int first, int count)
{
    const cpt_conv *conv = d->job->conv;
    const cpt_conv_run_args *args = d->job->args;
    const int c = to == M_TO_MAP ? conv->out_c : conv->in_c;
    const size_t pitch = to == M_TO_MAP ? cpt_conv_out_pitch(conv) : cpt_conv_in_pitch(conv);
    const size_t map_floats = (size_t)conv->in_h * (size_t)conv->in_w * pitch;
    while (count > 0) {
        const int image = first / d->plan.image_tiles, at = first % d->plan.image_tiles;
        const int n = cpt_min(count, d->plan.image_tiles - at);
        cptk_winograd w = {.plane = to == M_TO_MAP ? d->m_plane : d->v_plane,
                           .size = d->plan.size,
                           .h = conv->in_h,
                           .w = conv->in_w,
                           .c = c,
                           .pitch = (int)pitch,
                           .first = at,
                           .count = n,
                           .relu = conv->relu};
        if (to == M_TO_MAP) {
            w.in = planes;
            w.out = (float *)args->out + (size_t)image * map_floats;
            w.bias = conv->filters.bias;
            d->job->kernels->winograd_output_f32(&w);
        } else {
            w.in = (const float *)args->in + (size_t)image * map_floats;
            w.out = planes;
            d->job->kernels->winograd_input_f32(&w);
        }
        planes += (size_t)n * (size_t)c;
        first += n;
        count -= n;
    }
}

/* Plane e of M = plane e of V x plane e of the weights, for `count` tiles, at most LARGE_BLOCK. */
static void multiply(const winograd_job *d, const float *v, float *m, int e, int count)
{
    const cpt_conv *conv = d->job->conv;
    const size_t panel = (size_t)conv->in_c * CPTK_PANEL;
    const float *weight = conv->winograd.weight + (size_t)e * (size_t)cpt_conv_panels(conv) * panel;
    const float *rows[LARGE_BLOCK];
    cpt_tiles tiles = {
        .first =
            {.a = rows, .b_panel = panel, .c_stride = (size_t)conv->out_c, .taps = 1, .depth = conv->in_c},
        .rows = count,
        .tile_rows = d->job->kernels->tile_rows,
        .ahead = d->plan.shared ? CPT_AHEAD_WEIGHTS : CPT_AHEAD_AS_SET,
    };
    v += (size_t)e * d->v_plane;
    m += (size_t)e * d->m_plane;
    for (int r = 0; r < count; r++) rows[r] = v + (size_t)r * (size_t)conv->in_c;
    for (int column = 0; column < conv->out_c; column += COLUMN_STEP) {
        tiles.first.b = weight + (size_t)(column / CPTK_PANEL) * panel;
        tiles.first.c = m + column;
        tiles.first.n = cpt_min(COLUMN_STEP, conv->out_c - column);
        cpt_tiles_run(&tiles, d->job->kernels);
    }
}

/* M of a block whose V begins at `block`. */
static float *m_of(const winograd_job *d, float *block)
{
    return block + (size_t)d->plan.planes * d->v_plane;
}

/* All steps of a block, in the thread's own scratch. */
static void block_task(void *user, int index, int thread)
{
    const winograd_job *d = user;
    const size_t floats = block_bytes(&d->plan, d->job->conv) / sizeof(float);
    float *v = d->scratch + (size_t)thread * floats, *m = m_of(d, v);
    const int first = cpt_part(d->plan.tiles, d->plan.blocks, index);
    const int count = cpt_part(d->plan.tiles, d->plan.blocks, index + 1) - first;
    transform(d, MAP_TO_V, v, first, count);
    for (int e = 0; e < d->plan.planes; e++) multiply(d, v, m, e, count);
    transform(d, M_TO_MAP, m, first, count);
}

/* One task of a shared block's input or output transform. */
static void shared_transform(const winograd_job *d, direction to, int index)
{
    const cpt_conv *conv = d->job->conv;
    const int at = index * SHARED_STEP, count = cpt_min(SHARED_STEP, d->count - at);
    float *planes = to == M_TO_MAP ? m_of(d, d->scratch) + (size_t)at * (size_t)conv->out_c
                                   : d->scratch + (size_t)at * (size_t)conv->in_c;
    transform(d, to, planes, d->first + at, count);
}

static void input_task(void *user, int index, int thread)
{
    (void)thread;
    shared_transform(user, MAP_TO_V, index);
}

static void multiply_task(void *user, int e, int thread)
{
    const winograd_job *d = user;
    (void)thread;
    multiply(d, d->scratch, m_of(d, d->scratch), e, d->count);
}

static void output_task(void *user, int index, int thread)
{
    (void)thread;
    shared_transform(user, M_TO_MAP, index);
}

void cpt_conv_winograd_run(const cpt_conv_job *job)
{
    const cpt_conv *conv = job->conv;
    winograd_job d = {
        .job = job,
        .plan = plan_winograd(conv, job->args->batch),
        .scratch = job->args->scratch,
    };
    d.v_plane = (size_t)d.plan.block_tiles * (size_t)conv->in_c + PLANE_GAP;
    d.m_plane = (size_t)d.plan.block_tiles * (size_t)conv->out_c + PLANE_GAP;
    if (!d.plan.shared) {
        cpt_pool_run(job->pool, block_task, &d, d.plan.blocks);
        return;
    }
    for (int b = 0; b < d.plan.blocks; b++) {
        d.first = cpt_part(d.plan.tiles, d.plan.blocks, b);
        d.count = cpt_part(d.plan.tiles, d.plan.blocks, b + 1) - d.first;
        const int steps = cpt_ceil_div(d.count, SHARED_STEP);
        cpt_pool_run(job->pool, input_task, &d, steps);
        cpt_pool_run(job->pool, multiply_task, &d, d.plan.planes);
        cpt_pool_run(job->pool, output_task, &d, steps);
    }
}
