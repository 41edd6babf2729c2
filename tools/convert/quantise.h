/* The arithmetic of int8: the weights, scales and bias of one product (docs/format.md), and an embedding.
 *
 * Everything is computed in double and rounded once.  Nothing here knows layers by their names. */
#ifndef TOOLS_CONVERT_QUANTISE_H
#define TOOLS_CONVERT_QUANTISE_H

#include "tools/common/error.h"
#include "tools/convert/pack.h"

/* Activations as bytes: value = scale * (byte - zero_point). */
typedef struct convert_bytes {
    float scale;
    int zero_point;
} convert_bytes;

/* A product with its bias: convolution or Linear. */
typedef struct convert_product {
    const char *file, *name; /* of the model file and of the layer, for messages */
    convert_panels weights;
    const double *zeros; /* [columns] the byte that stands for 0, of each input; NULL: in.zero_point */
    /* [columns] The mean of each input, or NULL.  Rounded weights move an output by their errors times the
     * inputs; what that is on average is taken from the bias. */
    const double *means;
    const float *bias; /* [rows], or NULL: 0 */
    convert_bytes in;
    convert_bytes out; /* {1, 0}: the result stays a float */
    convert_bytes add; /* of what is added to the product; scale 0: nothing */
} convert_product;

/* Where the results go. */
typedef struct convert_int8_out {
    int8_t *weight; /* [ceil(rows/16), taps, ceil(columns/4), 16, 4] */
    float *scale;   /* [rows] */
    float *bias;    /* [rows], or NULL: the product has none */
} convert_int8_out;

/* Makes a product's tensors.  Fails on numbers that are not finite, on products whose sums may overflow, and
 * on scales and biases that the library refuses. */
bool convert_quantise(const convert_product *product, const convert_int8_out *out, tool_error *err);

/* What a Linear's int8 weights lack in rows first..first+rows-1, as a product of its own, without bias but
 * for the input's zero point.  Fails like convert_quantise. */
bool convert_quantise_rest(const convert_product *product, const convert_int8_out *coarse, size_t first,
                           size_t rows, const convert_int8_out *out, tool_error *err);

/* What a Linear's int8 weights lack, in sixteenths of their steps. */
typedef struct convert_fine_out {
    uint8_t *halves; /* [ceil(rows/16), ceil(columns/8), 16, 4] */
    float *scale;    /* [rows] */
    float *bias;     /* [rows] */
} convert_fine_out;

/* Makes these from a product and what convert_quantise has made of it.  Fails only when memory runs out. */
bool convert_quantise_fine(const convert_product *product, const convert_int8_out *coarse,
                           const convert_fine_out *out, tool_error *err);

/* Whether a scale is one that the library takes. */
bool convert_scale_fits(float scale);

/* The scale of an embedding values [count]: its largest magnitude, or `most` if that is larger, divided by
 * 127.  1 where that is too small.  NaN or an infinity where a value is. */
float convert_embedding_scale(const float *values, size_t count, float most);

/* out [count] = values / scale rounded, ties to even, + 128 */
void convert_quantise_embedding(const float *values, size_t count, float scale, uint8_t *out);

/* False where one of the numbers is NaN or an infinity. */
bool convert_all_finite(const float *values, size_t count);

#endif
