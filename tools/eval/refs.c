/* Reference captions and their two file formats; see refs.h. */
#include "tools/eval/refs.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/text.h"
#include "tools/common/grow.h"
#include "tools/eval/metrics.h"

enum { MAX_DIGITS = 18 }; /* of a comment number, so that it fits into 64 bits */

typedef struct image {
    const char **captions; /* [count], owned by the text table; has room for the next power of two */
    size_t count;
} image;

struct eval_refs {
    eval_table *names; /* numbers = indices into images */
    eval_table *texts;
    image *images;
    size_t capacity;
};

eval_refs *eval_refs_create(void)
{
    eval_refs *refs = calloc(1, sizeof *refs);
    if (!refs) return NULL;
    refs->names = eval_table_create();
    refs->texts = eval_table_create();
    if (!refs->names || !refs->texts) eval_refs_free(&refs);
    return refs;
}

void eval_refs_free(eval_refs **refs)
{
    if (!refs || !*refs) return;
    for (size_t i = 0; i < eval_refs_count(*refs); i++) free((*refs)->images[i].captions);
    free((*refs)->images);
    eval_table_free(&(*refs)->names);
    eval_table_free(&(*refs)->texts);
    free(*refs);
    *refs = NULL;
}

size_t eval_refs_count(const eval_refs *refs)
{
    return refs->names ? eval_table_count(refs->names) : 0;
}

static const char *image_name(const eval_refs *refs, uint32_t number)
{
    return eval_table_text(refs->names, number);
}

uint32_t eval_refs_find(const eval_refs *refs, const char *name)
{
    uint32_t found = eval_table_find(refs->names, name, strlen(name));
    const char *slash = strrchr(name, '/');
    if (found == EVAL_NO_WORD && slash) found = eval_table_find(refs->names, slash + 1, strlen(slash + 1));
    return found;
}

size_t eval_refs_captions(const eval_refs *refs, uint32_t number, const char *const **captions)
{
    *captions = refs->images[number].captions;
    return refs->images[number].count;
}

uint32_t eval_refs_image(eval_refs *refs, const char *name, size_t length)
{
    const size_t before = eval_refs_count(refs);
    image *images = tool_grow(refs->images, &refs->capacity, before + 1, sizeof *images);
    if (!images) return EVAL_NO_WORD;
    refs->images = images;
    const uint32_t number = eval_table_add(refs->names, name, length);
    if (number == before) memset(&images[number], 0, sizeof *images);
    return number;
}

/* Most images have few captions, so their room starts with one and doubles. */
static bool make_room(image *im)
{
    if (im->count & (im->count - 1)) return true;
    const size_t room = im->count ? im->count * 2 : 1;
    const char **captions = realloc(im->captions, room * sizeof *captions);
    if (!captions) return false;
    im->captions = captions;
    return true;
}

bool eval_refs_add_caption(eval_refs *refs, uint32_t number, const char *caption, size_t length)
{
    image *im = &refs->images[number];
    if (!make_room(im)) return false;
    const uint32_t text = eval_table_add(refs->texts, caption, length);
    if (text == EVAL_NO_WORD) return false;
    im->captions[im->count++] = eval_table_text(refs->texts, text);
    return true;
}

bool eval_refs_add(eval_refs *refs, const char *name, size_t name_length, const char *caption, size_t length)
{
    const uint32_t number = eval_refs_image(refs, name, name_length);
    return number != EVAL_NO_WORD && eval_refs_add_caption(refs, number, caption, length);
}

/* ---- lines ---- */

typedef struct reader {
    eval_refs *refs;
    eval_table *numbers; /* of Flickr30k: an image's number and a comment number, as they came */
    const char *path;
    tool_lines lines;
    tool_error *err;
} reader;

typedef struct span {
    const char *text;
    size_t length;
} span;

static bool refuse(const reader *r, const char *reason)
{
    return tool_fail(r->err, "%s:%zu: %s", r->path, r->lines.number, reason);
}

static span trim(span s)
{
    while (s.length && (s.text[0] == ' ' || s.text[0] == '\t')) s.text++, s.length--;
    while (s.length && (s.text[s.length - 1] == ' ' || s.text[s.length - 1] == '\t')) s.length--;
    return s;
}

static bool add_caption(reader *r, span name, span caption)
{
    name = trim(name);
    caption = trim(caption);
    if (!name.length) return refuse(r, "no image name");
    if (!caption.length) return refuse(r, "empty caption");
    if (caption.length > EVAL_MAX_CAPTION) return refuse(r, EVAL_TOO_LONG);
    if (!eval_refs_add(r->refs, name.text, name.length, caption.text, caption.length)) {
        return refuse(r, "out of memory");
    }
    return true;
}

/* Takes a comma-separated field off the front of *line.  It ends at the next comma, or at its closing quote
 * if it begins with a quote; "" is a quote inside.  The last field takes all that is left, commas included.
 * `room` [at least line->length] receives the text of a quoted field. */
static bool take_field(reader *r, span *line, bool last, char *room, span *field)
{
    const char *p = line->text, *stop = line->text + line->length;
    size_t n = 0;
    if (p < stop && *p == '"') {
        for (p++; p < stop; p++) {
            if (*p == '"' && (p + 1 == stop || p[1] != '"')) break;
            if (*p == '"') p++;
            room[n++] = *p;
        }
        if (p == stop) return refuse(r, "quoted field does not end on its line");
        p++;
        if (last ? p == stop : (p < stop && *p == ',')) {
            field->text = room;
            field->length = n;
            line->text = last ? p : p + 1;
            line->length = (size_t)(stop - line->text);
            return true;
        } /* else the quotes are part of a plain text: "Dog" runs */
    }
    const char *comma = last ? stop : memchr(line->text, ',', line->length);
    if (!comma) return refuse(r, "no comma between image and caption");
    field->text = line->text;
    field->length = (size_t)(comma - line->text);
    line->text = last ? stop : comma + 1;
    line->length = (size_t)(stop - line->text);
    return true;
}

/* image,caption */
static bool read_commas(reader *r, span line, char *room)
{
    span name;
    if (!take_field(r, &line, false, room, &name)) return false;
    span caption;
    if (!take_field(r, &line, true, room + name.length, &caption)) return false;
    return add_caption(r, name, caption);
}

/* Notes a comment number of an image; false if it came before. */
static bool note_number(reader *r, span name, uint64_t number)
{
    name = trim(name);
    if (!name.length) return refuse(r, "no image name");
    const uint32_t image_number = eval_refs_image(r->refs, name.text, name.length);
    if (image_number == EVAL_NO_WORD) return refuse(r, "out of memory");
    const uint64_t pair[2] = {image_number, number};
    const size_t before = eval_table_count(r->numbers);
    const uint32_t at = eval_table_add(r->numbers, pair, sizeof pair);
    if (at == EVAL_NO_WORD) return refuse(r, "out of memory");
    return at == before || refuse(r, "this image and comment number came before");
}

/* image| n| caption.  One line of the data set as distributed lacks the second |: "image| 4   A dog runs".
 * There the caption begins after the number. */
static bool read_bars(reader *r, span line)
{
    const char *stop = line.text + line.length;
    const char *bar = memchr(line.text, '|', line.length), *p = bar;
    span name = {line.text, 0};
    uint64_t number = 0;
    size_t digits = 0;
    if (!bar) return refuse(r, "no | between image and comment number");
    name.length = (size_t)(bar - line.text);
    for (p++; p < stop && *p == ' ';) p++;
    for (; p < stop && *p >= '0' && *p <= '9' && digits < MAX_DIGITS; p++, digits++) {
        number = number * 10 + (uint64_t)(*p - '0');
    }
    if (!digits || (p < stop && *p != ' ' && *p != '|')) {
        return refuse(r, "no comment number after the first |");
    }
    while (p < stop && *p == ' ') p++;
    if (p < stop && *p == '|') p++;
    span caption;
    caption.text = p;
    caption.length = (size_t)(stop - p);
    return note_number(r, name, number) && add_caption(r, name, caption);
}

static bool starts_with(span line, const char *text)
{
    return line.length >= strlen(text) && memcmp(line.text, text, strlen(text)) == 0;
}

static bool read_lines(reader *r, char *room)
{
    bool bars = false, first = true;
    while (tool_lines_next(&r->lines)) {
        span line = {r->lines.line, r->lines.length};
        if (tool_utf8_check(line.text, line.length) != line.length) return refuse(r, "not valid UTF-8");
        if (memchr(line.text, '\0', line.length)) return refuse(r, "zero byte: not a text file");
        if (!trim(line).length) continue;
        if (first) {
            const char *comma = memchr(line.text, ',', line.length),
                       *bar = memchr(line.text, '|', line.length);
            bars = bar && (!comma || bar < comma);
            first = false;
            if (starts_with(line, "image,caption") || starts_with(line, "image_name|")) continue;
        }
        if (!(bars ? read_bars(r, line) : read_commas(r, line, room))) return false;
    }
    return true;
}

eval_refs *eval_refs_read(const char *path, tool_error *err)
{
    reader r = {.refs = eval_refs_create(), .numbers = eval_table_create(), .path = path, .err = err};
    tool_text text = {NULL, 0};
    char *room = NULL;
    bool ok = false;
    if (!tool_text_read(&text, path, EVAL_MAX_FILE, err)) goto done;
    room = malloc(text.size + 1); /* no line is longer */
    if (!r.refs || !r.numbers || !room) {
        (void)tool_fail(err, "%s: out of memory", path);
        goto done;
    }
    tool_lines_begin(&r.lines, text.data, text.size);
    if (!read_lines(&r, room)) goto done;
    ok = eval_refs_count(r.refs) > 0 || tool_fail(err, "%s: no captions", path);
done:
    tool_text_free(&text);
    free(room);
    eval_table_free(&r.numbers);
    if (!ok) eval_refs_free(&r.refs);
    return r.refs;
}

/* ---- which images ---- */

static bool read_list(const eval_refs *refs, const char *path, bool null, const char **images, size_t *count,
                      tool_error *err)
{
    bool *seen = calloc(eval_refs_count(refs) + 1, sizeof *seen);
    tool_text text = {NULL, 0};
    bool ok =
        seen ? tool_text_read(&text, path, EVAL_MAX_FILE, err) : tool_fail(err, "%s: out of memory", path);
    tool_lines lines = {0};
    (null ? tool_names_begin : tool_lines_begin)(&lines, text.data, text.size);
    while (ok && text.data && tool_lines_next(&lines)) {
        char *name = text.data + (lines.line - text.data);
        while (!null && lines.length && (name[lines.length - 1] == ' ' || name[lines.length - 1] == '\t')) {
            lines.length--;
        }
        if (!lines.length) continue;
        name[lines.length] = '\0'; /* over the line's end, or after the text */
        const uint32_t number = eval_refs_find(refs, name);
        if (number == EVAL_NO_WORD) {
            ok = tool_fail(err, "%s:%zu: %s: no reference captions for this image", path, lines.number, name);
        } else if (seen[number]) {
            ok = tool_fail(err, "%s:%zu: %s: this image came before", path, lines.number, name);
        } else {
            seen[number] = true;
            images[(*count)++] = image_name(refs, number);
        }
    }
    if (ok && !*count) ok = tool_fail(err, "%s: no images", path);
    tool_text_free(&text);
    free(seen);
    return ok;
}

static const char **list_images(const eval_refs *refs, const char *list, bool null, size_t *count,
                                tool_error *err)
{
    const size_t n = eval_refs_count(refs);
    const char **images = calloc(n + 1, sizeof *images);
    bool ok = images || tool_fail(err, "list of images: out of memory");
    *count = 0;
    if (ok && list) {
        ok = read_list(refs, list, null, images, count, err);
    } else if (ok) {
        for (size_t i = 0; i < n; i++) images[(*count)++] = image_name(refs, (uint32_t)i);
    }
    for (size_t i = 0; i < *count && ok; i++) {
        if (strchr(images[i], '\t')) ok = tool_fail(err, "%s: an image name with a tab", images[i]);
    }
    if (ok) return images;
    free(images);
    return NULL;
}

const char **eval_refs_list(const eval_refs *refs, const char *list, size_t *count, tool_error *err)
{
    return list_images(refs, list, false, count, err);
}

const char **eval_refs_list_null(const eval_refs *refs, const char *list, size_t *count, tool_error *err)
{
    return list_images(refs, list, true, count, err);
}
