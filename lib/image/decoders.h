/* decoders.h - what image.c and the two decoders share. */
#ifndef CPT_DECODERS_H
#define CPT_DECODERS_H

#include "lib/image/resize.h"

#ifndef CAPTION_WITH_JPEG
#define CAPTION_WITH_JPEG 1
#endif

typedef struct cpt_jpeg cpt_jpeg; /* libjpeg's object and what belongs to it */

/* One image on its way from bytes to the resized square. */
typedef struct cpt_image_job {
    const cpt_image_bytes *image;
    const cpt_image_config *config;
    cpt_arena *workspace; /* empty before each image */
    uint8_t *out;         /* [out_size, out_size, 3] */
    cpt_image_warnings *warnings;
    caption_error *error;
} cpt_image_job;

/* Counts a warning and keeps the text of the first. */
void cpt_image_warn(const cpt_image_job *job, const char *text);

/* Bytes that an object takes. */
size_t cpt_jpeg_object_size(void);

/* Makes an object in such a piece of memory.  libjpeg allocates here and nowhere else.  Error: MEMORY. */
caption_status cpt_jpeg_init(cpt_jpeg *jpeg, caption_error *error);

/* Releases what libjpeg allocated.  Accepts NULL. */
void cpt_jpeg_close(cpt_jpeg *jpeg);

/* Both decode a whole image of the kind that its header, `info`, tells of.  Errors: IMAGE, LIMIT. */
caption_status cpt_jpeg_decode(cpt_jpeg *jpeg, const cpt_image_job *job, const caption_image_info *info);
caption_status cpt_png_decode(const cpt_image_job *job, const caption_image_info *info);

/* Both read a header into *info, in every build, and return NULL, or what is wrong with it.  decode_memory is
 * what the decoder needs, without the resizer. */
const char *cpt_jpeg_probe(const cpt_image_bytes *image, caption_image_info *info);
const char *cpt_png_probe(const cpt_image_bytes *image, caption_image_info *info);

#endif
