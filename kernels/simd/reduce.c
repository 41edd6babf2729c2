/* reduce.c - mean over rows, and the top k of a row with its log-sum-exp, in vectors; compiled once per
 * instruction set.  kernels/ref/reduce.c specifies them. */
#include <math.h>
#include <stddef.h>

#include "kernels/simd/math.h"
#include "kernels/simd/simd.h"
#include "kernels/top_list.h"

static void CPTK_NAME(cptk_mean_rows_f32)(const float *in, float *out, int rows, int n)
{
    const vf zero = vf_set(0.0f), count = vf_set((float)rows);
    for (int j = 0; j < n; j += VEC_W) {
        vf sum = zero;
        for (int r = 0; r < rows; r++) {
            sum = vf_add(sum, vf_next(in + (size_t)r * (size_t)n + j, n - j, zero));
        }
        vf_put(out + j, vf_div(sum, count), n - j);
    }
}

/* Vector v holds elements i, i + 1, ... of a row of n.  Inserts those that are not in the list yet. */
static void insert_vector(top_list *list, vf v, int i, int n)
{
    float one[VEC_W];
    vf_store(one, v);
    for (int j = 0; j < VEC_W && j < n - i; j++) {
        if (i + j >= list->k) top_list_insert(list, one[j], i + j);
    }
}

/* `sum` holds sums of exp(x[i] - max), max being the largest element so far.  A vector needs a closer look
 * only if one of its elements is above the k-th largest, which is rare; only then may max change too. */
static void CPTK_NAME(cptk_top_lse_f32)(const float *x, int n, int k, int *index, float *value, float *lse)
{
    const vf low = vf_set(-INFINITY);
    top_list list = {.value = value, .index = index, .held = 0, .k = k};
    for (int i = 0; i < k; i++) top_list_insert(&list, x[i], i);
    float max = value[0];
    vf sum = vf_set(0.0f);
    for (int i = 0; i < n; i += VEC_W) {
        const vf v = vf_max_number(vf_next(x + i, n - i, low), low);
        if (vmask_any(vf_lt(vf_set(value[k - 1]), v))) {
            insert_vector(&list, v, i, n);
            if (value[0] > max) {
                sum = isinf(max) ? vf_set(0.0f) : vf_mul(sum, v_exp(vf_set(max - value[0])));
                max = value[0];
            }
        }
        sum = vf_add(sum, v_exp(vf_sub(v, vf_set(max))));
    }
    *lse = isinf(max) ? max : max + logf(vf_sum(sum));
}

void CPTK_NAME(cptk_reduce_init)(cptk_kernels *kernels)
{
    kernels->mean_rows_f32 = CPTK_NAME(cptk_mean_rows_f32);
    kernels->top_lse_f32 = CPTK_NAME(cptk_top_lse_f32);
}
