/* decoder.c - attention and recurrent cell for all beams of a step (SPEC: sections 3 and
 * 4 of the published system; Bahdanau et al. 2014, Xu et al. 2015, Cho et al. 2014).  Called by session.c and
 * search.c.
 *
 * Two products are constant per image and leave the step: W_enc f_p, and the context's columns of the input
 * matrix times every f_p.  As the context is sum_p alpha_p f_p, the latter turns the step's largest product
 * into a P-term sum. */
#include "lib/decoder/decoder.h"

#include <string.h>

/* out [P, linear->out] = linear of each of the image's features. */
static void run_per_position(cpt_decoder_run *run, const cpt_linear *linear, float *out)
{
    const cpt_linear_map_args args = {
        .in = run->features, .out = out, .positions = run->positions, .scratch = run->conv_scratch};
    cpt_linear_map(linear, &args, run->kernels, run->pool);
}

void cpt_decoder_plan(cpt_decoder_run *run, cpt_arena *arena, int max_rows, int threads)
{
    const cpt_decoder *d = run->decoder;
    const size_t rows = (size_t)max_rows, positions = (size_t)run->positions, hidden = (size_t)d->hidden;
    const size_t gates = (size_t)d->gates * hidden, state = (size_t)d->layers * rows;
    run->max_rows = max_rows;
    if (d->kind == CAPTION_KIND_ATTENTION) {
        const size_t scratch = cpt_linear_map_scratch(&d->enc, run->positions, threads, run->kernels);
        const size_t context = cpt_linear_map_scratch(&d->context, run->positions, threads, run->kernels);
        run->features = cpt_arena_take(arena, positions * (size_t)cpt_map_pitch(d->channels), sizeof(float));
        run->enc = cpt_arena_take(arena, positions * (size_t)d->attention, sizeof(float));
        /* 16 floats more: the tile kernel reads whole panels of this row-major matrix */
        run->context = cpt_arena_take(arena, positions * gates + CPTK_PANEL, sizeof(float));
        run->mean = cpt_arena_take(arena, (size_t)d->channels, sizeof(float));
        run->dec = cpt_arena_take(arena, rows * (size_t)d->attention, sizeof(float));
        run->alpha = cpt_arena_take(arena, rows * positions, sizeof(float));
        run->conv_scratch = cpt_arena_take(arena, scratch > context ? scratch : context, 1);
    }
    run->h = cpt_arena_take(arena, state * hidden, sizeof(float));
    run->h_next = cpt_arena_take(arena, state * hidden, sizeof(float));
    if (d->rnn == CAPTION_RNN_LSTM) {
        run->c = cpt_arena_take(arena, state * hidden, sizeof(float));
        run->c_next = cpt_arena_take(arena, state * hidden, sizeof(float));
    }
    run->x_gates = cpt_arena_take(arena, rows * gates, sizeof(float));
    run->hidden_gates = cpt_arena_take(arena, rows * gates, sizeof(float));
    run->logits = cpt_arena_take(arena, rows * (size_t)d->vocabulary, sizeof(float));
    if (d->screen.pairs) {
        const size_t panels = ((size_t)d->vocabulary + CPTK_PANEL - 1) / CPTK_PANEL;
        run->state = cpt_arena_take(arena, rows * ((hidden + 1) / 2), sizeof *run->state);
        run->state_scale = cpt_arena_take(arena, rows, sizeof(float));
        run->error = cpt_arena_take(arena, rows, sizeof(double));
        run->doubtful = cpt_arena_take(arena, panels, 1);
        run->panels = cpt_arena_take(arena, panels, sizeof(int));
    }
}

void cpt_decoder_start(cpt_decoder_run *run, const float *features)
{
    const cpt_decoder *d = run->decoder;
    const size_t hidden = (size_t)d->hidden, gates = (size_t)d->gates * hidden;
    const size_t channels = (size_t)d->channels, pitch = (size_t)cpt_map_pitch(d->channels);
    const float *mean = run->mean;
    for (int layer = 0; layer < d->layers; layer++) {
        const size_t row = (size_t)layer * (size_t)run->max_rows * hidden;
        memset(run->h + row, 0, hidden * sizeof(float));
        if (run->c) memset(run->c + row, 0, hidden * sizeof(float));
    }
    if (d->kind != CAPTION_KIND_ATTENTION) return;
    for (size_t p = 0; p < (size_t)run->positions; p++) {
        memcpy(run->features + p * pitch, features + p * channels, channels * sizeof(float));
    }
    run_per_position(run, &d->enc, run->enc);
    run_per_position(run, &d->context, run->context);
    memset(run->context + (size_t)run->positions * gates, 0, CPTK_PANEL * sizeof(float));
    run->kernels->mean_rows(features, run->mean, run->positions, d->channels);
    cpt_linear_rows(&d->init_h, &mean, 1, run->h, run->kernels, run->pool);
    run->kernels->tanh(run->h, d->hidden);
    if (d->rnn == CAPTION_RNN_LSTM) {
        cpt_linear_rows(&d->init_c, &mean, 1, run->c, run->kernels, run->pool);
        run->kernels->tanh(run->c, d->hidden);
    }
}

/* Pointers to `rows` consecutive vectors of n floats. */
static void row_pointers(const float **pointers, const float *x, int rows, int n)
{
    for (int r = 0; r < rows; r++) pointers[r] = x + (size_t)r * (size_t)n;
}

/* alpha [rows, P] from the state before the step, and its share of the gates: x_gates += alpha * context. */
static void attend(cpt_decoder_run *run, const float *const *h, int rows)
{
    const cpt_decoder *d = run->decoder;
    const size_t positions = (size_t)run->positions;
    const int gates = d->gates * d->hidden;
    const float *alpha[64]; /* the most rows there can be: max_beams */
    cptk_tile tile = {0};
    cpt_linear_rows(&d->dec, h, rows, run->dec, run->kernels, run->pool);
    for (int r = 0; r < rows; r++) {
        cptk_attention args = {run->enc,    run->dec + (size_t)r * (size_t)d->attention, d->v,
                               d->v_bias,   run->alpha + (size_t)r * positions,          run->positions,
                               d->attention};
        run->kernels->attention(&args);
        alpha[r] = args.alpha;
    }
    tile.b = run->context;
    tile.b_panel = CPTK_PANEL;
    tile.b_step = (size_t)gates;
    tile.add_stride = tile.c_stride = (size_t)gates;
    tile.taps = 1;
    tile.depth = run->positions;
    tile.n = gates;
    for (int r = 0; r < rows; r += CPTK_MAX_ROWS) {
        tile.rows = rows - r < CPTK_MAX_ROWS ? rows - r : CPTK_MAX_ROWS;
        tile.a = alpha + r;
        tile.c = run->x_gates + (size_t)r * (size_t)gates;
        tile.add = tile.c;
        run->kernels->tile(&tile);
    }
}

void cpt_decoder_step(cpt_decoder_run *run, const float *const *x, int rows)
{
    const cpt_decoder *d = run->decoder;
    const float *h[64], *below[64];
    const size_t layer_floats = (size_t)run->max_rows * (size_t)d->hidden;
    for (int layer = 0; layer < d->layers; layer++) {
        const cpt_rnn_layer *l = &d->rnn_layers[layer];
        const size_t at = (size_t)layer * layer_floats;
        cptk_gates gates = {run->x_gates, run->hidden_gates, run->h + at, NULL, run->h_next + at, NULL,
                            rows,         d->hidden};
        row_pointers(h, run->h + at, rows, d->hidden);
        cpt_linear_rows(&l->input, layer == 0 ? x : below, rows, run->x_gates, run->kernels, run->pool);
        if (d->kind == CAPTION_KIND_ATTENTION) attend(run, h, rows);
        cpt_linear_rows(&l->hidden, h, rows, run->hidden_gates, run->kernels, run->pool);
        if (d->rnn == CAPTION_RNN_LSTM) {
            gates.c = run->c + at;
            gates.c_out = run->c_next + at;
            run->kernels->lstm(&gates);
        } else {
            run->kernels->gru(&gates);
        }
        row_pointers(below, gates.h_out, rows, d->hidden);
    }
}

static void gather(float *to, const float *from, const int *parents, int rows, size_t n)
{
    for (int r = 0; r < rows; r++) {
        memcpy(to + (size_t)r * n, from + (size_t)parents[r] * n, n * sizeof(float));
    }
}

void cpt_decoder_select(cpt_decoder_run *run, const int *parents, int rows)
{
    const size_t n = (size_t)run->decoder->hidden;
    for (int layer = 0; layer < run->decoder->layers; layer++) {
        const size_t at = (size_t)layer * (size_t)run->max_rows * n;
        gather(run->h + at, run->h_next + at, parents, rows, n);
        if (run->c) gather(run->c + at, run->c_next + at, parents, rows, n);
    }
}
