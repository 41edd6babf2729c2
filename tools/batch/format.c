/* What is written for one image; see format.h. */
#include "tools/batch/format.h"

#include <stdlib.h>
#include <string.h>

#include "tools/batch/tar_out.h"
#include "tools/common/clean.h"
#include "tools/common/json.h"

const char *const batch_kinds[] = {"jsonl", "tsv", "csv", "tar", NULL};

/* ---- features ---- */

unsigned batch_float16(float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    const unsigned sign = bits >> 16 & 0x8000;
    const uint32_t size = bits & 0x7FFFFFFF;
    if (size > 0x7F800000) return sign | 0x7E00;  /* not a number */
    if (size >= 0x477FF000) return sign | 0x7C00; /* 65520 and more: infinity */
    if (size < 0x33000001) return sign;           /* half of the least number and less */
    const uint32_t fraction = (size & 0x7FFFFF) | 0x800000;
    const int exponent = (int)(size >> 23) - 112; /* of a float16, 1 and more where it is normal */
    const int drop = exponent >= 1 ? 13 : 14 - exponent;
    const uint32_t half = 1u << (drop - 1), kept = fraction >> drop, rest = fraction & ((1u << drop) - 1);
    const uint32_t up = rest > half || (rest == half && (kept & 1));
    /* the fraction's leading one adds to the exponent, as does a fraction that is rounded up to two */
    const uint32_t base = exponent >= 1 ? ((uint32_t)exponent - 1) << 10 : 0;
    return sign | (base + kept + up);
}

/* values [count] as little-endian float16, base64 */
static json_t *json_features(const float *values, size_t count)
{
    unsigned char *bytes = malloc(count * 2 + 1);
    if (!bytes) return NULL;
    for (size_t i = 0; i < count; i++) {
        const unsigned bits = batch_float16(values[i]);
        bytes[2 * i] = (unsigned char)(bits & 0xFF);
        bytes[2 * i + 1] = (unsigned char)(bits >> 8);
    }
    json_t *value = tool_json_base64("", bytes, count * 2);
    free(bytes);
    return value;
}

/* ---- lines ---- */

/* Takes over `line`, which may be NULL. */
static bool put_json(FILE *stream, json_t *line)
{
    if (!line) return false;
    const bool ok = json_dumpf(line, stream, TOOL_JSON_FLAGS) == 0;
    (void)fputc('\n', stream);
    json_decref(line);
    return ok;
}

static bool put_json_caption(const batch_format *format, FILE *stream, const char *image,
                             const batch_answer *answer)
{
    const caption_result *result = answer->result;
    const caption_text *best = &result->captions[0];
    json_t *line =
        json_pack("{s:o, s:o, s:f, s:f}", "image", tool_json_text(image), "caption",
                  tool_json_text(best->text), "score", best->score, "confidence", best->confidence);
    bool ok = line != NULL;
    if (ok && format->beams) ok = json_object_set_new(line, "beams", tool_json_captions(result)) == 0;
    if (ok && format->features) {
        ok = json_object_set_new(line, "features", json_features(answer->features, answer->feature_count)) ==
             0;
    }
    if (ok && result->warnings) {
        const char *warning = result->warning ? result->warning : "damaged image";
        ok = json_object_set_new(line, "warning", tool_json_text(warning)) == 0;
    }
    if (ok) return put_json(stream, line);
    json_decref(line);
    return false;
}

/* A field of CSV, in quotes where it needs them. */
static void put_quoted(FILE *stream, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        (void)fputs(text, stream);
        return;
    }
    (void)fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"') (void)fputc('"', stream);
        (void)fputc(*text, stream);
    }
    (void)fputc('"', stream);
}

/* ---- samples ---- */

static void put_file(FILE *stream, const batch_file *file)
{
    const batch_tar_entry entry = {.name = file->name,
                                   .mode = file->mode,
                                   .mtime = file->mtime,
                                   .data = file->data.data,
                                   .size = file->data.size};
    batch_tar_put(stream, &entry);
}

/* "a/b.seg.jpg" becomes "a/b.txt"; NULL when memory ran out. */
static char *text_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    const size_t folder = slash ? (size_t)(slash - name) + 1 : 0;
    const size_t length = folder + strcspn(name + folder, ".");
    char *text = malloc(length + sizeof ".txt");
    if (!text) return NULL;
    memcpy(text, name, length);
    strcpy(text + length, ".txt");
    return text;
}

/* The files of a sample; the caption takes the place of KEY.txt, or stands behind the others. */
static bool put_sample(FILE *stream, const batch_item *item, const char *caption)
{
    const batch_file *image = &item->files[item->image];
    char *name = text_name(image->name);
    if (!name) return false;
    const batch_tar_entry entry = {
        .name = name, .mode = image->mode, .mtime = image->mtime, .data = caption, .size = strlen(caption)};
    bool replaced = false;
    for (size_t i = 0; i < item->count; i++) {
        if (strcmp(item->files[i].name, name) != 0) {
            put_file(stream, &item->files[i]);
        } else if (!replaced) {
            batch_tar_put(stream, &entry);
            replaced = true;
        }
    }
    if (!replaced) batch_tar_put(stream, &entry);
    free(name);
    return true;
}

/* ---- all kinds ---- */

void batch_format_begin(const batch_format *format, FILE *stream)
{
    if (format->kind == BATCH_CSV && format->headed) (void)fputs("SourceFile,Description\n", stream);
}

bool batch_format_caption(const batch_format *format, FILE *stream, const batch_item *item,
                          const batch_answer *answer)
{
    const char *caption = answer->result->captions[0].text;
    switch (format->kind) {
    case BATCH_JSONL:
        return put_json_caption(format, stream, item->name, answer);
    case BATCH_TSV:
        tool_put_field(stream, item->name);
        (void)fputc('\t', stream);
        tool_put_field(stream, caption);
        (void)fputc('\n', stream);
        return true;
    case BATCH_CSV:
        put_quoted(stream, item->name);
        (void)fputc(',', stream);
        put_quoted(stream, caption);
        (void)fputc('\n', stream);
        return true;
    case BATCH_TAR:
        return put_sample(stream, item, caption);
    }
    return true;
}

bool batch_format_rest(const batch_format *format, FILE *stream, const batch_item *item)
{
    if (format->kind == BATCH_TAR) {
        for (size_t i = 0; i < item->count; i++) put_file(stream, &item->files[i]);
    } else if (format->kind == BATCH_JSONL && item->error.message[0]) {
        return put_json(stream, json_pack("{s:o, s:o}", "image", tool_json_text(item->name), "error",
                                          tool_json_text(item->error.message)));
    }
    return true;
}

void batch_format_end(const batch_format *format, FILE *stream)
{
    if (format->kind == BATCH_TAR) batch_tar_put_end(stream);
}
