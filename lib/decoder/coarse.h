/* coarse.h - coarse logits: those of rounded weights and rounded states, with a bound on their errors. */
#ifndef CPT_COARSE_H
#define CPT_COARSE_H

#include "lib/decoder/decoder.h"
#include "lib/platform/arena.h"

/* The hidden states of a step, rounded: scale[r] times integers.  R rows are planned for. */
typedef struct cpt_coarse {
    uint32_t *states; /* [R, ceil(H / 2)] two integers in each */
    float *scale;     /* [R] */
    double *error;    /* [R] bounds |coarse logit - exact logit|, leaving out how the last sums round */
} cpt_coarse;

/* Lays out the state; the decoder has coarse weights. */
void cpt_coarse_plan(cpt_coarse *coarse, cpt_arena *arena, const cpt_decoder *decoder, int max_rows);

typedef struct cpt_coarse_args {
    const cpt_decoder *decoder;
    const float *const *states; /* [rows] pointers to hidden states [H] */
    float *logits;              /* [rows, V] */
    int rows;
    const cptk_kernels *kernels;
    cpt_pool *pool;
} cpt_coarse_args;

/* logits = the coarse logits of all words for every row.  Divided over the pool. */
void cpt_coarse_run(cpt_coarse *coarse, const cpt_coarse_args *args);

/* Bounds |coarse logit - exact logit| for the words of a row.  `lse` is log(sum over all words of
 * exp(logit)): it says how large the logits are that matter.  The bound is infinite or NaN where the state
 * has such numbers. */
double cpt_coarse_error(const cpt_coarse *coarse, int row, float lse);

#endif
