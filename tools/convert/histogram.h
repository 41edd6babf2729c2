/* How often values of which size occur in the output of a layer, in memory that does not grow with their
 * number.
 *
 * Bins are equally wide, and their number is fixed.  When a value lies beyond the last one, neighbours are
 * merged and the bins become twice as wide.  Widths are powers of two, so a histogram depends on the values
 * alone and not on the order in which they came.  Nothing here can fail. */
#ifndef TOOLS_CONVERT_HISTOGRAM_H
#define TOOLS_CONVERT_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONVERT_BINS = 4096 };

/* All zero: nothing was counted yet. */
typedef struct convert_histogram {
    uint64_t above[CONVERT_BINS]; /* values > 0: bin i is for i * width up to (i + 1) * width */
    uint64_t below[CONVERT_BINS]; /* values < 0, by their magnitudes */
    uint64_t zeros, total;        /* values that are 0; all values */
    double width;                 /* of a bin; 0 while there is no value but 0 */
    double low, high;             /* the least value and 0, the largest value and 0 */
} convert_histogram;

/* Counts values.  False when one is not finite; then the histogram is of no use any more. */
bool convert_histogram_add(convert_histogram *h, const float *values, size_t count);

/* Counts 2^32 values that are normally distributed, without those that are more than 6 deviations off.  With
 * `rectified` the negative ones become 0. */
void convert_histogram_add_normal(convert_histogram *h, double mean, double deviation, bool rectified);

/* Counts what another histogram has counted. */
void convert_histogram_merge(convert_histogram *h, const convert_histogram *from);

#endif
