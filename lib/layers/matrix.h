/* matrix.h - weights as layers see them: element type, layout, sizes, scales and bias of a tensor of the
 * model file.  Linear layers (linear.h) and convolutions (conv.h) are both products with such a matrix.
 *
 * A matrix owns nothing: it points into the model file's memory. */
#ifndef CPT_MATRIX_H
#define CPT_MATRIX_H

#include <capw.h>
#include <stdbool.h>

#include "lib/format/weights.h"

/* Weights [out, taps, in].  A Linear layer has one tap, a convolution one for each place of its kernel, row
 * by row.  All pointers are NULL where the file has no such matrix. */
typedef struct cpt_matrix {
    capw_dtype dtype;   /* of the elements */
    capw_layout layout; /* their order: capw.h has the stored shape of each */
    int out, taps, in;
    union {
        const float *weight;   /* CAPW_FLOAT32 */
        const uint32_t *pairs; /* CAPW_INT16 in CAPW_PAIRS: two elements a word */
        const int8_t *quads;   /* CAPW_INT8 in CAPW_QUADS */
        const uint8_t *halves; /* CAPW_UINT8 in CAPW_QUADS: two weights a byte */
    };
    const float *scale; /* [out], what each output's sum of integers is multiplied by; NULL for float32 */
    const float *bias;  /* [out], or NULL */
} cpt_matrix;

/* The forms in which the model file may hold one layer's weights. */
typedef enum cpt_matrix_form {
    CPT_MATRIX_WEIGHT,   /* NAME.weight, float32 in panels */
    CPT_MATRIX_WINOGRAD, /* NAME.winograd, float32, filters transformed for either Winograd algorithm */
    CPT_MATRIX_PAIRS,    /* NAME.screen with NAME.screen_scale, int16 in pairs */
    CPT_MATRIX_QUADS,    /* NAME.weight with NAME.scale, int8 in quads */
    CPT_MATRIX_HALVES /* NAME.fine with NAME.fine_scale and NAME.fine_bias, two weights a byte in quads; `in`
                         counts bytes */
} cpt_matrix_form;

typedef struct cpt_matrix_spec {
    cpt_matrix_form form;
    int out, in;   /* 0: any, the file says */
    int kernel;    /* side of a convolution's kernel; 0 for a Linear layer */
    bool has_bias; /* NAME.bias [out] must be there */
    bool optional; /* no error if the weights aren't there: all pointers are NULL then */
} cpt_matrix_spec;

/* Binds layer NAME's weights, with their scales and bias.  The file's memory must outlive the matrix.  Error:
 * MODEL. */
caption_status cpt_matrix_bind(cpt_matrix *matrix, const cpt_weights *weights, const char *name,
                               const cpt_matrix_spec *spec, caption_error *error);

/* Activations as bytes: a value is scale * (byte - zero_point). */
typedef struct cpt_range {
    float scale;    /* positive */
    int zero_point; /* 0..255 */
} cpt_range;

/* Binds layer NAME's range, the tensor NAME.range.  Error: MODEL. */
caption_status cpt_range_bind(cpt_range *range, const cpt_weights *weights, const char *name,
                              caption_error *error);

#endif
