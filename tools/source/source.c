/* Tells the kind of a file and hands over to it; see source.h. */
#include "tools/source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/grow.h"
#include "tools/common/printable.h"
#include "tools/source/input.h"
#include "tools/source/kind.h"

enum { MAX_TENSORS = 4096 }; /* of a part; a ResNet-50 has 318, batch norm counters included */

struct source_file {
    const char *path; /* borrowed */
    const source_kind *kind;
    void *state; /* the kind's own */
};

static const source_kind *const kinds[] = {&source_kind_torch, &source_kind_safetensors};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* The error of a file that is of no kind.  Returns NULL. */
static const source_kind *no_kind(const char *path, tool_error *err)
{
    char names[KINDS * 64] = "";
    size_t length = 0;
    for (size_t i = 0; i < KINDS && length < sizeof names; i++) {
        length +=
            (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "", kinds[i]->name);
    }
    (void)tool_fail(err, "%s: byte 0: not a checkpoint of any kind that is read: %s", path, names);
    return NULL;
}

static const source_kind *find_kind(const char *path, tool_error *err)
{
    size_t size = 0;
    source_input input;
    bool ok = source_input_open(&input, path, err);
    unsigned char start[SOURCE_START_BYTES];
    if (ok) {
        size = input.size < sizeof start ? (size_t)input.size : sizeof start;
        ok = source_input_read(&input, 0, start, size, err);
    }
    source_input_close(&input);
    if (!ok) return NULL;
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i]->knows(start, size)) return kinds[i];
    }
    return no_kind(path, err);
}

source_file *source_open(const char *path, tool_error *err)
{
    const source_kind *kind = find_kind(path, err);
    if (!kind) return NULL;
    source_file *file = calloc(1, sizeof *file);
    if (!file) {
        (void)tool_fail(err, "%s: out of memory", path);
        return NULL;
    }
    file->path = path;
    file->kind = kind;
    file->state = kind->open(path, err);
    if (!file->state) source_close(&file);
    return file;
}

void source_close(source_file **file)
{
    if (!file || !*file) return;
    if ((*file)->state) (*file)->kind->close((*file)->state);
    free(*file);
    *file = NULL;
}

const char *source_path(const source_file *file)
{
    return file->path;
}

bool source_list(const source_file *file, const char *name, source_part *part, tool_error *err)
{
    memset(part, 0, sizeof *part);
    part->name = name;
    return file->kind->list(file->state, part, err);
}

void source_part_free(source_part *part)
{
    free(part->tensors);
    memset(part, 0, sizeof *part);
}

source_tensor *source_part_add(source_part *part, const char *path, const char *name, size_t size,
                               tool_error *err)
{
    char printable[TOOL_PRINTABLE_BYTES];
    const char *shown = tool_printable(name, size, printable);
    if (part->count == MAX_TENSORS) {
        (void)tool_fail(err, "%s: %s: holds more than %d tensors", path, part->name, MAX_TENSORS);
        return NULL;
    }
    if (size >= SOURCE_NAME_BYTES || memchr(name, '\0', size)) {
        (void)tool_fail(err, "%s: %s: %s: not a tensor's name", path, part->name, shown);
        return NULL;
    }
    source_tensor *tensors = tool_grow(part->tensors, &part->room, part->count + 1, sizeof *tensors);
    if (!tensors) {
        (void)tool_fail(err, "%s: %s: out of memory", path, part->name);
        return NULL;
    }
    part->tensors = tensors;
    source_tensor *tensor = &tensors[part->count];
    memset(tensor, 0, sizeof *tensor);
    if (size) memcpy(tensor->name, name, size);
    if (source_find(part, tensor->name)) {
        (void)tool_fail(err, "%s: %s: %s: appears twice", path, part->name, shown);
        return NULL;
    }
    tensor->part = part->name;
    part->count++;
    return tensor;
}

const source_tensor *source_find(const source_part *part, const char *name)
{
    for (size_t i = 0; i < part->count; i++) {
        if (strcmp(part->tensors[i].name, name) == 0) return &part->tensors[i];
    }
    return NULL;
}

const char *source_place(const source_tensor *tensor, char text[SOURCE_PLACE_BYTES])
{
    char printable[TOOL_PRINTABLE_BYTES];
    (void)snprintf(text, SOURCE_PLACE_BYTES, "%s: %s", tensor->part,
                   tool_printable(tensor->name, strlen(tensor->name), printable));
    return text;
}

bool source_check(const source_file *file, const source_tensor *tensor, tool_error *err)
{
    if (!source_type_is_real(tensor->type)) {
        char place[SOURCE_PLACE_BYTES];
        return tool_fail(err, "%s: %s: holds %s numbers, not floating-point ones", file->path,
                         source_place(tensor, place), source_type_name(tensor->type));
    }
    return !file->kind->check || file->kind->check(file->state, tensor, err);
}

bool source_read_raw(const source_file *file, const source_tensor *tensor, void *data, tool_error *err)
{
    return file->kind->read(file->state, tensor, data, err);
}

bool source_read(const source_file *file, const source_tensor *tensor, float *values, tool_error *err)
{
    if (!source_check(file, tensor, err)) return false;
    if (tensor->type == SOURCE_FLOAT32) return source_read_raw(file, tensor, values, err);
    const size_t item = source_type_size(tensor->type), count = (size_t)tensor->count;
    unsigned char *data = malloc(count ? count * item : 1); /* no larger than the file */
    if (!data) {
        char place[SOURCE_PLACE_BYTES];
        return tool_fail(err, "%s: %s: out of memory", file->path, source_place(tensor, place));
    }
    const bool ok = source_read_raw(file, tensor, data, err);
    for (size_t i = 0; ok && i < count; i++) values[i] = source_type_read(tensor->type, data + i * item);
    free(data);
    return ok;
}

bool source_value(const source_file *file, const char *key, json_t **value, tool_error *err)
{
    *value = NULL;
    return file->kind->value(file->state, key, value, err);
}
