/* Pictures, encoded: PNG by libpng, JPEG by libjpeg.  A build without one of them refuses its format in
 * words.
 *
 * Nothing here prints. */
#ifndef TOOLS_DRAW_ENCODE_H
#define TOOLS_DRAW_ENCODE_H

#include <stdint.h>
#include <stdio.h>

#include "tools/common/error.h"

/* A picture whose rows are asked for from top to bottom. */
typedef struct encode_picture {
    int width, height;
    const uint8_t *(*row)(void *user, int index); /* [width, 3], red first; valid until the next call */
    void *user;
    const char *description; /* UTF-8, goes into the file; or NULL */
} encode_picture;

/* Every PNG file that encode_png writes says so near its start: whether these bytes, the first of a file, are
 * of one. */
bool encode_is_ours(const void *bytes, size_t size);

/* As many bytes tell. */
enum { ENCODE_OURS_BYTES = 256 };

/* Writes a PNG file to a stream.  What the stream could not take is the stream's error, not this one's. */
bool encode_png(FILE *stream, const encode_picture *picture, tool_error *err);

/* Makes a JPEG file in memory, *data [*size], which the caller frees; quality 1..100. */
bool encode_jpeg(unsigned char **data, size_t *size, const encode_picture *picture, int quality,
                 tool_error *err);

/* Whether this build has them. */
bool encode_has_png(void);
bool encode_has_jpeg(void);

#endif
