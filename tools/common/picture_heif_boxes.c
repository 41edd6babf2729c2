/* What a HEIF file says of its images, read before libheif decodes any.
 *
 * libheif holds no file to our limits.  It decodes a transparency that we don't want, of any size, and an
 * image that is made of others however often it names them.  So every size in the file is checked here, and
 * the links to transparency are made unreadable.  The decoders make an image of the size that its coded bytes
 * state, whatever the file says of it; picture_heif_items.c sees to that.  A box that is broken ends its
 * folder; libheif objects to it. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_HEIF

#include <stdlib.h>
#include <string.h>

#include "tools/common/picture_heif.h"

/* The properties of all images, numbered from 1. */
static bool read_properties(heif_walk *w, heif_span span)
{
    heif_box box;
    for (int i = 1; i < HEIF_PROPERTIES && heif_next_box(&span, &box); i++) {
        heif_property *property = &w->properties[i];
        *property = (heif_property){.width = 0};
        if (heif_is(box.type, "hvcC")) heif_read_hvcc(&property->coded, box.body);
        if (heif_is(box.type, "av1C")) {
            (void)heif_number(&box.body, 4); /* version, profile and how it is coded */
            heif_read_av1(&property->coded, box.body);
        }
        if (!heif_is(box.type, "ispe")) continue;
        (void)heif_number(&box.body, 4); /* version and flags */
        property->width = (uint32_t)heif_number(&box.body, 4);
        property->height = (uint32_t)heif_number(&box.body, 4);
        if (!picture_check(w->job, property->width, property->height, 1)) return false;
    }
    return true;
}

static void raise(uint32_t *value, uint32_t other)
{
    if (other > *value) *value = other;
}

static void add_property(heif_item *item, const heif_property *property)
{
    raise(&item->width, property->width);
    raise(&item->height, property->height);
    raise(&item->coded.width, property->coded.width);
    raise(&item->coded.height, property->coded.height);
    item->pixels = (uint64_t)item->width * item->height;
}

/* Which image has which properties. */
static bool read_associations(heif_walk *w, heif_span span)
{
    const uint64_t head = heif_number(&span, 4);
    const bool long_items = head >> 24 > 0, long_properties = head & 1;
    uint64_t count = heif_number(&span, 4);
    for (; count > 0 && heif_left(&span) > 0; count--) {
        const uint64_t item = heif_number(&span, long_items ? 4 : 2);
        if (item >= HEIF_ITEMS) return picture_refused(w->job, "it has too many items");
        for (uint64_t n = heif_number(&span, 1); n > 0 && heif_left(&span) > 0; n--) {
            const uint64_t property =
                heif_number(&span, long_properties ? 2 : 1) & (long_properties ? 0x7FFF : 0x7F);
            add_property(&w->items[item], &w->properties[property]);
        }
    }
    return true;
}

static bool read_all_properties(heif_walk *w, heif_span span)
{
    heif_box box;
    heif_span again = span;
    while (heif_next_box(&span, &box)) {
        if (heif_is(box.type, "ipco") && !read_properties(w, box.body)) return false;
    }
    while (heif_next_box(&again, &box)) {
        if (heif_is(box.type, "ipma") && !read_associations(w, box.body)) return false;
    }
    return true;
}

/* One image that is made of others: *total grows by their pixels. */
static bool read_parts(heif_walk *w, heif_span span, size_t id_bytes, uint64_t *total)
{
    const uint64_t item = heif_number(&span, id_bytes);
    if (item >= HEIF_ITEMS) return picture_refused(w->job, "it has too many items");
    w->items[item].made_of_others = true;
    for (uint64_t n = heif_number(&span, 2); n > 0 && heif_left(&span) > 0; n--) {
        const uint64_t part = heif_number(&span, id_bytes);
        if (part >= HEIF_ITEMS || w->items[part].pixels == 0) {
            return picture_damaged(w->job, "a part of it has no size");
        }
        *total += w->items[part].pixels; /* 65535 parts of 2^32 pixels at most, in 2^29 bytes */
        if (*total / 2 > w->job->limits->pixels) {
            return picture_refused(w->job, "its parts hold many more pixels than the limit");
        }
    }
    return true;
}

/* Whether a part is itself made of others: that way a small file could name billions. */
static bool is_nested(const heif_walk *w, heif_span span, size_t id_bytes)
{
    (void)heif_number(&span, id_bytes);
    for (uint64_t n = heif_number(&span, 2); n > 0 && heif_left(&span) > 0; n--) {
        const uint64_t part = heif_number(&span, id_bytes);
        if (part < HEIF_ITEMS && w->items[part].made_of_others) return true;
    }
    return false;
}

static bool read_references(heif_walk *w, heif_span span)
{
    heif_box box;
    uint64_t total = 0;
    const size_t id_bytes = heif_number(&span, 4) >> 24 ? 4 : 2;
    heif_span again = span;
    while (heif_next_box(&span, &box)) {
        if (heif_is(box.type, "dimg") && !read_parts(w, box.body, id_bytes, &total)) return false;
        if (heif_is(box.type, "auxl")) memcpy(box.type, "skip", 4);
    }
    while (heif_next_box(&again, &box)) {
        if (heif_is(box.type, "dimg") && is_nested(w, box.body, id_bytes)) {
            return picture_refused(w->job, "parts of it are made of parts themselves");
        }
    }
    return true;
}

static bool read_meta(heif_walk *w, heif_span span)
{
    heif_box box;
    (void)heif_number(&span, 4);
    heif_span again = span;
    while (heif_next_box(&span, &box)) {
        if (heif_is(box.type, "iprp") && !read_all_properties(w, box.body)) return false;
    }
    if (!heif_check_items(w, again)) return false;
    while (heif_next_box(&again, &box)) {
        if (heif_is(box.type, "iref") && !read_references(w, box.body)) return false;
    }
    return true;
}

bool picture_heif_prepare(const picture_job *job, uint8_t *data, size_t size, uint64_t *memory)
{
    heif_walk *w = calloc(1, sizeof *w);
    if (!w) return tool_fail(job->err, "%s: out of memory", job->source->name);
    w->job = job;
    w->file = (heif_span){data, data + size};
    heif_span file = w->file;
    heif_box box;
    bool ok = true;
    while (ok && heif_next_box(&file, &box)) {
        if (heif_is(box.type, "meta")) ok = read_meta(w, box.body);
    }
    *memory = w->decoder_memory;
    free(w);
    return ok;
}

#endif
