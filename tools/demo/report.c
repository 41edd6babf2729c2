/* The page of capdemo --html; see report.h.  Each image is a JSON object in the page. */
#include "tools/demo/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/common/regular.h"
#include "tools/draw/encode.h"
#include "tools/draw/heatmap.h"
#include "tools/page/page.h"

enum { QUALITY = 82 }; /* of the pictures, as JPEG */

/* Whether a file may be put there: nothing is, an empty file, a report, or what is no regular file. */
static bool may_replace(const char *path, tool_error *err)
{
    static const char ours[] = "<meta name=\"generator\" content=\"capdemo\">";
    char start[257];
    struct stat is;
    if (strcmp(path, "-") == 0 || stat(path, &is) != 0 || !S_ISREG(is.st_mode)) return true;
    const long length = tool_regular_start(path, start, sizeof start - 1, err);
    if (length < 0) return false;
    start[length] = '\0';
    return length == 0 || strstr(start, ours) ||
           tool_fail(err, "%s: is there already and is no report of capdemo", path);
}

bool demo_report_open(demo_report *report, const char *path, tool_error *err)
{
    if (!may_replace(path, err)) return false;
    if (!tool_output_open(&report->output, path, err)) return false;
    page_report_begin(report->output.stream);
    (void)fputs("[\n", report->output.stream);
    report->begun = true;
    return true;
}

/* Writes a value inside a script of the page: "<" could end that, so it is escaped.  It stands in strings of
 * JSON alone.  Takes over `value`. */
static void put_value(demo_report *report, json_t *value)
{
    const char *reason = NULL;
    char *text = tool_json_print(value, TOOL_JSON_FLAGS | JSON_COMPACT, &reason);
    FILE *stream = report->output.stream;
    if (!text) {
        tool_output_lose(&report->output);
        return;
    }
    if (report->some) (void)fputs(",\n", stream);
    report->some = true;
    for (const char *p = text; *p; p++) {
        if (*p == '<') {
            (void)fputs("\\u003c", stream);
        } else {
            (void)fputc(*p, stream);
        }
    }
    free(text);
}

/* ---- what an image has ---- */

typedef struct picture_rows {
    const uint8_t *pixels;
    size_t bytes; /* of a row */
} picture_rows;

static const uint8_t *row_at(void *user, int index)
{
    const picture_rows *rows = user;
    return rows->pixels + (size_t)index * rows->bytes;
}

/* The image as the model sees it, as a data: address. */
static json_t *json_picture(const uint8_t *pixels, int side, tool_error *err)
{
    static const char head[] = "data:image/jpeg;base64,";
    picture_rows rows = {pixels, (size_t)side * 3};
    const encode_picture picture = {.width = side, .height = side, .row = row_at, .user = &rows};
    unsigned char *data = NULL;
    size_t size = 0;
    if (!encode_jpeg(&data, &size, &picture, QUALITY, err)) return NULL;
    json_t *value = tool_json_base64(head, data, size);
    free(data);
    return value;
}

static json_t *json_words(const caption_model *model, const caption_text *text, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        tool_json_append(&array, tool_json_text(caption_model_word(model, text->ids[i])));
    }
    return array;
}

/* Maps [words, side, side], each in bytes from its least number to its largest. */
static json_t *json_maps(float *maps, int words, int side)
{
    const size_t positions = (size_t)side * (size_t)side, count = (size_t)words * positions;
    unsigned char *bytes = malloc(count + 1);
    if (!bytes) return NULL;
    for (int i = 0; i < words; i++) heatmap_normalise(maps + (size_t)i * positions, positions);
    for (size_t i = 0; i < count; i++) bytes[i] = (unsigned char)(maps[i] * 255 + 0.5f);
    json_t *value = tool_json_base64("", bytes, count);
    free(bytes);
    return value;
}

static json_t *json_captions(const caption_result *result)
{
    json_t *array = json_array();
    for (int i = 0; i < result->count; i++) {
        json_t *one = json_object();
        tool_json_set(&one, "text", tool_json_text(result->captions[i].text));
        tool_json_set(&one, "score", tool_json_real(result->captions[i].score));
        tool_json_set(&one, "confidence", tool_json_real(result->captions[i].confidence));
        tool_json_append(&array, one);
    }
    return array;
}

bool demo_report_add(demo_report *report, const demo_answer *answer, const demo_why *why, tool_map first,
                     tool_error *err)
{
    const caption_result *result = answer->result;
    json_t *line = json_object(), *maps = json_object();
    caption_model_info info;
    caption_model_get_info(answer->model, &info);
    const bool sized = answer->width > 0 && answer->height > 0;
    tool_json_set(&line, "image", tool_json_text(answer->image));
    tool_json_set(&line, "width", json_integer(sized ? answer->width : 1));
    tool_json_set(&line, "height", json_integer(sized ? answer->height : 1));
    tool_json_set(&line, "picture", json_picture(answer->pixels, info.input_size, err));
    tool_json_set(&line, "captions", json_captions(result));
    tool_json_set(&line, "words", json_words(answer->model, &result->captions[0], why->words));
    for (int map = 0; map < TOOL_MAPS; map++) {
        if (!why->has[map]) continue;
        tool_json_set(&maps, tool_map_names[map], json_maps(why->maps[map], why->words, why->side));
    }
    tool_json_set(&line, "maps", maps);
    if (why->has[first]) tool_json_set(&line, "first", json_string(tool_map_names[first]));
    if (result->warnings) {
        tool_json_set(&line, "warning", tool_json_text(result->warning ? result->warning : "damaged image"));
    }
    put_value(report, line);
    return tool_output_flush(&report->output, err);
}

void demo_report_add_error(demo_report *report, const char *image, const char *message)
{
    json_t *line = json_object();
    tool_json_set(&line, "image", tool_json_text(image));
    tool_json_set(&line, "error", tool_json_text(message));
    put_value(report, line);
}

bool demo_report_close(demo_report *report, tool_error *err)
{
    if (!report->begun) return true;
    report->begun = false;
    (void)fputs("\n]\n", report->output.stream);
    page_report_end(report->output.stream);
    return tool_output_close(&report->output, err);
}

void demo_report_abort(demo_report *report)
{
    tool_output_abort(&report->output);
}
