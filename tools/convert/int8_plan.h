/* Which tensors an int8 model file has, and from which of a float32 model's they are made.
 *
 * A layer is what is made in one piece: the tensors of a product, those of the embedding, or a copy.  Tensor
 * data are never read. */
#ifndef TOOLS_CONVERT_INT8_PLAN_H
#define TOOLS_CONVERT_INT8_PLAN_H

#include <caption.h>
#include <capw.h>

#include "lib/limits.h"
#include "tools/convert/quantise.h"
#include "tools/convert/ranges.h"

enum {
    CONVERT_PIXEL_CHANNELS = 3,
    CONVERT_INT8_MOST_TENSORS = 6, /* of a layer: weight, scale, bias, and three of fine or rest */
    /* the embedding, two copies, six matrices of attention and vocabulary, two for each recurrent layer */
    CONVERT_INT8_LAYERS = CPT_RESNET50_CONVOLUTIONS + 1 + 2 + 6 + 2 * CPT_MAX_RNN_LAYERS,
    CONVERT_INT8_TENSORS = CONVERT_INT8_LAYERS * CONVERT_INT8_MOST_TENSORS
};

typedef enum convert_layer_kind {
    CONVERT_LAYER_PRODUCT,   /* weight, scale; bias where there is one; range where has_range; last, where
                                has_fine: fine, fine_scale, fine_bias; where has_rest: rest.weight,
                                rest.scale; rest.bias where there is a bias */
    CONVERT_LAYER_EMBEDDING, /* weight, range */
    CONVERT_LAYER_COPY       /* as it is */
} convert_layer_kind;

typedef struct convert_layer {
    convert_layer_kind kind;
    char name[CAPW_NAME_BYTES];       /* "encoder.stem"; of a copy the tensor's */
    caption_tensor_info weight, bias; /* of the float32 model; bias.data NULL: none */
    bool pixels;                      /* the product reads pixels */
    bool embedded;                    /* the product reads words: `in` is the embedding's */
    bool has_range, has_fine, has_rest;
    const double *means;        /* of the input's channels, or NULL: as in convert_product */
    convert_bytes in, out, add; /* as in convert_product */
    size_t first, count;        /* its tensors, of the plan's */
} convert_layer;

typedef struct convert_int8_plan {
    const char *file; /* the float32 model's name, for messages */
    const caption_model *model;
    const convert_ranges *ranges;
    convert_layer layers[CONVERT_INT8_LAYERS]; /* [layer_count] */
    size_t layer_count;
    capw_tensor
        tensors[CONVERT_INT8_TENSORS]; /* [tensor_count]: name, dtype, layout, rank and dims are set */
    size_t tensor_count;
} convert_int8_plan;

/* Fills the plan, of which file, model and ranges are set and the rest is zero.  All three must outlive it.
 * Fails where a range is missing or of no use. */
bool convert_int8_plan_make(convert_int8_plan *plan, tool_error *err);

#endif
