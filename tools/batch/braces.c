/* Names with braces; see braces.h. */
#include "tools/batch/braces.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_DIGITS = 18 }; /* so that no number overflows */

/* ---- reading ---- */

/* Reads the digits at *at and goes behind them.  False where there are none, or too many. */
static bool read_number(const char **at, const char *stop, uint64_t *value, int *digits)
{
    const char *p = *at;
    *value = 0;
    for (; p < stop && *p >= '0' && *p <= '9'; p++) {
        if (p - *at == MOST_DIGITS) return false;
        *value = *value * 10 + (uint64_t)(*p - '0');
    }
    *digits = (int)(p - *at);
    *at = p;
    return *digits > 0;
}

static bool skip_dots(const char **at, const char *stop)
{
    if (stop - *at < 2 || memcmp(*at, "..", 2) != 0) return false;
    *at += 2;
    return true;
}

/* What stands between two braces, as a range. */
static bool read_range(batch_brace *b, const char *at, const char *stop)
{
    const char *const first = at;
    uint64_t last = 0, step = 1;
    int first_digits = 0, last_digits = 0, step_digits = 0;
    if (!read_number(&at, stop, &b->first, &first_digits) || !skip_dots(&at, stop)) return false;
    const char *const second = at;
    if (!read_number(&at, stop, &last, &last_digits)) return false;
    if (at < stop && (!skip_dots(&at, stop) || !read_number(&at, stop, &step, &step_digits))) return false;
    if (at != stop || step == 0) return false;
    const bool padded = (*first == '0' && first_digits > 1) || (*second == '0' && last_digits > 1);
    b->range = true;
    b->down = last < b->first;
    b->step = step;
    b->count = (b->down ? b->first - last : last - b->first) / step + 1;
    b->digits = !padded ? 1 : first_digits > last_digits ? first_digits : last_digits;
    return true;
}

static bool read_list(batch_brace *b, const char *at, const char *stop)
{
    b->range = false;
    b->count = 1;
    for (; at < stop; at++) b->count += *at == ',';
    return b->count > 1;
}

/* The bytes that the longest text of a pair of braces has. */
static size_t longest(const batch_brace *b)
{
    return b->range ? MOST_DIGITS : b->end - b->start;
}

static bool too_many(const char *pattern, tool_error *err)
{
    return tool_fail(err, "%s: stands for more names than %d, or more bytes of names than %d", pattern,
                     BATCH_BRACE_NAMES, BATCH_BRACE_BYTES);
}

bool batch_braces_read(batch_braces *braces, const char *pattern, tool_error *err)
{
    *braces = (batch_braces){.pattern = pattern, .names = 1, .room = strlen(pattern) + 1};
    const char *open = pattern;
    while ((open = strchr(open, '{')) != NULL) {
        const char *const inside = open + 1, *const stop = inside + strcspn(inside, "{}");
        batch_brace b = {.start = (size_t)(open - pattern), .end = (size_t)(stop - pattern) + 1};
        open = stop;
        if (*stop != '}' || (!read_range(&b, inside, stop) && !read_list(&b, inside, stop))) continue;
        if (braces->count == BATCH_BRACES) {
            return tool_fail(err, "%s: more than %d braces", pattern, BATCH_BRACES);
        }
        if (b.count > BATCH_BRACE_NAMES / braces->names) return too_many(pattern, err);
        braces->names *= b.count;
        braces->room += longest(&b);
        braces->list[braces->count++] = b;
    }
    if (braces->count && braces->room > BATCH_BRACE_BYTES / braces->names) return too_many(pattern, err);
    return true;
}

/* ---- names ---- */

/* Writes text `index` of a pair of braces, and returns where it ends. */
static char *put(const batch_braces *braces, const batch_brace *b, uint64_t index, char *to)
{
    if (b->range) {
        const uint64_t value = b->down ? b->first - index * b->step : b->first + index * b->step;
        return to + snprintf(to, MOST_DIGITS + 1, "%0*" PRIu64, b->digits, value);
    }
    const char *text = braces->pattern + b->start + 1;
    for (; index; index--) text = strchr(text, ',') + 1;
    const size_t length = strcspn(text, ",}");
    memcpy(to, text, length);
    return to + length;
}

void batch_braces_name(const batch_braces *braces, uint64_t index, char *name)
{
    uint64_t after = braces->names; /* combinations of this pair of braces and those behind it */
    size_t at = 0;
    for (size_t i = 0; i < braces->count; i++) {
        const batch_brace *b = &braces->list[i];
        memcpy(name, braces->pattern + at, b->start - at);
        name += b->start - at;
        after /= b->count;
        name = put(braces, b, index / after % b->count, name);
        at = b->end;
    }
    strcpy(name, braces->pattern + at);
}
