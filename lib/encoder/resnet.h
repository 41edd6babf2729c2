/* resnet.h - ResNet-50 without pooling and classifier, as a table of layers. */
#ifndef CPT_RESNET_H
#define CPT_RESNET_H

#include "lib/format/resnet50.h"
#include "lib/format/weights.h"
#include "lib/layers/conv.h"
#include "lib/platform/arena.h"

#define CPT_STEM_BORDER 3 /* positions around the input map, which let the stem run without padding */
#define CPT_RESNET_LAYERS (CPT_RESNET50_CONVOLUTIONS + 1) /* and the max pool */
#define CPT_LAYER_NAME_BYTES 40

/* One step of the encoder: out = conv(in) (+ add), or the max pool.  Maps are numbered: 0 is the input, layer
 * i writes map i + 1. */
typedef struct cpt_layer {
    /* "layer2.0.conv1"; its tensors are encoder.NAME.weight, .bias, .winograd */
    char name[CPT_LAYER_NAME_BYTES];
    cpt_conv conv; /* of the pool only sizes, kernel and stride count */
    bool is_pool;
    int in, add;     /* maps; add is -1 where nothing is added */
    cpt_range range; /* int8: of its output */
} cpt_layer;

typedef struct cpt_resnet {
    cpt_layer layers[CPT_RESNET_LAYERS];
    bool int8;                  /* filters are int8 and maps bytes; else both are float32 */
    int split;                  /* the first layer of stage 3, which also numbers the map it reads */
    int input_size;             /* the image is input_size x input_size */
    int out_h, out_w, channels; /* of the last map */
} cpt_resnet;

/* Builds the table for an input size (CPT_MIN_INPUT_SIZE..CPT_MAX_INPUT_SIZE) and binds its weights, whose
 * sizes say how wide the layers are.  net->int8 is already set.  Error: MODEL. */
caption_status cpt_resnet_bind(cpt_resnet *net, const cpt_weights *weights, int input_size,
                               caption_error *error);

/* The first layers of a network that run row by row (stream.h). */
typedef struct cpt_stream {
    int layers; /* how many they are; 0: none, and nothing below counts */
    /* of each map, and of its 16-bit form: how many rows are in memory; 0: none, it isn't needed */
    uint16_t rows[CPT_RESNET_LAYERS + 1], wide_rows[CPT_RESNET_LAYERS + 1];
    bool over_pixels; /* the last of their maps can take the place of the pixels while these are read */
} cpt_stream;

/* The mutable side: algorithms, and where each map lies. */
typedef struct cpt_resnet_run {
    const cpt_resnet *net;
    const cptk_kernels *kernels;
    cpt_pool *pool;
    /* One image at a time in as little memory as there can be.  The layers before map net->split run row by
     * row, and pixels and features have their places among the maps. */
    bool low_memory;
    cpt_stream stream; /* with low_memory; else 0 */
    uint8_t *pixels;   /* the same: [S, S, 3] until the first layers have run; else NULL */
    caption_conv algorithm[CPT_RESNET_LAYERS];
    /* Layers before this one take one image after the other, as their maps are large and their weights small.
     * Later ones have small maps and large weights and take a group at once.  0: all take a group. */
    int split;
    /* [images, h, w, pitch] floats or bytes; one image before map `split`, a group from there on.  Map 0 is
     * [images, S + 6, S + 6, 3], or of bytes [images, S + 6, S + 6, 4].  A last map of floats is `features`
     * itself, and has no place here. */
    unsigned char *maps[CPT_RESNET_LAYERS + 1];
    /* The same maps of an int8 network, in 16 bits, where a later layer adds them; else NULL.  A map that is
     * only added has no bytes. */
    uint16_t *wide[CPT_RESNET_LAYERS + 1];
    float *features; /* the last map, as floats, of the whole batch [batch, h, w, c] */
    void *scratch;
} cpt_resnet_run;

/* Bytes of an image's pixels. */
size_t cpt_resnet_pixel_bytes(const cpt_resnet *net);

/* Chooses algorithms and lays maps and scratch out in `arena`, in a dry run or a real one, for `batch`
 * images. Maps that are not alive together share memory.  The last map is the caller's `features` [batch,
 * out_h, out_w, channels].  net, kernels and low_memory are already set.
 *
 * With low_memory `batch` is 1, and `features` isn't looked at.  run->pixels and run->features are both where
 * the arena stood: whoever needs either must leave the first bytes from there on alone,
 * cpt_resnet_pixel_bytes before the run and out_h * out_w * channels floats after it. */
void cpt_resnet_plan(cpt_resnet_run *run, cpt_arena *arena, int batch, int threads, caption_conv wish,
                     float *features);

/* Does a layer use this algorithm, by the plan? */
bool cpt_resnet_uses(const cpt_resnet_run *run, caption_conv algorithm);

/* Told after each layer that `done` of `total` are, those of every group counted, and what the layer
 * computed. Anything but 0 stops. */
typedef int (*cpt_layer_fn)(void *user, int done, int total, const caption_map *map);

typedef struct cpt_resnet_batch {
    const uint8_t *pixels;   /* [count, S, S, 3] */
    int count;               /* 1 to the batch that was planned */
    const float *mean, *std; /* [3] */
    cpt_layer_fn callback;   /* or NULL */
    void *user;
} cpt_resnet_batch;

/* How often the callback is called for `count` images. */
int cpt_resnet_parts(int count);

/* Returns 0, or what the callback returned. */
int cpt_resnet_encode(cpt_resnet_run *run, const cpt_resnet_batch *batch);

#endif
