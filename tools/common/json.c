/* JSON values that several tools write; see json.h. */
#include "tools/common/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/text.h"

json_t *tool_json_text(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    const size_t mark = sizeof replacement - 1;
    size_t left = strlen(text), used = 0;
    if (tool_utf8_check(text, left) == left) return json_stringn(text, left);
    char *clean = left <= SIZE_MAX / mark ? malloc(left * mark) : NULL;
    if (!clean) return NULL;
    while (left) {
        const size_t good = tool_utf8_check(text, left);
        memcpy(clean + used, text, good);
        used += good;
        text += good;
        left -= good;
        if (!left) break;
        memcpy(clean + used, replacement, mark);
        used += mark;
        text++;
        left--;
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
