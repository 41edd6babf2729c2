/* The ranges of an int8 model's activations, and where they come from: pictures or batch norm. */
#ifndef TOOLS_CONVERT_RANGES_H
#define TOOLS_CONVERT_RANGES_H

#include <caption.h>

#include "lib/format/resnet50.h"
#include "tools/convert/mapping.h"

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
    convert_range
        layers[CPT_RESNET50_CONVOLUTIONS]; /* [count] outputs of convolutions, in the order of layers */
    int count;
    float largest_input; /* baseline kind: the largest magnitude of the image's vector; else 0 */
    int pictures;        /* 0: from batch norm */
    int unreadable;      /* pictures that were passed over */
    /* Means of each channel over positions and pictures, owned: of each layer's output, and of the max
     * pool's.  NULL where no picture shows them. */
    double *means[CPT_RESNET50_CONVOLUTIONS], *pool_means;
} convert_ranges;

/* Releases the means.  `ranges` may be all zero. */
void convert_ranges_free(convert_ranges *ranges);

/* Which pictures show the ranges. */
typedef struct convert_pictures {
    const char *name;  /* a folder, or a list: a text file with one path a line */
    const char *tool;  /* named in front of messages */
    const char *model; /* its file, for messages */
    /* as tool_session_options_init makes them, with threads; the ranges are the same for any number */
    caption_session_options session;
    bool quiet; /* no progress, no warnings; pictures that can't be read are reported all the same */
} convert_pictures;

/* Runs the float model over the pictures.  Their order makes no difference to the ranges, and to the means
 * only by rounding.  Free the ranges whatever the result.
 *
 * Folders and lists are read as capdemo reads them.  A picture that can't be read is reported on standard
 * error and passed over.  Fails when there is none that can. */
bool convert_ranges_from_pictures(convert_ranges *ranges, const caption_model *model,
                                  const convert_pictures *pictures, tool_error *err);

/* Takes the output of each batch norm as normally distributed, with its bias as mean and its weight as
 * standard deviation.  No picture is needed. */
bool convert_ranges_from_norms(convert_ranges *ranges, const convert_plan *plan, tool_error *err);

#endif
