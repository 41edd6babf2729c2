/* The range of a layer's bytes from a histogram of its values, found in three ways. */
#ifndef TOOLS_CONVERT_FIT_H
#define TOOLS_CONVERT_FIT_H

#include "tools/convert/histogram.h"
#include "tools/convert/ranges.h"

/* Fills scale, zero_point and method.  Without sign, the zero point is 0.  A layer whose values are all 0
 * gets scale 1. */
void convert_fit(convert_range *range, const convert_histogram *h, convert_method method);

/* Fits with each method and keeps the range with the least sum of squared errors over all values that were
 * counted.  Of equally good ones it takes the first in the order of convert_method, the simplest. */
void convert_fit_best(convert_range *range, const convert_histogram *h);

#endif
