/* step.c - attention (Bahdanau et al. 2014, Xu et al. 2015) and the recurrent cells (GRU: Cho et al. 2014;
 * LSTM: Hochreiter and Schmidhuber 1997).
 *
 * Two products do not change from step to step, so each image computes them once: W_enc f_p, and the product
 * of the input matrix's context columns with f_p.  The context is sum_p alpha_p f_p.  Its share of the gates
 * is therefore the sum over p of alpha_p times the second product: P terms instead of C. */
#include "lib/decoder/step.h"

#include <string.h>

/* out [P, linear->out] = linear of each of the image's features. */
static void run_per_position(cpt_step *step, const cpt_linear *linear, float *out)
{
    const cpt_linear_map_args args = {.in = step->attention.features,
                                      .out = out,
                                      .positions = step->positions,
                                      .scratch = step->attention.scratch};
    cpt_linear_map(linear, &args, step->kernels, step->pool);
}

/* ---- memory ---- */

static void plan_attention(cpt_step *step, cpt_arena *arena, int threads)
{
    const cpt_decoder *d = step->decoder;
    cpt_attention *a = &step->attention;
    const size_t rows = (size_t)step->max_rows, positions = (size_t)step->positions;
    const size_t gates = (size_t)d->gates * (size_t)d->hidden, pitch = (size_t)cpt_map_pitch(d->channels);
    const size_t enc_scratch = cpt_linear_map_scratch(&d->enc, step->positions, threads, step->kernels);
    const size_t context_scratch =
        cpt_linear_map_scratch(&d->context, step->positions, threads, step->kernels);
    a->features = cpt_arena_take(arena, positions * pitch, sizeof *a->features);
    a->encoded = cpt_arena_take(arena, positions * (size_t)d->attention, sizeof *a->encoded);
    a->context = cpt_arena_take(arena, positions * gates, sizeof *a->context);
    a->mean = cpt_arena_take(arena, (size_t)d->channels, sizeof *a->mean);
    a->query = cpt_arena_take(arena, rows * (size_t)d->attention, sizeof *a->query);
    a->alpha = cpt_arena_take(arena, rows * positions, sizeof *a->alpha);
    a->scratch = cpt_arena_take(arena, enc_scratch > context_scratch ? enc_scratch : context_scratch, 1);
}

void cpt_step_plan(cpt_step *step, cpt_arena *arena, int max_rows, int threads)
{
    const cpt_decoder *d = step->decoder;
    const size_t rows = (size_t)max_rows, gates = (size_t)d->gates * (size_t)d->hidden;
    const size_t state = (size_t)d->layers * rows * (size_t)d->hidden;
    step->max_rows = max_rows;
    if (d->kind == CAPTION_KIND_ATTENTION) plan_attention(step, arena, threads);
    step->h = cpt_arena_take(arena, state, sizeof *step->h);
    step->h_next = cpt_arena_take(arena, state, sizeof *step->h_next);
    if (d->rnn == CAPTION_RNN_LSTM) {
        step->c = cpt_arena_take(arena, state, sizeof *step->c);
        step->c_next = cpt_arena_take(arena, state, sizeof *step->c_next);
    }
    step->input_gates = cpt_arena_take(arena, rows * gates, sizeof *step->input_gates);
    step->hidden_gates = cpt_arena_take(arena, rows * gates, sizeof *step->hidden_gates);
}

/* ---- the start of an image ---- */

/* state [H] = tanh(linear(mean of the features)) */
static void init_state(cpt_step *step, const cpt_linear *linear, float *state)
{
    const float *mean = step->attention.mean;
    cpt_linear_rows(linear, &mean, 1, state, step->kernels, step->pool);
    step->kernels->tanh_f32(state, linear->out);
}

static void begin_attention(cpt_step *step, const float *features)
{
    const cpt_decoder *d = step->decoder;
    cpt_attention *a = &step->attention;
    const size_t positions = (size_t)step->positions;
    const size_t channels = (size_t)d->channels, pitch = (size_t)cpt_map_pitch(d->channels);
    for (size_t p = 0; p < positions; p++) {
        memcpy(a->features + p * pitch, features + p * channels, channels * sizeof *features);
    }
    run_per_position(step, &d->enc, a->encoded);
    run_per_position(step, &d->context, a->context);
    step->kernels->mean_rows_f32(features, a->mean, step->positions, d->channels);
    init_state(step, &d->init_h, step->h);
    if (step->c) init_state(step, &d->init_c, step->c);
}

void cpt_step_begin(cpt_step *step, const float *features)
{
    const cpt_decoder *d = step->decoder;
    const size_t hidden = (size_t)d->hidden, layer_floats = (size_t)step->max_rows * hidden;
    for (int layer = 0; layer < d->layers; layer++) {
        const size_t row = (size_t)layer * layer_floats;
        memset(step->h + row, 0, hidden * sizeof *step->h);
        if (step->c) memset(step->c + row, 0, hidden * sizeof *step->c);
    }
    if (d->kind == CAPTION_KIND_ATTENTION) begin_attention(step, features);
}

/* ---- a step ---- */

/* Pointers to `rows` consecutive vectors of n floats. */
static void row_pointers(const float **pointers, const float *x, int rows, int n)
{
    for (int r = 0; r < rows; r++) pointers[r] = x + (size_t)r * (size_t)n;
}

/* input_gates [rows, G * H] += alpha [rows, P] * context [P, G * H] */
static void add_context(cpt_step *step, int rows)
{
    const cptk_weighted_rows args = {.weight = step->attention.alpha,
                                     .in = step->attention.context,
                                     .out = step->input_gates,
                                     .rows = rows,
                                     .terms = step->positions,
                                     .n = step->decoder->gates * step->decoder->hidden};
    step->kernels->weighted_rows_f32(&args);
}

/* alpha [rows, P] from the hidden states h[r] [H] before the step. */
static void attend(cpt_step *step, const float *const *h, int rows)
{
    const cpt_decoder *d = step->decoder;
    const cpt_attention *a = &step->attention;
    cpt_linear_rows(&d->dec, h, rows, a->query, step->kernels, step->pool);
    for (int r = 0; r < rows; r++) {
        const cptk_attention args = {.enc = a->encoded,
                                     .dec = a->query + (size_t)r * (size_t)d->attention,
                                     .v = d->v,
                                     .bias = d->v_bias,
                                     .alpha = a->alpha + (size_t)r * (size_t)step->positions,
                                     .positions = step->positions,
                                     .n = d->attention};
        step->kernels->attention_f32(&args);
    }
}

void cpt_step_run(cpt_step *step, const float *const *x, int rows)
{
    const cpt_decoder *d = step->decoder;
    const float *below[CPT_MAX_BEAMS]; /* the rows of the layer before */
    for (int layer = 0; layer < d->layers; layer++) {
        const cpt_rnn_layer *l = &d->rnn_layers[layer];
        const size_t at = (size_t)layer * (size_t)step->max_rows * (size_t)d->hidden;
        cptk_gates gates = {.x = step->input_gates,
                            .h_in = step->hidden_gates,
                            .h = step->h + at,
                            .h_out = step->h_next + at,
                            .rows = rows,
                            .n = d->hidden};
        const float *h[CPT_MAX_BEAMS];
        row_pointers(h, step->h + at, rows, d->hidden);
        cpt_linear_rows(&l->input, layer == 0 ? x : below, rows, step->input_gates, step->kernels,
                        step->pool);
        if (d->kind == CAPTION_KIND_ATTENTION) {
            attend(step, h, rows);
            add_context(step, rows);
        }
        cpt_linear_rows(&l->hidden, h, rows, step->hidden_gates, step->kernels, step->pool);
        if (d->rnn == CAPTION_RNN_LSTM) {
            gates.c = step->c + at;
            gates.c_out = step->c_next + at;
            step->kernels->lstm_f32(&gates);
        } else {
            step->kernels->gru_f32(&gates);
        }
        row_pointers(below, gates.h_out, rows, d->hidden);
    }
}

const float *cpt_step_output(const cpt_step *step, int row)
{
    const size_t last = (size_t)(step->decoder->layers - 1), rows = (size_t)step->max_rows;
    return step->h_next + (last * rows + (size_t)row) * (size_t)step->decoder->hidden;
}

/* ---- between steps ---- */

/* to[r] = from[parents[r]], vectors of n floats */
static void gather(float *to, const float *from, const int *parents, int rows, size_t n)
{
    for (int r = 0; r < rows; r++) {
        memcpy(to + (size_t)r * n, from + (size_t)parents[r] * n, n * sizeof *to);
    }
}

void cpt_step_select(cpt_step *step, const int *parents, int rows)
{
    const size_t hidden = (size_t)step->decoder->hidden, layer_floats = (size_t)step->max_rows * hidden;
    for (int layer = 0; layer < step->decoder->layers; layer++) {
        const size_t at = (size_t)layer * layer_floats;
        gather(step->h + at, step->h_next + at, parents, rows, hidden);
        if (step->c) gather(step->c + at, step->c_next + at, parents, rows, hidden);
    }
}
