/* One error message, passed up from where something failed to the tool's main().
 *
 * Every tool module takes a `tool_error *` (NULL is allowed) and fills it once.  The first message wins, so
 * callers may fail again on the way up without hiding the cause.  Nothing here prints. */
#ifndef TOOLS_COMMON_ERROR_H
#define TOOLS_COMMON_ERROR_H

#include <stdbool.h>

typedef struct tool_error {
    /* "file: place: reason", one line without its newline; empty: no error yet.  Names are escaped, and of a
     * long one the middle is left out, never the reason (message.h). */
    char message[768];
} tool_error;

#if defined(__GNUC__)
#define TOOL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TOOL_PRINTF(fmt, args)
#endif

/* Fills *err unless it already holds a message.  Always returns false, for `return tool_fail(...)`. */
bool tool_fail(tool_error *err, const char *format, ...) TOOL_PRINTF(2, 3);

/* "file: reason", the reason taken from an errno value. */
bool tool_fail_errno(tool_error *err, const char *file, int code);

/* Compilers and analysers follow `return tool_fail(...)` where they see its value. */
#define tool_fail(...) (tool_fail(__VA_ARGS__), false)
#define tool_fail_errno(err, file, code) (tool_fail_errno(err, file, code), false)

/* What an errno value means.  A lack of memory has the same words everywhere: "out of memory". */
const char *tool_reason(int code);

#endif
