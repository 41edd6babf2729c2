/* image.h - from an encoded image or pixels to the network's square 8-bit input.
 *
 * A decoder gives one row after the other to the resizer, so the memory needed does not grow with the height
 * of an image.  Progressive JPEG and interlaced PNG are exceptions: their pixels come in no order of rows. */
#ifndef CPT_IMAGE_H
#define CPT_IMAGE_H

#include <stdbool.h>

#include "lib/limits.h"
#include "lib/platform/arena.h"
#include "lib/platform/status.h"

/* Fixed when a session is made. */
typedef struct cpt_image_config {
    int out_size;         /* the result has out_size x out_size pixels */
    bool no_exif, strict; /* as in caption_session_options */
    uint64_t max_pixels;
    size_t decode_memory; /* bytes of workspace */
} cpt_image_config;

/* An encoded image. */
typedef struct cpt_image_bytes {
    const uint8_t *data; /* [size] */
    size_t size;
} cpt_image_bytes;

/* The warnings of a decoder that went on in spite of them. */
typedef struct cpt_image_warnings {
    int count;
    char first[CPT_WARNING_BYTES]; /* the first warning, "" when there is none */
} cpt_image_warnings;

typedef struct cpt_image_decoder cpt_image_decoder; /* knows its workspace, holds libjpeg's object */

/* Lays the decoder out in `arena` (dry run or real) and, in a real run, makes it ready for use.  libjpeg
 * allocates its own small state here and nowhere else.  *decoder is NULL in a dry run and after an error.
 * Error: MEMORY. */
caption_status cpt_image_decoder_init(cpt_image_decoder **decoder, cpt_arena *arena,
                                      const cpt_image_config *config, caption_error *error);

/* Lays out the workspace of config->decode_memory bytes, which may be another number than before, and which
 * holds nothing between two calls of the functions below.  `decoder` may be NULL, in a dry run. */
void cpt_image_decoder_plan_workspace(cpt_image_decoder *decoder, cpt_arena *arena,
                                      const cpt_image_config *config);

/* Releases what libjpeg allocated.  Accepts NULL. */
void cpt_image_decoder_close(cpt_image_decoder *decoder);

/* Decodes an image, turns it upright and resizes it into out [out_size, out_size, 3].  Sets *warnings.
 * Errors: IMAGE, LIMIT, UNSUPPORTED. */
caption_status cpt_image_decode(cpt_image_decoder *decoder, const cpt_image_bytes *image, uint8_t *out,
                                cpt_image_warnings *warnings, caption_error *error);

/* Resizes pixels into out [out_size, out_size, 3].  Errors: ARGUMENT, LIMIT. */
caption_status cpt_image_resize(cpt_image_decoder *decoder, const caption_pixel_view *pixels, uint8_t *out,
                                caption_error *error);

#endif
