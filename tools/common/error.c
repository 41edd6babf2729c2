/* Error messages of the tools are put together here; see error.h.  Never prints. */
#include "tools/common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "tools/common/message.h"

bool(tool_fail)(tool_error *err, const char *format, ...)
{
    if (!err || err->message[0]) return false;
    va_list args;
    va_start(args, format);
    tool_format_list(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool(tool_fail_errno)(tool_error *err, const char *file, int code)
{
    return tool_fail(err, "%s: %s", file, tool_reason(code));
}

const char *tool_reason(int code)
{
    return code == ENOMEM ? "out of memory" : strerror(code);
}
