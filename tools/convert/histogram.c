/* Histograms; see histogram.h. */
#include "tools/convert/histogram.h"

#include <float.h>
#include <math.h>

#define LEAST_REACH 0x1p-64    /* smaller values are not told apart */
#define FARTHEST 6.0           /* deviations from the mean of a normal distribution */
#define NORMAL_COUNT 0x1p32    /* values that a normal distribution stands for */

/* ---- the width of bins ---- */

static void merge_neighbours(uint64_t *bins)
{
    for (size_t i = 0; i < CONVERT_BINS / 2; i++) bins[i] = bins[2 * i] + bins[2 * i + 1];
    for (size_t i = CONVERT_BINS / 2; i < CONVERT_BINS; i++) bins[i] = 0;
}

/* Makes bins wide enough for a magnitude: the last one ends behind it. */
static void reach(convert_histogram *h, double magnitude)
{
    if (h->width == 0) h->width = LEAST_REACH / CONVERT_BINS;
    while (magnitude >= h->width * CONVERT_BINS) {
        merge_neighbours(h->above);
        merge_neighbours(h->below);
        h->width *= 2;
    }
}

static void widen(convert_histogram *h, double low, double high)
{
    if (low < h->low) h->low = low;
    if (high > h->high) h->high = high;
    if (h->low < 0 || h->high > 0) reach(h, fmax(-h->low, h->high));
}

/* ---- counting ---- */

bool convert_histogram_add(convert_histogram *h, const float *values, size_t count)
{
    float low = 0, high = 0;
    bool finite = true;
    for (size_t i = 0; i < count; i++) {
        const float v = values[i];
        finite &= fabsf(v) <= FLT_MAX; /* false for NaN */
        if (v < low) low = v;
        if (v > high) high = v;
    }
    if (!finite) return false;
    widen(h, (double)low, (double)high);
    const double inverse = h->width > 0 ? 1 / h->width : 0;
    for (size_t i = 0; i < count; i++) {
        const double v = (double)values[i];
        if (v > 0) {
            h->above[(size_t)(v * inverse)]++;
        } else if (v < 0) {
            h->below[(size_t)(-v * inverse)]++;
        } else {
            h->zeros++;
        }
    }
    h->total += count;
    return true;
}

/* The share of a normal distribution below x. */
static double share_below(double x, double mean, double deviation)
{
    return erfc((mean - x) / (deviation * sqrt(2.0))) / 2;
}

/* Counts the values of a normal distribution between two magnitudes, from < to; `sign` is that of the values.
 */
static void add_side(convert_histogram *h, uint64_t *bins, double mean, double deviation, double to)
{
    const double from = fmax(mean - FARTHEST * deviation, 0);
    double before = share_below(from, mean, deviation);
    for (size_t i = (size_t)(from / h->width); i < CONVERT_BINS && (double)i * h->width < to; i++) {
        const double until = share_below(fmin((double)(i + 1) * h->width, to), mean, deviation);
        const uint64_t count = (uint64_t)rint((until - before) * NORMAL_COUNT);
        bins[i] += count;
        h->total += count;
        before = until;
    }
}

void convert_histogram_add_normal(convert_histogram *h, double mean, double deviation, bool rectified)
{
    const double most = mean + FARTHEST * deviation, least = rectified ? 0 : mean - FARTHEST * deviation;
    widen(h, fmin(least, 0), fmax(most, 0));
    if (deviation == 0) {
        const uint64_t count = (uint64_t)NORMAL_COUNT;
        if (mean > 0) h->above[(size_t)(mean / h->width)] += count;
        if (mean < 0 && !rectified) h->below[(size_t)(-mean / h->width)] += count;
        if (mean == 0 || (mean < 0 && rectified)) h->zeros += count;
        h->total += count;
        return;
    }
    if (most > 0) add_side(h, h->above, mean, deviation, most);
    if (rectified) {
        const uint64_t count = (uint64_t)rint(share_below(0, mean, deviation) * NORMAL_COUNT);
        h->zeros += count;
        h->total += count;
    } else if (least < 0) {
        add_side(h, h->below, -mean, deviation, -least);
    }
}

void convert_histogram_merge(convert_histogram *h, const convert_histogram *from)
{
    widen(h, from->low, from->high);
    /* `from` may have narrower bins: then several of them fall into one */
    const double ratio = h->width > 0 ? from->width / h->width : 0;
    for (size_t i = 0; i < CONVERT_BINS; i++) {
        const size_t to = (size_t)((double)i * ratio);
        h->above[to] += from->above[i];
        h->below[to] += from->below[i];
    }
    h->zeros += from->zeros;
    h->total += from->total;
}
