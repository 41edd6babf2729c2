/* Where weights come from: one interface for every kind of file that holds them.
 *
 *     source_file *file = source_open("model.pth", &err);
 *     source_part part;
 *     if (file && source_list(file, "decoder_state", &part, &err)) {
 *         const source_tensor *bias = source_find(&part, "fc.bias");
 *         ...
 *         ok = source_read(file, bias, values, &err);
 *     }
 *     source_part_free(&part);
 *     source_close(&file);
 *
 * source_open tells the kind of a file from its first bytes.  Each kind is implemented by one file of this
 * folder (kind.h); readers of this header don't know which.  Includes point one way: tools/common, then
 * tools/source, then tools/convert.  Nothing here executes what a file says, and nothing prints. */
#ifndef TOOLS_SOURCE_SOURCE_H
#define TOOLS_SOURCE_SOURCE_H

#include <jansson.h>
#include <stdint.h>

#include "tools/common/error.h"
#include "tools/source/types.h"

enum { SOURCE_MAX_RANK = 8, SOURCE_NAME_BYTES = 96 };

typedef struct source_file source_file;

typedef struct source_tensor {
    char name[SOURCE_NAME_BYTES]; /* within its part: "fc.bias" */
    const char *part;             /* "decoder_state" */
    source_type type;
    int rank;
    uint64_t dims[SOURCE_MAX_RANK]; /* [rank] */
    uint64_t count;                 /* elements: the product of dims */
    const void *origin;             /* what its kind of file finds its data by */
} source_tensor;

/* The tensors of one network. */
typedef struct source_part {
    const char *name;       /* borrowed */
    source_tensor *tensors; /* [count], owned */
    size_t count, room;
} source_part;

/* Opens a file and reads its table of contents, but no tensor's data.  `path` must outlive it.  NULL and an
 * error if the file is damaged or of no kind that is known. */
source_file *source_open(const char *path, tool_error *err);

/* Accepts NULL, sets NULL. */
void source_close(source_file **file);

const char *source_path(const source_file *file);

/* Lists the tensors of the part `name`, which must outlive the list: in a checkpoint of torch.save, those of
 * the dict of that name; in a safetensors file, those named "part.name".  Free the part whatever the result;
 * it must not outlive the file. */
bool source_list(const source_file *file, const char *name, source_part *part, tool_error *err);
void source_part_free(source_part *part);

/* The tensor of this name; NULL if there is none. */
const source_tensor *source_find(const source_part *part, const char *name);

/* Whether the tensor holds floating-point numbers and its data are there.  Reads no data. */
bool source_check(const source_file *file, const source_tensor *tensor, tool_error *err);

/* All elements in row-major order and in the tensor's own type, little-endian, into data[count * size].  May
 * be called from several threads at once. */
bool source_read_raw(const source_file *file, const source_tensor *tensor, void *data, tool_error *err);

/* The same as float32, into values[tensor->count]. */
bool source_read(const source_file *file, const source_tensor *tensor, float *values, tool_error *err);

/* What the file says about its weights under a key such as "config", "metrics" or "epoch".  *value is a new
 * reference, or NULL if the file says nothing; numbers that JSON can't express are null.  False and an error
 * if the value can't be expressed in JSON. */
bool source_value(const source_file *file, const char *key, json_t **value, tool_error *err);

#endif
