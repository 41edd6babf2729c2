/* Batch norm folding; see fold.h. */
#include "tools/convert/fold.h"

#include <math.h>
#include <stdlib.h>

#define NORM_EPS 1e-5 /* what PyTorch adds to variances */

bool convert_fold(const source_file *checkpoint, const convert_norm *norm, size_t count, double *scale,
                  double *shift, tool_error *err)
{
    const convert_source *const sources[4] = {norm->weight, norm->bias, norm->mean, norm->var};
    float *values = malloc(4 * count * sizeof *values); /* [4, count] */
    if (!values) return tool_fail(err, "%s: out of memory", source_path(checkpoint));
    const float *weight = values, *bias = values + count, *mean = values + 2 * count,
                *var = values + 3 * count;
    bool ok = true;
    for (size_t i = 0; ok && i < 4; i++) {
        ok = source_read(checkpoint, sources[i]->tensor, values + i * count, err);
    }
    for (size_t i = 0; ok && i < count; i++) {
        if (!(var[i] >= 0) || isinf(var[i])) {
            ok = tool_fail(err, "%s: %s: %g is no variance", source_path(checkpoint), norm->var->key,
                           (double)var[i]);
        }
        scale[i] = (double)weight[i] / sqrt((double)var[i] + NORM_EPS);
        shift[i] = (double)bias[i] - (double)mean[i] * scale[i];
    }
    free(values);
    return ok;
}
