/* What the first directory of a TIFF file takes, counted before libtiff opens the file.
 *
 * libtiff copies the values of all fields, also of those that it doesn't know, and any number of fields may
 * have the same bytes of the file for their values.  The same is true of strips: some kinds are copied before
 * they are decoded.  No writer does either.  What is broken ends the walk; libtiff objects to it.
 *
 * Source of the layout: TIFF, Revision 6.0, section 2; of BigTIFF, the libtiff project's description. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_TIFF

#include <string.h>

enum {
    MOST_TIMES = 4,    /* how often all bytes of the file may be named by strips or tiles */
    MOST_SAMPLES = 16, /* of a pixel: four of colour, eight more, and room */
    STRIP_COUNTS = 279,
    TILE_COUNTS = 325,
    SAMPLES = 277
};

typedef struct tiff_walk {
    const uint8_t *data; /* [size] */
    uint64_t size;
    bool big_endian;
    unsigned word; /* bytes of an offset: 4, or 8 in BigTIFF */
} tiff_walk;

typedef struct tiff_field {
    unsigned tag;
    unsigned each; /* bytes of a value; 0 for a type that is not known, which libtiff passes over */
    uint64_t count;
    uint64_t bytes; /* of all values; UINT64_MAX for more than a number can say */
    uint64_t place; /* of the first one */
} tiff_field;

/* A number of `bytes` bytes; 0 where the file ends before. */
static uint64_t number(const tiff_walk *w, uint64_t at, unsigned bytes)
{
    uint64_t value = 0;
    if (at > w->size || bytes > w->size - at) return 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)w->data[at + i] << 8 * (w->big_endian ? bytes - 1 - i : i);
    }
    return value;
}

static unsigned bytes_of_type(uint64_t type)
{
    static const uint8_t bytes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type < sizeof bytes ? bytes[type] : 0;
}

static tiff_field read_field(const tiff_walk *w, uint64_t at)
{
    tiff_field field = {.tag = (unsigned)number(w, at, 2), .each = bytes_of_type(number(w, at + 2, 2))};
    field.count = number(w, at + 4, w->word);
    field.bytes = field.each && field.count > UINT64_MAX / field.each ? UINT64_MAX : field.count * field.each;
    field.place = at + 4 + w->word;
    if (field.bytes > w->word) field.place = number(w, field.place, w->word);
    return field;
}

/* The bytes that all strips or tiles name; each can name no more than there are. */
static uint64_t sum_of(const tiff_walk *w, const tiff_field *field)
{
    uint64_t sum = 0;
    const uint64_t most = w->size * MOST_TIMES;
    for (uint64_t i = 0; i < field->count && i < w->size && sum <= most; i++) {
        const uint64_t value = number(w, field->place + i * field->each, field->each);
        sum += value < w->size ? value : w->size;
    }
    return sum;
}

static bool check_field(const picture_job *job, const tiff_walk *w, const tiff_field *field)
{
    const bool whole = field->count == 1 && field->each > 0 && field->each <= 4;
    const uint64_t value = whole ? number(w, field->place, field->each) : 0;
    switch (field->tag) {
    case SAMPLES:
        return value <= MOST_SAMPLES || picture_refused(job, "it has too many samples a pixel");
    case STRIP_COUNTS:
    case TILE_COUNTS:
        return sum_of(w, field) <= w->size * MOST_TIMES ||
               picture_refused(job, "its strips or tiles name the same bytes again and again");
    default:
        return true;
    }
}

bool picture_tiff_check(const picture_job *job)
{
    tiff_walk w = {.data = job->source->data, .size = job->source->size, .word = 4};
    uint64_t taken = 0;
    w.big_endian = w.size > 0 && w.data[0] == 'M';
    if (number(&w, 2, 2) == 43) w.word = 8;
    const unsigned head = w.word == 8 ? 8 : 2; /* bytes of the number of fields */
    const uint64_t directory = number(&w, w.word == 8 ? 8 : 4, w.word);
    uint64_t count = number(&w, directory, head);
    for (uint64_t at = directory + head; count > 0 && at < w.size; count--, at += 4 + 2 * w.word) {
        const tiff_field field = read_field(&w, at);
        if (field.bytes > w.size - taken) {
            return picture_refused(job, "its fields have more bytes than the file");
        }
        taken += field.bytes;
        if (!check_field(job, &w, &field)) return false;
    }
    return true;
}

#endif
