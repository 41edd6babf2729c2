/* A regular file that is read at offsets.
 *
 * Reading uses pread, so a file that is cut short meanwhile is an error and not a signal, and several threads
 * may read at once. */
#ifndef TOOLS_SOURCE_INPUT_H
#define TOOLS_SOURCE_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

typedef struct source_input {
    const char *path; /* borrowed, for messages */
    int file;
    uint64_t size; /* at least 1 */
} source_input;

/* Opens the file.  Folders, pipes, devices and empty files are refused.  Close it whatever the result. */
bool source_input_open(source_input *input, const char *path, tool_error *err);

/* Accepts an input that was zeroed or failed to open. */
void source_input_close(source_input *input);

/* Exactly `size` bytes at `offset`. */
bool source_input_read(const source_input *input, uint64_t offset, void *buffer, size_t size,
                       tool_error *err);

#endif
