/* The range of a layer's bytes from a histogram of its values, found in three ways. */
#ifndef TOOLS_CONVERT_FIT_H
#define TOOLS_CONVERT_FIT_H

#include "tools/convert/histogram.h"
#include "tools/convert/ranges.h"

/* Fills scale, zero_point and method.  Without sign, the zero point is 0.  A layer whose values are all 0
 * gets scale 1. */
void convert_fit(convert_range *range, const convert_histogram *h, convert_method method);

/* Fits with each method and keeps the one with the least squared error.
 *
 * One half of the values judges what the other half gave, and the other way round, so that a method gets no
 * credit for fitting what it has seen.  The winner is then fitted to both.  Where one half is empty, the
 * other judges itself. */
bool convert_fit_best(convert_range *range, const convert_histogram halves[2]);

#endif
