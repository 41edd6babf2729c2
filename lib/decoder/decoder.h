/* decoder.h - the recurrent decoder: bound weights (immutable, in the model) and the state of a search (in a
 * session). Called by model.c (bind), session.c (plan) and search.c (start, step). */
#ifndef CPT_DECODER_H
#define CPT_DECODER_H

#include "lib/format/weights.h"
#include "lib/layers/linear.h"
#include "lib/platform/arena.h"

#define CPT_MAX_RNN_LAYERS 64

/* The weights w of fc once more in int16, w' (kernels.h), each word's with a scale. */
typedef struct cpt_screen {
    const uint32_t *pairs; /* [ceil(V / 16), ceil(H / 2), 16], or NULL where the file has none */
    const float *scale;    /* [V] */
    float error, length; /* of any word the most |w' - w|, with what rounding while summing adds, and |w'| */
} cpt_screen;

typedef struct cpt_rnn_layer {
    cpt_linear input;  /* of the embedding (attention kind) or of the layer below: [G * H, in] */
    cpt_linear hidden; /* [G * H, H] */
} cpt_rnn_layer;

typedef struct cpt_decoder {
    caption_kind kind;
    caption_rnn rnn;
    int layers, gates; /* gates: G = 3 (GRU: r z n) or 4 (LSTM: i f g o) */
    int vocabulary, embed, hidden;
    int attention, channels; /* attention kind: A and C */
    cpt_linear enc, dec;     /* attention kind: W_enc [A, C], W_dec [A, H] */
    const float *v;          /* [A] */
    float v_bias;
    cpt_linear init_h, init_c; /* [H, C]; init_c: LSTM only */
    cpt_linear context;        /* the context columns of the input matrix, [G * H, C], bias NULL */
    cpt_linear project;        /* baseline: [E, C], batch norm folded in */
    const float *embedding;    /* [V, E] */
    cpt_rnn_layer rnn_layers[CPT_MAX_RNN_LAYERS];
    cpt_linear fc; /* [V, H] */
    cpt_screen screen;
} cpt_decoder;

/* Binds every tensor of the decoder; kind, rnn and layers are already set, sizes come from the tensors.
 * `channels` is the encoder's.  Error: MODEL. */
caption_status cpt_decoder_bind(cpt_decoder *decoder, const cpt_weights *weights, int channels,
                                caption_error *error);

/* The mutable side.  R = rows (beams) it was planned for, P = positions. */
typedef struct cpt_decoder_run {
    const cpt_decoder *decoder;
    const cptk_kernels *kernels;
    cpt_pool *pool;
    int positions, max_rows;
    float *features;        /* [P, pitch of C] a copy, laid out as rows of a product are read fastest */
    float *enc;             /* [P, A] W_enc f_p + b */
    float *context;         /* [P, G * H] (the context columns of the input matrix) f_p */
    float *mean;            /* [C] */
    float *h, *c;           /* [layers, R, H] state before a step; c: LSTM */
    float *h_next, *c_next; /* [layers, R, H] state after it */
    float *dec;             /* [R, A] */
    float *alpha;           /* [R, P] */
    float *x_gates, *hidden_gates; /* [R, G * H] */
    float *logits;                 /* [R, V] */
    int rows, rounded;             /* of the logits: how many, and whether the screen made them */
    uint32_t *state;               /* [R, ceil(H / 2)] the last layer's states in int16; with a screen */
    float *state_scale;            /* [R] */
    double *error;                 /* [R] bounds how far the screen's logits are off */
    unsigned char *doubtful;       /* [ceil(V / 16)] 1: a panel of words that must be whole; with a screen */
    int *panels;                   /* [ceil(V / 16)] the numbers of those */
    void *conv_scratch;            /* of the per-image products */
} cpt_decoder_run;

void cpt_decoder_plan(cpt_decoder_run *run, cpt_arena *arena, int max_rows, int threads);

/* Prepares a search over features [P, C] (baseline: the image vector [E], which start only notes): per-image
 * products and the initial state of row 0. */
void cpt_decoder_start(cpt_decoder_run *run, const float *features);

/* One step for `rows` rows: x[r] is row r's input vector [E] (an embedding, or the baseline's image vector).
 * Leaves alpha (attention kind), h_next and c_next. */
void cpt_decoder_step(cpt_decoder_run *run, const float *const *x, int rows);

/* The logits after a step (vocabulary.c), whole or, where the model has a screen and `whole` is 0, from
 * rounded weights (`rounded` is 1).  A rounded logit of a row is off by at most its error (given the
 * logarithm of the sum of their exp).  Say which must be whole, all of a row that reach a limit (or are NaN)
 * and single words; finish computes these again. */
void cpt_vocabulary_start(cpt_decoder_run *run, int rows, int whole);
double cpt_vocabulary_error(const cpt_decoder_run *run, int row, float lse);
void cpt_vocabulary_doubt(cpt_decoder_run *run, int row, float limit);
void cpt_vocabulary_doubt_word(cpt_decoder_run *run, int word);
void cpt_vocabulary_finish(cpt_decoder_run *run);

/* The state of row r for the next step becomes the state after this step of row parents[r], r < rows. */
void cpt_decoder_select(cpt_decoder_run *run, const int *parents, int rows);

#endif
