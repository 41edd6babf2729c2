/* The one place where tool error messages are put together.  Called by every tool module; never prints. */
#include "tools/common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool tool_fail(tool_error *err, const char *format, ...)
{
    va_list args;
    if (!err || err->message[0]) return false;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool tool_fail_errno(tool_error *err, const char *file, int code)
{
    return tool_fail(err, "%s: %s", file, strerror(code));
}
