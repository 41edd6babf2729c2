/* What pictures.c and the decoders of its table share. */
#ifndef TOOLS_COMMON_PICTURE_DECODERS_H
#define TOOLS_COMMON_PICTURE_DECODERS_H

#include "tools/common/pictures.h"

/* A picture that is being decoded. */
typedef struct picture_job {
    const picture_source *source;
    const picture_limits *limits;
    const char *format; /* for messages */
    int orientation;    /* EXIF, 1..8: how pictures.c turns it afterwards; 1 where the decoder did it */
    tool_error *err;
} picture_job;

/* Holds a picture to the limits.  Decoding takes `bytes_per_pixel`, and turning upright what it takes. */
bool picture_check(const picture_job *job, uint32_t width, uint32_t height, unsigned bytes_per_pixel);

/* The same, and waits for that memory and `more` bytes where the source has a claim.  Once for a picture. */
bool picture_reserve(const picture_job *job, uint32_t width, uint32_t height, unsigned bytes_per_pixel,
                     uint64_t more);

/* Makes room for `pixel_bytes` bytes a pixel, all black; the picture's rows are then width * 3 bytes apart.
 * For sizes that picture_check or picture_reserve accepted. */
uint8_t *picture_room(const picture_job *job, picture *p, uint32_t width, uint32_t height,
                      unsigned pixel_bytes);

/* "NAME: damaged FORMAT image: reason".  Always returns false. */
bool picture_damaged(const picture_job *job, const char *reason);

/* "NAME: FORMAT image: reason", for what is well formed and not read.  Always returns false. */
bool picture_refused(const picture_job *job, const char *reason);

/* The decoders of the table.  They set *p, and job->orientation.  After a failure, what *p holds is freed by
 * pictures.c. */
bool picture_decode_webp(picture_job *job, picture *p);
bool picture_decode_heif(picture_job *job, picture *p);
bool picture_decode_gif(picture_job *job, picture *p);
bool picture_decode_tiff(picture_job *job, picture *p);
bool picture_decode_bmp(picture_job *job, picture *p);

/* Holds all that a HEIF file [size] decodes to to the limits, and changes it so that transparency, which
 * would be dropped, is not decoded.  *memory: bytes that decoding takes beside the picture. */
bool picture_heif_prepare(const picture_job *job, uint8_t *data, size_t size, uint64_t *memory);

/* Refuses a TIFF file whose fields, strips or tiles take far more bytes than the file has. */
bool picture_tiff_check(const picture_job *job);

#endif
