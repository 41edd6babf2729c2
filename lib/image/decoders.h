/* decoders.h - what image.c and the two decoders share. */
#ifndef CPT_DECODERS_H
#define CPT_DECODERS_H

#include "lib/image/resize.h"

#ifndef CAPTION_WITH_JPEG
#define CAPTION_WITH_JPEG 1
#endif

typedef struct cpt_jpeg cpt_jpeg;

/* One image on its way from bytes to the resized square. */
typedef struct cpt_image_job {
    const uint8_t *data;
    size_t size;
    const cpt_image_config *config;
    cpt_arena *workspace; /* emptied for every image */
    uint8_t *out;         /* [out_size, out_size, 3] */
    int *warnings;
    char *warning; /* 256 bytes */
    caption_error *error;
} cpt_image_job;

/* Counts a complaint and keeps the first. */
void cpt_image_warn(const cpt_image_job *job, const char *text);

/* Refuses images with more than max_pixels pixels, or whose decoding needs more memory than there is. */
caption_status cpt_image_check(const cpt_image_job *job, const caption_image_info *info);

size_t cpt_jpeg_object_size(void);
/* libjpeg allocates here and nowhere else.  Error: MEMORY. */
caption_status cpt_jpeg_init(cpt_jpeg *jpeg, caption_error *error);
void cpt_jpeg_close(cpt_jpeg *jpeg);
caption_status cpt_jpeg_decode(cpt_jpeg *jpeg, const cpt_image_job *job, const caption_image_info *info);

caption_status cpt_png_decode(const cpt_image_job *job, const caption_image_info *info);

/* What the headers say; 0 when they are damaged. */
int cpt_jpeg_probe(const uint8_t *data, size_t size, caption_image_info *info);
int cpt_png_probe(const uint8_t *data, size_t size, caption_image_info *info);

#endif
