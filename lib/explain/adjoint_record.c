/* adjoint_record.c - the gates and queries of all steps, which follow from the states: for 16 steps at a
 * time, so that each weight is read once for all of them. */
#include <string.h>

#include "lib/explain/adjoint.h"
#include "lib/explain/cells.h"
#include "lib/layers/parts.h"

/* The states [H] of a layer before step t. */
static const float *state_before(const cpt_trace *trace, int t, int layer)
{
    const size_t hidden = (size_t)trace->decoder->hidden, layers = (size_t)trace->decoder->layers;
    return trace->h + ((size_t)t * layers + (size_t)layer) * hidden;
}

/* What a layer reads at step t. */
static const float *input_of(const cpt_trace *trace, const cpt_told *told, int t, int layer)
{
    const cpt_decoder *d = trace->decoder;
    if (layer > 0) return state_before(trace, t + 1, layer - 1);
    if (t == 0 && d->kind == CAPTION_KIND_BASELINE) return told->features;
    return d->embedding + (size_t)(t == 0 ? trace->info->start : told->ids[t - 1]) * (size_t)d->embed;
}

/* Steps first..first+count-1, at most CPT_TRACE_ROWS. */
typedef struct step_range {
    int first, count;
} step_range;

/* x_gates and h_gates [count, G * H] of a layer. */
static void multiply(cpt_adjoint *a, const cpt_told *told, const step_range *steps, int layer)
{
    const cpt_trace *trace = a->trace;
    const cpt_decoder *d = trace->decoder;
    const float *x[CPT_TRACE_ROWS], *h[CPT_TRACE_ROWS];
    for (int r = 0; r < steps->count; r++) {
        x[r] = input_of(trace, told, steps->first + r, layer);
        h[r] = state_before(trace, steps->first + r, layer);
    }
    cpt_linear_rows(&d->rnn_layers[layer].input, x, steps->count, a->x_gates, a->kernels, a->pool);
    cpt_linear_rows(&d->rnn_layers[layer].hidden.all, h, steps->count, a->h_gates, a->kernels, a->pool);
    if (d->kind != CAPTION_KIND_ATTENTION) return;
    const size_t attention = (size_t)d->attention, positions = (size_t)trace->info->positions;
    const int gates = d->gates * d->hidden;
    const cptk_weighted_rows context = {.weight = trace->alpha + (size_t)steps->first * positions,
                                        .in = trace->step.attention.context,
                                        .out = a->x_gates,
                                        .stride = (size_t)gates,
                                        .rows = steps->count,
                                        .terms = trace->info->positions,
                                        .n = gates};
    a->kernels->weighted_rows_f32(&context);
    cpt_linear_rows(&d->dec, h, steps->count, a->queries + (size_t)steps->first * attention, a->kernels,
                    a->pool);
}

void cpt_adjoint_record(cpt_adjoint *a, const cpt_told *told)
{
    const cpt_decoder *d = a->trace->decoder;
    const size_t hidden = (size_t)d->hidden, gates = (size_t)d->gates * hidden;
    for (int layer = 0; layer < d->layers; layer++) {
        step_range steps = {.first = 0};
        for (; steps.first < told->length; steps.first += CPT_TRACE_ROWS) {
            steps.count = cpt_min(CPT_TRACE_ROWS, told->length - steps.first);
            multiply(a, told, &steps, layer);
            for (int r = 0; r < steps.count; r++) {
                const float *x = a->x_gates + (size_t)r * gates, *h = a->h_gates + (size_t)r * gates;
                const size_t at = (size_t)(steps.first + r) * (size_t)d->layers + (size_t)layer;
                float *to = a->gates + at * CPT_GATE_ROWS * hidden;
                if (d->rnn == CAPTION_RNN_LSTM) {
                    cpt_lstm_gates(x, h, d->hidden, to, a->kernels);
                } else {
                    cpt_gru_gates(x, h, d->hidden, to, a->kernels);
                }
            }
        }
    }
}
