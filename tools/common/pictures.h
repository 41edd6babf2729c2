/* Pictures of every format that the tools read, as pixels.
 *
 * The library itself reads JPEG and PNG.  WebP, HEIC and AVIF, GIF, TIFF and BMP are read here, each by a
 * library of its own that the build may leave out.  The first bytes tell the format, never the name.  Nothing
 * here prints, and what those libraries would print becomes the error. */
#ifndef TOOLS_COMMON_PICTURES_H
#define TOOLS_COMMON_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

/* As many bytes tell every format. */
enum { PICTURE_MAGIC_BYTES = 12 };

/* What a picture may take.  It is held to both before anything is decoded. */
typedef struct picture_limits {
    size_t memory;   /* bytes for its pixels, and for what its decoder keeps for each pixel */
    uint64_t pixels; /* width x height */
} picture_limits;

/* What a picture is, or needs, as its header says. */
typedef struct picture_size {
    uint32_t width, height;
    uint64_t memory; /* bytes */
} picture_size;

/* Whether a picture is within the limits, and its sides within CAPTION_MAX_IMAGE_SIDE.  The message says what
 * it has or needs, and which option of the tools sets the limit. */
bool picture_allowed(const picture_limits *limits, const char *name, const picture_size *size,
                     tool_error *err);

/* Who shares memory among pictures that are decoded at once.  `take` is called once for each picture, before
 * its pixels are decoded, with the bytes that this takes; it may wait until there are so many. */
typedef struct picture_claim {
    void (*take)(void *user, size_t bytes);
    void *user;
} picture_claim;

/* An encoded picture. */
typedef struct picture_source {
    const char *name;    /* for messages */
    const uint8_t *data; /* [size] */
    size_t size;
    bool no_exif; /* leave it lying on its side: EXIF's orientation and HEIF's transformations are ignored */
    const picture_claim *claim; /* NULL: nobody */
} picture_source;

typedef struct picture {
    const uint8_t *rgb; /* [height], rows `stride` bytes apart: [width, 3], red first; the top row first */
    int width, height;
    ptrdiff_t stride; /* at least width * 3 */
    void *owner;      /* what picture_free releases */
    void (*release)(void *owner);
} picture;

/* The name of a picture's format, "JPEG" or "WebP" say, also of those that this build can't decode; NULL for
 * bytes that are no picture.  PICTURE_MAGIC_BYTES bytes are enough. */
const char *picture_format(const void *data, size_t size);

/* Whether picture_decode is for these bytes: they are of a format that the library does not read. */
bool picture_is_foreign(const void *data, size_t size);

/* Decodes a picture and turns it upright.  Of a file with several the first is taken.  Transparency is
 * dropped, and of 16 bits the high byte is kept, as the library does with PNG.  A damaged picture is refused.
 * After a failure there is nothing to free. */
bool picture_decode(picture *p, const picture_source *source, const picture_limits *limits, tool_error *err);

/* Accepts a picture that is all zeros. */
void picture_free(picture *p);

#endif
