/* resnet.h - ResNet-50 without pooling and classifier, as a table of layers.  Bound by model.c, laid out and
 * run by session.c. */
#ifndef CPT_RESNET_H
#define CPT_RESNET_H

#include "lib/layers/conv.h"
#include "lib/layers/map.h"
#include "lib/platform/arena.h"
#include "lib/format/weights.h"

#define CPT_STEM_BORDER 3    /* zeros around the input map, which let the stem run without padding */
#define CPT_RESNET_LAYERS 54 /* 53 convolutions and the max pool */
#define CPT_RESNET_GROUP 4   /* images of a batch that go through the last stages together; more don't pay */

/* One step of the encoder: out = conv(in) (+ add), or the max pool.  Maps are numbered: 0 is the input, layer
 * i writes map i + 1. */
typedef struct cpt_layer {
    char name[40]; /* "layer2.0.conv1"; its tensors are encoder.NAME.weight, .bias, .winograd */
    cpt_conv conv; /* of the pool only sizes, kernel and stride count */
    int is_pool;
    int in, add; /* maps; add is -1 where nothing is added */
} cpt_layer;

typedef struct cpt_resnet {
    cpt_layer layers[CPT_RESNET_LAYERS];
    int split;                  /* the first layer of stage 3, which also numbers the map it reads */
    int input_size;             /* the image is input_size x input_size */
    int out_h, out_w, channels; /* of the last map */
} cpt_resnet;

/* Builds the table for an input size (32..1024) and binds its weights; widths come from the tensors.  Error:
 * MODEL. */
caption_status cpt_resnet_bind(cpt_resnet *net, const cpt_weights *weights, int input_size,
                               caption_error *error);

/* The mutable side: algorithms, and where each map lies. */
typedef struct cpt_resnet_run {
    const cpt_resnet *net;
    const cptk_kernels *kernels;
    cpt_pool *pool;
    caption_conv algorithm[CPT_RESNET_LAYERS];
    int split; /* layers before this one take one image after the other: their maps are large, their weights
                  small.  Later ones take a group: there it is the other way round. */
    float *maps[CPT_RESNET_LAYERS]; /* [images, h, w, pitch], one image before map `split`, else a group; the
                                       first is [images, S + 6, S + 6, 3] */
    float *features;                /* the last map, of the whole batch [batch, h, w, c] */
    void *scratch;
} cpt_resnet_run;

/* Chooses algorithms and lays the maps and scratch out in `arena` (dry run or real) for `batch` images; maps
 * that are not alive together share memory.  The last map is the caller's: `features`. */
void cpt_resnet_plan(cpt_resnet_run *run, cpt_arena *arena, int batch, int threads, caption_conv wish,
                     float *features);

/* Called after layer `done` of `total`, those of each group counted; anything but 0 stops. */
typedef int (*cpt_layer_fn)(void *user, int done, int total);

typedef struct cpt_resnet_batch {
    const uint8_t *pixels; /* [count, S, S, 3] */
    int count;             /* 1 to the batch that was planned */
    const float *mean, *std;
    cpt_layer_fn callback; /* or NULL */
    void *user;
} cpt_resnet_batch;

/* Returns 0, or what the callback returned. */
int cpt_resnet_encode(cpt_resnet_run *run, const cpt_resnet_batch *batch);

#endif
