/* cells.c - see cells.h.  The derivatives follow from the formulas in kernels.h (cptk_gates) by the chain
 * rule, with sigmoid' = s (1 - s) and tanh' = 1 - t^2. */
#include "lib/explain/cells.h"

#include "lib/layers/parts.h"

/* ---- gates ---- */

/* x [n] = sigmoid(x) = (1 + tanh(x / 2)) / 2 */
static void sigmoid(float *x, int n, const cptk_kernels *kernels)
{
    for (int i = 0; i < n; i++) x[i] *= 0.5f;
    kernels->tanh_f32(x, n);
    for (int i = 0; i < n; i++) x[i] = 0.5f + 0.5f * x[i];
}

void cpt_gru_gates(const float *x, const float *h_in, int hidden, float *gates, const cptk_kernels *kernels)
{
    const size_t n = (size_t)hidden;
    float *r = gates, *new = gates + 2 * n, *inner = gates + 3 * n;
    for (size_t i = 0; i < 2 * n; i++) gates[i] = x[i] + h_in[i]; /* r and z */
    sigmoid(gates, 2 * hidden, kernels);
    for (size_t i = 0; i < n; i++) {
        inner[i] = h_in[2 * n + i];
        new[i] = x[2 * n + i] + r[i] * inner[i];
    }
    kernels->tanh_f32(new, hidden);
}

void cpt_lstm_gates(const float *x, const float *h_in, int hidden, float *gates, const cptk_kernels *kernels)
{
    const size_t n = (size_t)hidden;
    for (size_t i = 0; i < 4 * n; i++) gates[i] = x[i] + h_in[i];
    sigmoid(gates, 2 * hidden, kernels);
    kernels->tanh_f32(gates + 2 * n, hidden);
    sigmoid(gates + 3 * n, hidden, kernels);
}

/* ---- derivatives ----
 *
 * Each task takes some units of one panel of words. */

enum { UNITS = 128 };

/* The place of a task: units first..end-1 of a panel. */
typedef struct unit_range {
    size_t panel, first, end;
} unit_range;

static unit_range range_of(const cpt_cell_adjoint *args, int index)
{
    const int parts = cpt_ceil_div(args->hidden, UNITS);
    const int first = index % parts * UNITS;
    return (unit_range){.panel = (size_t)(index / parts),
                        .first = (size_t)first,
                        .end = (size_t)cpt_min(first + UNITS, args->hidden)};
}

static void run(const cpt_cell_adjoint *args, cpt_task task, cpt_pool *pool)
{
    cpt_pool_run(pool, task, (void *)(uintptr_t)args, args->panels * cpt_ceil_div(args->hidden, UNITS));
}

static void gru_task(void *user, int index, int thread)
{
    const cpt_cell_adjoint *args = user;
    const unit_range at = range_of(args, index);
    const size_t n = (size_t)args->hidden, gate = n * CPT_WORDS;
    const size_t state_panel = at.panel * cpt_columns_room(args->hidden) * CPT_WORDS;
    const size_t gate_panel = at.panel * cpt_columns_room(3 * args->hidden) * CPT_WORDS;
    (void)thread;
    for (size_t i = at.first; i < at.end; i++) {
        const float r = args->gates[i], z = args->gates[n + i], new = args->gates[2 * n + i],
                    inner = args->gates[3 * n + i], h = args->h[i];
        const float to_new = (1 - z) * (1 - new *new), to_z = (h - new) * z * (1 - z),
                    to_r = inner * r * (1 - r);
        float *dh = args->dh + state_panel + i * CPT_WORDS;
        float *dx = args->dx + gate_panel + i * CPT_WORDS;
        float *dh_in = args->dh_in + gate_panel + i * CPT_WORDS;
        for (int w = 0; w < CPT_WORDS; w++) {
            const float d_new = dh[w] * to_new, d_z = dh[w] * to_z, d_r = d_new * to_r;
            dx[w] = dh_in[w] = d_r;
            dx[gate + (size_t)w] = dh_in[gate + (size_t)w] = d_z;
            dx[2 * gate + (size_t)w] = d_new;
            dh_in[2 * gate + (size_t)w] = d_new * r;
            dh[w] *= z;
        }
    }
}

void cpt_gru_adjoint(const cpt_cell_adjoint *args, cpt_pool *pool)
{
    run(args, gru_task, pool);
}

static void lstm_task(void *user, int index, int thread)
{
    const cpt_cell_adjoint *args = user;
    const unit_range at = range_of(args, index);
    const size_t n = (size_t)args->hidden, gate = n * CPT_WORDS;
    const size_t state_panel = at.panel * cpt_columns_room(args->hidden) * CPT_WORDS;
    const size_t gate_panel = at.panel * cpt_columns_room(4 * args->hidden) * CPT_WORDS;
    (void)thread;
    float cell[UNITS]; /* tanh of the cells after the step */
    for (size_t i = at.first; i < at.end; i++) cell[i - at.first] = args->c_out[i];
    args->kernels->tanh_f32(cell, (int)(at.end - at.first));
    for (size_t i = at.first; i < at.end; i++) {
        const float in = args->gates[i], forget = args->gates[n + i], g = args->gates[2 * n + i],
                    out = args->gates[3 * n + i], t = cell[i - at.first];
        const float to_cell = out * (1 - t * t), to_in = g * in * (1 - in),
                    to_forget = args->c[i] * forget * (1 - forget), to_g = in * (1 - g * g),
                    to_out = t * out * (1 - out);
        float *dh = args->dh + state_panel + i * CPT_WORDS;
        float *dc = args->dc + state_panel + i * CPT_WORDS;
        float *dx = args->dx + gate_panel + i * CPT_WORDS;
        for (int w = 0; w < CPT_WORDS; w++) {
            const float d_cell = dc[w] + dh[w] * to_cell;
            dx[w] = d_cell * to_in;
            dx[gate + (size_t)w] = d_cell * to_forget;
            dx[2 * gate + (size_t)w] = d_cell * to_g;
            dx[3 * gate + (size_t)w] = dh[w] * to_out;
            dc[w] = d_cell * forget;
            dh[w] = 0;
        }
    }
}

void cpt_lstm_adjoint(const cpt_cell_adjoint *args, cpt_pool *pool)
{
    run(args, lstm_task, pool);
}
