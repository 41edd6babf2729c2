/* reduce.c - mean over rows, and the top k of a row with its log-sum-exp, in vectors; compiled once per
 * instruction set.  kernels/ref/reduce.c specifies them. */
#include <float.h>
#include <math.h>
#include <stddef.h>

#include "kernels/real.h"
#include "kernels/simd/math.h"
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

enum { COLUMNS = 64 };

/* A number that at least k elements are above; -infinity where none is known.  Among the largest elements of
 * COLUMNS parts of the row the k-th is such an element, and mostly not far from the k-th of all. */
static float certain_limit(top_list *list, const float *x, int n)
{
    float largest[COLUMNS];
    vf most[COLUMNS / VEC_W];
    if (n < COLUMNS || list->k > COLUMNS) return -INFINITY;
    BODY_UNROLL
    for (int v = 0; v < COLUMNS / VEC_W; v++) most[v] = vf_set(-INFINITY);
    for (int i = 0; i + COLUMNS <= n; i += COLUMNS) {
        BODY_UNROLL
        for (int v = 0; v < COLUMNS / VEC_W; v++) {
            most[v] = vf_max_number(vf_load(x + i + v * VEC_W), most[v]);
        }
    }
    BODY_UNROLL
    for (int v = 0; v < COLUMNS / VEC_W; v++) vf_store(largest + v * VEC_W, most[v]);
    for (int i = 0; i < COLUMNS; i++) top_list_insert(list, largest[i], i);
    list->held = 0;
    const float reached = list->value[list->k - 1];
    return isinf(reached) ? -INFINITY : reached - (fabsf(reached) * FLT_EPSILON + FLT_MIN);
}

/* Vector v holds elements i, i + 1, ... of a row of n.  Inserts those from `first` on that are above the
 * limit. */
static void insert_vector(top_list *list, vf v, int i, int n, int first, float limit)
{
    float one[VEC_W];
    vf_store(one, v);
    for (int j = 0; j < VEC_W && j < n - i; j++) {
        if (one[j] > limit && i + j >= first) top_list_insert(list, one[j], i + j);
    }
}

/* The k largest elements.  A vector needs a closer look only if one of its elements is above a number that k
 * elements are known to reach, which is rare. */
static void find_top(top_list *list, const float *x, int n)
{
    const vf low = vf_set(-INFINITY);
    float limit = certain_limit(list, x, n);
    const int first = limit > -INFINITY ? 0 : list->k;
    for (int i = 0; i < first; i++) top_list_insert(list, x[i], i);
    if (first > 0) limit = list->value[list->k - 1];
    for (int i = 0; i < n; i += VEC_W) {
        const vf v = vf_next(x + i, n - i, low);
        if (!vmask_any(vf_lt(vf_set(limit), v))) continue;
        insert_vector(list, v, i, n, first, limit);
        if (list->held == list->k) limit = list->value[list->k - 1];
    }
}

/* exp(x - max) of the next elements, of which `left` are there. */
static inline vf exp_below(const float *x, vf max, int left)
{
    const vf below = vf_sub(vf_next(x, left, vf_set(-INFINITY)), max);
    return v_exp_normal(vf_max_number(below, vf_set(CPTK_EXP_NORMAL)));
}

/* The sum of exp(x[i] - largest) in 16 parts. */
static float sum_exp(const float *x, int n, float largest)
{
    const vf max = vf_set(largest);
    const int full = n - n % CPTK_PARTS;
    vf part[VEC_PANEL];
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) part[v] = vf_set(0.0f);
    for (int i = 0; i < full; i += CPTK_PARTS) {
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) {
            part[v] = vf_add(part[v], exp_below(x + i + v * VEC_W, max, VEC_W));
        }
    }
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) {
        const int i = full + v * VEC_W;
        if (i < n) part[v] = vf_add(part[v], exp_below(x + i, max, n - i));
    }
    return v_join_parts(part);
}

static void CPTK_NAME(cptk_top_lse_f32)(const float *x, int n, int k, int *index, float *value, float *lse)
{
    top_list list = {.value = value, .index = index, .held = 0, .k = k};
    find_top(&list, x, n);
    if (!lse) return;
    *lse = value[0];
    if (isinf(value[0])) return;
    *lse = (float)((double)value[0] + cptk_log((double)sum_exp(x, n, value[0])));
}

void CPTK_NAME(cptk_reduce_init)(cptk_kernels *kernels)
{
    kernels->mean_rows_f32 = CPTK_NAME(cptk_mean_rows_f32);
    kernels->top_lse_f32 = CPTK_NAME(cptk_top_lse_f32);
}
