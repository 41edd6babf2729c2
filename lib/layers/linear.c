/* linear.c - a Linear layer for a few rows: each weight is read once for all rows.  Called by decoder.c,
 * session.c. */
#include "lib/layers/linear.h"

enum {
    CHUNK = 512,    /* output columns of one job: 2 MB of weights at 1024 inputs */
    SOON = 32 << 10 /* bytes between the weights that are read and those that are asked for */
};

typedef struct linear_job {
    const cpt_linear *linear;
    const float *const *x; /* [rows] pointers to [in] */
    const float *add;      /* [rows, out] or NULL */
    float *out;            /* [rows, out] */
    int rows;
    const cptk_kernels *kernels;
} linear_job;

static void linear_chunk(void *user, int index, int thread)
{
    const linear_job *job = user;
    const cpt_linear *l = job->linear;
    const int first = index * CHUNK;
    const size_t out = (size_t)l->out, panel = (size_t)l->in * CPTK_PANEL;
    cptk_tile tile = {0};
    (void)thread;
    tile.b = l->weight + (size_t)(first / CPTK_PANEL) * panel;
    tile.b_panel = panel;
    tile.b_step = CPTK_PANEL;
    tile.soon = (uintptr_t)tile.b + SOON;
    tile.soon_step = CPTK_PANEL * (int)sizeof(float);
    tile.bias = l->bias ? l->bias + first : NULL;
    tile.add_stride = tile.c_stride = out;
    tile.taps = 1;
    tile.depth = l->in;
    tile.n = l->out - first < CHUNK ? l->out - first : CHUNK;
    for (int r = 0; r < job->rows; r += CPTK_MAX_ROWS) {
        tile.rows = job->rows - r < CPTK_MAX_ROWS ? job->rows - r : CPTK_MAX_ROWS;
        tile.a = job->x + r;
        tile.c = job->out + (size_t)r * out + first;
        tile.add = job->add ? job->add + (size_t)r * out + first : NULL;
        job->kernels->tile(&tile);
    }
}

void cpt_linear_rows(const cpt_linear *linear, const float *const *x, int rows, float *out, const float *add,
                     const cptk_kernels *kernels, cpt_pool *pool)
{
    linear_job job = {linear, x, add, out, rows, kernels};
    cpt_pool_run(pool, linear_chunk, &job, (linear->out + CHUNK - 1) / CHUNK);
}
