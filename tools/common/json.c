/* JSON values that several tools write; see json.h. */
#include "tools/common/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/text.h"

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Bytes of the character at text [left] that stands for itself; 0 where the first byte is to be escaped: it
 * is no UTF-8, or it begins what would be read as an escape. */
static size_t plain_length(const char *text, size_t left)
{
    const size_t mark = strlen(TOOL_JSON_ESCAPE);
    if (left >= mark + 2 && memcmp(text, TOOL_JSON_ESCAPE, mark) == 0 && is_hex(text[mark]) &&
        is_hex(text[mark + 1])) {
        return 0;
    }
    return tool_utf8_length(text, left);
}

json_t *tool_json_text(const char *text)
{
    enum { PIECE = sizeof TOOL_JSON_ESCAPE + 2 }; /* an escape and its final zero byte */
    size_t left = strlen(text), used = 0;
    char *clean = left <= (SIZE_MAX - 1) / PIECE ? malloc(left * PIECE + 1) : NULL;
    if (!clean) return NULL;
    while (left) {
        const size_t plain = plain_length(text, left), taken = plain ? plain : 1;
        if (plain) {
            memcpy(clean + used, text, plain);
            used += plain;
        } else {
            used += (size_t)snprintf(clean + used, PIECE, "%s%02x", TOOL_JSON_ESCAPE,
                                     (unsigned)(unsigned char)*text);
        }
        text += taken;
        left -= taken;
    }
    json_t *value = json_stringn(clean, used);
    free(clean);
    return value;
}

json_t *tool_json_ints(const int *values, int count)
{
    json_t *array = json_array();
    for (int i = 0; array && i < count; i++) {
        if (json_array_append_new(array, json_integer(values[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

json_t *tool_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_caption(const caption_text *text)
{
    return json_pack("{s:o, s:o, s:o}", "caption", tool_json_text(text->text), "score",
                     tool_json_real(text->score), "ids", tool_json_ints(text->ids, text->length));
}

json_t *tool_json_captions(const caption_result *result)
{
    json_t *array = json_array();
    for (int i = 0; array && i < result->count; i++) {
        if (json_array_append_new(array, json_caption(&result->captions[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}
