/* Pickled values as JSON; see torch_json.h. */
#include "tools/source/torch_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/json.h"
#include "tools/common/text.h"

enum {
    MAX_DEPTH = 16,      /* a configuration has two levels */
    MAX_VALUES = 100000, /* a configuration has some dozens, metrics a few for each epoch */
    MAX_KEY = 1024,
};

typedef struct walk {
    const char *place;
    tool_error *err;
    int depth, values; /* a pickle's values may be shared: counted as often as they are written */
} walk;

static json_t *from_value(const torch_value *value, walk *w);

static json_t *from_list(const torch_items *items, walk *w)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < items->count; i++) {
        if (json_array_append_new(list, from_value(items->at[i], w)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *from_dict(const torch_items *items, walk *w)
{
    json_t *dict = json_object();
    for (size_t i = 0; dict && i + 1 < items->count; i += 2) {
        const torch_value *key = items->at[i];
        char number[32], *text = NULL;
        const char *data = number;
        if (key->kind == TORCH_INT) {
            (void)snprintf(number, sizeof number, "%lld", (long long)key->as.integer);
        } else if (key->kind == TORCH_TEXT && key->as.text.size < MAX_KEY &&
                   !memchr(key->as.text.data, '\0', key->as.text.size)) {
            data = text = malloc(key->as.text.size + 1);
            if (text) {
                memcpy(text, key->as.text.data, key->as.text.size);
                text[key->as.text.size] = '\0';
            }
        } else {
            (void)tool_fail(w->err, "%s: a key is no text", w->place);
            data = NULL;
        }
        if (data && tool_utf8_check(data, strlen(data)) != strlen(data)) {
            (void)tool_fail(w->err, "%s: a key is not UTF-8", w->place);
        }
        const bool failed = !data || json_object_set_new(dict, data, from_value(items->at[i + 1], w)) != 0;
        free(text);
        if (failed) {
            json_decref(dict);
            return NULL;
        }
    }
    return dict;
}

static json_t *from_value(const torch_value *value, walk *w)
{
    json_t *json = NULL;
    if (w->depth == MAX_DEPTH || w->values == MAX_VALUES) {
        (void)tool_fail(w->err, "%s: nested too deeply or absurdly large", w->place);
        return NULL;
    }
    w->depth++;
    w->values++;
    switch (value->kind) {
    case TORCH_NONE:
        json = json_null();
        break;
    case TORCH_BOOL:
        json = json_boolean(value->as.truth);
        break;
    case TORCH_INT:
        json = json_integer(value->as.integer);
        break;
    case TORCH_FLOAT:
        json = isfinite(value->as.real) ? json_real(value->as.real) : json_null();
        break;
    case TORCH_TEXT:
        json = json_stringn(value->as.text.data, value->as.text.size);
        if (!json && !tool_json_lost()) (void)tool_fail(w->err, "%s: a text is not UTF-8", w->place);
        break;
    case TORCH_TUPLE:
    case TORCH_LIST:
        json = from_list(&value->as.items, w);
        break;
    case TORCH_DICT:
        json = from_dict(&value->as.items, w);
        break;
    default:
        (void)tool_fail(w->err, "%s: holds a %s, which JSON can't say", w->place, torch_kind_name(value));
        break;
    }
    w->depth--;
    return json;
}

json_t *torch_json(const torch_value *value, const char *place, tool_error *err)
{
    walk w = {.place = place, .err = err};
    json_t *json = from_value(value, &w);
    if (!json) (void)tool_fail(err, "%s: out of memory", place);
    return json;
}
