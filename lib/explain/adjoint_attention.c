/* adjoint_attention.c - attention, differentiated.
 *
 * Forwards: score_p = v tanh(W_enc f_p + q) + b, alpha = softmax(score), and the gates get sum_p alpha_p g_p,
 * where g_p is the share of position p that the image's products hold.  Backwards, for each word:
 *
 *     dalpha_p = g_p dx
 *     dscore_p = alpha_p (dalpha_p - sum_k alpha_k dalpha_k)
 *     dq_a = sum_p dscore_p v_a (1 - tanh^2(W_enc f_p + q)_a)
 *     dh += W_dec^T dq */
#include "lib/explain/adjoint.h"
#include "lib/layers/parts.h"

typedef struct attention_job {
    const cpt_adjoint *adjoint;
    int t;
} attention_job;

/* tanh [A] of one position, and its column of slopes. */
static void slope_task(void *user, int p, int thread)
{
    const attention_job *job = user;
    const cpt_adjoint *a = job->adjoint;
    const cpt_decoder *d = a->trace->decoder;
    const size_t n = (size_t)d->attention, positions = (size_t)a->trace->info->positions;
    const float *encoded = a->trace->step.attention.encoded + (size_t)p * n;
    const float *query = a->queries + (size_t)job->t * n;
    float *tanh = a->tanh + (size_t)p * n, *slopes = a->slopes + p;
    (void)thread;
    for (size_t i = 0; i < n; i++) tanh[i] = encoded[i] + query[i];
    a->kernels->tanh_f32(tanh, d->attention);
    for (size_t i = 0; i < n; i++) slopes[i * positions] = d->v[i] * (1 - tanh[i] * tanh[i]);
}

/* dscore in place of dalpha [P, 16]. */
static void through_softmax(const float *alpha, float *dalpha, int positions)
{
    float sum[CPT_WORDS] = {0};
    for (int p = 0; p < positions; p++) {
        for (int w = 0; w < CPT_WORDS; w++) sum[w] += alpha[p] * dalpha[p * CPT_WORDS + w];
    }
    for (int p = 0; p < positions; p++) {
        float *d = dalpha + (size_t)p * CPT_WORDS;
        for (int w = 0; w < CPT_WORDS; w++) d[w] = alpha[p] * (d[w] - sum[w]);
    }
}

/* sum [count] += x */
static void add_to(float *sum, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) sum[i] += x[i];
}

void cpt_adjoint_attention(cpt_adjoint *a, int t, int panels)
{
    const cpt_trace *trace = a->trace;
    const cpt_decoder *d = trace->decoder;
    const int positions = trace->info->positions, gates = d->gates * d->hidden;
    const size_t gate_panel = cpt_columns_room(gates) * CPT_WORDS,
                 query_panel = cpt_columns_room(d->attention) * CPT_WORDS,
                 alpha_panel = cpt_columns_room(a->map_positions) * CPT_WORDS;
    attention_job job = {a, t};
    cpt_pool_run(a->pool, slope_task, &job, positions);

    const cpt_row_matrix shares = {trace->step.attention.context, (size_t)gates, positions, gates};
    const cpt_columns to_alpha = {
        .in = a->dx, .out = a->dalpha, .in_panel = gate_panel, .out_panel = alpha_panel, .panels = panels};
    cpt_columns_multiply(&shares, &to_alpha, a->kernels, a->pool);
    for (int panel = 0; panel < panels; panel++) {
        through_softmax(trace->alpha + (size_t)t * (size_t)positions, a->dalpha + (size_t)panel * alpha_panel,
                        positions);
    }
    const cpt_row_matrix slopes = {a->slopes, (size_t)positions, d->attention, positions};
    const cpt_columns to_query = {.in = a->dalpha,
                                  .out = a->dquery,
                                  .in_panel = alpha_panel,
                                  .out_panel = query_panel,
                                  .panels = panels};
    cpt_columns_multiply(&slopes, &to_query, a->kernels, a->pool);
    const cpt_back back = {.in = a->dquery, .out = a->dh, .panels = panels, .add = true};
    cpt_adjoint_back(a, &d->dec, &back);
    add_to(a->sum_dx, a->dx, (size_t)panels * gate_panel);
    add_to(a->sum_dquery, a->dquery, (size_t)panels * query_panel);
}
