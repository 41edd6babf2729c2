/* adjoint.c - see adjoint.h. */
#include "lib/explain/adjoint.h"

#include <string.h>

#include "kernels/real.h"
#include "lib/explain/cells.h"
#include "lib/layers/parts.h"

/* ---- memory ---- */

/* Where the columns' memory is handed out; base NULL only counts. */
typedef struct column_plan {
    float *base;
    size_t used;    /* floats */
    bool overflows; /* their number does not fit a size_t */
} column_plan;

/* `panels` of [n, 16]. */
static float *take_columns(column_plan *plan, int panels, int n)
{
    float *taken = plan->base ? plan->base + plan->used : NULL;
    size_t floats;
    if (!cpt_mul((size_t)panels * CPT_WORDS, cpt_columns_room(n), &floats) ||
        !cpt_add(plan->used, floats, &plan->used)) {
        plan->overflows = true;
    }
    return taken;
}

static void place_columns(cpt_adjoint *a, column_plan *plan)
{
    const cpt_decoder *d = a->trace->decoder;
    const int gates = d->gates * d->hidden, all = CPT_ADJOINT_PANELS;
    a->dlogits = take_columns(plan, 1, d->vocabulary);
    a->dout = take_columns(plan, all, d->hidden);
    a->dh = take_columns(plan, d->layers * all, d->hidden);
    if (d->rnn == CAPTION_RNN_LSTM) a->dc = take_columns(plan, d->layers * all, d->hidden);
    a->dx = take_columns(plan, all, gates);
    a->dh_in = d->rnn == CAPTION_RNN_LSTM ? a->dx : take_columns(plan, all, gates);
    a->dalpha = take_columns(plan, all, a->map_positions);
    if (d->kind == CAPTION_KIND_ATTENTION) {
        a->dquery = take_columns(plan, all, d->attention);
        a->sum_dquery = take_columns(plan, all, d->attention);
        a->sum_dx = take_columns(plan, all, gates);
    } else {
        a->dvector = take_columns(plan, all, d->embed);
    }
    a->dw = take_columns(plan, all, d->channels);
}

void cpt_adjoint_plan(cpt_adjoint *a, cpt_arena *arena)
{
    const cpt_decoder *d = a->trace->decoder;
    const size_t length = (size_t)a->trace->max_length, hidden = (size_t)d->hidden;
    const size_t positions = (size_t)a->trace->info->positions, attention = (size_t)d->attention;
    const size_t gates = (size_t)d->gates * hidden;
    a->gates = cpt_arena_take(arena, length * (size_t)d->layers * CPT_GATE_ROWS, hidden * sizeof *a->gates);
    a->x_gates = cpt_arena_take(arena, CPT_TRACE_ROWS * gates, sizeof *a->x_gates);
    a->h_gates = cpt_arena_take(arena, CPT_TRACE_ROWS * gates, sizeof *a->h_gates);
    if (d->kind == CAPTION_KIND_ATTENTION) {
        a->queries = cpt_arena_take(arena, length * attention, sizeof *a->queries);
        a->tanh = cpt_arena_take(arena, positions * attention, sizeof *a->tanh);
        a->slopes = cpt_arena_take(arena, positions * attention, sizeof *a->slopes);
    }
    column_plan plan = {.base = NULL};
    place_columns(a, &plan);
    if (plan.overflows) arena->failed = true;
    a->column_count = plan.used;
    a->columns = cpt_arena_take(arena, plan.used, sizeof *a->columns);
    plan = (column_plan){.base = a->columns};
    place_columns(a, &plan);
}

/* ---- products ---- */

void cpt_adjoint_back(const cpt_adjoint *a, const cpt_linear *linear, const cpt_back *back)
{
    const cpt_columns columns = {.in = back->in,
                                 .out = back->out,
                                 .in_panel = cpt_columns_room(linear->out) * CPT_WORDS,
                                 .out_panel = cpt_columns_room(linear->in) * CPT_WORDS,
                                 .panels = back->panels,
                                 .add = back->add};
    cpt_columns_transposed(linear, &columns, a->kernels, a->pool);
}

static size_t state_panel(const cpt_adjoint *a)
{
    return cpt_columns_room(a->trace->decoder->hidden) * CPT_WORDS;
}

/* dh or dc of a layer */
static float *of_layer(const cpt_adjoint *a, float *states, int layer)
{
    return states + (size_t)layer * CPT_ADJOINT_PANELS * state_panel(a);
}

/* ---- from y to the last layer's outputs ---- */

/* The column of word i of `count`.  The last word's is the first, so that the words that are gone back
 * through from step t on, t and all after it, have the first columns, in as few panels as they need. */
static size_t column_of(int i, int count)
{
    return (size_t)(count - 1 - i);
}

typedef struct logits_job {
    float *dlogits;      /* [V, 16] */
    const float *logits; /* [count, V] */
    const float *lse;    /* [count] */
    int count, words;    /* columns; V */
} logits_job;

enum { LOGITS_CHUNK = 256 };

/* dlogits = -softmax(logits), a column for each row of logits; the last row's column is the first */
static void logits_task(void *user, int index, int thread)
{
    const logits_job *job = user;
    const int first = index * LOGITS_CHUNK, end = cpt_min(first + LOGITS_CHUNK, job->words);
    (void)thread;
    for (int r = 0; r < job->count; r++) {
        const float *logits = job->logits + (size_t)r * (size_t)job->words;
        float *to = job->dlogits + column_of(r, job->count);
        for (int v = first; v < end; v++) {
            to[(size_t)v * CPT_WORDS] = -(float)cptk_exp((double)(logits[v] - job->lse[r]));
        }
    }
}

/* The token's own derivative is 1 - p.  Where p is nearly 1 that would lose its digits, so it is summed from
 * the other words' p. */
static void set_token(float *dlogits, int words, int id, size_t column)
{
    float *own = dlogits + (size_t)id * CPT_WORDS + column;
    double sum = 0;
    *own = 0;
    for (int v = 0; v < words; v++) sum -= (double)dlogits[(size_t)v * CPT_WORDS + column];
    *own = (float)sum;
}

/* y = logit of the token - log(sum exp(logits)) of words first..first+count-1, and dout of their panel. */
static void begin_panel(cpt_adjoint *a, const cpt_told *told, const cpt_words *words, float *dout,
                        float *log_probability)
{
    const cpt_decoder *d = a->trace->decoder;
    float lse[CPT_TRACE_ROWS];
    const float *logits = cpt_trace_logits(a->trace, words->first, words->count, lse);
    logits_job job = {
        .dlogits = a->dlogits, .logits = logits, .lse = lse, .count = words->count, .words = d->vocabulary};
    memset(a->dlogits, 0, cpt_columns_room(d->vocabulary) * CPT_WORDS * sizeof *a->dlogits);
    cpt_pool_run(a->pool, logits_task, &job, cpt_ceil_div(d->vocabulary, LOGITS_CHUNK));
    for (int r = 0; r < words->count; r++) {
        const size_t id = (size_t)told->ids[words->first + r];
        log_probability[words->first + r] = logits[(size_t)r * (size_t)d->vocabulary + id] - lse[r];
        set_token(a->dlogits, d->vocabulary, (int)id, column_of(r, words->count));
    }
    const cpt_back back = {.in = a->dlogits, .out = dout, .panels = 1};
    cpt_adjoint_back(a, &d->fc, &back);
}

_Static_assert((int)CPT_TRACE_ROWS == (int)CPT_WORDS, "the logits of a panel of words are computed together");

static void begin_words(cpt_adjoint *a, const cpt_told *told, const cpt_words *words, float *log_probability)
{
    memset(a->columns, 0, a->column_count * sizeof *a->columns);
    float *dout = a->dout;
    for (int left = words->count; left > 0; left -= CPT_WORDS, dout += state_panel(a)) {
        const int count = cpt_min(CPT_WORDS, left);
        const cpt_words part = {.first = words->first + left - count, .count = count};
        begin_panel(a, told, &part, dout, log_probability);
    }
}

/* ---- back through the steps ---- */

/* dh of the last layer += dout of the word of step t, if it is one of these words. */
static void add_word(cpt_adjoint *a, const cpt_words *words, int t)
{
    const cpt_decoder *d = a->trace->decoder;
    const int word = t - words->first;
    if (word < 0 || word >= words->count) return;
    const size_t column = column_of(word, words->count);
    const size_t at = column / CPT_WORDS * state_panel(a) + column % CPT_WORDS;
    float *dh = of_layer(a, a->dh, d->layers - 1) + at;
    const float *dout = a->dout + at;
    for (size_t i = 0; i < (size_t)d->hidden; i++) dh[i * CPT_WORDS] += dout[i * CPT_WORDS];
}

/* Back through a layer's cell at step t, in the first panels. */
static void through_cell(cpt_adjoint *a, int t, int layer, int panels)
{
    const cpt_trace *trace = a->trace;
    const cpt_decoder *d = trace->decoder;
    const size_t hidden = (size_t)d->hidden, layers = (size_t)d->layers;
    const size_t at = (size_t)t * layers + (size_t)layer;
    cpt_cell_adjoint cell = {.gates = a->gates + at * CPT_GATE_ROWS * hidden,
                             .h = trace->h + at * hidden,
                             .dh = of_layer(a, a->dh, layer),
                             .dx = a->dx,
                             .dh_in = a->dh_in,
                             .hidden = d->hidden,
                             .panels = panels,
                             .kernels = a->kernels};
    if (d->rnn == CAPTION_RNN_LSTM) {
        cell.c = trace->c + at * hidden;
        cell.c_out = cell.c + layers * hidden;
        cell.dc = of_layer(a, a->dc, layer);
        cpt_lstm_adjoint(&cell, a->pool);
    } else {
        cpt_gru_adjoint(&cell, a->pool);
    }
}

/* Back through step t.  Words before it do not depend on it. */
static void through_step(cpt_adjoint *a, const cpt_words *words, int t)
{
    const cpt_decoder *d = a->trace->decoder;
    const int columns = words->count - cpt_max(0, t - words->first);
    cpt_back back = {.panels = cpt_ceil_div(columns, CPT_WORDS)};
    add_word(a, words, t);
    for (int layer = d->layers - 1; layer >= 0; layer--) {
        const cpt_rnn_layer *l = &d->rnn_layers[layer];
        through_cell(a, t, layer, back.panels);
        back.in = a->dh_in;
        back.out = of_layer(a, a->dh, layer);
        back.add = true;
        cpt_adjoint_back(a, &l->hidden.all, &back);
        if (layer > 0) {
            back.in = a->dx;
            back.out = of_layer(a, a->dh, layer - 1);
            cpt_adjoint_back(a, &l->input, &back);
        }
    }
    if (d->kind == CAPTION_KIND_ATTENTION) {
        cpt_adjoint_attention(a, t, back.panels);
    } else if (t == 0) {
        back.in = a->dx;
        back.out = a->dvector;
        back.add = false;
        cpt_adjoint_back(a, &d->rnn_layers[0].input, &back);
    }
}

/* ---- from there to the features ---- */

/* dw += what comes through an initial state, tanh(linear(mean)) [H], whose gradient is dstate. */
static void through_start(cpt_adjoint *a, const cpt_linear *linear, const float *state, float *dstate,
                          int panels)
{
    for (int panel = 0; panel < panels; panel++) {
        float *d = dstate + (size_t)panel * state_panel(a);
        for (int i = 0; i < linear->out; i++, d += CPT_WORDS) {
            const float slope = 1 - state[i] * state[i];
            for (int w = 0; w < CPT_WORDS; w++) d[w] *= slope;
        }
    }
    const cpt_back back = {.in = dstate, .out = a->dw, .panels = panels, .add = true};
    cpt_adjoint_back(a, linear, &back);
}

/* dw = the sum over all positions of the gradient of y with respect to their features. */
static void sum_of_gradients(cpt_adjoint *a, int panels)
{
    const cpt_trace *trace = a->trace;
    const cpt_decoder *d = trace->decoder;
    cpt_back back = {.out = a->dw, .panels = panels};
    if (d->kind == CAPTION_KIND_BASELINE) {
        back.in = a->dvector;
        cpt_adjoint_back(a, &d->project, &back); /* each position has a part of the pooled vector */
        return;
    }
    back.in = a->sum_dx;
    cpt_adjoint_back(a, &d->context.all, &back);
    back.in = a->sum_dquery;
    back.add = true;
    cpt_adjoint_back(a, &d->enc, &back);
    through_start(a, &d->init_h, trace->h, a->dh, panels);
    if (d->rnn == CAPTION_RNN_LSTM) through_start(a, &d->init_c, trace->c, a->dc, panels);
}

/* to [rows of words, n] = the columns of in [panels] of [n, 16] */
static void take_out(const float *in, const cpt_words *words, int n, float *to)
{
    const size_t width = (size_t)n, panel = cpt_columns_room(n) * CPT_WORDS;
    for (int r = 0; r < words->count; r++) {
        const size_t column = column_of(r, words->count);
        const float *from = in + column / CPT_WORDS * panel + column % CPT_WORDS;
        float *row = to + (size_t)(words->first + r) * width;
        for (size_t i = 0; i < width; i++) row[i] = from[i * CPT_WORDS];
    }
}

static void finish_words(cpt_adjoint *a, const cpt_words *words, const cpt_gradcam *out)
{
    const int positions = a->map_positions, channels = a->trace->decoder->channels;
    const size_t weight_panel = cpt_columns_room(channels) * CPT_WORDS;
    sum_of_gradients(a, words->panels);
    for (size_t i = 0; i < (size_t)words->panels * weight_panel; i++) a->dw[i] /= (float)positions;
    take_out(a->dw, words, channels, out->weights);
    const cpt_row_matrix map = {out->map, (size_t)channels, positions, channels};
    const cpt_columns columns = {.in = a->dw,
                                 .out = a->dalpha,
                                 .in_panel = weight_panel,
                                 .out_panel = cpt_columns_room(positions) * CPT_WORDS,
                                 .panels = words->panels};
    cpt_columns_multiply(&map, &columns, a->kernels, a->pool);
    take_out(a->dalpha, words, positions, out->maps);
    float *maps = out->maps + (size_t)words->first * (size_t)positions;
    for (size_t i = 0; i < (size_t)words->count * (size_t)positions; i++) {
        if (maps[i] < 0) maps[i] = 0;
    }
}

/* ---- all of it ---- */

enum { WORDS_AT_ONCE = CPT_WORDS * CPT_ADJOINT_PANELS };

int cpt_adjoint_parts(int length)
{
    int parts = 1; /* the trace */
    for (int first = 0; first < length; first += WORDS_AT_ONCE) {
        const int count = cpt_min(WORDS_AT_ONCE, length - first);
        parts += 1 + first + count; /* the logits, and each step back */
    }
    return parts;
}

bool cpt_adjoint_run(cpt_adjoint *a, const cpt_told *told, const cpt_gradcam *out, cpt_work *work)
{
    cpt_trace_run(a->trace, told);
    cpt_adjoint_record(a, told);
    if (!cpt_work_goes_on(work)) return false;
    for (int first = 0; first < told->length; first += WORDS_AT_ONCE) {
        cpt_words words = {.first = first, .count = cpt_min(WORDS_AT_ONCE, told->length - first)};
        words.panels = cpt_ceil_div(words.count, CPT_WORDS);
        begin_words(a, told, &words, out->log_probability);
        if (!cpt_work_goes_on(work)) return false;
        for (int t = first + words.count - 1; t >= 0; t--) {
            through_step(a, &words, t);
            if (t > 0 && !cpt_work_goes_on(work)) return false;
        }
        finish_words(a, &words, out);
        if (!cpt_work_goes_on(work)) return false;
    }
    return true;
}
