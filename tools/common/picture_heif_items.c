/* The coded bytes of the images in a HEIF file, held to what the file says of them and to the limits; see
 * picture_heif.h. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_HEIF

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/picture_heif.h"

enum {
    BLOCK = 64,     /* pixels that a coded side may have more, for it is coded in blocks */
    MOST_TIMES = 4, /* how often all coded bytes may be named: more is a file made to cost time */
    IN_FILE = 0,    /* where an item's bytes are */
    IN_BOX = 1,
    AV1_BYTES = 10, /* that libaom keeps a pixel, and libde265: measured */
    HEVC_BYTES = 3
};

/* ---- what items are ---- */

/* Codecs that other versions of libheif may know, and whose sizes are not read here. */
static bool is_other_codec(const uint8_t *type)
{
    static const char *const others[] = {"jpeg", "avc1", "vvc1", "evc1", "j2k1", "unci", "lhv1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (heif_is(type, others[i])) return true;
    }
    return false;
}

/* infe: one item and its type. */
static bool read_entry(heif_walk *w, heif_span span)
{
    const uint64_t version = heif_number(&span, 4) >> 24;
    if (version < 2) return true; /* these have no type, and are no images */
    const uint64_t item = heif_number(&span, version == 2 ? 2 : 4);
    (void)heif_number(&span, 2);
    if (heif_left(&span) < 4) return true;
    if (item >= HEIF_ITEMS) return picture_refused(w->job, "it has too many items");
    if (heif_is(span.at, "av01")) w->items[item].kind = HEIF_AV1;
    if (heif_is(span.at, "hvc1")) w->items[item].kind = HEIF_HEVC;
    return !is_other_codec(span.at) || picture_refused(w->job, "it is coded in a way that is not read");
}

static bool read_entries(heif_walk *w, heif_span span)
{
    heif_box box;
    const uint64_t version = heif_number(&span, 4) >> 24;
    (void)heif_number(&span, version == 0 ? 2 : 4);
    while (heif_next_box(&span, &box)) {
        if (heif_is(box.type, "infe") && !read_entry(w, box.body)) return false;
    }
    return true;
}

/* ---- where their bytes are ---- */

/* The head of iloc: how many bytes its numbers have. */
typedef struct places {
    size_t offset, length, base, index;
    uint64_t version;
    heif_span folder; /* idat, for items that lie in it */
} places;

/* One piece of an item; a length of 0 is up to the end. */
static bool read_extent(heif_span *span, const places *p, heif_span folder, uint64_t base, heif_span *extent)
{
    (void)heif_number(span, p->index);
    const uint64_t offset = heif_number(span, p->offset), length = heif_number(span, p->length);
    const uint64_t size = heif_left(&folder);
    if (base > size || offset > size - base) return false;
    const uint64_t rest = size - base - offset;
    if (length > rest) return false;
    extent->at = folder.at + base + offset;
    extent->end = extent->at + (length ? length : rest);
    return true;
}

static void read_coded(heif_item *item, heif_span bytes)
{
    if (item->kind == HEIF_AV1) heif_read_av1(&item->coded, bytes);
    if (item->kind == HEIF_HEVC) heif_read_hevc(&item->coded, bytes);
}

/* An item in several pieces: they are put together, for a unit may begin in one and end in the next. */
static bool read_pieces(heif_walk *w, heif_item *item, const heif_span *list, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += heif_left(&list[i]);
    uint8_t *whole = malloc(size + 1);
    if (!whole) return tool_fail(w->job->err, "%s: out of memory", w->job->source->name);
    size = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(whole + size, list[i].at, heif_left(&list[i]));
        size += heif_left(&list[i]);
    }
    read_coded(item, (heif_span){whole, whole + size});
    free(whole);
    return true;
}

/* The pieces of one item.  Pieces that lie outside the file are an error, to libheif too. */
static bool read_item(heif_walk *w, heif_span *span, const places *p, heif_item *item)
{
    const uint64_t place = p->version > 0 ? heif_number(span, 2) & 15 : IN_FILE;
    (void)heif_number(span, 2);
    const uint64_t base = heif_number(span, p->base);
    const size_t count = (size_t)heif_number(span, 2);
    const heif_span folder = place == IN_BOX ? p->folder : w->file;
    if (item->kind == HEIF_OTHER) {
        const uint64_t skipped = count * (p->index + p->offset + p->length);
        span->at += skipped < heif_left(span) ? skipped : heif_left(span);
        return true;
    }
    if (place > IN_BOX) return picture_refused(w->job, "an image of it lies in another");
    heif_span *list = calloc(count + 1, sizeof *list);
    if (!list) return tool_fail(w->job->err, "%s: out of memory", w->job->source->name);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = read_extent(span, p, folder, base, &list[i]) || picture_damaged(w->job, "it ends too early");
        if (ok) w->coded_bytes += heif_left(&list[i]);
        if (ok && w->coded_bytes / MOST_TIMES > heif_left(&w->file)) {
            ok = picture_refused(w->job, "its images share their bytes");
        }
    }
    if (ok && count == 1) read_coded(item, list[0]);
    if (ok && count > 1) ok = read_pieces(w, item, list, count);
    free(list);
    return ok;
}

static bool read_places(heif_walk *w, heif_span span, heif_span folder)
{
    places p = {.version = heif_number(&span, 4) >> 24, .folder = folder};
    const uint64_t sizes = heif_number(&span, 2);
    p.offset = sizes >> 12 & 15;
    p.length = sizes >> 8 & 15;
    p.base = sizes >> 4 & 15;
    p.index = p.version > 0 ? sizes & 15 : 0;
    if (p.offset > 8 || p.length > 8 || p.base > 8 || p.index > 8) {
        return picture_damaged(w->job, "its table of places is broken");
    }
    for (uint64_t n = heif_number(&span, p.version < 2 ? 2 : 4); n > 0 && heif_left(&span) > 0; n--) {
        const uint64_t item = heif_number(&span, p.version < 2 ? 2 : 4);
        if (item >= HEIF_ITEMS) return picture_refused(w->job, "it has too many items");
        if (!read_item(w, &span, &p, &w->items[item])) return false;
    }
    return true;
}

/* ---- the check ---- */

static bool check_item(heif_walk *w, heif_item *item)
{
    char text[160];
    const heif_coded *coded = &item->coded;
    if (item->kind == HEIF_OTHER) return true;
    if (coded->width > (uint64_t)item->width + BLOCK || coded->height > (uint64_t)item->height + BLOCK) {
        (void)snprintf(text, sizeof text,
                       "its header says %" PRIu32 " x %" PRIu32 " pixels, its coded bytes %" PRIu32
                       " x %" PRIu32,
                       item->width, item->height, coded->width, coded->height);
        return picture_damaged(w->job, text);
    }
    const uint64_t pixels = (uint64_t)coded->width * coded->height,
                   most = pixels > item->pixels ? pixels : item->pixels,
                   memory = most * (item->kind == HEIF_AV1 ? AV1_BYTES : HEVC_BYTES);
    if (memory > w->decoder_memory) w->decoder_memory = memory;
    /* a count of frames is no larger than the file */
    if (pixels && coded->frames > UINT64_MAX / pixels) return picture_damaged(w->job, "it has many frames");
    if (pixels * coded->frames > item->pixels) item->pixels = pixels * coded->frames;
    if (coded->frames < 2 || item->pixels <= w->job->limits->pixels) return true;
    (void)snprintf(text, sizeof text,
                   "its coded bytes hold %" PRIu64 " frames of %" PRIu32 " x %" PRIu32
                   " pixels, the limit of all is %" PRIu64 " pixels (--max-pixels)",
                   coded->frames, coded->width, coded->height, w->job->limits->pixels);
    return picture_refused(w->job, text);
}

bool heif_check_items(heif_walk *w, heif_span meta)
{
    heif_box box;
    heif_span again = meta, folder = {meta.end, meta.end};
    while (heif_next_box(&meta, &box)) {
        if (heif_is(box.type, "iinf") && !read_entries(w, box.body)) return false;
        if (heif_is(box.type, "idat")) folder = box.body;
    }
    while (heif_next_box(&again, &box)) {
        if (heif_is(box.type, "iloc") && !read_places(w, box.body, folder)) return false;
    }
    for (size_t i = 0; i < HEIF_ITEMS; i++) {
        if (!check_item(w, &w->items[i])) return false;
    }
    return true;
}

#endif
