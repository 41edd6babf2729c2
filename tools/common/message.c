/* Messages with text from outside in them; see message.h. */
#include "tools/common/message.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/clean.h"

enum {
    SPEC_BYTES = 16,    /* "%5.1f" */
    NUMBER_BYTES = 400, /* the largest double has 309 digits */
    LEAST_TEXT = 24     /* bytes that a text keeps, however long the others are */
};

typedef struct writer {
    char *out;
    size_t size, used; /* `used` counts what didn't fit, too */
    size_t limit;      /* bytes that one text may take */
} writer;

/* The arguments that are left, in a structure, because not every machine lets one point to a va_list. */
typedef struct arguments {
    va_list list;
} arguments;

static void put(writer *w, const char *text, size_t length)
{
    if (w->used < w->size) {
        const size_t room = w->size - w->used;
        memcpy(w->out + w->used, text, length < room ? length : room);
    }
    w->used += length;
}

static void put_text(writer *w, const char *text, size_t length)
{
    const size_t whole = tool_clean_length(text, length), taken = whole < w->limit ? whole : w->limit;
    const size_t room = w->used < w->size ? w->size - w->used : 0;
    const size_t wrote =
        room ? tool_shorten(w->out + w->used, taken < room ? taken + 1 : room, text, length) : 0;
    w->used += taken < room ? wrote : taken;
}

/* A %s and its argument; format points behind the %. */
static void put_string(writer *w, const char *format, arguments *args)
{
    size_t most = SIZE_MAX;
    if (strncmp(format, ".*", 2) == 0) {
        const int precision = va_arg(args->list, int);
        if (precision >= 0) most = (size_t)precision;
    } else if (*format == '.') {
        most = (size_t)strtoul(format + 1, NULL, 10);
    }
    const char *text = va_arg(args->list, const char *);
    if (!text) text = "(null)";
    put_text(w, text, strnlen(text, most));
}

/* A number and its argument; spec is the whole conversion, "%5.1f". */
static void put_number(writer *w, const char *spec, char conversion, arguments *args)
{
    char text[NUMBER_BYTES];
    int length = 0;
    if (strchr("eEfFgG", conversion)) {
        length = snprintf(text, sizeof text, spec, va_arg(args->list, double));
    } else if (strstr(spec, "ll")) {
        length = snprintf(text, sizeof text, spec, va_arg(args->list, long long));
    } else if (strchr(spec, 'l')) {
        length = snprintf(text, sizeof text, spec, va_arg(args->list, long));
    } else if (strchr(spec, 'z')) {
        length = snprintf(text, sizeof text, spec, va_arg(args->list, size_t));
    } else {
        length = snprintf(text, sizeof text, spec, va_arg(args->list, int));
    }
    if (length > 0) put(w, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

/* The conversion at *format, which moves behind it. */
static void put_conversion(writer *w, const char **format, arguments *args)
{
    const char *start = *format;
    const size_t length = 1 + strspn(start + 1, "-+ 0#.*123456789hlz") + 1;
    const char conversion = start[length - 1];
    char spec[SPEC_BYTES];
    *format += length;
    if (conversion == '%') {
        put(w, "%", 1);
    } else if (conversion == 's') {
        put_string(w, start + 1, args);
    } else if (conversion == 'c') {
        const char byte = (char)va_arg(args->list, int);
        put_text(w, &byte, 1);
    } else if (length < sizeof spec) {
        memcpy(spec, start, length);
        spec[length] = '\0';
        put_number(w, spec, conversion, args);
    }
}

static void put_all(writer *w, const char *format, arguments *args)
{
    while (*format) {
        const size_t plain = strcspn(format, "%");
        put(w, format, plain);
        format += plain;
        if (*format) put_conversion(w, &format, args);
    }
}

void tool_format_list(char *out, size_t size, const char *format, va_list list)
{
    /* the limit is halved until all fits, so short texts stay whole beside a long one */
    for (size_t limit = size > LEAST_TEXT ? size : LEAST_TEXT; limit >= LEAST_TEXT; limit /= 2) {
        writer w = {.out = out, .size = size, .limit = limit};
        arguments args;
        va_copy(args.list, list);
        put_all(&w, format, &args);
        va_end(args.list);
        out[w.used < size ? w.used : size - 1] = '\0';
        if (w.used < size) return;
    }
}

void tool_format(char *out, size_t size, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    tool_format_list(out, size, format, list);
    va_end(list);
}
