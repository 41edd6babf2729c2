/* Safetensors files as a kind of source: a part is the tensors whose names begin with its name and a dot.
 *
 * A file is the length of the header (8 bytes, little-endian), the header (a JSON object), and the data.  For
 * each tensor the header has its type, its shape, and where its bytes lie in the data.  "__metadata__" maps
 * names to texts; those that are asked for hold JSON.  The data must be covered from the first to the last
 * byte, each byte by one tensor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/json.h"
#include "tools/common/printable.h"
#include "tools/source/input.h"
#include "tools/source/kind.h"

enum {
    PREFIX = 8,           /* bytes of the header's length */
    MAX_HEADER = 4 << 20, /* bytes; 318 tensors take 40 thousand.  JSON takes many times as much memory */
};

#define METADATA "__metadata__"

typedef struct tensor {
    const char *name; /* owned by the header */
    source_type type;
    int rank;
    uint64_t dims[SOURCE_MAX_RANK];
    uint64_t count, begin, end; /* elements; where the bytes lie in the data */
} tensor;

typedef struct safetensors {
    source_input input;
    json_t *header;
    tensor *tensors; /* [count], by place */
    size_t count;
    uint64_t data, data_size; /* where they begin in the file */
} safetensors;

static bool knows(const unsigned char *start, size_t size)
{
    /* a length below 2^40, and the header's first byte */
    return size > PREFIX && start[PREFIX] == '{' && !start[5] && !start[6] && !start[7];
}

/* ---- the header ---- */

static bool refuse(const safetensors *file, const char *name, const char *reason, tool_error *err)
{
    char printable[TOOL_PRINTABLE_BYTES];
    return tool_fail(err, "%s: header: %s: %s", file->input.path,
                     tool_printable(name, strlen(name), printable), reason);
}

/* A whole number that isn't negative. */
static bool get_size(const json_t *json, uint64_t *value)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0) return false;
    *value = (uint64_t)json_integer_value(json);
    return true;
}

/* Multiplies; false if the product has more than 63 bits. */
static bool multiply(uint64_t *product, uint64_t by)
{
    if (by && *product > INT64_MAX / by) return false;
    *product *= by;
    return true;
}

static bool read_shape(const safetensors *file, tensor *t, const json_t *shape, tool_error *err)
{
    if (!json_is_array(shape)) return refuse(file, t->name, "\"shape\" is no array", err);
    if (json_array_size(shape) > SOURCE_MAX_RANK) {
        return refuse(file, t->name, "\"shape\" has more than 8 dimensions", err);
    }
    t->rank = (int)json_array_size(shape);
    t->count = 1;
    for (int i = 0; i < t->rank; i++) {
        if (!get_size(json_array_get(shape, (size_t)i), &t->dims[i])) {
            return refuse(file, t->name, "\"shape\" holds something else than whole numbers", err);
        }
        if (!multiply(&t->count, t->dims[i])) {
            return refuse(file, t->name, "\"shape\" is absurdly large", err);
        }
    }
    return true;
}

static bool read_place(const safetensors *file, tensor *t, const json_t *place, tool_error *err)
{
    uint64_t bytes = t->count;
    if (json_array_size(place) != 2 || !get_size(json_array_get(place, 0), &t->begin) ||
        !get_size(json_array_get(place, 1), &t->end) || t->begin > t->end) {
        return refuse(file, t->name, "\"data_offsets\" are not two offsets in order", err);
    }
    if (t->end > file->data_size) return refuse(file, t->name, "its data end behind the file", err);
    if (!multiply(&bytes, source_type_size(t->type)) || bytes != t->end - t->begin) {
        char reason[128];
        (void)snprintf(reason, sizeof reason, "its data are %llu bytes, not %llu numbers of %zu",
                       (unsigned long long)(t->end - t->begin), (unsigned long long)t->count,
                       source_type_size(t->type));
        return refuse(file, t->name, reason, err);
    }
    return true;
}

/* {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} and nothing else */
static bool read_tensor(const safetensors *file, tensor *t, const json_t *json, tool_error *err)
{
    const json_t *type = json_object_get(json, "dtype");
    if (!json_is_object(json)) return refuse(file, t->name, "not an object", err);
    if (!json_is_string(type)) return refuse(file, t->name, "no \"dtype\"", err);
    if (!source_type_find(json_string_value(type), &t->type)) {
        char printable[TOOL_PRINTABLE_BYTES], reason[TOOL_PRINTABLE_BYTES + 64];
        (void)snprintf(reason, sizeof reason, "its type, %s, is none that is read",
                       tool_printable(json_string_value(type), json_string_length(type), printable));
        return refuse(file, t->name, reason, err);
    }
    if (json_object_size(json) != 3) {
        return refuse(file, t->name, "holds something else than \"dtype\", \"shape\" and \"data_offsets\"",
                      err);
    }
    return read_shape(file, t, json_object_get(json, "shape"), err) &&
           read_place(file, t, json_object_get(json, "data_offsets"), err);
}

static bool check_metadata(const safetensors *file, const json_t *metadata, tool_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata)) return refuse(file, METADATA, "not an object", err);
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!json_is_string(value)) return refuse(file, METADATA, "a value is no text", err);
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const tensor *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Every byte of the data belongs to one tensor. */
static bool check_places(const safetensors *file, tool_error *err)
{
    uint64_t end = 0;
    for (size_t i = 0; i < file->count; i++) {
        const tensor *t = &file->tensors[i];
        if (t->begin < end) return refuse(file, t->name, "its data overlap with another tensor's", err);
        if (t->begin > end) return refuse(file, t->name, "before its data are bytes of no tensor", err);
        end = t->end;
    }
    return end == file->data_size ||
           tool_fail(err, "%s: byte %llu: %llu bytes behind the last tensor", file->input.path,
                     (unsigned long long)(file->data + end), (unsigned long long)(file->data_size - end));
}

static bool read_tensors(safetensors *file, tool_error *err)
{
    const char *key;
    json_t *value;
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors) return tool_fail(err, "%s: header: out of memory", file->input.path);
    json_object_foreach(file->header, key, value)
    {
        if (strcmp(key, METADATA) == 0) {
            if (!check_metadata(file, value, err)) return false;
            continue;
        }
        tensor *t = &file->tensors[file->count++];
        t->name = key;
        if (!read_tensor(file, t, value, err)) return false;
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
    return check_places(file, err);
}

static bool read_header(safetensors *file, tool_error *err)
{
    const char *path = file->input.path;
    unsigned char prefix[PREFIX];
    uint64_t size = 0;
    if (!source_input_read(&file->input, 0, prefix, PREFIX, err)) return false;
    for (int i = PREFIX; i-- > 0;) size = size << 8 | prefix[i];
    if (size > file->input.size - PREFIX) {
        return tool_fail(err, "%s: byte 0: a header of %llu bytes, but the file has %llu", path,
                         (unsigned long long)size, (unsigned long long)file->input.size);
    }
    if (size > MAX_HEADER) {
        return tool_fail(err, "%s: byte 0: a header of %llu bytes; at most %d are read", path,
                         (unsigned long long)size, MAX_HEADER);
    }
    file->data = PREFIX + size;
    file->data_size = file->input.size - file->data;
    char *text = malloc((size_t)size + 1);
    json_error_t where;
    if (!text) return tool_fail(err, "%s: header: out of memory", path);
    const bool ok = source_input_read(&file->input, PREFIX, text, (size_t)size, err);
    if (ok) file->header = tool_json_parse(text, (size_t)size, 0, &where);
    free(text);
    if (!ok) return false;
    if (!file->header) {
        return tool_fail(err, "%s: header: line %d, column %d: %s", path, where.line, where.column,
                         where.text);
    }
    return true;
}

/* ---- the kind ---- */

static void close_state(void *state)
{
    safetensors *file = state;
    source_input_close(&file->input);
    json_decref(file->header);
    free(file->tensors);
    free(file);
}

static void *open_state(const char *path, tool_error *err)
{
    safetensors *file = calloc(1, sizeof *file);
    if (!file) {
        (void)tool_fail(err, "%s: out of memory", path);
        return NULL;
    }
    if (source_input_open(&file->input, path, err) && read_header(file, err) && read_tensors(file, err)) {
        return file;
    }
    close_state(file);
    return NULL;
}

static bool list(const void *state, source_part *part, tool_error *err)
{
    const safetensors *file = state;
    const size_t prefix = strlen(part->name);
    for (size_t i = 0; i < file->count; i++) {
        const tensor *t = &file->tensors[i];
        if (strncmp(t->name, part->name, prefix) != 0 || t->name[prefix] != '.') continue;
        const char *name = t->name + prefix + 1;
        source_tensor *added = source_part_add(part, file->input.path, name, strlen(name), err);
        if (!added) return false;
        added->type = t->type;
        added->rank = t->rank;
        memcpy(added->dims, t->dims, sizeof added->dims);
        added->count = t->count;
        added->origin = t;
    }
    return part->count ||
           tool_fail(err, "%s: not a checkpoint of this project: no tensor's name begins with %s.",
                     file->input.path, part->name);
}

static bool read_data(const void *state, const source_tensor *wanted, void *data, tool_error *err)
{
    const safetensors *file = state;
    const tensor *t = wanted->origin;
    return source_input_read(&file->input, file->data + t->begin, data, (size_t)(t->end - t->begin), err);
}

static bool value_of(const void *state, const char *key, json_t **value, tool_error *err)
{
    const safetensors *file = state;
    const json_t *text = json_object_get(json_object_get(file->header, METADATA), key);
    json_error_t where;
    if (!text) return true;
    *value = tool_json_parse(json_string_value(text), json_string_length(text), JSON_DECODE_ANY, &where);
    if (*value) return true;
    return tool_fail(err, "%s: " METADATA ": %s: line %d, column %d: %s", file->input.path, key, where.line,
                     where.column, where.text);
}

const source_kind source_kind_safetensors = {
    .name = "safetensors files",
    .knows = knows,
    .open = open_state,
    .close = close_state,
    .list = list,
    .read = read_data,
    .value = value_of,
};
