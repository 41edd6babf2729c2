/* image.h - from an encoded image or pixels to the network's square 8-bit input.
 *
 * Called by api.c and session.c.  Rows stream from a decoder into the resizer, so the memory needed does not
 * grow with the image except where a format demands it (progressive JPEG, interlaced PNG). */
#ifndef CPT_IMAGE_H
#define CPT_IMAGE_H

#include "lib/platform/arena.h"
#include "lib/platform/status.h"

/* Everything a decoder may use, fixed when a session is initialised. */
typedef struct cpt_image_config {
    int out_size;        /* the result is out_size x out_size */
    int no_exif, strict; /* as in caption_session_options */
    uint64_t max_pixels;
    size_t decode_memory; /* bytes of workspace */
} cpt_image_config;

typedef struct cpt_image_decoder cpt_image_decoder; /* holds the workspace and libjpeg's object */

/* Lays the decoder out in `arena` (dry run or real). In a real run it is ready to use; libjpeg's own small
 * allocations happen here and nowhere else.  Errors: MEMORY. */
caption_status cpt_image_decoder_init(cpt_image_decoder **decoder, cpt_arena *arena,
                                      const cpt_image_config *config, caption_error *error);
void cpt_image_decoder_close(cpt_image_decoder *decoder);

/* Decodes, orients and resizes into out [out_size, out_size, 3].  *warnings counts the decoder's complaints,
 * the first of which stays in `warning` (at least 256 bytes, "" when there is none).  Errors: IMAGE, LIMIT,
 * UNSUPPORTED. */
caption_status cpt_image_decode(cpt_image_decoder *decoder, const void *data, size_t size, uint8_t *out,
                                int *warnings, char *warning, caption_error *error);

/* Resizes pixels into out [out_size, out_size, 3].  Errors: ARGUMENT, LIMIT. */
caption_status cpt_image_resize(cpt_image_decoder *decoder, const caption_pixel_view *pixels, uint8_t *out,
                                caption_error *error);

#endif
