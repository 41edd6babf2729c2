/* JSON, and values that several tools write; see json.h. */
#include "tools/common/json.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/text.h"

/* ---- failures ---- */

static const char no_memory[] = "out of memory";

/* Global, because jansson's allocator is. */
static atomic_bool lost;

static void *take(size_t size)
{
    void *memory = malloc(size);
    if (!memory) atomic_store(&lost, true);
    return memory;
}

void tool_json_begin(void)
{
    json_set_alloc_funcs(take, free);
}

bool tool_json_lost(void)
{
    return atomic_load(&lost);
}

/* ---- texts ---- */

json_t *tool_json_parse(const char *data, size_t size, size_t flags, json_error_t *where)
{
    json_t *value = json_loadb(data, size, JSON_REJECT_DUPLICATES | flags, where);
    if (!tool_json_lost()) return value;
    json_decref(value);
    strcpy(where->text, no_memory);
    return NULL;
}

char *tool_json_print(json_t *value, size_t flags, const char **reason)
{
    char *text = value ? json_dumps(value, flags) : NULL;
    json_decref(value);
    if (text && !tool_json_lost()) return text;
    *reason = tool_json_lost() ? no_memory : "a number is not finite, and JSON has no such numbers";
    free(text);
    return NULL;
}

/* ---- containers ---- */

/* failed: whether something could not be put into *container */
static void keep(json_t **container, bool failed)
{
    if (!failed) return;
    json_decref(*container);
    *container = NULL;
}

void tool_json_set(json_t **object, const char *key, json_t *value)
{
    keep(object, json_object_set_new(*object, key, value) != 0);
}

void tool_json_append(json_t **array, json_t *value)
{
    keep(array, json_array_append_new(*array, value) != 0);
}

/* ---- values ---- */

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
    char *clean = left <= (SIZE_MAX - 1) / PIECE ? take(left * PIECE + 1) : NULL;
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
    for (int i = 0; i < count; i++) tool_json_append(&array, json_integer(values[i]));
    return array;
}

json_t *tool_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *tool_json_base64(const char *head, const void *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = bytes;
    size_t used = strlen(head);
    char *text = size <= (SIZE_MAX - 4 - used) / 4 ? take(used + (size + 2) / 3 * 4 + 1) : NULL;
    if (!text) return NULL;
    memcpy(text, head, used);
    for (size_t at = 0; at < size; at += 3) {
        unsigned group = 0;
        for (size_t i = at; i < at + 3; i++) group = group << 8 | (i < size ? from[i] : 0u);
        for (int i = 0; i < 4; i++) text[used++] = digits[group >> (18 - 6 * i) & 63];
        for (size_t i = size - at; i < 3; i++) text[used - 3 + i] = '=';
    }
    json_t *value = json_stringn_nocheck(text, used);
    free(text);
    return value;
}

static json_t *json_caption(const caption_text *text)
{
    json_t *object = json_object();
    tool_json_set(&object, "caption", tool_json_text(text->text));
    tool_json_set(&object, "score", tool_json_real(text->score));
    tool_json_set(&object, "ids", tool_json_ints(text->ids, text->length));
    return object;
}

json_t *tool_json_captions(const caption_result *result)
{
    json_t *array = json_array();
    for (int i = 0; i < result->count; i++) tool_json_append(&array, json_caption(&result->captions[i]));
    return array;
}
