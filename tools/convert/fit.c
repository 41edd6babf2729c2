/* Ranges from histograms; see fit.h. */
#include "tools/convert/fit.h"

#include <math.h>

#define LEAST_SCALE                                                                        \
    0x1p-100 /* smaller ones are refused by readers of model files, and so are larger ones \
              */
#define MOST_SCALE 0x1p64
#define WITHIN 0.9999 /* the part of all values that CONVERT_METHOD_PERCENTILE keeps */

enum {
    METHODS = CONVERT_METHOD_ERROR + 1,
    STEPS = 8, /* clip points that are tried on each side, first between 0 and the largest value ... */
    ROUNDS = 4 /* ... then between the neighbours of the best one, and so on: to 1/512 of that value */
};

/* The range of low..high, low <= 0 <= high.  The zero point is a whole number so that 0 is stored exactly.
 * Rounding it moves the ends by half a step at most. */
static convert_range range_of(double low, double high)
{
    convert_range range = {.scale = 1};
    if (!(high - low > 0)) return range;
    range.scale = (float)fmin(fmax((high - low) / 255, LEAST_SCALE), MOST_SCALE);
    const double zero_point = floor(-low / (double)range.scale + 0.5);
    range.zero_point = (int)fmin(fmax(zero_point, 0), 255);
    return range;
}

static double error_of(const convert_histogram *h, const convert_range *range)
{
    return convert_histogram_error(h, (double)range->scale, range->zero_point);
}

/* ---- the three methods ---- */

static convert_range fit_percentile(const convert_histogram *h)
{
    const double outside = h->with_sign ? (1 - WITHIN) / 2 : 1 - WITHIN; /* beyond each end that is cut */
    const double low = h->with_sign ? fmin(convert_histogram_quantile(h, outside), 0) : 0;
    const double high = fmax(convert_histogram_quantile(h, 1 - outside), 0);
    /* where nearly all values are 0, there is no range that the rest would fit into */
    return high - low > 0 ? range_of(low, high) : range_of(h->low, h->high);
}

/* Clip points that are tried on one side: at, and up to STEPS / 2 steps on either side of it. */
typedef struct clip_points {
    double at, step, most;
} clip_points;

static double clip_point(const clip_points *c, int i)
{
    return fmin(fmax(c->at + (i - STEPS / 2) * c->step, 0), c->most);
}

/* Tries all pairs of clip points, moves both sides to the best pair and makes the steps finer.  *least is
 * the error of *best. */
static void search(const convert_histogram *h, clip_points *below, clip_points *above, convert_range *best,
                   double *least)
{
    double best_below = below->at, best_above = above->at;
    for (int i = 0; i <= (below->most > 0 ? STEPS : 0); i++) {
        for (int j = 0; j <= (above->most > 0 ? STEPS : 0); j++) {
            const double low = clip_point(below, i), high = clip_point(above, j);
            const convert_range range = range_of(-low, high);
            const double error = low + high > 0 ? error_of(h, &range) : INFINITY;
            if (error >= *least) continue;
            *least = error;
            *best = range;
            best_below = low;
            best_above = high;
        }
    }
    below->at = best_below;
    above->at = best_above;
    below->step /= STEPS / 2;
    above->step /= STEPS / 2;
}

static convert_range fit_error(const convert_histogram *h)
{
    clip_points below = {.at = -h->low / 2, .step = -h->low / STEPS, .most = -h->low};
    clip_points above = {.at = h->high / 2, .step = h->high / STEPS, .most = h->high};
    convert_range best = range_of(h->low, h->high);
    double least = INFINITY;
    if (h->width == 0) return best;
    for (int round = 0; round < ROUNDS; round++) search(h, &below, &above, &best, &least);
    return best;
}

void convert_fit(convert_range *range, const convert_histogram *h, convert_method method)
{
    const convert_range found = method == CONVERT_METHOD_MAX          ? range_of(h->low, h->high)
                                : method == CONVERT_METHOD_PERCENTILE ? fit_percentile(h)
                                                                      : fit_error(h);
    range->scale = found.scale;
    range->zero_point = found.zero_point;
    range->method = method;
}

/* ---- the choice ---- */

/* The values judge the range that was fitted to them.  Judging by others, of pictures held back, was tried:
 * it chooses wider ranges, as a few values of those pictures lie outside, and the network's features were
 * further off (docs/numerics.md). */
void convert_fit_best(convert_range *range, const convert_histogram *h)
{
    convert_range tried = *range; /* for the layer's name */
    double least = INFINITY;
    for (int method = 0; method < METHODS; method++) {
        convert_fit(&tried, h, (convert_method)method);
        const double error = error_of(h, &tried);
        if (method > 0 && error >= least) continue;
        least = error;
        *range = tried;
    }
}
