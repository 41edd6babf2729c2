/* trace.c - see trace.h. */
#include "lib/explain/trace.h"

#include <string.h>

#include "lib/layers/parts.h"

static size_t state_floats(const cpt_trace *trace)
{
    return (size_t)trace->decoder->layers * (size_t)trace->decoder->hidden;
}

void cpt_trace_plan(cpt_trace *trace, cpt_arena *arena, int threads)
{
    const cpt_decoder *d = trace->decoder;
    const size_t length = (size_t)trace->max_length, positions = (size_t)trace->info->positions;
    trace->step.decoder = trace->logits.decoder = d;
    trace->step.kernels = trace->logits.kernels = trace->kernels;
    trace->step.positions = trace->info->positions;
    trace->step.max_images = trace->step.max_rows = 1;
    trace->logits.max_width = 1;
    const size_t begin_end = cpt_step_plan(&trace->step, arena, threads);
    if (arena->used < begin_end) arena->used = begin_end;
    cpt_logits_plan(&trace->logits, arena, CPT_TRACE_ROWS, threads);
    trace->h = cpt_arena_take(arena, (length + 1) * state_floats(trace), sizeof *trace->h);
    if (d->rnn == CAPTION_RNN_LSTM) {
        trace->c = cpt_arena_take(arena, (length + 1) * state_floats(trace), sizeof *trace->c);
    }
    if (d->kind == CAPTION_KIND_ATTENTION) {
        trace->alpha = cpt_arena_take(arena, length * positions, sizeof *trace->alpha);
    }
}

void cpt_trace_set_pool(cpt_trace *trace, cpt_pool *pool)
{
    trace->step.pool = trace->logits.pool = pool;
}

/* Keeps the states that the next step begins with.  One row was planned, so its layers lie together. */
static void keep_states(cpt_trace *trace, int t)
{
    const size_t floats = state_floats(trace), bytes = floats * sizeof *trace->h;
    memcpy(trace->h + (size_t)t * floats, trace->step.h, bytes);
    if (trace->c) memcpy(trace->c + (size_t)t * floats, trace->step.c, bytes);
}

void cpt_trace_run(cpt_trace *trace, const cpt_told *told)
{
    const size_t positions = (size_t)trace->info->positions;
    const cpt_rows one = {.images = 1, .first = {0, 1}};
    const int only = 0;
    cpt_step_begin(&trace->step, 0, told->features);
    keep_states(trace, 0);
    for (int t = 0; t < told->length; t++) {
        if (t == 0 && trace->decoder->kind == CAPTION_KIND_BASELINE) {
            cpt_step_set_vector(&trace->step, 0, told->features);
        } else {
            cpt_step_set_word(&trace->step, 0, t == 0 ? trace->info->start : told->ids[t - 1]);
        }
        cpt_step_run(&trace->step, &one);
        if (trace->alpha) {
            memcpy(trace->alpha + (size_t)t * positions, trace->step.attention.alpha,
                   positions * sizeof *trace->alpha);
        }
        cpt_step_select(&trace->step, &only, 1);
        keep_states(trace, t + 1);
    }
}

const float *cpt_trace_output(const cpt_trace *trace, int t)
{
    const size_t hidden = (size_t)trace->decoder->hidden;
    return trace->h + (size_t)(t + 2) * state_floats(trace) - hidden;
}

const float *cpt_trace_logits(cpt_trace *trace, int first, int count, float *lse)
{
    const cpt_rules rules = {.width = 1, .banned = -1, .penalty = 1};
    const cpt_hypothesis hypotheses[CPT_TRACE_ROWS] = {{.score = 0}};
    const float *states[CPT_TRACE_ROWS];
    const cpt_rows rows = {.images = 1, .first = {0, count}};
    const int slots = 1;
    for (int r = 0; r < count; r++) states[r] = cpt_trace_output(trace, first + r);
    const cpt_logits_query query = {.states = states,
                                    .hypotheses = hypotheses,
                                    .rows = &rows,
                                    .slots = &slots,
                                    .exact = true,
                                    .rules = &rules};
    cpt_logits_best(&trace->logits, &query);
    for (int r = 0; r < count; r++) {
        const int words = trace->decoder->vocabulary;
        int best;
        float most;
        trace->kernels->top_lse_f32(trace->logits.values + (size_t)r * (size_t)words, words, 1, &best, &most,
                                    &lse[r]);
    }
    return trace->logits.values;
}

void cpt_trace_score(cpt_trace *trace, const cpt_told *told, float *log_probability)
{
    for (int first = 0; first < told->length; first += CPT_TRACE_ROWS) {
        const int count = cpt_min(CPT_TRACE_ROWS, told->length - first);
        float lse[CPT_TRACE_ROWS];
        const float *logits = cpt_trace_logits(trace, first, count, lse); /* [count, V] */
        for (int r = 0; r < count; r++, logits += trace->decoder->vocabulary) {
            log_probability[first + r] = logits[told->ids[first + r]] - lse[r];
        }
    }
}
