/* What a HEIF file says of its images, read before libheif decodes any.
 *
 * libheif holds no file to our limits.  It decodes a transparency that we don't want, of any size, and an
 * image that is made of others however often it names them.  So every size in the file is checked here, and
 * the links to transparency are made unreadable.  The boxes are those of ISO/IEC 14496-12 and 23008-12: a
 * length of 4 bytes, a type of 4, and a body that may hold boxes.  A box that is broken ends its folder;
 * libheif objects to it. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_HEIF

#include <stdlib.h>
#include <string.h>

enum { ITEMS = 65536, PROPERTIES = 32768 }; /* all that 16-bit and 15-bit numbers can name, from 1 */

typedef struct heif_walk {
    const picture_job *job;
    uint64_t property_pixels[PROPERTIES]; /* width x height, for a property that is a size; else 0 */
    uint64_t item_pixels[ITEMS];
    bool made_of_others[ITEMS];
} heif_walk;

/* A piece of the file that is being read. */
typedef struct heif_span {
    uint8_t *at, *end;
} heif_span;

typedef struct heif_box {
    uint8_t *type; /* [4] */
    heif_span body;
} heif_box;

static size_t left(const heif_span *span)
{
    return (size_t)(span->end - span->at);
}

/* The next number of 1 to 8 bytes; 0 behind the end, where the span then is. */
static uint64_t number(heif_span *span, size_t bytes)
{
    uint64_t value = 0;
    if (left(span) < bytes) {
        span->at = span->end;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) value = value << 8 | *span->at++;
    return value;
}

static bool next_box(heif_span *span, heif_box *box)
{
    heif_span here = *span;
    const size_t whole = left(span);
    if (whole < 8) return false;
    uint64_t size = number(&here, 4);
    box->type = here.at;
    here.at += 4;
    if (size == 1) size = number(&here, 8);
    if (size == 0) size = whole; /* up to the end */
    if (size > whole || size < (uint64_t)(here.at - span->at)) return false;
    box->body = (heif_span){here.at, span->at + size};
    span->at += size;
    return true;
}

static bool is(const heif_box *box, const char *type)
{
    return memcmp(box->type, type, 4) == 0;
}

/* The properties of all images, numbered from 1. */
static bool read_properties(heif_walk *w, heif_span span)
{
    heif_box box;
    for (int i = 1; i < PROPERTIES && next_box(&span, &box); i++) {
        w->property_pixels[i] = 0;
        if (!is(&box, "ispe")) continue;
        (void)number(&box.body, 4); /* version and flags */
        const uint32_t width = (uint32_t)number(&box.body, 4), height = (uint32_t)number(&box.body, 4);
        if (!picture_check(w->job, width, height, 1)) return false;
        w->property_pixels[i] = (uint64_t)width * height;
    }
    return true;
}

/* Which image has which properties. */
static bool read_associations(heif_walk *w, heif_span span)
{
    const uint64_t head = number(&span, 4);
    const bool long_items = head >> 24 > 0, long_properties = head & 1;
    uint64_t count = number(&span, 4);
    for (; count > 0 && left(&span) > 0; count--) {
        const uint64_t item = number(&span, long_items ? 4 : 2);
        if (item >= ITEMS) return picture_refused(w->job, "it has too many items");
        for (uint64_t n = number(&span, 1); n > 0 && left(&span) > 0; n--) {
            const uint64_t property =
                number(&span, long_properties ? 2 : 1) & (long_properties ? 0x7FFF : 0x7F);
            const uint64_t pixels = w->property_pixels[property];
            if (pixels > w->item_pixels[item]) w->item_pixels[item] = pixels;
        }
    }
    return true;
}

static bool read_all_properties(heif_walk *w, heif_span span)
{
    heif_box box;
    heif_span again = span;
    while (next_box(&span, &box)) {
        if (is(&box, "ipco") && !read_properties(w, box.body)) return false;
    }
    while (next_box(&again, &box)) {
        if (is(&box, "ipma") && !read_associations(w, box.body)) return false;
    }
    return true;
}

/* One image that is made of others: *total grows by their pixels. */
static bool read_parts(heif_walk *w, heif_span span, size_t id_bytes, uint64_t *total)
{
    const uint64_t item = number(&span, id_bytes);
    if (item >= ITEMS) return picture_refused(w->job, "it has too many items");
    w->made_of_others[item] = true;
    for (uint64_t n = number(&span, 2); n > 0 && left(&span) > 0; n--) {
        const uint64_t part = number(&span, id_bytes);
        if (part >= ITEMS || w->item_pixels[part] == 0) {
            return picture_damaged(w->job, "a part of it has no size");
        }
        *total += w->item_pixels[part]; /* 65535 parts of 2^32 pixels at most, in 2^29 bytes */
        if (*total / 2 > w->job->limits->pixels) {
            return picture_refused(w->job, "its parts hold many more pixels than the limit");
        }
    }
    return true;
}

/* Whether a part is itself made of others: that way a small file could name billions. */
static bool is_nested(const heif_walk *w, heif_span span, size_t id_bytes)
{
    (void)number(&span, id_bytes);
    for (uint64_t n = number(&span, 2); n > 0 && left(&span) > 0; n--) {
        const uint64_t part = number(&span, id_bytes);
        if (part < ITEMS && w->made_of_others[part]) return true;
    }
    return false;
}

static bool read_references(heif_walk *w, heif_span span)
{
    heif_box box;
    uint64_t total = 0;
    const size_t id_bytes = number(&span, 4) >> 24 ? 4 : 2;
    heif_span again = span;
    while (next_box(&span, &box)) {
        if (is(&box, "dimg") && !read_parts(w, box.body, id_bytes, &total)) return false;
        if (is(&box, "auxl")) memcpy(box.type, "skip", 4);
    }
    while (next_box(&again, &box)) {
        if (is(&box, "dimg") && is_nested(w, box.body, id_bytes)) {
            return picture_refused(w->job, "parts of it are made of parts themselves");
        }
    }
    return true;
}

static bool read_meta(heif_walk *w, heif_span span)
{
    heif_box box;
    (void)number(&span, 4);
    heif_span again = span;
    while (next_box(&span, &box)) {
        if (is(&box, "iprp") && !read_all_properties(w, box.body)) return false;
    }
    while (next_box(&again, &box)) {
        if (is(&box, "iref") && !read_references(w, box.body)) return false;
    }
    return true;
}

bool picture_heif_prepare(const picture_job *job, uint8_t *data, size_t size)
{
    heif_walk *w = calloc(1, sizeof *w);
    if (!w) return tool_fail(job->err, "%s: out of memory", job->source->name);
    w->job = job;
    heif_span file = {data, data + size};
    heif_box box;
    bool ok = true;
    while (ok && next_box(&file, &box)) {
        if (is(&box, "meta")) ok = read_meta(w, box.body);
    }
    free(w);
    return ok;
}

#endif
