/* step.c - attention (Bahdanau et al. 2014, Xu et al. 2015) and the recurrent cells (GRU: Cho et al. 2014;
 * LSTM: Hochreiter and Schmidhuber 1997).
 *
 * Two products do not change from step to step, so each image computes them once: W_enc f_p, and the product
 * of the input matrix's context columns with f_p.  The context is sum_p alpha_p f_p.  Its share of the gates
 * is therefore the sum over p of alpha_p times the second product: P terms instead of C. */
#include "lib/decoder/step.h"

#include <string.h>

#include "lib/layers/parts.h"

enum { REST_POSITIONS = 16 }; /* whose products with the rest of an int8 matrix are made at once */

/* ---- products ---- */

/* The rows of a product become hidden states: `rows` consecutive vectors of H floats, whose bytes go to
 * step->states_u8. */
static void set_states(cpt_step *step, const float *states, int rows)
{
    cpt_step_rows *set = &step->rows;
    const int n = step->decoder->hidden;
    const size_t bytes = cpt_quad_bytes(n);
    for (int r = 0; r < rows; r++) {
        set->f32[r] = states + (size_t)r * (size_t)n;
        if (!step->decoder->int8) continue;
        uint8_t *to = step->states_u8 + (size_t)r * bytes;
        cpt_quantise_row(set->f32[r], n, CPT_STATE_STEPS, CPT_STATE_ZERO, to, step->kernels);
        set->u8[r] = to;
    }
}

static void multiply(cpt_step *step, const cpt_linear *linear, int rows, float *out)
{
    const cpt_step_rows *set = &step->rows;
    if (cpt_linear_is_int8(linear)) {
        cpt_linear_rows_u8(linear, set->u8, rows, out, step->kernels, step->pool);
    } else {
        cpt_linear_rows(linear, set->f32, rows, out, step->kernels, step->pool);
    }
}

/* Elements from one position's features to the next. */
static size_t feature_pitch(const cpt_decoder *d)
{
    return (size_t)(d->int8 ? cpt_map_pitch_u8(d->channels) : cpt_map_pitch(d->channels));
}

/* Some positions of a map. */
typedef struct positions {
    int first, count;
} positions;

/* out [some.count, linear->out] = linear of the features of some positions that were taken. */
static void run_per_position(cpt_step *step, const cpt_linear *linear, positions some, float *out)
{
    const size_t element = step->decoder->int8 ? sizeof(uint8_t) : sizeof(float);
    const unsigned char *features = step->attention.features;
    const cpt_linear_map_args args = {.in = features +
                                            (size_t)some.first * feature_pitch(step->decoder) * element,
                                      .out = out,
                                      .positions = some.count,
                                      .scratch = step->attention.scratch};
    cpt_linear_map(linear, &args, step->kernels, step->pool);
}

/* gates [rows, G * H], the candidate's part, += rest [rows, H] */
static void add_to_candidate(const cpt_step *step, const float *rest, int rows, float *gates)
{
    const size_t hidden = (size_t)step->decoder->hidden, all = (size_t)step->decoder->gates * hidden;
    for (int r = 0; r < rows; r++, gates += all, rest += hidden) {
        float *candidate = gates + CPT_CANDIDATE * hidden;
        for (size_t i = 0; i < hidden; i++) candidate[i] += rest[i];
    }
}

/* hidden_gates = the recurrent product of states that are set. */
static void multiply_states(cpt_step *step, const cpt_gate_weights *weights, int rows)
{
    multiply(step, &weights->all, rows, step->hidden_gates);
    if (!weights->rest.quads) return;
    multiply(step, &weights->rest, rows, step->rest);
    add_to_candidate(step, step->rest, rows, step->hidden_gates);
}

/* context [P, G * H] = the share of the context in the gates of each position. */
static void multiply_positions(cpt_step *step, const cpt_gate_weights *weights, float *context)
{
    const size_t all = (size_t)step->decoder->gates * (size_t)step->decoder->hidden;
    positions some = {0, step->positions};
    run_per_position(step, &weights->all, some, context);
    if (!weights->rest.quads) return;
    for (; some.first < step->positions; some.first += some.count) {
        some.count = cpt_min(REST_POSITIONS, step->positions - some.first);
        run_per_position(step, &weights->rest, some, step->attention.rest);
        add_to_candidate(step, step->attention.rest, some.count, context + (size_t)some.first * all);
    }
}

/* Numbers of an image in attention.encoded, and in attention.context. */
static size_t encoded_size(const cpt_step *step)
{
    return (size_t)step->positions * (size_t)step->decoder->attention;
}

static size_t context_size(const cpt_step *step)
{
    return (size_t)step->positions * (size_t)step->decoder->gates * (size_t)step->decoder->hidden;
}

/* ---- memory ---- */

/* What a product of all positions, or of fewer of them, needs. */
static size_t map_scratch(const cpt_step *step, const cpt_linear *linear, int threads)
{
    return linear->out > 0 ? cpt_linear_map_scratch(linear, step->positions, threads, step->kernels) : 0;
}

/* What only cpt_step_begin needs. */
static void plan_begin(cpt_step *step, cpt_arena *arena, int threads)
{
    const cpt_decoder *d = step->decoder;
    cpt_attention *a = &step->attention;
    const size_t pitch = feature_pitch(d), element = d->int8 ? sizeof(uint8_t) : sizeof(float);
    size_t scratch = map_scratch(step, &d->enc, threads);
    scratch = cpt_max_size(scratch, map_scratch(step, &d->context.all, threads));
    scratch = cpt_max_size(scratch, map_scratch(step, &d->context.rest, threads));
    a->features = cpt_arena_take(arena, (size_t)step->positions * pitch, element);
    a->mean = cpt_arena_take(arena, (size_t)d->channels, sizeof *a->mean);
    if (d->int8) {
        a->mean_u8 = cpt_arena_take(arena, cpt_quad_bytes(d->channels), 1);
        a->rest = cpt_arena_take(arena, REST_POSITIONS * (size_t)d->hidden, sizeof *a->rest);
    }
    a->scratch = cpt_arena_take(arena, scratch, 1);
}

size_t cpt_step_plan(cpt_step *step, cpt_arena *arena, int threads)
{
    const cpt_decoder *d = step->decoder;
    cpt_attention *a = &step->attention;
    const size_t rows = (size_t)step->max_rows, gates = (size_t)d->gates * (size_t)d->hidden;
    const size_t state = (size_t)d->layers * rows * (size_t)d->hidden, images = (size_t)step->max_images;
    const bool attention = d->kind == CAPTION_KIND_ATTENTION;
    step->h = cpt_arena_take(arena, state, sizeof *step->h);
    if (d->rnn == CAPTION_RNN_LSTM) step->c = cpt_arena_take(arena, state, sizeof *step->c);
    if (attention) {
        a->encoded = cpt_arena_take(arena, images * encoded_size(step), sizeof *a->encoded);
        a->context = cpt_arena_take(arena, images * context_size(step), sizeof *a->context);
    }
    const size_t shared = arena->used;
    if (attention) plan_begin(step, arena, threads);
    const size_t begin_end = arena->used;
    arena->used = shared;
    if (attention) {
        a->query = cpt_arena_take(arena, rows * (size_t)d->attention, sizeof *a->query);
        a->alpha = cpt_arena_take(arena, rows * (size_t)step->positions, sizeof *a->alpha);
    }
    step->h_next = cpt_arena_take(arena, state, sizeof *step->h_next);
    if (d->rnn == CAPTION_RNN_LSTM) {
        step->c_next = cpt_arena_take(arena, state, sizeof *step->c_next);
    }
    step->input_gates = cpt_arena_take(arena, rows * gates, sizeof *step->input_gates);
    step->hidden_gates = cpt_arena_take(arena, rows * gates, sizeof *step->hidden_gates);
    step->inputs = cpt_arena_take(arena, rows, sizeof *step->inputs);
    step->rows.f32 = cpt_arena_take(arena, rows, sizeof *step->rows.f32);
    if (d->int8) {
        step->rows.u8 = cpt_arena_take(arena, rows, sizeof *step->rows.u8);
        step->inputs_u8 = cpt_arena_take(arena, rows, cpt_quad_bytes(d->embed));
        step->states_u8 = cpt_arena_take(arena, rows, cpt_quad_bytes(d->hidden));
        step->rest = cpt_arena_take(arena, rows * (size_t)d->hidden, sizeof *step->rest);
    }
    return begin_end;
}

/* ---- the start of an image ---- */

/* state [H] = tanh(linear(mean of the features)) */
static void init_state(cpt_step *step, const cpt_linear *linear, float *state)
{
    const cpt_attention *a = &step->attention;
    cpt_linear_positive(linear, a->mean, a->mean_u8, state, step->kernels, step->pool);
    step->kernels->tanh_f32(state, linear->out);
}

/* Copies the features [P, C] to where products read them, an int8 decoder's as bytes.  Features of an int8
 * encoder become the bytes that they were. */
static void take_features(cpt_step *step, const float *features)
{
    const cpt_decoder *d = step->decoder;
    const size_t channels = (size_t)d->channels, pitch = feature_pitch(d);
    float *floats = step->attention.features;
    uint8_t *bytes = step->attention.features;
    for (int p = 0; p < step->positions; p++, features += channels) {
        if (d->int8) {
            cpt_quantise_row(features, d->channels, 1 / d->features.scale, 0, bytes, step->kernels);
            bytes += pitch;
        } else {
            memcpy(floats, features, channels * sizeof *floats);
            floats += pitch;
        }
    }
}

static void begin_attention(cpt_step *step, int image, const float *features)
{
    const cpt_decoder *d = step->decoder;
    const cpt_attention *a = &step->attention;
    const size_t row = (size_t)image * (size_t)d->hidden;
    take_features(step, features);
    run_per_position(step, &d->enc, (positions){0, step->positions},
                     a->encoded + (size_t)image * encoded_size(step));
    multiply_positions(step, &d->context, a->context + (size_t)image * context_size(step));
    step->kernels->mean_rows_f32(features, a->mean, step->positions, d->channels);
    init_state(step, &d->init_h, step->h + row);
    if (step->c) init_state(step, &d->init_c, step->c + row);
}

void cpt_step_begin(cpt_step *step, int image, const float *features)
{
    const cpt_decoder *d = step->decoder;
    const size_t hidden = (size_t)d->hidden;
    for (int layer = 0; layer < d->layers; layer++) {
        const size_t row = ((size_t)layer * (size_t)step->max_rows + (size_t)image) * hidden;
        memset(step->h + row, 0, hidden * sizeof *step->h);
        if (step->c) memset(step->c + row, 0, hidden * sizeof *step->c);
    }
    if (d->kind == CAPTION_KIND_ATTENTION) begin_attention(step, image, features);
}

/* ---- a step ---- */

void cpt_step_set_vector(cpt_step *step, int row, const float *x)
{
    const cpt_decoder *d = step->decoder;
    step->inputs[row] = x;
    if (d->int8) {
        cpt_quantise_row(x, d->embed, 1 / d->embedding_range.scale, (float)d->embedding_range.zero_point,
                         step->inputs_u8 + (size_t)row * cpt_quad_bytes(d->embed), step->kernels);
    }
}

void cpt_step_set_word(cpt_step *step, int row, int word)
{
    const cpt_decoder *d = step->decoder;
    const size_t n = (size_t)d->embed, at = (size_t)word * n;
    if (d->int8) {
        uint8_t *to = step->inputs_u8 + (size_t)row * cpt_quad_bytes(d->embed);
        memcpy(to, d->embedding_u8 + at, n);
        memset(to + n, 0, cpt_quad_bytes(d->embed) - n);
    } else {
        step->inputs[row] = d->embedding + at;
    }
}

enum { CONTEXT_COLUMNS = 256 }; /* of one task */

typedef struct attention_job {
    const cpt_step *step;
    const cpt_rows *rows;
} attention_job;

/* For each image, input_gates [rows, G * H] += alpha [rows, P] * context [P, G * H], some columns of it. */
static void add_context(void *user, int index, int thread)
{
    const attention_job *job = user;
    const cpt_step *step = job->step;
    const int all = step->decoder->gates * step->decoder->hidden, column = index * CONTEXT_COLUMNS;
    (void)thread;
    for (int image = 0; image < job->rows->images; image++) {
        const size_t first = (size_t)job->rows->first[image];
        const cptk_weighted_rows args = {.weight = step->attention.alpha + first * (size_t)step->positions,
                                         .in = step->attention.context + (size_t)image * context_size(step) +
                                               column,
                                         .out = step->input_gates + first * (size_t)all + column,
                                         .stride = (size_t)all,
                                         .rows = cpt_rows_of(job->rows, image),
                                         .terms = step->positions,
                                         .n = cpt_min(CONTEXT_COLUMNS, all - column)};
        if (args.rows > 0) step->kernels->weighted_rows_f32(&args);
    }
}

/* The attention weights of one row, whose query is known. */
static void attend_row(void *user, int row, int thread)
{
    const attention_job *job = user;
    const cpt_step *step = job->step;
    const cpt_decoder *d = step->decoder;
    const cpt_attention *a = &step->attention;
    const size_t image = (size_t)cpt_rows_image(job->rows, row);
    const cptk_attention args = {.enc = a->encoded + image * encoded_size(step),
                                 .dec = a->query + (size_t)row * (size_t)d->attention,
                                 .v = d->v,
                                 .bias = d->v_bias,
                                 .alpha = a->alpha + (size_t)row * (size_t)step->positions,
                                 .positions = step->positions,
                                 .n = d->attention};
    (void)thread;
    step->kernels->attention_f32(&args);
}

/* alpha [rows, P] from the hidden states before the step, and what they add to the gates. */
static void attend(cpt_step *step, const cpt_rows *rows)
{
    const cpt_decoder *d = step->decoder;
    attention_job job = {step, rows};
    multiply(step, &d->dec, cpt_rows_all(rows), step->attention.query);
    cpt_pool_run(step->pool, attend_row, &job, cpt_rows_all(rows));
    cpt_pool_run(step->pool, add_context, &job, cpt_ceil_div(d->gates * d->hidden, CONTEXT_COLUMNS));
}

/* The rows that the first recurrent layer reads. */
static void set_inputs(cpt_step *step, int rows)
{
    const size_t bytes = cpt_quad_bytes(step->decoder->embed);
    for (int r = 0; r < rows; r++) {
        step->rows.f32[r] = step->inputs[r];
        if (step->inputs_u8) step->rows.u8[r] = step->inputs_u8 + (size_t)r * bytes;
    }
}

void cpt_step_run(cpt_step *step, const cpt_rows *all)
{
    const cpt_decoder *d = step->decoder;
    const int rows = cpt_rows_all(all);
    for (int layer = 0; layer < d->layers; layer++) {
        const cpt_rnn_layer *l = &d->rnn_layers[layer];
        const size_t layer_floats = (size_t)step->max_rows * (size_t)d->hidden;
        const size_t at = (size_t)layer * layer_floats;
        cptk_gates gates = {.x = step->input_gates,
                            .h_in = step->hidden_gates,
                            .h = step->h + at,
                            .h_out = step->h_next + at,
                            .rows = rows,
                            .n = d->hidden};
        if (layer == 0) {
            set_inputs(step, rows);
        } else {
            set_states(step, gates.h_out - layer_floats, rows); /* the layer below, after this step */
        }
        multiply(step, &l->input, rows, step->input_gates);
        set_states(step, gates.h, rows);
        if (d->kind == CAPTION_KIND_ATTENTION) attend(step, all);
        multiply_states(step, &l->hidden, rows);
        if (d->rnn == CAPTION_RNN_LSTM) {
            gates.c = step->c + at;
            gates.c_out = step->c_next + at;
            step->kernels->lstm_f32(&gates);
        } else {
            step->kernels->gru_f32(&gates);
        }
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
