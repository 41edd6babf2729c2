/* Regular files, opened for reading.  A FIFO would wait for a writer, a device for ever, and opening some of
 * them does something already, so they are refused before they are opened. */
#ifndef TOOLS_COMMON_REGULAR_H
#define TOOLS_COMMON_REGULAR_H

#include <stddef.h>

#include "tools/common/error.h"

/* A descriptor, which the caller closes; -1 on failure. */
int tool_regular_open(const char *path, tool_error *err);

/* Reads the first `size` bytes, or as many as there are; returns how many, -1 on failure. */
long tool_regular_start(const char *path, void *bytes, size_t size, tool_error *err);

#endif
