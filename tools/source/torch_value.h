/* What a pickle holds, as plain data: values in an arena.
 *
 * Values may be shared, and a value may even contain itself, so code that walks down must bound its depth and
 * its work.  Nothing here is ever executed. */
#ifndef TOOLS_SOURCE_TORCH_VALUE_H
#define TOOLS_SOURCE_TORCH_VALUE_H

#include <stdint.h>

#include "tools/common/error.h"
#include "tools/source/source.h"

typedef enum torch_kind {
    TORCH_NONE,
    TORCH_BOOL,
    TORCH_INT,
    TORCH_FLOAT,
    TORCH_TEXT,
    TORCH_BYTES,
    TORCH_TUPLE,
    TORCH_LIST,
    TORCH_SET,
    TORCH_DICT,
    TORCH_CLASS,
    TORCH_OBJECT,
    TORCH_STORAGE,
    TORCH_TENSOR,
    TORCH_NUMPY_TYPE,
} torch_kind;

/* What the opcodes REDUCE and NEWOBJ make of a name. */
typedef enum torch_call {
    TORCH_CALL_DICT, /* collections.OrderedDict, collections.Counter */
    TORCH_CALL_TENSOR,
    TORCH_CALL_PARAMETER,
    TORCH_CALL_STORAGE, /* may stand in persistent ids only */
    TORCH_CALL_VOCABULARY,
    TORCH_CALL_NUMPY_TYPE,
    TORCH_CALL_NUMPY_SCALAR,
    TORCH_CALL_LATIN1,
} torch_call;

typedef struct torch_class {
    const char *module, *name;
    torch_call call;
    source_type dtype; /* of a storage */
} torch_class;

typedef struct torch_value torch_value;

typedef struct torch_text {
    const char *data; /* points into the pickle; not zero-ended */
    size_t size;
} torch_text;

typedef struct torch_items {
    torch_value **at; /* [count]; of a dict: key, value, key, value, ... */
    size_t count, room;
} torch_items;

typedef struct torch_object {
    const torch_class *type;
    torch_value *state; /* a dict, or NULL */
} torch_object;

typedef struct torch_storage {
    torch_text key; /* its entry is NAME/data/KEY */
    source_type dtype;
    uint64_t count;
} torch_storage;

typedef struct torch_tensor {
    const torch_storage *storage;
    uint64_t offset; /* in elements, as the strides */
    int rank;
    uint64_t dims[SOURCE_MAX_RANK], strides[SOURCE_MAX_RANK];
    uint64_t count; /* product of dims; at most the storage's count */
} torch_tensor;

typedef struct torch_numpy_type {
    source_type dtype;
    bool complete; /* its state was set */
} torch_numpy_type;

struct torch_value {
    torch_kind kind;
    union {
        bool truth;
        int64_t integer;
        double real;
        torch_text text;   /* also bytes */
        torch_items items; /* tuple, list, set, dict */
        const torch_class *type;
        torch_object object;
        torch_storage storage;
        torch_tensor *tensor;
        torch_numpy_type numpy;
    } as;
};

/* ---- memory ---- */

typedef struct torch_arena {
    struct torch_block *blocks;
    size_t used, size; /* of the newest block */
    size_t total;
    bool full; /* a request went over the limit */
} torch_arena;

/* Zeroed memory that lives until torch_arena_free; NULL when there is none or the arena's limit is reached.
 */
void *torch_arena_alloc(torch_arena *arena, size_t size);
void torch_arena_free(torch_arena *arena);

/* Appends to a list or dict; false without memory. */
bool torch_items_push(torch_arena *arena, torch_items *items, torch_value *value);

/* ---- looking at values; all of them accept NULL ---- */

const char *torch_kind_name(const torch_value *value);
bool torch_text_is(const torch_value *value, const char *text);

/* The value of a text key, as Python would find it (the last one set); NULL if there is none or this is no
 * dict. */
const torch_value *torch_dict_get(const torch_value *dict, const char *key);

#endif
