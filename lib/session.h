/* session.h - what a caption_session holds: everything that changes while captions are made, laid out once in
 * one block. */
#ifndef CPT_SESSION_H
#define CPT_SESSION_H

#include <stdbool.h>

#include "lib/decoder/search.h"
#include "lib/image/image.h"
#include "lib/model.h"

struct caption_session {
    const caption_model *model;
    caption_session_options options; /* taken in, so max_beams and max_length are not 0 */
    cptk_kernels kernels;
    cpt_pool *pool; /* NULL with one thread */
    cpt_image_decoder *image;
    cpt_resnet_run encoder;
    cpt_search search;
    uint8_t *pixels; /* [max_batch, S, S, 3] */
    float *features; /* [max_batch, positions, feature_channels] */
    float
        *last_map; /* [max_batch, out_h, out_w, channels] before pooling (baseline); else `features` itself */
    float *pooled; /* [channels] baseline */
    uint8_t *pooled_u8;                                         /* scratch for the same as bytes, int8 */
    bool loaded[CAPTION_MAX_BATCH], encoded[CAPTION_MAX_BATCH]; /* slots */
    cpt_image_warnings *warnings;                               /* [max_batch] */
    void *owned; /* the block itself where the library allocated it, else NULL */
};

#endif
