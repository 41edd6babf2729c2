/* Messages with text from outside in them: names of files, tensors and keys, words, values.
 *
 * A message is one line for a person.  So every %s is escaped as tool_put_clean does it, and where the whole
 * doesn't fit, the longest of them lose their middle ("/home/a...b/photo.jpg").  What stands in the format
 * itself, the reason for instance, is always whole.  Nothing here allocates or prints. */
#ifndef TOOLS_COMMON_MESSAGE_H
#define TOOLS_COMMON_MESSAGE_H

#include <stdarg.h>
#include <stddef.h>

#include "tools/common/error.h"

/* Like snprintf.  Of the conversions there are %s, also with a precision, %c, %% and those of numbers,
 * without *. */
void tool_format(char *out, size_t size, const char *format, ...) TOOL_PRINTF(3, 4);
void tool_format_list(char *out, size_t size, const char *format, va_list list) TOOL_PRINTF(3, 0);

#endif
