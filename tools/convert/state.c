/* State dicts; see state.h. */
#include "tools/convert/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/printable.h"

bool convert_state_open(convert_state *state, const source_file *checkpoint, const char *part,
                        tool_error *err)
{
    memset(state, 0, sizeof *state);
    state->checkpoint = checkpoint;
    state->part = part;
    if (!source_list(checkpoint, part, &state->tensors, err)) return false;
    state->sources = calloc(state->tensors.count + 1, sizeof *state->sources);
    if (!state->sources) return tool_fail(err, "%s: %s: out of memory", source_path(checkpoint), part);
    state->count = state->tensors.count;
    for (size_t i = 0; i < state->count; i++) {
        state->sources[i].tensor = &state->tensors.tensors[i];
        state->sources[i].key = state->sources[i].tensor->name;
    }
    return true;
}

void convert_state_free(convert_state *state)
{
    free(state->sources);
    source_part_free(&state->tensors);
    memset(state, 0, sizeof *state);
}

convert_source *convert_state_find(const convert_state *state, const char *key)
{
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->sources[i].key, key) == 0) return &state->sources[i];
    }
    return NULL;
}

/* "[64, 3, 7, 7]", a hole as "?" */
static const char *shape_text(int rank, const uint64_t *dims, char text[128])
{
    size_t used = 1;
    text[0] = '[';
    for (int i = 0; i < rank; i++) {
        const int n =
            dims[i] ? snprintf(text + used, 128 - used, "%s%llu", i ? ", " : "", (unsigned long long)dims[i])
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
    const char *path = source_path(state->checkpoint);
    convert_source *source = convert_state_find(state, key);
    const source_tensor *tensor = source ? source->tensor : NULL;
    if (!source) {
        (void)tool_fail(err, "%s: %s: %s is missing: not a checkpoint of this network", path, state->part,
                        key);
        return NULL;
    }
    bool fits = tensor->rank == shape->rank;
    for (int i = 0; fits && i < shape->rank; i++) {
        fits = tensor->dims[i] && tensor->dims[i] < UINT32_C(1) << 26 &&
               (!shape->dims[i] || shape->dims[i] == tensor->dims[i]);
    }
    if (!fits) {
        char texts[2][128];
        (void)tool_fail(err, "%s: %s: %s: its shape is %s, not %s", path, state->part, key,
                        shape_text(tensor->rank, tensor->dims, texts[0]),
                        shape_text(shape->rank, shape->dims, texts[1]));
        return NULL;
    }
    if (!source_check(state->checkpoint, tensor, err)) return NULL;
    memcpy(shape->dims, tensor->dims, (size_t)shape->rank * sizeof shape->dims[0]);
    source->used = true;
    return source;
}

bool convert_state_check_used(const convert_state *state, tool_error *err)
{
    for (size_t i = 0; i < state->count; i++) {
        const char *key = state->sources[i].key;
        if (!state->sources[i].used) {
            char printable[TOOL_PRINTABLE_BYTES];
            return tool_fail(err, "%s: %s: %s is no part of this network", source_path(state->checkpoint),
                             state->part, tool_printable(key, strlen(key), printable));
        }
    }
    return true;
}
