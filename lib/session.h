/* session.h - everything that changes while captions are made, laid out once in one block. */
#ifndef CPT_SESSION_H
#define CPT_SESSION_H

#include "lib/decoder/search.h"
#include "lib/image/image.h"
#include "lib/model.h"

#define CPT_MAX_BATCH 64

struct caption_session {
    const caption_model *model;
    caption_session_options options; /* as given, defaults resolved */
    cptk_kernels kernels;
    cpt_pool *pool;
    cpt_image_decoder *image;
    cpt_resnet_run encoder;
    cpt_search search;
    uint8_t *pixels; /* [max_batch, S, S, 3] */
    float *features; /* [max_batch, positions, feature_channels] */
    float *last_map; /* baseline: [max_batch, out_h, out_w, channels] before pooling; else the features */
    float *pooled;   /* baseline: [channels] */
    unsigned char loaded[CPT_MAX_BATCH], encoded[CPT_MAX_BATCH];
    caption_result result;
    int warnings[CPT_MAX_BATCH];
    char (*warning)[256]; /* [max_batch] */
    void *owned;          /* the block itself, when the library allocated it */
};

#endif
