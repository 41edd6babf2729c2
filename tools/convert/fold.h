/* Batch norm as a factor and a summand per output channel, in double.
 *
 * Called by convert.c.  Reads the norm's four vectors, never a weight. */
#ifndef TOOLS_CONVERT_FOLD_H
#define TOOLS_CONVERT_FOLD_H

#include "tools/convert/mapping.h"

#define CONVERT_NORM_EPS 1e-5

/* norm(x) = x * scale[o] + shift[o], o < count.  Refuses variances that are none. */
bool convert_fold(const source_file *checkpoint, const convert_norm *norm, size_t count, double *scale,
                  double *shift, tool_error *err);

#endif
