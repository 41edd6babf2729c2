/* Text that comes from outside (names of files, words of a model) is written here so that it can't do harm.
 *
 * A file name may hold any byte but zero and '/'.  Written raw, a newline breaks a list of lines, and an
 * escape character moves the terminal's cursor or changes its colours. */
#ifndef TOOLS_COMMON_CLEAN_H
#define TOOLS_COMMON_CLEAN_H

#include <stddef.h>
#include <stdio.h>

/* Writes `text` for a terminal or a message of one line: control characters and bytes that are not UTF-8
 * become \n, \t, \r or \xNN.  So do the characters that turn the direction of a line around. */
void tool_put_clean(FILE *stream, const char *text);

/* Writes `text` as a field of a tab-separated line: tab, newline and carriage return become \t, \n and \r;
 * every other byte stays as it is. */
void tool_put_field(FILE *stream, const char *text);

/* Bytes of what tool_put_clean makes of text [length]. */
size_t tool_clean_length(const char *text, size_t length);

/* The same as tool_put_clean, of text [length] into out [size, at least 1], ended by a zero byte.  Where it
 * doesn't fit,
 * "..." stands in place of its middle.  Returns the length. */
size_t tool_shorten(char *out, size_t size, const char *text, size_t length);

/* The same as tool_put_clean, into out [size], cut to fit and ended by a zero byte. */
void tool_clean(char *out, size_t size, const char *text);

#endif
