/* decoder.h - the decoder's weights, bound to a model file.  They never change.
 *
 * Sizes used throughout this folder: V words of the vocabulary, E numbers of an embedding, H of a hidden
 * state, A of an attention layer, C feature channels, P positions of an image, G gates, N images that are
 * searched together, and R rows.  A row is one hypothesis of a search: an unfinished caption. */
#ifndef CPT_DECODER_H
#define CPT_DECODER_H

#include "lib/format/weights.h"
#include "lib/layers/linear.h"
#include "lib/limits.h"

/* The most rows of a step, those of all its images together.  So it has no more images either. */
enum { CPT_MAX_ROWS = CAPTION_MAX_BEAMS };

/* The rows of a step.  Those of an image stand together: image i has the rows first[i]..first[i + 1] - 1, and
 * first[0] is 0.  An image whose search has ended has none. */
typedef struct cpt_rows {
    int images;                  /* 1..CPT_MAX_ROWS */
    int first[CPT_MAX_ROWS + 1]; /* [images + 1] */
} cpt_rows;

static inline int cpt_rows_all(const cpt_rows *rows)
{
    return rows->first[rows->images];
}

static inline int cpt_rows_of(const cpt_rows *rows, int image)
{
    return rows->first[image + 1] - rows->first[image];
}

/* The image that row r belongs to. */
static inline int cpt_rows_image(const cpt_rows *rows, int r)
{
    int image = 0;
    while (r >= rows->first[image + 1]) image++;
    return image;
}

/* A copy of fc.weight in int16, with the bias of fc.  The weights of word w are approximately matrix.scale[w]
 * times its integers.  The file's tensors of this copy are called fc.screen, fc.screen_scale and
 * fc.screen_bounds. */
typedef struct cpt_coarse_weights {
    cpt_linear matrix; /* [V, H] int16 in pairs; its pairs are NULL: the file has none */
    float most_error;  /* bounds, for every word, |approximate weights - weights|, and rounding in sums */
    float most_length; /* bounds, for every word, |approximate weights| */
} cpt_coarse_weights;

/* A product whose int8 weights may be completed for the candidate of the cell (GRU: n, LSTM: g), which errors
 * of weights change most.  `rest` is what these lack; its `quads` is NULL where there is none. */
typedef struct cpt_gate_weights {
    cpt_linear all;  /* [G * H, n] */
    cpt_linear rest; /* [H, n] */
} cpt_gate_weights;

typedef struct cpt_rnn_layer {
    cpt_linear input;        /* [G * H, E], or [G * H, H] above the first layer */
    cpt_gate_weights hidden; /* n = H */
} cpt_rnn_layer;

enum { CPT_CANDIDATE = 2 }; /* the candidate's place among the gates, of either cell */

typedef struct cpt_decoder {
    bool int8; /* the matrices are int8; else all is float32 */
    caption_kind kind;
    caption_rnn rnn;
    int layers;              /* recurrent layers; 1 in the attention kind */
    int gates;               /* G: 3 (GRU: r z n) or 4 (LSTM: i f g o) */
    int vocabulary;          /* V */
    int embed, hidden;       /* E, H */
    int attention, channels; /* A (attention kind), C */
    cpt_range features;      /* int8, attention kind: of the encoder's last map */

    /* attention kind */
    cpt_linear enc, dec;       /* W_enc [A, C], W_dec [A, H] */
    const float *v;            /* [A] */
    float v_bias;              /* added to every position's score */
    cpt_linear init_h, init_c; /* [H, C]; init_c: LSTM only */
    cpt_gate_weights context;  /* n = C: the columns of the input matrix that meet the context; no bias */

    /* baseline kind */
    cpt_linear project; /* [E, C], batch norm folded in */

    /* One of both is there.  The bytes have a range, which the image's vector of the baseline kind shares. */
    const float *embedding;      /* [V, E] */
    const uint8_t *embedding_u8; /* [V, E] */
    cpt_range embedding_range;
    cpt_rnn_layer rnn_layers[CPT_MAX_RNN_LAYERS];
    cpt_linear fc; /* [V, H] */
    cpt_coarse_weights coarse;
    cpt_linear fine; /* int8: what fc's weights lack, [V, 4 ceil(H / 8)] two weights a byte; its `halves` is
                        NULL where the file has none */
} cpt_decoder;

/* The bytes of an int8 decoder's hidden states, which lie within -1..1: value = (byte - 128) / 127. */
#define CPT_STATE_STEPS 127.0f
#define CPT_STATE_ZERO 128.0f

/* What a state's byte lacks is within half a step.  It makes another byte: 254 steps of it, + 128. */
#define CPT_REST_STEPS 254.0f

/* Binds every tensor of the decoder.  `int8`, `kind`, `rnn`, `layers` and `features` are already set; the
 * sizes come from the tensors.  `channels` is the encoder's.  Error: MODEL. */
caption_status cpt_decoder_bind(cpt_decoder *decoder, const cpt_weights *weights, int channels,
                                caption_error *error);

#endif
