/* fixture.h - what most tests of the public API start from: a tiny model, opened, and pictures. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include <stdbool.h>

#include "test/make_model.h"

typedef struct fixture {
    unsigned char *bytes; /* owned: the model file */
    size_t size;
    caption_model *model; /* uses bytes in place */
} fixture;

/* Opens a model of these options (NULL: the defaults).  False when that fails. */
bool fixture_open(fixture *f, const make_model_options *options);
void fixture_close(fixture *f);

/* A picture of 64 x 48 pixels, different for every seed, in memory that the next call uses again. */
caption_pixel_view fixture_pixels(uint32_t seed);

/* The same as a JPEG; free() it.  NULL when memory runs out, or in a build without
 * them. */
unsigned char *fixture_jpeg(uint32_t seed, size_t *size);

/* Likewise, as a progressive JPEG and as an interlaced PNG. */
unsigned char *fixture_progressive(uint32_t seed, size_t *size);
unsigned char *fixture_png(uint32_t seed, size_t *size);

/* Writes a temporary file and its name into path.  False when that fails.  The caller removes it. */
bool fixture_write(char path[64], const void *data, size_t size);

#endif
