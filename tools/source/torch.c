/* Checkpoints of torch.save as a kind of source: parts are dicts of tensors in the pickled root dict. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/printable.h"
#include "tools/source/kind.h"
#include "tools/source/torch_checkpoint.h"
#include "tools/source/torch_json.h"

static void close_state(void *state)
{
    torch_checkpoint_close(state);
    free(state);
}

static void *open_state(const char *path, tool_error *err)
{
    torch_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (!checkpoint) {
        (void)tool_fail(err, "%s: out of memory", path);
        return NULL;
    }
    if (torch_checkpoint_open(checkpoint, path, err)) return checkpoint;
    close_state(checkpoint);
    return NULL;
}

static bool add_tensor(source_part *part, const char *path, const torch_value *key, const torch_value *value,
                       tool_error *err)
{
    if (key->kind != TORCH_TEXT) {
        return tool_fail(err, "%s: %s: a key is a %s, not a str", path, part->name, torch_kind_name(key));
    }
    if (value->kind != TORCH_TENSOR) {
        char printable[TOOL_PRINTABLE_BYTES];
        return tool_fail(err, "%s: %s: %s: a %s, not a tensor", path, part->name,
                         tool_printable(key->as.text.data, key->as.text.size, printable),
                         torch_kind_name(value));
    }
    source_tensor *tensor = source_part_add(part, path, key->as.text.data, key->as.text.size, err);
    if (!tensor) return false;
    const torch_tensor *origin = value->as.tensor;
    tensor->type = origin->storage->dtype;
    tensor->rank = origin->rank;
    memcpy(tensor->dims, origin->dims, sizeof tensor->dims);
    tensor->count = origin->count;
    tensor->origin = origin;
    return true;
}

static bool list(const void *state, source_part *part, tool_error *err)
{
    const torch_checkpoint *checkpoint = state;
    const char *path = checkpoint->zip.input.path;
    const torch_value *dict = torch_dict_get(checkpoint->pickle.root, part->name);
    if (!dict || dict->kind != TORCH_DICT) {
        return tool_fail(err, "%s: not a checkpoint of this project: it holds no dict %s", path, part->name);
    }
    torch_value *const *items = dict->as.items.at;
    for (size_t i = 0; i + 1 < dict->as.items.count; i += 2) {
        if (!add_tensor(part, path, items[i], items[i + 1], err)) return false;
    }
    return true;
}

static bool check(const void *state, const source_tensor *tensor, tool_error *err)
{
    char place[SOURCE_PLACE_BYTES];
    return torch_tensor_check(state, tensor->origin, source_place(tensor, place), err);
}

static bool read_data(const void *state, const source_tensor *tensor, void *data, tool_error *err)
{
    char place[SOURCE_PLACE_BYTES];
    return torch_tensor_read(state, tensor->origin, source_place(tensor, place), data, err);
}

static bool value_of(const void *state, const char *key, json_t **value, tool_error *err)
{
    const torch_checkpoint *checkpoint = state;
    const torch_value *pickled = torch_dict_get(checkpoint->pickle.root, key);
    if (!pickled || pickled->kind == TORCH_NONE) return true;
    char place[1024];
    (void)snprintf(place, sizeof place, "%s: %s", checkpoint->zip.input.path, key);
    *value = torch_json(pickled, place, err);
    return *value != NULL;
}

const source_kind source_kind_torch = {
    .name = "archives of torch.save",
    .knows = torch_zip_knows,
    .open = open_state,
    .close = close_state,
    .list = list,
    .read = read_data,
    .value = value_of,
    .check = check,
};
