/* Text files read whole; see text.h.  Called by the tools' readers; never prints. */
#include "tools/common/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_stream(tool_text *text, FILE *stream, const char *name, size_t limit, tool_error *err)
{
    size_t room = 0;
    for (;;) {
        size_t got;
        if (room - text->size <
            2) { /* one byte of room tells "at the limit" from "over it", one ends the text */
            size_t wanted = room ? room * 2 : 65536;
            char *grown;
            if (room > limit) return tool_fail(err, "%s: larger than %zu bytes", name, limit);
            grown = wanted > room ? realloc(text->data, wanted) : NULL;
            if (!grown) return tool_fail(err, "%s: out of memory", name);
            text->data = grown;
            room = wanted;
        }
        got = fread(text->data + text->size, 1, room - text->size - 1, stream);
        text->size += got;
        if (text->size > limit) return tool_fail(err, "%s: larger than %zu bytes", name, limit);
        if (!got) break;
    }
    if (ferror(stream)) return tool_fail_errno(err, name, errno);
    text->data[text->size] = '\0';
    return true;
}

bool tool_text_read(tool_text *text, const char *path, size_t limit, tool_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    FILE *stream = is_stdin ? stdin : fopen(path, "rb");
    bool ok;
    text->data = NULL;
    text->size = 0;
    if (!stream) return tool_fail_errno(err, name, errno);
    ok = read_stream(text, stream, name, limit, err);
    if (!is_stdin) (void)fclose(stream);
    if (!ok) tool_text_free(text);
    return ok;
}

void tool_text_free(tool_text *text)
{
    if (!text) return;
    free(text->data);
    text->data = NULL;
    text->size = 0;
}

/* Bytes in the sequence that starts at p, 0 if it is malformed. */
static size_t sequence_length(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80, high = 0xBF; /* allowed second byte */
    size_t length, i;
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    length = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (p[0] == 0xE0) low = 0xA0;  /* shorter forms exist */
    if (p[0] == 0xED) high = 0x9F; /* surrogates */
    if (p[0] == 0xF0) low = 0x90;  /* shorter forms exist */
    if (p[0] == 0xF4) high = 0x8F; /* above U+10FFFF */
    if (left < length || p[1] < low || p[1] > high) return 0;
    for (i = 2; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
    }
    return length;
}

size_t tool_utf8_check(const char *data, size_t size)
{
    const unsigned char *p = (const unsigned char *)data;
    size_t at = 0;
    while (at < size) {
        size_t length = sequence_length(p + at, size - at);
        if (!length) return at;
        at += length;
    }
    return size;
}

void tool_lines_begin(tool_lines *lines, const char *data, size_t size)
{
    memset(lines, 0, sizeof *lines);
    lines->next = data;
    lines->stop = data + size;
    if (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) lines->next += 3;
}

bool tool_lines_next(tool_lines *lines)
{
    const char *newline;
    if (lines->next == lines->stop) return false;
    newline = memchr(lines->next, '\n', (size_t)(lines->stop - lines->next));
    lines->line = lines->next;
    lines->length = (size_t)((newline ? newline : lines->stop) - lines->next);
    lines->next = newline ? newline + 1 : lines->stop;
    lines->number++;
    if (lines->length && lines->line[lines->length - 1] == '\r') lines->length--;
    return true;
}
