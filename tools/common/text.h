/* Text files read whole: size limit, strict UTF-8, lines whatever their ends.
 *
 * Called by readers of captions, predictions, lists and JSON.  Never keeps a file open, never prints. */
#ifndef TOOLS_COMMON_TEXT_H
#define TOOLS_COMMON_TEXT_H

#include <stddef.h>

#include "tools/common/error.h"

typedef struct tool_text {
    char *data; /* owned; size bytes and a zero byte after them (the text may hold zero bytes itself) */
    size_t size;
} tool_text;

/* Reads a file, or standard input for "-", of at most limit bytes. */
bool tool_text_read(tool_text *text, const char *path, size_t limit, tool_error *err);

/* Accepts NULL and an empty text. */
void tool_text_free(tool_text *text);

/* Offset of the first byte that is not strict UTF-8 (no overlong forms, surrogates, or > U+10FFFF); size if
 * there is none. */
size_t tool_utf8_check(const char *data, size_t size);

/* Lines of a text: LF or CRLF, the last one with or without; a byte order mark at the start is skipped. */
typedef struct tool_lines {
    const char *next, *stop;
    const char *line; /* not zero-ended: length bytes */
    size_t length;
    size_t number; /* of this line, from 1 */
} tool_lines;

void tool_lines_begin(tool_lines *lines, const char *data, size_t size);

/* False at the end of the text. */
bool tool_lines_next(tool_lines *lines);

#endif
