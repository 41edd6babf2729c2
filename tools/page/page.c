/* Pages; see page.h.  page_data.S holds the bytes. */
#include "tools/page/page.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

extern const char page_report_text_begin[], page_report_text_end[];
extern const char page_css_begin[], page_css_end[];
extern const char page_js_begin[], page_js_end[];

static size_t length_of(const char *begin, const char *end)
{
    return (size_t)((uintptr_t)end - (uintptr_t)begin);
}

static void write_file(FILE *stream, const char *begin, const char *end)
{
    (void)fwrite(begin, 1, length_of(begin, end), stream);
}

static bool is_line(const char *line, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(line, name, length) == 0;
}

/* Writes the report's lines before or those after its data. */
static void write_report(FILE *stream, bool after)
{
    const char *line = page_report_text_begin, *const stop = page_report_text_end;
    bool now = !after;
    while (line < stop) {
        const char *end = memchr(line, '\n', length_of(line, stop));
        const size_t length = length_of(line, end ? end : stop);
        if (is_line(line, length, "@data")) {
            now = after;
        } else if (now && is_line(line, length, "@look.css")) {
            write_file(stream, page_css_begin, page_css_end);
        } else if (now && is_line(line, length, "@look.js")) {
            write_file(stream, page_js_begin, page_js_end);
        } else if (now) {
            (void)fwrite(line, 1, length, stream);
            (void)fputc('\n', stream);
        }
        line += length + 1;
    }
}

void page_report_begin(FILE *stream)
{
    write_report(stream, false);
}

void page_report_end(FILE *stream)
{
    write_report(stream, true);
}
