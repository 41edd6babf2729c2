/* format.c - see format.h.  Every number is written by itself into a few bytes, and then copied. */
#include "lib/platform/format.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    NUMBER_BYTES = 32, /* of any number as text */
    USUAL_DIGITS = 6,  /* of %g without a precision */
    MOST_DIGITS = 15,
    LEAST_EXPONENT = -4, /* the lowest power of ten that %g writes without an exponent */
};

/* ---- where the text goes ---- */

typedef struct text_end {
    char *at;
    size_t left; /* bytes, without the NUL's */
} text_end;

static void put(text_end *end, const char *text, size_t length)
{
    if (length > end->left) length = end->left;
    memcpy(end->at, text, length);
    end->at += length;
    end->left -= length;
}

/* ---- integers ---- */

/* Writes x before `end` and returns where it starts. */
static char *digits_before(char *end, uint64_t x)
{
    do {
        *--end = (char)('0' + x % 10);
        x /= 10;
    } while (x > 0);
    return end;
}

static void put_integer(text_end *end, uint64_t size, bool negative)
{
    char number[NUMBER_BYTES], *start = digits_before(number + sizeof number, size);
    if (negative) *--start = '-';
    put(end, start, (size_t)(number + sizeof number - start));
}

/* ---- %g ---- */

/* x times ten to the power n */
static double times_power(double x, int n)
{
    double power = 1;
    const bool divides = n < 0;
    const int steps = divides ? -n : n;
    for (int i = 0; i < steps; i++) {
        power *= 10;
        if (power < 1e15 && i + 1 < steps) continue;
        x = divides ? x / power : x * power; /* in parts: ten to the power 324 is no double */
        power = 1;
    }
    return x;
}

/* A positive, finite x rounded to `digits` decimal digits, as an integer of so many digits.  *exponent is
 * the power of ten of the first. */
static uint64_t round_decimal(double x, int digits, int *exponent)
{
    int e = 0;
    for (double rest = x; rest >= 10; rest /= 10) e++;
    for (double rest = x; rest < 1; rest *= 10) e--;
    uint64_t low = 1;
    for (int i = 1; i < digits; i++) low *= 10;
    uint64_t all = (uint64_t)(times_power(x, digits - 1 - e) + 0.5);
    if (all < low) { /* the loops above were off by a rounding */
        e--;
        all = (uint64_t)(times_power(x, digits - 1 - e) + 0.5);
    }
    if (all >= low * 10) {
        e++;
        all /= 10;
    }
    *exponent = e;
    return all;
}

static void put_exponent(text_end *end, int exponent)
{
    const int size = exponent < 0 ? -exponent : exponent;
    put(end, exponent < 0 ? "e-" : "e+", 2);
    if (size < 10) put(end, "0", 1);
    put_integer(end, (uint64_t)size, false);
}

static void put_real(text_end *end, double x, int digits)
{
    char number[NUMBER_BYTES];
    int exponent;
    if (x < 0) {
        put(end, "-", 1);
        x = -x;
    }
    if (x == 0 || !isfinite(x)) {
        const char *text = x == 0 ? "0" : isnan(x) ? "nan" : "inf";
        put(end, text, strlen(text));
        return;
    }
    digits = digits < 1 ? 1 : digits > MOST_DIGITS ? MOST_DIGITS : digits;
    char *const behind = number + sizeof number;
    const char *const start = digits_before(behind, round_decimal(x, digits, &exponent));
    int count = digits; /* without the zeros at the end */
    while (count > 1 && start[count - 1] == '0') count--;

    const bool scientific = exponent < LEAST_EXPONENT || exponent >= digits;
    const int whole = scientific ? 1 : exponent + 1; /* digits before the point */
    if (whole <= 0) put(end, "0.0000", (size_t)(2 - whole));
    if (whole > 0) put(end, start, (size_t)(whole < count ? whole : count));
    for (int i = count; i < whole; i++) put(end, "0", 1);
    if (whole > 0 && count > whole) put(end, ".", 1);
    const int first = whole > 0 ? whole : 0;
    if (count > first) put(end, start + first, (size_t)(count - first));
    if (scientific) put_exponent(end, exponent);
}

/* ---- formats ---- */

/* A conversion: what stands between % and its letter. */
typedef struct conversion {
    int precision; /* -1: none */
    int longs;     /* how many l */
    char size;     /* 'z', 't' or 0 */
} conversion;

static const char *read_conversion(const char *p, conversion *c, int star)
{
    *c = (conversion){.precision = -1};
    if (*p == '.') {
        p++;
        c->precision = *p == '*' ? star : 0;
        if (*p == '*') p++;
        for (; *p >= '0' && *p <= '9'; p++) c->precision = c->precision * 10 + (*p - '0');
    }
    if (*p == 'z' || *p == 't') c->size = *p++;
    for (; *p == 'l'; p++) c->longs++;
    return p;
}

static void put_text(text_end *end, const char *text, int precision)
{
    size_t length = 0;
    while ((precision < 0 || length < (size_t)precision) && text[length]) length++;
    put(end, text, length);
}

void cpt_format_list(char *to, size_t size, const char *format, va_list args)
{
    text_end end = {.at = to, .left = size - 1};
    const char *p = format;
    for (;;) {
        const char *const plain = p;
        while (*p && *p != '%') p++;
        put(&end, plain, (size_t)(p - plain));
        if (!*p) break;
        conversion c;
        const int star = p[1] == '.' && p[2] == '*' ? va_arg(args, int) : 0;
        p = read_conversion(p + 1, &c, star);
        const char letter = *p;
        if (letter == '%') {
            put(&end, "%", 1);
        } else if (letter == 's') {
            put_text(&end, va_arg(args, const char *), c.precision);
        } else if (letter == 'd') {
            const int64_t x = c.size == 't'  ? va_arg(args, ptrdiff_t)
                              : c.longs == 2 ? va_arg(args, long long)
                              : c.longs == 1 ? va_arg(args, long)
                                             : va_arg(args, int);
            put_integer(&end, x < 0 ? 0 - (uint64_t)x : (uint64_t)x, x < 0);
        } else if (letter == 'u') {
            const uint64_t x = c.size == 'z'  ? va_arg(args, size_t)
                               : c.longs == 2 ? va_arg(args, unsigned long long)
                               : c.longs == 1 ? va_arg(args, unsigned long)
                                              : va_arg(args, unsigned);
            put_integer(&end, x, false);
        } else if (letter == 'g') {
            put_real(&end, va_arg(args, double), c.precision < 0 ? USUAL_DIGITS : c.precision);
        } else {
            break;
        }
        p++;
    }
    *end.at = '\0';
}

void cpt_format(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cpt_format_list(to, size, format, args);
    va_end(args);
}
