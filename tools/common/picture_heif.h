/* What the files that read HEIF share: steps through boxes, and what the coded bytes of an image state.
 *
 * The boxes are those of ISO/IEC 14496-12 and 23008-12: a length of 4 bytes, a type of 4, and a body that may
 * hold boxes.  Nothing is read outside a span; never prints. */
#ifndef TOOLS_COMMON_PICTURE_HEIF_H
#define TOOLS_COMMON_PICTURE_HEIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tools/common/picture_decoders.h"

/* A piece of the file that is being read. */
typedef struct heif_span {
    uint8_t *at, *end;
} heif_span;

typedef struct heif_box {
    uint8_t *type; /* [4] */
    heif_span body;
} heif_box;

static inline size_t heif_left(const heif_span *span)
{
    return (size_t)(span->end - span->at);
}

/* The next number of 0 to 8 bytes; 0 behind the end, where the span then is. */
static inline uint64_t heif_number(heif_span *span, size_t bytes)
{
    uint64_t value = 0;
    if (heif_left(span) < bytes) {
        span->at = span->end;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) value = value << 8 | *span->at++;
    return value;
}

/* Goes to the next box; false at the end, and where a box is broken. */
static inline bool heif_next_box(heif_span *span, heif_box *box)
{
    heif_span here = *span;
    const size_t whole = heif_left(span);
    if (whole < 8) return false;
    uint64_t size = heif_number(&here, 4);
    box->type = here.at;
    here.at += 4;
    if (size == 1) size = heif_number(&here, 8);
    if (size == 0) size = whole; /* up to the end */
    if (size > whole || size < (uint64_t)(here.at - span->at)) return false;
    box->body = (heif_span){here.at, span->at + size};
    span->at += size;
    return true;
}

static inline bool heif_is(const uint8_t *type, const char *wanted)
{
    return memcmp(type, wanted, 4) == 0;
}

/* What coded bytes state. */
typedef struct heif_coded {
    uint32_t width, height; /* the largest of all their headers; 0: they have none */
    uint64_t frames;        /* how often a decoder would make an image of that size */
} heif_coded;

/* Adds what AV1 units say (section 5 of the AV1 specification): of an image, or of the property av1C. */
void heif_read_av1(heif_coded *coded, heif_span units);

/* Adds what HEVC units say (ITU-T H.265, section 7.3), each with its length in 4 bytes before it. */
void heif_read_hevc(heif_coded *coded, heif_span units);

/* The same for the body of the property hvcC. */
void heif_read_hvcc(heif_coded *coded, heif_span body);

enum { HEIF_ITEMS = 65536, HEIF_PROPERTIES = 32768 }; /* all that 16-bit and 15-bit numbers can name */

typedef enum heif_kind { HEIF_OTHER, HEIF_AV1, HEIF_HEVC } heif_kind;

/* A property of images: its size (ispe), or how they are coded (av1C, hvcC); the rest is zero. */
typedef struct heif_property {
    uint32_t width, height;
    heif_coded coded;
} heif_property;

/* What is known of an item of the file, most of which are images. */
typedef struct heif_item {
    heif_kind kind;
    uint32_t width, height; /* of its properties, the largest; 0: it has none */
    heif_coded coded;
    uint64_t
        pixels; /* that decoding it takes, parts apart: width x height, or the coded ones of all frames */
    bool made_of_others;
} heif_item;

typedef struct heif_walk {
    const picture_job *job;
    heif_span file;
    heif_property properties[HEIF_PROPERTIES]; /* from 1 */
    heif_item items[HEIF_ITEMS];
    uint64_t coded_bytes;    /* of all items that were read */
    uint64_t decoder_memory; /* bytes that a decoder keeps for the item that needs most, its result apart */
} heif_walk;

/* Reads the coded bytes of all images that a meta box names, once their properties are known, and holds them
 * to what these say and to the limits. */
bool heif_check_items(heif_walk *w, heif_span meta);

#endif
