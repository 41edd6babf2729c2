/* Bytes made fit for a message; see printable.h. */
#include "tools/common/printable.h"

#include "tools/common/clean.h"

const char *tool_printable(const char *data, size_t size, char out[TOOL_PRINTABLE_BYTES])
{
    (void)tool_shorten(out, TOOL_PRINTABLE_BYTES, data, size);
    return out;
}
