/* Batch norm as a factor and a summand for each output channel, in double.  It reads the norm's four vectors
 * and no weights. */
#ifndef TOOLS_CONVERT_FOLD_H
#define TOOLS_CONVERT_FOLD_H

#include "tools/convert/mapping.h"

/* Fills scale and shift [count] so that norm(x) = x * scale[o] + shift[o] for output o.  Fails when a
 * variance is negative or not finite. */
bool convert_fold(const source_file *checkpoint, const convert_norm *norm, size_t count, double *scale,
                  double *shift, tool_error *err);

#endif
