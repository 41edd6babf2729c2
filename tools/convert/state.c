/* State dicts; see state.h.  Called by the mapping. */
#include "tools/convert/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = 4096 };

static bool add_source(convert_state *state, const torch_value *key, const torch_value *value,
                       tool_error *err)
{
    const char *path = state->checkpoint->zip.path;
    convert_source *source = &state->sources[state->count];
    char printable[64];
    if (key->kind != TORCH_TEXT) {
        return tool_fail(err, "%s: %s: a key is a %s, not a str", path, state->part, torch_kind_name(key));
    }
    (void)torch_printable(key->as.text.data, key->as.text.size, printable);
    if (key->as.text.size >= CONVERT_KEY_BYTES || memchr(key->as.text.data, '\0', key->as.text.size)) {
        return tool_fail(err, "%s: %s: %s: not a tensor's name", path, state->part, printable);
    }
    memcpy(source->key, key->as.text.data, key->as.text.size);
    if (value->kind != TORCH_TENSOR) {
        return tool_fail(err, "%s: %s: %s: a %s, not a tensor", path, state->part, printable,
                         torch_kind_name(value));
    }
    if (convert_state_find(state, source->key)) {
        return tool_fail(err, "%s: %s: %s: appears twice", path, state->part, printable);
    }
    source->tensor = value->as.tensor;
    state->count++;
    return true;
}

bool convert_state_open(convert_state *state, const torch_checkpoint *checkpoint, const char *part,
                        tool_error *err)
{
    const char *path = checkpoint->zip.path;
    const torch_value *root = checkpoint->pickle.root, *dict = torch_dict_get(root, part);
    size_t count, i;
    memset(state, 0, sizeof *state);
    state->checkpoint = checkpoint;
    state->part = part;
    if (!dict || dict->kind != TORCH_DICT) {
        return tool_fail(err, "%s: not a checkpoint of this project: it holds no dict %s", path, part);
    }
    count = dict->as.items.count / 2;
    if (count > MAX_TENSORS) return tool_fail(err, "%s: %s: absurd number of tensors", path, part);
    state->sources = calloc(count + 1, sizeof *state->sources);
    if (!state->sources) return tool_fail(err, "%s: %s: out of memory", path, part);
    for (i = 0; i < count; i++) {
        if (!add_source(state, dict->as.items.at[2 * i], dict->as.items.at[2 * i + 1], err)) return false;
    }
    return true;
}

void convert_state_free(convert_state *state)
{
    free(state->sources);
    memset(state, 0, sizeof *state);
}

convert_source *convert_state_find(const convert_state *state, const char *key)
{
    size_t i;
    for (i = 0; i < state->count; i++) {
        if (strcmp(state->sources[i].key, key) == 0) return &state->sources[i];
    }
    return NULL;
}

/* "[64, 3, 7, 7]", a hole as "?" */
static const char *shape_text(int rank, const uint64_t *dims, char text[128])
{
    size_t used = 1;
    int i;
    text[0] = '[';
    for (i = 0; i < rank; i++) {
        int n = dims[i]
                    ? snprintf(text + used, 128 - used, "%s%llu", i ? ", " : "", (unsigned long long)dims[i])
                    : snprintf(text + used, 128 - used, "%s?", i ? ", " : "");
        if (n < 0 || (size_t)n >= 126 - used) break;
        used += (size_t)n;
    }
    memcpy(text + used, "]", 2);
    return text;
}

const convert_source *convert_state_take(const convert_state *state, const char *key, convert_shape *shape,
                                         tool_error *err)
{
    const char *path = state->checkpoint->zip.path;
    convert_source *source = convert_state_find(state, key);
    const torch_tensor *tensor = source ? source->tensor : NULL;
    char texts[2][128], name[CONVERT_KEY_BYTES + 32];
    bool fits;
    int i;
    if (!source) {
        (void)tool_fail(err, "%s: %s: %s is missing: not a checkpoint of this network", path, state->part,
                        key);
        return NULL;
    }
    fits = tensor->rank == shape->rank;
    for (i = 0; fits && i < shape->rank; i++) {
        fits = tensor->dims[i] && tensor->dims[i] < UINT32_C(1) << 26 &&
               (!shape->dims[i] || shape->dims[i] == tensor->dims[i]);
    }
    if (!fits) {
        (void)tool_fail(err, "%s: %s: %s: its shape is %s, not %s", path, state->part, key,
                        shape_text(tensor->rank, tensor->dims, texts[0]),
                        shape_text(shape->rank, shape->dims, texts[1]));
        return NULL;
    }
    (void)snprintf(name, sizeof name, "%s: %s", state->part, key);
    if (!torch_tensor_check(state->checkpoint, tensor, name, err)) return NULL;
    memcpy(shape->dims, tensor->dims, (size_t)shape->rank * sizeof shape->dims[0]);
    source->used = true;
    return source;
}

bool convert_state_check_used(const convert_state *state, tool_error *err)
{
    char printable[64];
    size_t i;
    for (i = 0; i < state->count; i++) {
        const char *key = state->sources[i].key;
        if (!state->sources[i].used) {
            return tool_fail(err, "%s: %s: %s is no part of this network", state->checkpoint->zip.path,
                             state->part, torch_printable(key, strlen(key), printable));
        }
    }
    return true;
}
