/* reduce.c - mean over rows, and the top k of a row with its log-sum-exp, in plain C: the specification of
 * these slots, and what runs where no instruction set is known. */
#include <math.h>

#include "kernels/kernels_isa.h"
#include "kernels/real.h"
#include "kernels/ref/math.h"
#include "kernels/top_list.h"

static void cptk_mean_rows_f32_c(const float *in, float *out, int rows, int n)
{
    for (int j = 0; j < n; j++) {
        float sum = 0;
        for (int r = 0; r < rows; r++) sum += in[(size_t)r * (size_t)n + (size_t)j];
        out[j] = sum / (float)rows;
    }
}

/* What is far below the largest element, or NaN, adds next to nothing. */
static float exp_below(float x, float largest)
{
    const float below = x - largest;
    return exp_normal(below > CPTK_EXP_NORMAL ? below : CPTK_EXP_NORMAL);
}

static void cptk_top_lse_f32_c(const float *x, int n, int k, int *index, float *value, float *lse)
{
    top_list list = {.value = value, .index = index, .held = 0, .k = k};
    for (int i = 0; i < n; i++) top_list_insert(&list, x[i], i);
    if (!lse) return;
    *lse = value[0];
    if (isinf(value[0])) return;
    float part[CPTK_PARTS] = {0};
    for (int i = 0; i < n; i++) part[i % CPTK_PARTS] += exp_below(x[i], value[0]);
    *lse = (float)((double)value[0] + cptk_log((double)join_parts(part)));
}

void cptk_reduce_init_c(cptk_kernels *kernels)
{
    kernels->mean_rows_f32 = cptk_mean_rows_f32_c;
    kernels->top_lse_f32 = cptk_top_lse_f32_c;
}
