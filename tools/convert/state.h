/* A network's state dict as a table of named tensors, each of which is to be used once.
 * Never reads tensor data. */
#ifndef TOOLS_CONVERT_STATE_H
#define TOOLS_CONVERT_STATE_H

#include "tools/source/source.h"

enum { CONVERT_KEY_BYTES = SOURCE_NAME_BYTES };

typedef struct convert_source {
    const char *key; /* the tensor's name in the state dict */
    const source_tensor *tensor;
    bool used;
} convert_source;

typedef struct convert_state {
    const source_file *checkpoint;
    const char *part; /* "encoder_state" */
    source_part tensors;
    convert_source *sources; /* [count], owned */
    size_t count;
} convert_state;

/* A shape with holes: a size of 0 fits any and is filled in. */
typedef struct convert_shape {
    int rank;
    uint64_t dims[4];
} convert_shape;

/* Takes the dict `part` of the checkpoint apart.  Free it whatever the result. */
bool convert_state_open(convert_state *state, const source_file *checkpoint, const char *part,
                        tool_error *err);
void convert_state_free(convert_state *state);

/* NULL if there is none. */
convert_source *convert_state_find(const convert_state *state, const char *key);

/* The floating-point tensor of this name and shape, marked as used.  NULL and an error if it is missing or
 * misshapen. */
const convert_source *convert_state_take(const convert_state *state, const char *key, convert_shape *shape,
                                         tool_error *err);

/* Refuses tensors that nobody took. */
bool convert_state_check_used(const convert_state *state, tool_error *err);

#endif
