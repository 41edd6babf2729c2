/* Text files in memory; see text.h. */
#include "tools/common/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/regular.h"

#include "lib/format/utf8.h"

enum { FIRST_ROOM = 65536, MOST_OF_A_DEVICE = 1 << 20 };

/* Makes room for two more bytes: one that shows whether the text goes on past the limit, and a zero byte. */
static bool make_room(tool_text *text, size_t *room, const char *name, tool_error *err)
{
    if (*room - text->size >= 2) return true;
    const size_t wanted = *room ? *room * 2 : FIRST_ROOM;
    char *grown = wanted > *room ? realloc(text->data, wanted) : NULL;
    if (!grown) return tool_fail(err, "%s: out of memory", name);
    text->data = grown;
    *room = wanted;
    return true;
}

static bool read_stream(tool_text *text, FILE *stream, const char *name, size_t limit, tool_error *err)
{
    size_t room = 0;
    for (;;) {
        if (!make_room(text, &room, name, err)) return false;
        const size_t got = fread(text->data + text->size, 1, room - text->size - 1, stream);
        text->size += got;
        if (text->size > limit) return tool_fail(err, "%s: larger than %zu bytes", name, limit);
        if (!got) break;
    }
    if (ferror(stream)) return tool_fail_errno(err, name, errno);
    text->data[text->size] = '\0';
    return true;
}

/* A device that is no terminal may have no end, whatever the limit. */
static bool is_endless(FILE *stream)
{
    struct stat info;
    const int fd = fileno(stream);
    return fstat(fd, &info) == 0 && (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) && !isatty(fd);
}

/* stream: NULL where it couldn't be opened, with the reason in errno */
static bool read_and_close(tool_text *text, FILE *stream, const char *name, size_t limit, tool_error *err)
{
    *text = (tool_text){NULL, 0};
    if (!stream) return tool_fail_errno(err, name, errno);
    if (limit > MOST_OF_A_DEVICE && is_endless(stream)) limit = MOST_OF_A_DEVICE;
    const bool ok = read_stream(text, stream, name, limit, err);
    if (stream != stdin) (void)fclose(stream);
    if (!ok) tool_text_free(text);
    return ok;
}

bool tool_text_read(tool_text *text, const char *path, size_t limit, tool_error *err)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    return read_and_close(text, is_stdin ? stdin : fopen(path, "rb"), is_stdin ? "standard input" : path,
                          limit, err);
}

bool tool_text_read_regular(tool_text *text, const char *path, size_t limit, tool_error *err)
{
    *text = (tool_text){NULL, 0};
    const int fd = tool_regular_open(path, err);
    if (fd < 0) return false;
    FILE *stream = fdopen(fd, "rb");
    if (!stream) (void)close(fd);
    return read_and_close(text, stream, path, limit, err);
}

void tool_text_free(tool_text *text)
{
    if (!text) return;
    free(text->data);
    text->data = NULL;
    text->size = 0;
}

size_t tool_utf8_length(const char *data, size_t size)
{
    return cpt_utf8_length(data, size);
}

size_t tool_utf8_check(const char *data, size_t size)
{
    return cpt_utf8_check(data, size);
}

void tool_lines_begin(tool_lines *lines, const char *data, size_t size)
{
    const size_t skip = size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *lines = (tool_lines){.next = data + skip, .stop = data + size};
}

void tool_names_begin(tool_lines *lines, const char *data, size_t size)
{
    *lines = (tool_lines){.next = data, .stop = data + size, .zero = true};
}

bool tool_lines_next(tool_lines *lines)
{
    if (lines->next == lines->stop) return false;
    const char *end = memchr(lines->next, lines->zero ? '\0' : '\n', (size_t)(lines->stop - lines->next));
    lines->line = lines->next;
    lines->length = (size_t)((end ? end : lines->stop) - lines->next);
    lines->next = end ? end + 1 : lines->stop;
    lines->number++;
    if (!lines->zero && lines->length && lines->line[lines->length - 1] == '\r') lines->length--;
    return true;
}
