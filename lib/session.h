/* session.h - what a caption_session holds: everything that changes while captions are made, laid out once in
 * one block. */
#ifndef CPT_SESSION_H
#define CPT_SESSION_H

#include <stdbool.h>

#include "lib/decoder/search.h"
#include "lib/explain/adjoint.h"
#include "lib/image/image.h"
#include "lib/model.h"

/* Images, one a slot. */
typedef struct cpt_images {
    uint8_t *pixels; /* [max_batch, S, S, 3] */
    float *features; /* [max_batch, positions, feature_channels] */
    float
        *last_map; /* [max_batch, out_h, out_w, channels] before pooling (baseline); else `features` itself */
} cpt_images;

/* What explanations need.  L = max_length, N = positions of the feature map, C its channels. */
typedef struct cpt_explainer {
    cpt_trace trace;
    cpt_adjoint adjoint; /* of a float32 model */
    cpt_images covered;  /* images with a square covered */
    float *maps;         /* [L, N] */
    float *weights;      /* [L, C] of a float32 model, else NULL */
    float *y;            /* [L] log-probabilities of the tokens */
    float *y_covered;    /* [L] the same for a covered image */
    caption_explanation result;
} cpt_explainer;

struct caption_session {
    const caption_model *model;
    caption_session_options options; /* taken in, so max_beams and max_length are not 0 */
    cptk_kernels kernels;
    cpt_pool *pool; /* NULL with one thread */
    cpt_image_decoder *image;
    cpt_resnet_run encoder;
    cpt_search search;
    cpt_images images;
    float *pooled;                                              /* [channels] baseline */
    uint8_t *pooled_u8;                                         /* scratch for the same as bytes, int8 */
    bool loaded[CAPTION_MAX_BATCH], encoded[CAPTION_MAX_BATCH]; /* slots */
    bool mapped[CAPTION_MAX_BATCH]; /* baseline: images.last_map has the slot's map; kept for explanations */
    cpt_image_warnings *warnings;   /* [max_batch] */
    cpt_explainer explainer;        /* with the option `explain` */
    void *owned;                    /* the block itself where the library allocated it, else NULL */
};

#endif
