/* logits.h - from the hidden states of a step to the best children of every row.
 *
 * In int8 models all logits come from int8 weights, and those of the best words of each row are then made
 * finer.
 *
 * Where the model has coarse weights, only the logits that the search can depend on are computed exactly. The
 * caller need not know which: the children have exact logits either way. */
#ifndef CPT_LOGITS_H
#define CPT_LOGITS_H

#include "lib/decoder/choice.h"
#include "lib/decoder/coarse.h"
#include "lib/decoder/decoder.h"
#include "lib/decoder/fine.h"

/* What is known of a row's logits before some of them are made exact. */
typedef struct cpt_row_bounds {
    float lse;          /* log(sum exp) of the row's coarse logits */
    float least_needed; /* the coarse logit of the row's width-th best new word; -infinity: it has fewer */
    double error;       /* bounds how far a log-probability of the row is off: 4 e (logits.c) */
} cpt_row_bounds;

/* The state of one step.  R rows are planned for, each of at most W children. */
typedef struct cpt_logits {
    const cpt_decoder *decoder;
    const cptk_kernels *kernels;
    cpt_pool *pool;
    int max_width;                           /* W */
    float *values;                           /* [R, V] the logits */
    cpt_child *children;                     /* [R, W] those of row r begin at r * W */
    int *child_count;                        /* [R] */
    int *new_words;                          /* [R] how many new words `choice` has for each row */
    float *lse;                              /* [R] log(sum exp) of coarse logits */
    cpt_row_bounds *bounds;                  /* [R] with coarse weights; else NULL, as is the next */
    double *totals;                          /* [W] scratch */
    const uint8_t **rows_u8, **rest_rows_u8; /* int8: [R] pointers to the rows of the next two; else NULL */
    cpt_fine_scratch *fine;                  /* with a fine part: one for each thread, else NULL */
    cpt_choice choice;                       /* memory for choosing, of R rows */
    cpt_coarse coarse;                       /* with coarse weights; else NULL */
    uint8_t *states_u8;                      /* int8: [R, cpt_fine_pitch(H)] the states as bytes, else NULL */
    uint8_t *rests_u8;     /* with a fine part: the same of what these bytes lack, else NULL */
    float *rest;           /* [H] scratch for one row of it */
    unsigned char *needed; /* [ceil(V / 16)] 1: the logits of this panel of 16 words must be exact, or fine,
                              for the rows of the image at hand; without coarse and fine weights NULL, as is
                              the next */
    int *panels;           /* [ceil(V / 16)] the numbers of these panels */
    int panel_count;       /* how many they are; after the step, those of the last image */
} cpt_logits;

/* Lays out the state for at most max_rows rows and a pool of `threads`.  decoder, kernels and max_width are
 * already set; `pool` is needed by cpt_logits_best only. */
void cpt_logits_plan(cpt_logits *logits, cpt_arena *arena, int max_rows, int threads);

typedef struct cpt_logits_query {
    const float *const *states;       /* [rows] pointers to hidden states [H] after the step */
    const cpt_hypothesis *hypotheses; /* [rows] */
    const cpt_rows *rows;             /* 1..R */
    const int *slots; /* [images] how many children of all its rows an image's search will keep, 1..width */
    bool exact;       /* every logit is wanted exactly, in `values` */
    const cpt_rules *rules; /* width 1..W */
} cpt_logits_query;

/* Finds the best children of every row: fills children and child_count.  Of an image's children, those
 * `slots` with the largest hypothesis score + log-probability have exact logits.  Their log-probabilities are
 * off only by what coarse logits of other words change in log(sum exp).  Which logits are exact in an image's
 * rows does not depend on other images, so neither does any result. */
void cpt_logits_best(cpt_logits *logits, const cpt_logits_query *query);

#endif
