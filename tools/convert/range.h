/* Which numbers the 256 values of a byte stand for: chosen from histograms of a layer's output.
 *
 * A byte q stands for scale * (q - zero).  What lies outside is clipped, so a wide range rounds coarsely and
 * a narrow one clips much.  Nothing here can fail. */
#ifndef TOOLS_CONVERT_RANGE_H
#define TOOLS_CONVERT_RANGE_H

#include "tools/convert/histogram.h"

/* How the ends of a range are found. */
typedef enum convert_method {
    CONVERT_MOST,        /* the least and the largest value */
    CONVERT_PERCENTILE,  /* 0.01 % of the values lie outside */
    CONVERT_LEAST_ERROR, /* rounding and clipping make the smallest sum of squared errors */
    CONVERT_METHODS
} convert_method;

/* [CONVERT_METHODS + 1], ends in NULL */
extern const char *const convert_method_names[];

typedef struct convert_range {
    float scale; /* finite, > 0 */
    int zero;    /* 0..255; 0 when the values are not negative */
    convert_method method;
} convert_range;

/* Chooses a range for values that were counted in two halves; `all` are both together.  Each method is fitted
 * to one half and judged by its squared error on the other, and the other way round.  The one with the
 * smaller sum is then fitted to all.  Where a half is empty, it is fitted to and judged by all. */
convert_range convert_range_choose(const convert_histogram *first, const convert_histogram *second,
                                   const convert_histogram *all, bool is_signed);

/* The range that a method finds. */
convert_range convert_range_fit(const convert_histogram *h, convert_method method, bool is_signed);

/* The sum of squared differences between the values and those that their bytes stand for. */
double convert_range_error(const convert_histogram *h, const convert_range *range);

#endif
