/* columns.c - see columns.h. */
#include "lib/explain/columns.h"

#include "lib/layers/parts.h"

enum {
    CHUNK = 64, /* rows of the result in one task; a panel of weights has 4 KiB for them */
    TAPS = 32,  /* panels of weights that one tile takes */
};

typedef struct columns_job {
    const cpt_linear *linear;
    const cpt_row_matrix *matrix;
    const cpt_columns *columns;
    const cptk_kernels *kernels;
} columns_job;

/* One tile for every panel of words.  tile->b and tile->c are those of the first panel. */
static void run_panels(const columns_job *job, cptk_tile tile, bool add)
{
    for (int panel = 0; panel < job->columns->panels; panel++) {
        tile.add = add ? tile.c : NULL;
        job->kernels->tile_f32(&tile);
        tile.b += job->columns->in_panel;
        tile.c += job->columns->out_panel;
    }
}

/* ---- transposed weights ----
 *
 * Output o of the layer is in panel t = o / 16 of its weights, where row k holds W[16 t..16 t + 15][k].  The
 * result's row k is the sum over t of that row times rows 16 t..16 t + 15 of `in`: a tile with taps t. */

static void transposed_task(void *user, int index, int thread)
{
    const columns_job *job = user;
    const cpt_linear *l = job->linear;
    const int first = index * CHUNK, end = cpt_min(first + CHUNK, l->in);
    const int panels = cpt_ceil_div(l->out, CPTK_PANEL), most = job->kernels->tile_rows;
    const float *a[TAPS * CPTK_MAX_ROWS];
    (void)thread;
    for (int panel = 0; panel < panels; panel += TAPS) {
        const int taps = cpt_min(TAPS, panels - panel);
        for (int at = first; at < end; at += most) {
            const int rows = cpt_min(most, end - at);
            for (int t = 0; t < taps; t++) {
                const float *row =
                    l->weight + ((size_t)(panel + t) * (size_t)l->in + (size_t)at) * CPTK_PANEL;
                for (int m = 0; m < rows; m++) a[t * rows + m] = row + (size_t)m * CPTK_PANEL;
            }
            const cptk_tile tile = {.a = a,
                                    .b = job->columns->in + (size_t)panel * CPTK_PANEL * CPT_WORDS,
                                    .b_panel = (size_t)taps * CPTK_PANEL * CPT_WORDS,
                                    .c = job->columns->out + (size_t)at * CPT_WORDS,
                                    .add_stride = CPT_WORDS,
                                    .c_stride = CPT_WORDS,
                                    .rows = rows,
                                    .taps = taps,
                                    .depth = CPTK_PANEL,
                                    .n = CPT_WORDS};
            run_panels(job, tile, job->columns->add || panel > 0);
        }
    }
}

void cpt_columns_transposed(const cpt_linear *linear, const cpt_columns *columns, const cptk_kernels *kernels,
                            cpt_pool *pool)
{
    columns_job job = {.linear = linear, .columns = columns, .kernels = kernels};
    cpt_pool_run(pool, transposed_task, &job, cpt_ceil_div(linear->in, CHUNK));
}

/* ---- rows ---- */

static void multiply_task(void *user, int index, int thread)
{
    const columns_job *job = user;
    const cpt_row_matrix *m = job->matrix;
    const int first = index * job->kernels->tile_rows;
    const float *a[CPTK_MAX_ROWS];
    cptk_tile tile = {.a = a,
                      .b = job->columns->in,
                      .b_panel = (size_t)m->depth * CPT_WORDS,
                      .c = job->columns->out + (size_t)first * CPT_WORDS,
                      .add_stride = CPT_WORDS,
                      .c_stride = CPT_WORDS,
                      .rows = cpt_min(job->kernels->tile_rows, m->rows - first),
                      .taps = 1,
                      .depth = m->depth,
                      .n = CPT_WORDS};
    (void)thread;
    for (int r = 0; r < tile.rows; r++) a[r] = m->values + (size_t)(first + r) * m->pitch;
    run_panels(job, tile, job->columns->add);
}

void cpt_columns_multiply(const cpt_row_matrix *matrix, const cpt_columns *columns,
                          const cptk_kernels *kernels, cpt_pool *pool)
{
    columns_job job = {.matrix = matrix, .columns = columns, .kernels = kernels};
    cpt_pool_run(pool, multiply_task, &job, cpt_ceil_div(matrix->rows, kernels->tile_rows));
}
