/* reduce.c - mean over rows, and the top k of a row with its log-sum-exp, in plain C: the specification of
 * these slots, and what runs where no instruction set is known. */
#include <math.h>

#include "kernels/kernels_isa.h"

static void cptk_mean_rows_f32_c(const float *in, float *out, int rows, int n)
{
    for (int j = 0; j < n; j++) {
        float sum = 0;
        for (int r = 0; r < rows; r++) sum += in[(size_t)r * (size_t)n + (size_t)j];
        out[j] = sum / (float)rows;
    }
}

static void cptk_top_lse_f32_c(const float *x, int n, int k, int *index, float *value, float *lse)
{
    int held = 0;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        float v = isnan(x[i]) ? -INFINITY : x[i];
        int at = held;
        if (held == k && !(v > value[k - 1])) continue;
        if (held < k) {
            held++;
        } else {
            at = k - 1;
        }
        for (; at > 0 && v > value[at - 1]; at--) {
            value[at] = value[at - 1];
            index[at] = index[at - 1];
        }
        value[at] = v;
        index[at] = i;
    }
    *lse = value[0];
    if (isinf(value[0])) return;
    for (int i = 0; i < n; i++) sum += isnan(x[i]) ? 0.0 : exp((double)x[i] - (double)value[0]);
    *lse += (float)log(sum);
}

void cptk_reduce_init_c(cptk_kernels *kernels)
{
    kernels->mean_rows = cptk_mean_rows_f32_c;
    kernels->top_lse = cptk_top_lse_f32_c;
}
