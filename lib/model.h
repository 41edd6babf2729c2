/* model.h - what a caption_model holds: everything bound and sized, nothing that changes. */
#ifndef CPT_MODEL_H
#define CPT_MODEL_H

#include <stdbool.h>

#include "lib/decoder/decoder.h"
#include "lib/encoder/resnet.h"
#include "lib/format/weights.h"
#include "lib/platform/file.h"

struct caption_model {
    cpt_weights weights;
    caption_model_info info;
    cpt_resnet encoder;
    cpt_decoder decoder;
    caption_decode_options defaults; /* those that the file asks for */
    float mean[3], std[3];           /* per channel, of pixels in 0..1 */

    cpt_file file;     /* mapped, or all zero */
    void *owned_bytes; /* the file read through a callback, or NULL */
    bool owned;        /* this structure itself came from malloc */
};

#endif
