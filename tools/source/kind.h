/* What one kind of file must provide so that source.h can read it.
 *
 * To add a kind: write these functions in a file of its own and enter its table in source.c. */
#ifndef TOOLS_SOURCE_KIND_H
#define TOOLS_SOURCE_KIND_H

#include "tools/source/source.h"

enum { SOURCE_START_BYTES = 16 }; /* so many of a file's first bytes are enough to tell its kind */

typedef struct source_kind {
    const char *name; /* for messages: "archives of torch.save" */

    /* Whether a file that starts with these bytes is of this kind, well-formed or not. */
    bool (*knows)(const unsigned char *start, size_t size);

    /* The kind's own state for a file; NULL and an error if the file is damaged. */
    void *(*open)(const char *path, tool_error *err);
    void (*close)(void *state);

    /* As source_list, source_read_raw and source_value. */
    bool (*list)(const void *state, source_part *part, tool_error *err);
    bool (*read)(const void *state, const source_tensor *tensor, void *data, tool_error *err);
    bool (*value)(const void *state, const char *key, json_t **value, tool_error *err);

    /* Whether a tensor's data are there; NULL: opening has made sure of that. */
    bool (*check)(const void *state, const source_tensor *tensor, tool_error *err);
} source_kind;

extern const source_kind source_kind_torch, source_kind_safetensors;

/* Appends a tensor of this name, its other fields zero.  NULL and an error ("path: part: name: reason") if
 * the name is no tensor's name or appears twice, or if there are too many. */
source_tensor *source_part_add(source_part *part, const char *path, const char *name, size_t size,
                               tool_error *err);

enum { SOURCE_PLACE_BYTES = 256 };

/* "part: name", for messages */
const char *source_place(const source_tensor *tensor, char text[SOURCE_PLACE_BYTES]);

#endif
