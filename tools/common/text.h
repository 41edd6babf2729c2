/* Reads text files into memory in one piece, up to a limit; checks UTF-8; steps through lines.
 *
 * Never keeps a file open, never prints. */
#ifndef TOOLS_COMMON_TEXT_H
#define TOOLS_COMMON_TEXT_H

#include <stddef.h>

#include "tools/common/error.h"

typedef struct tool_text {
    char *data; /* owned; `size` bytes and a zero byte behind them (the text may hold zero bytes itself) */
    size_t size;
} tool_text;

/* Reads a file, or standard input for "-", of at most `limit` bytes; of a device that is no terminal at most
 * 1 MB. */
bool tool_text_read(tool_text *text, const char *path, size_t limit, tool_error *err);

/* The same for a regular file, under any name; others are refused. */
bool tool_text_read_regular(tool_text *text, const char *path, size_t limit, tool_error *err);

/* Accepts NULL and an empty text. */
void tool_text_free(tool_text *text);

/* The library's, see lib/format/utf8.h. */
size_t tool_utf8_length(const char *data, size_t size);
size_t tool_utf8_check(const char *data, size_t size);

/* The lines of a text.  They end in LF or CRLF, the last one may have no end, and a byte order mark at the
 * start of the text is skipped.  With `zero` set, names end in a zero byte instead, as `find -print0` writes
 * them, and nothing else is taken off them. */
typedef struct tool_lines {
    const char *next, *stop;
    const char *line; /* `length` bytes, no zero byte behind them */
    size_t length;
    size_t number; /* of this line, from 1 */
    bool zero;
} tool_lines;

void tool_lines_begin(tool_lines *lines, const char *data, size_t size);

/* The same for names that end in zero bytes. */
void tool_names_begin(tool_lines *lines, const char *data, size_t size);

/* False at the end of the text. */
bool tool_lines_next(tool_lines *lines);

#endif
