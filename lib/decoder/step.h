/* step.h - attention and the recurrent cell for all rows of a step: from the last words to hidden states. */
#ifndef CPT_STEP_H
#define CPT_STEP_H

#include "lib/decoder/decoder.h"
#include "lib/platform/arena.h"

/* N images and R rows are planned for; a step may have fewer.  No result of an image depends on how many
 * others there are. */

/* Attention kind: the products that are the same in all steps of an image, and a step's weights. */
typedef struct cpt_attention {
    void *features;   /* [P, pitch of C] scratch for an image's features, as floats or as bytes */
    float *encoded;   /* [N, P, A] W_enc f_p + b */
    float *context;   /* [N, P, G * H] the columns of the input matrix that meet the context, times f_p */
    float *mean;      /* [C] scratch for the mean of an image's features over all positions */
    uint8_t *mean_u8; /* int8: scratch for the same as bytes */
    float *query;     /* [R, A] W_dec h + b */
    float *alpha;     /* [R, P] attention weights of the step */
    float *rest;      /* int8: scratch for what completes the candidate's gate at a few positions */
    void *scratch;    /* of the per-image products */
} cpt_attention;

/* The rows of the product at hand: [R] pointers, as the weights want them. */
typedef struct cpt_step_rows {
    const float **f32;
    const uint8_t **u8; /* int8; else NULL */
} cpt_step_rows;

/* The last dimension's vectors of one row stand together; those of one layer too. */
typedef struct cpt_step {
    const cpt_decoder *decoder;
    const cptk_kernels *kernels;
    cpt_pool *pool;
    int positions, max_images, max_rows; /* P, N, R */
    cpt_attention attention;             /* all NULL in the baseline kind */
    float *h, *c;           /* [layers, R, H] hidden and cell states before the step; c: LSTM, else NULL */
    float *h_next, *c_next; /* [layers, R, H] after the step */
    float *input_gates;     /* [R, G * H] W x + b */
    float *hidden_gates;    /* [R, G * H] W h + b */
    cpt_step_rows rows;
    const float **inputs; /* of the step to come: [R] pointers to [E] */
    uint8_t *inputs_u8;   /* int8: the same as bytes, [R, whole quads of E] */
    uint8_t *states_u8;   /* int8: scratch for states as bytes, [R, whole quads of H] */
    float *rest;          /* int8: scratch for what completes the candidate's gate, [R, H] */
} cpt_step;

/* Lays out the state.  decoder, kernels, positions, max_images and max_rows are already set; `pool` is needed
 * by the runs only.
 *
 * Returns: where in the arena that ends which only cpt_step_begin needs.  Steps take its place, and more may:
 * whatever is written after the images have begun.  All else must lie behind it. */
size_t cpt_step_plan(cpt_step *step, cpt_arena *arena, int threads);

/* Begins an image, whose one row in the first step has its number: the per-image products of its features
 * [P, C], and the initial state.  The baseline kind does not look at the features. */
void cpt_step_begin(cpt_step *step, int image, const float *features);

/* Sets the input of a row for the next run: the embedding of a word, or a vector x [E], which must stay there
 * until then. */
void cpt_step_set_word(cpt_step *step, int row, int word);
void cpt_step_set_vector(cpt_step *step, int row, const float *x);

/* One step of rows whose inputs are set.  Leaves alpha, h_next and c_next. */
void cpt_step_run(cpt_step *step, const cpt_rows *all);

/* The hidden state [H] of row `row` after the step, in the last layer. */
const float *cpt_step_output(const cpt_step *step, int row);

/* Row r begins the next step with the state that row parents[r] has after this one, r < rows. */
void cpt_step_select(cpt_step *step, const int *parents, int rows);

#endif
