/* The ranges of an int8 model's activations, and where they come from: pictures or batch norm. */
#ifndef TOOLS_CONVERT_RANGES_H
#define TOOLS_CONVERT_RANGES_H

#include "lib/format/resnet50.h"

/* How a layer's range was found. */
typedef enum convert_method {
    CONVERT_METHOD_MAX,        /* its largest value */
    CONVERT_METHOD_PERCENTILE, /* 99.99 % of its values lie within */
    CONVERT_METHOD_ERROR       /* the range with the least squared error */
} convert_method;

/* value = scale * (byte - zero_point) */
typedef struct convert_range {
    char layer[40]; /* "stem", "layer1.0.conv1" ... as caption_session_layer names them */
    float scale;    /* positive and finite */
    int zero_point; /* 0..255; 0 behind a ReLU */
    convert_method method;
} convert_range;

typedef struct convert_ranges {
    convert_range layers[CPT_RESNET50_CONVOLUTIONS]; /* [count] outputs of convolutions, in the order of layers */
    int count;
    float largest_input; /* baseline kind: the largest magnitude of the image's vector; else 0 */
    int pictures;        /* 0: from batch norm */
} convert_ranges;

#endif
