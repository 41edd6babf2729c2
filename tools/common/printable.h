/* Bytes from a file made fit for a message. */
#ifndef TOOLS_COMMON_PRINTABLE_H
#define TOOLS_COMMON_PRINTABLE_H

#include <stddef.h>

enum { TOOL_PRINTABLE_BYTES = 64 };

/* Writes `size` bytes, which need not end in a zero byte, as tool_shorten does.  Returns out. */
const char *tool_printable(const char *data, size_t size, char out[TOOL_PRINTABLE_BYTES]);

#endif
