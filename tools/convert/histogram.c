/* Histograms whose bins grow; see histogram.h. */
#include "tools/convert/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool convert_histogram_open(convert_histogram *h, bool with_sign)
{
    *h = (convert_histogram){.with_sign = with_sign};
    h->counts = calloc((size_t)convert_histogram_bins(h), sizeof *h->counts);
    return h->counts != NULL;
}

void convert_histogram_close(convert_histogram *h)
{
    free(h->counts);
    *h = (convert_histogram){.counts = NULL};
}

int convert_histogram_bins(const convert_histogram *h)
{
    return h->with_sign ? 2 * CONVERT_BINS : CONVERT_BINS;
}

/* The bin that begins at 0. */
static int first_positive(const convert_histogram *h)
{
    return h->with_sign ? CONVERT_BINS : 0;
}

double convert_histogram_edge(const convert_histogram *h, int i)
{
    return (i - first_positive(h)) * h->width;
}

/* ---- growing ---- */

/* Doubles the width.  Bins 2i and 2i + 1, counted from the one at 0, become bin i. */
static void merge(convert_histogram *h)
{
    double *up = h->counts + first_positive(h);
    for (int i = 0; i < CONVERT_BINS; i++) {
        up[i] = 2 * i < CONVERT_BINS ? up[2 * i] + up[2 * i + 1] : 0;
    }
    for (int i = 1; h->with_sign && i <= CONVERT_BINS; i++) { /* bin -i */
        up[-i] = 2 * i <= CONVERT_BINS ? up[-2 * i] + up[-2 * i + 1] : 0;
    }
    h->width *= 2;
}

/* A magnitude m lies within when m < CONVERT_BINS * width. */
void convert_histogram_reach(convert_histogram *h, double value)
{
    const double magnitude = fabs(value);
    if (value == 0) return;
    h->low = fmin(h->low, value);
    h->high = fmax(h->high, value);
    if (h->width == 0) {
        int exponent;
        (void)frexp(magnitude / CONVERT_BINS, &exponent);
        h->width = ldexp(1.0, exponent); /* the least with which it fits */
    }
    while (magnitude >= CONVERT_BINS * h->width) merge(h);
}

bool convert_histogram_add(convert_histogram *h, const float *values, size_t count)
{
    float low = 0, high = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
        sum += values[i] * 0; /* NaN once a value is not finite */
    }
    if (isnan(sum)) return false;
    convert_histogram_reach(h, low);
    convert_histogram_reach(h, high);
    const double per_width = h->width > 0 ? 1 / h->width : 0;
    double *up = h->counts + first_positive(h);
    size_t zeros = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i] == 0) {
            zeros++;
        } else if (values[i] > 0) {
            up[(int)((double)values[i] * per_width)]++;
        } else {
            up[(int)floor((double)values[i] * per_width)]++;
        }
    }
    h->zeros += (double)zeros;
    return true;
}

void convert_histogram_join(convert_histogram *h, const convert_histogram *other)
{
    convert_histogram_reach(h, other->low);
    convert_histogram_reach(h, other->high);
    h->zeros += other->zeros;
    for (int i = 0; i < convert_histogram_bins(h) && other->width > 0; i++) {
        /* widths are powers of two, so each of the other's bins lies in one of h's */
        const int bin = (int)floor(convert_histogram_edge(other, i) / h->width) + first_positive(h);
        if (other->counts[i] > 0) h->counts[bin] += other->counts[i];
    }
}

/* ---- looking ---- */

double convert_histogram_quantile(const convert_histogram *h, double part)
{
    const int bins = convert_histogram_bins(h), zero = first_positive(h);
    double total = h->zeros, below = 0;
    for (int i = 0; i < bins; i++) total += h->counts[i];
    const double wanted = part * total;
    for (int i = 0; i < bins; i++) {
        if (i == zero) {
            below += h->zeros;
            if (below >= wanted) return 0;
        }
        const double count = h->counts[i];
        if (count > 0 && below + count >= wanted) {
            const double value = convert_histogram_edge(h, i) + (wanted - below) / count * h->width;
            return fmin(fmax(value, h->low), h->high);
        }
        below += count;
    }
    return h->high;
}

/* The integral from 0 to u of the squared distance to the nearest whole number of least..most; beyond half a
 * step outside of these numbers it counts CONVERT_CLIPPED times. */
static double error_up_to(double u, double least, double most)
{
    const double inside = u < least ? least : u > most ? most : u; /* within -255..255 */
    const double nearest = (int)(inside + 256.5) - 256;            /* faster than floor */
    const double rest = u - nearest, rounded = rest < -0.5 ? -0.5 : rest > 0.5 ? 0.5 : rest;
    const double clipped = rest * rest * rest - rounded * rounded * rounded;
    return nearest / 12 + (rounded * rounded * rounded + CONVERT_CLIPPED * clipped) / 3;
}

double convert_histogram_error(const convert_histogram *h, double scale, int zero_point)
{
    const int bins = convert_histogram_bins(h);
    const double least = -zero_point, most = 255 - zero_point, step = h->width / scale;
    double sum = 0;
    for (int i = 0; i < bins; i++) {
        if (h->counts[i] == 0) continue;
        const double from = convert_histogram_edge(h, i) / scale;
        sum += h->counts[i] * (error_up_to(from + step, least, most) - error_up_to(from, least, most)) / step;
    }
    return sum * scale * scale;
}
