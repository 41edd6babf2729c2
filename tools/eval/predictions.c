/* Predicted captions and their three file formats; see predictions.h. */
#include "tools/eval/predictions.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/grow.h"
#include "tools/common/json.h"
#include "tools/common/text.h"
#include "tools/eval/tokens.h"

/* JSON takes up to 80 times its size in memory, so it is read piece by piece: line by line, item by item. */
enum { MAX_PIECE = 4 << 20 }; /* bytes; capdemo --json writes a few hundred */
#define PIECE_TOO_LARGE "JSON of more than 4 MiB for one image"

bool eval_predictions_begin(eval_predictions *list, const char *path, tool_error *err)
{
    memset(list, 0, sizeof *list);
    list->path = path;
    list->texts = eval_table_create();
    return list->texts || tool_fail(err, "%s: out of memory", path);
}

void eval_predictions_free(eval_predictions *list)
{
    free(list->items);
    eval_table_free(&list->texts);
    eval_refs_free(&list->refs);
    memset(list, 0, sizeof *list);
}

/* "file:12: reason", or "file: item 12: reason" in a published file, which may be one long line. */
static bool refuse(const eval_predictions *list, size_t place, tool_error *err, const char *reason)
{
    return tool_fail(err, "%s:%s%zu: %s", list->path, list->refs ? " item " : "", place, reason);
}

static const char *keep(eval_predictions *list, const char *text)
{
    const uint32_t id = eval_table_add(list->texts, text, strlen(text));
    return id == EVAL_NO_WORD ? NULL : eval_table_text(list->texts, id);
}

bool eval_predictions_add(eval_predictions *list, const char *image, const char *caption, size_t place,
                          tool_error *err)
{
    eval_prediction *items = tool_grow(list->items, &list->capacity, list->count + 1, sizeof *items);
    if (!items) return refuse(list, place, err, "out of memory");
    list->items = items;
    eval_prediction *item = &items[list->count];
    if (!image[0]) return refuse(list, place, err, "no image name");
    if (caption && strlen(caption) > EVAL_MAX_CAPTION) return refuse(list, place, err, EVAL_TOO_LONG);
    item->image = keep(list, image);
    item->caption = caption ? keep(list, caption) : NULL;
    item->place = place;
    if (!item->image || (caption && !item->caption)) return refuse(list, place, err, "out of memory");
    list->count++;
    return true;
}

/* ---- image<TAB>caption ---- */

static bool read_tabs(eval_predictions *list, const tool_lines *lines, char *line, tool_error *err)
{
    char *tab = strchr(line, '\t');
    if (!tab) return refuse(list, lines->number, err, "no tab between image and caption");
    *tab = '\0';
    return eval_predictions_add(list, line, tab + 1, lines->number, err);
}

/* ---- lines of capdemo --json ---- */

static bool read_object(eval_predictions *list, const tool_lines *lines, const char *line, tool_error *err)
{
    json_error_t where;
    if (lines->length > MAX_PIECE) return refuse(list, lines->number, err, PIECE_TOO_LARGE);
    json_t *object = tool_json_parse(line, strlen(line), 0, &where);
    const char *image = json_string_value(json_object_get(object, "image"));
    const char *caption = json_string_value(json_object_get(object, "caption"));
    bool ok = false;
    if (!object) {
        (void)tool_fail(err, "%s:%zu: column %d: %s", list->path, lines->number, where.column, where.text);
    } else if (!image) {
        (void)refuse(list, lines->number, err, "no \"image\" in this object");
    } else if (!caption && !json_object_get(object, "error")) {
        (void)refuse(list, lines->number, err, "neither \"caption\" nor \"error\" in this object");
    } else {
        ok = eval_predictions_add(list, image, caption, lines->number, err);
    }
    json_decref(object);
    return ok;
}

static bool read_lines(eval_predictions *list, const tool_text *text, tool_error *err)
{
    char *line = malloc(text->size + 1); /* no line is longer */
    bool ok = line || tool_fail(err, "%s: out of memory", list->path);
    tool_lines lines;
    tool_lines_begin(&lines, text->data, text->size);
    while (ok && tool_lines_next(&lines)) {
        if (tool_utf8_check(lines.line, lines.length) != lines.length) {
            ok = refuse(list, lines.number, err, "not valid UTF-8");
        } else if (memchr(lines.line, '\0', lines.length)) {
            ok = refuse(list, lines.number, err, "zero byte: not a text file");
        } else if (lines.length) {
            memcpy(line, lines.line, lines.length);
            line[lines.length] = '\0';
            ok = line[0] == '{' ? read_object(list, &lines, line, err) : read_tabs(list, &lines, line, err);
        }
    }
    free(line);
    return ok;
}

/* ---- published *_predictions.json ---- */

static bool read_references(eval_predictions *list, const char *image, const json_t *truth, size_t place,
                            tool_error *err)
{
    const size_t n = json_array_size(truth);
    if (!n) return refuse(list, place, err, "no \"ground_truth\" captions");
    if (eval_refs_find(list->refs, image) != EVAL_NO_WORD) {
        return refuse(list, place, err, "this image came before");
    }
    const uint32_t number = eval_refs_image(list->refs, image, strlen(image));
    if (number == EVAL_NO_WORD) return refuse(list, place, err, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *text = json_array_get(truth, i);
        if (!json_is_string(text)) return refuse(list, place, err, "a \"ground_truth\" that is no text");
        if (json_string_length(text) > EVAL_MAX_CAPTION) return refuse(list, place, err, EVAL_TOO_LONG);
        if (!eval_refs_add_caption(list->refs, number, json_string_value(text), json_string_length(text))) {
            return refuse(list, place, err, "out of memory");
        }
    }
    return true;
}

static bool read_item(eval_predictions *list, const json_t *item, size_t place, tool_error *err)
{
    const json_t *id = json_object_get(item, "image_id");
    const char *image = json_string_value(id),
               *caption = json_string_value(json_object_get(item, "prediction"));
    char number[32];
    if (json_is_integer(id)) { /* COCO's ids are numbers */
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
        image = number;
    }
    if (!image) return refuse(list, place, err, "no \"image_id\"");
    if (!caption) return refuse(list, place, err, "no \"prediction\"");
    return read_references(list, image, json_object_get(item, "ground_truth"), place, err) &&
           eval_predictions_add(list, image, caption, place, err);
}

/* Where in the file an item is read. */
typedef struct reader {
    const char *at, *stop;
    int line; /* of `at` */
} reader;

static void skip(reader *r, size_t bytes)
{
    for (; bytes; bytes--) r->line += *r->at++ == '\n';
}

static void skip_space(reader *r)
{
    while (r->at < r->stop && memchr(" \t\r\n", *r->at, 4)) skip(r, 1);
}

/* Takes the character if it is there. */
static bool take(reader *r, char c)
{
    skip_space(r);
    if (r->at == r->stop || *r->at != c) return false;
    skip(r, 1);
    return true;
}

static json_t *next_item(const eval_predictions *list, reader *r, tool_error *err)
{
    const size_t left = (size_t)(r->stop - r->at);
    json_error_t where;
    skip_space(r);
    json_t *item = tool_json_parse(r->at, left < MAX_PIECE ? left : MAX_PIECE,
                                   JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &where);
    if (item) {
        skip(r, (size_t)where.position);
    } else if (left > MAX_PIECE && json_error_code(&where) == json_error_premature_end_of_input) {
        (void)tool_fail(err, "%s:%d: %s", list->path, r->line, PIECE_TOO_LARGE);
    } else {
        (void)tool_fail(err, "%s:%d: column %d: %s", list->path, r->line + where.line - 1, where.column,
                        where.text);
    }
    return item;
}

static bool read_published(eval_predictions *list, reader *r, tool_error *err)
{
    bool ok = true, more = !(take(r, '[') && take(r, ']'));
    list->refs = eval_refs_create();
    if (!list->refs) return tool_fail(err, "%s: out of memory", list->path);
    for (size_t place = 1; ok && more; place++) {
        json_t *item = next_item(list, r, err);
        ok = item && read_item(list, item, place, err);
        json_decref(item);
        more = ok && take(r, ',');
        if (ok && !more) {
            ok = take(r, ']') || tool_fail(err, "%s:%d: ']' or ',' expected", list->path, r->line);
        }
    }
    skip_space(r);
    return ok && (r->at == r->stop || tool_fail(err, "%s:%d: text behind the list", list->path, r->line));
}

bool eval_predictions_read(eval_predictions *list, const char *path, tool_error *err)
{
    tool_text text = {NULL, 0};
    bool ok = eval_predictions_begin(list, strcmp(path, "-") == 0 ? "standard input" : path, err) &&
              tool_text_read(&text, path, EVAL_MAX_FILE, err);
    if (ok) {
        reader r = {text.data, text.data + text.size, 1};
        if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) skip(&r, 3);
        skip_space(&r);
        ok = r.at < r.stop && *r.at == '[' ? read_published(list, &r, err) : read_lines(list, &text, err);
        if (ok && !list->count) ok = tool_fail(err, "%s: no predictions", list->path);
    }
    tool_text_free(&text);
    if (!ok) eval_predictions_free(list);
    return ok;
}

/* ---- pairing ---- */

void eval_joined_free(eval_joined *joined)
{
    eval_corpus_free(&joined->corpus);
    free(joined->items);
    memset(joined, 0, sizeof *joined);
}

static bool has_word(const char *caption)
{
    eval_cursor cursor;
    eval_cursor_begin(&cursor, caption);
    const char *word;
    size_t length;
    return eval_next_split(&cursor, &word, &length);
}

/* seen [images of refs]: the place where each was predicted, or 0. */
static bool join_one(eval_joined *joined, const eval_predictions *list, const eval_refs *refs,
                     const eval_prediction *item, size_t *seen, tool_error *err)
{
    const uint32_t image = eval_refs_find(refs, item->image);
    tool_error cause = {{0}};
    if (image == EVAL_NO_WORD) {
        return tool_fail(err, "%s:%s%zu: %s: no reference captions for this image", list->path,
                         list->refs ? " item " : "", item->place, item->image);
    }
    if (seen[image]) {
        return tool_fail(err, "%s:%s%zu: %s: this image came before, at %zu", list->path,
                         list->refs ? " item " : "", item->place, item->image, seen[image]);
    }
    seen[image] = item->place;
    joined->missing--;
    if (!item->caption) {
        joined->failed++;
        return true;
    }
    if (!has_word(item->caption)) joined->empty++;
    const char *const *captions;
    const size_t n = eval_refs_captions(refs, image, &captions);
    joined->items[eval_corpus_size(joined->corpus)] = item;
    return eval_corpus_add(joined->corpus, item->caption, captions, n, &cause) ||
           refuse(list, item->place, err, cause.message);
}

bool eval_join(eval_joined *joined, const eval_predictions *list, const eval_refs *refs, tool_error *err)
{
    size_t *seen = calloc(eval_refs_count(refs) + 1, sizeof *seen);
    bool ok = true;
    memset(joined, 0, sizeof *joined);
    joined->corpus = eval_corpus_create();
    joined->items = calloc(list->count + 1, sizeof *joined->items);
    joined->missing = eval_refs_count(refs);
    if (!seen || !joined->corpus || !joined->items) ok = tool_fail(err, "%s: out of memory", list->path);
    for (size_t i = 0; i < list->count && ok; i++) {
        ok = join_one(joined, list, refs, &list->items[i], seen, err);
    }
    if (ok && !eval_corpus_size(joined->corpus)) ok = tool_fail(err, "%s: nothing to score", list->path);
    free(seen);
    if (!ok) eval_joined_free(joined);
    return ok;
}
