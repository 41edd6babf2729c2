/* How often which values occur in the output of a layer, in bounded memory.
 *
 * Bins have the width of a power of two.  When a value arrives that lies beyond the last bin, neighbours are
 * merged until it fits.  So a histogram does not depend on the order of its values, and one pass over them is
 * enough.  Within a bin, values count as evenly spread. */
#ifndef TOOLS_CONVERT_HISTOGRAM_H
#define TOOLS_CONVERT_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CONVERT_BINS = 4096, /* on each side of 0 */
    /* What a squared error counts where a value is cut off, against 1 where it is rounded.  Products add
     * errors up: those of rounding mostly cancel, but values that are cut off all lose, and their neighbours
     * with them. Measured (docs/numerics.md). */
    CONVERT_CLIPPED = 100
};

typedef struct convert_histogram {
    bool with_sign; /* there are bins below 0 too */
    double width;   /* of a bin; 0 while no value but 0 was counted */
    double zeros;   /* values that are 0: they are stored without an error */
    double *counts; /* [CONVERT_BINS], with_sign: [2 * CONVERT_BINS]; in ascending order, owned */
    double low;     /* smallest value, 0 at most */
    double high;    /* largest value, 0 at least */
} convert_histogram;

/* False when memory runs out. */
bool convert_histogram_open(convert_histogram *h, bool with_sign);
void convert_histogram_close(convert_histogram *h);

/* Merges bins until `value`, which is finite, lies in one, and keeps it as `low` or `high`. */
void convert_histogram_reach(convert_histogram *h, double value);

/* Counts values [count].  Without sign none may be negative.  False when one is not finite; nothing is
 * counted then. */
bool convert_histogram_add(convert_histogram *h, const float *values, size_t count);

/* Adds the values of another histogram of the same kind. */
void convert_histogram_join(convert_histogram *h, const convert_histogram *other);

/* Where bin i begins. */
double convert_histogram_edge(const convert_histogram *h, int i);
int convert_histogram_bins(const convert_histogram *h);

/* The value that this part, 0..1, of all values does not exceed. */
double convert_histogram_quantile(const convert_histogram *h, double part);

/* The sum of squared errors when each value is stored as the nearest scale * (byte - zero_point), byte
 * 0..255.  Those of values beyond the range count CONVERT_CLIPPED times. */
double convert_histogram_error(const convert_histogram *h, double scale, int zero_point);

#endif
