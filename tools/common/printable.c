/* Bytes made fit for a message; see printable.h. */
#include "tools/common/printable.h"

#include <string.h>

const char *tool_printable(const char *data, size_t size, char out[TOOL_PRINTABLE_BYTES])
{
    const size_t most = TOOL_PRINTABLE_BYTES - 4; /* room for "..." and the zero byte */
    const size_t count = size < most ? size : most - 3;
    for (size_t i = 0; i < count; i++) out[i] = data[i] >= 0x20 && data[i] < 0x7F ? data[i] : '?';
    strcpy(out + count, count < size ? "..." : "");
    return out;
}
