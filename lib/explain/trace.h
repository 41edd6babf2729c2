/* trace.h - runs the decoder along a given caption, and keeps what it went through.  Works for every model.
 *
 * Sizes as in lib/decoder/decoder.h; L is the most tokens of a caption, T those of this one.  Step t reads
 * what comes before token t, and its logits are those of token t. */
#ifndef CPT_TRACE_H
#define CPT_TRACE_H

#include "lib/decoder/logits.h"
#include "lib/decoder/step.h"
#include "lib/explain/work.h"

enum { CPT_TRACE_ROWS = 16 }; /* steps whose logits are computed together */

/* A caption of an image. */
typedef struct cpt_told {
    const float *features; /* [P, C], or [E] in the baseline kind */
    const int *ids;        /* [length] tokens, each one of the vocabulary */
    int length;            /* T, 1..L */
} cpt_told;

typedef struct cpt_trace {
    const cpt_decoder *decoder;
    const caption_model_info *info;
    const cptk_kernels *kernels;
    int max_length; /* L */
    cpt_step step;
    cpt_logits logits;
    float *h;     /* [L + 1, layers, H] hidden states before each step, and after the last one */
    float *c;     /* the same of the cells; LSTM, else NULL */
    float *alpha; /* [L, P] attention weights; NULL in the baseline kind */
} cpt_trace;

/* Lays everything out.  decoder, info, kernels and max_length are already set. */
void cpt_trace_plan(cpt_trace *trace, cpt_arena *arena, int threads);

/* The threads for all that follows; NULL: the caller's alone. */
void cpt_trace_set_pool(cpt_trace *trace, cpt_pool *pool);

/* Fills h, c and alpha. */
void cpt_trace_run(cpt_trace *trace, const cpt_told *told);

/* The state [H] of the last layer after step t. */
const float *cpt_trace_output(const cpt_trace *trace, int t);

/* The logits [count, V] of steps first..first+count-1, 1 <= count <= CPT_TRACE_ROWS, all of them exact.  lse
 * [count] becomes log(sum exp) of each row. */
const float *cpt_trace_logits(cpt_trace *trace, int first, int count, float *lse);

/* log_probability [T] of each token after those before it. */
void cpt_trace_score(cpt_trace *trace, const cpt_told *told, float *log_probability);

#endif
