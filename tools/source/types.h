/* Element types of tensors, as the files that weights come from name them. */
#ifndef TOOLS_SOURCE_TYPES_H
#define TOOLS_SOURCE_TYPES_H

#include <stdbool.h>
#include <stddef.h>

typedef enum source_type {
    SOURCE_FLOAT32,
    SOURCE_FLOAT16,
    SOURCE_BFLOAT16,
    SOURCE_FLOAT64,
    SOURCE_INT64,
    SOURCE_INT32,
    SOURCE_INT16,
    SOURCE_INT8,
    SOURCE_UINT8,
    SOURCE_BOOL,
} source_type;

/* "float32" */
const char *source_type_name(source_type type);

/* "F32": as safetensors files name it */
const char *source_type_code(source_type type);

/* The type of this code; false if it is none of ours. */
bool source_type_find(const char *code, source_type *type);

/* Bytes of one element. */
size_t source_type_size(source_type type);

/* Whether source_read can turn elements of this type into float32. */
bool source_type_is_real(source_type type);

/* One element, little-endian at p, as float32.  Its type must be a real one. */
float source_type_read(source_type type, const unsigned char *p);

#endif
