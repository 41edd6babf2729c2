/* The choice of ranges; see range.h. */
#include "tools/convert/range.h"

#include <math.h>

#define LEAST_SCALE 0x1p-64 /* a map whose values are all smaller counts as zero */

enum {
    LAST = 255, /* the largest byte */
    MIDDLE = 128,
    OUTSIDE = 10000, /* one value of so many lies outside the percentile's range */
    COARSE = 32,     /* steps of the search for the least error, from 0 to the largest value */
    FINE = 8,        /* steps of the second search, in one of the first */
    ROUNDS = 2       /* of the search, where both ends are sought */
};

const char *const convert_method_names[] = {
    [CONVERT_MOST] = "max",
    [CONVERT_PERCENTILE] = "percentile",
    [CONVERT_LEAST_ERROR] = "least-error",
    [CONVERT_METHODS] = 0,
};

/* ---- from ends to a range ---- */

typedef struct ends {
    double low, high; /* low <= 0 <= high */
} ends;

static convert_range range_between(ends e, bool is_signed, convert_method method)
{
    convert_range range = {.scale = 1, .zero = is_signed ? MIDDLE : 0, .method = method};
    const double scale = (e.high - e.low) / LAST;
    if (!(scale >= LEAST_SCALE)) return range;
    range.scale = (float)scale;
    if (is_signed) range.zero = (int)fmin(rint(-e.low / scale), LAST);
    return range;
}

/* ---- errors ---- */

/* Of one sign's values, whose bins are given. */
static double side_error(const convert_histogram *h, const uint64_t *bins, double sign,
                         const convert_range *range)
{
    const double scale = (double)range->scale, zero = range->zero;
    double sum = 0;
    for (size_t i = 0; i < CONVERT_BINS; i++) {
        if (!bins[i]) continue;
        const double value = sign * ((double)i + 0.5) * h->width;
        const double byte = fmin(fmax(rint(value / scale) + zero, 0), LAST);
        const double off = scale * (byte - zero) - value;
        sum += (double)bins[i] * off * off;
    }
    return sum;
}

double convert_range_error(const convert_histogram *h, const convert_range *range)
{
    return side_error(h, h->above, 1, range) + side_error(h, h->below, -1, range);
}

/* ---- the methods ---- */

/* The magnitude above which `outside` values lie at most. */
static double magnitude_of(const convert_histogram *h, const uint64_t *bins, uint64_t outside, double most)
{
    uint64_t count = 0;
    for (size_t i = CONVERT_BINS; i-- > 0;) {
        count += bins[i];
        if (count > outside) return fmin((double)(i + 1) * h->width, most);
    }
    return 0;
}

static ends percentile_ends(const convert_histogram *h, bool is_signed)
{
    const uint64_t outside = h->total / (is_signed ? 2 * OUTSIDE : OUTSIDE); /* at each end */
    return (ends){.low = is_signed ? -magnitude_of(h, h->below, outside, -h->low) : 0,
                  .high = magnitude_of(h, h->above, outside, h->high)};
}

/* Looks for the best *end among the multiples of `step` from `from` to `to`; *end is part of *e. */
static void search(const convert_histogram *h, ends *e, double *end, bool is_signed, const double steps[3])
{
    double best = *end, least = INFINITY;
    for (double at = steps[0]; at <= steps[1]; at++) {
        *end = at * steps[2];
        const convert_range range = range_between(*e, is_signed, CONVERT_LEAST_ERROR);
        const double error = convert_range_error(h, &range);
        if (error < least) {
            least = error;
            best = *end;
        }
    }
    *end = best;
}

/* `whole` is the end of all values. */
static void search_end(const convert_histogram *h, ends *e, double *end, bool is_signed, double whole)
{
    if (whole == 0) return;
    search(h, e, end, is_signed, (const double[3]){1, COARSE, whole / COARSE});
    const double middle = rint(*end / whole * COARSE) * FINE;
    search(h, e, end, is_signed,
           (const double[3]){fmax(middle - FINE + 1, 1), fmin(middle + FINE - 1, COARSE * FINE),
                             whole / (COARSE * FINE)});
}

static ends least_error_ends(const convert_histogram *h, bool is_signed)
{
    ends e = {.low = is_signed ? h->low : 0, .high = h->high};
    for (int round = 0; round < (is_signed ? ROUNDS : 1); round++) {
        search_end(h, &e, &e.high, is_signed, h->high);
        if (is_signed) search_end(h, &e, &e.low, is_signed, h->low);
    }
    return e;
}

convert_range convert_range_fit(const convert_histogram *h, convert_method method, bool is_signed)
{
    ends e = {.low = is_signed ? h->low : 0, .high = h->high};
    if (method == CONVERT_PERCENTILE) e = percentile_ends(h, is_signed);
    if (method == CONVERT_LEAST_ERROR) e = least_error_ends(h, is_signed);
    return range_between(e, is_signed, method);
}

convert_range convert_range_choose(const convert_histogram *first, const convert_histogram *second,
                                   const convert_histogram *all, bool is_signed)
{
    const bool split = first->total && second->total;
    const convert_histogram *const fitted[2] = {split ? first : all, second};
    const convert_histogram *const judges[2] = {split ? second : all, first};
    convert_method best = CONVERT_MOST;
    double least = INFINITY;
    for (int method = 0; method < CONVERT_METHODS; method++) {
        double error = 0;
        for (int half = 0; half < (split ? 2 : 1); half++) {
            const convert_range range = convert_range_fit(fitted[half], (convert_method)method, is_signed);
            error += convert_range_error(judges[half], &range);
        }
        if (error < least) {
            least = error;
            best = (convert_method)method;
        }
    }
    return convert_range_fit(all, best, is_signed);
}
