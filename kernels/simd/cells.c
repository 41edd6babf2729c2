/* cell.c - recurrent cells, attention, tanh, means and the search's top k, in vectors; compiled once per
 * instruction set.  Called through the kernel table; kernels/ref/cell.c says what they compute. */
#include <math.h>
#include <stddef.h>

#include "kernels/simd/math.h"
#include "kernels/simd/simd.h"

static void CPTK_NAME(cptk_mean_rows_f32)(const float *in, float *out, int rows, int n)
{
    vf zero = vf_set(0.0f), count = vf_set((float)rows);
    for (int j = 0; j < n; j += VEC_W) {
        vf sum = zero;
        for (int r = 0; r < rows; r++) {
            sum = vf_add(sum, vf_next(in + (size_t)r * (size_t)n + j, n - j, zero));
        }
        vf_put(out + j, vf_div(sum, count), n - j);
    }
}

static void CPTK_NAME(cptk_tanh_f32)(float *x, int n)
{
    for (int i = 0; i < n; i += VEC_W) vf_put(x + i, v_tanh(vf_next(x + i, n - i, vf_set(0.0f))), n - i);
}

/* x[i] + h[i] of a gate */
static inline vf gate(const float *x, const float *h, int left)
{
    vf zero = vf_set(0.0f);
    return vf_add(vf_next(x, left, zero), vf_next(h, left, zero));
}

static void CPTK_NAME(cptk_gru_f32)(const cptk_gates *args)
{
    const vf zero = vf_set(0.0f), one = vf_set(1.0f);
    const int n = args->n;
    for (int row = 0; row < args->rows; row++) {
        const size_t at = (size_t)row * (size_t)n;
        const float *in = args->x + 3 * at, *hidden = args->h_in + 3 * at;
        for (int j = 0; j < n; j += VEC_W) {
            const int left = n - j;
            const float *x = in + j, *hw = hidden + j;
            vf r = v_sigmoid(gate(x, hw, left));
            vf z = v_sigmoid(gate(x + n, hw + n, left));
            vf c = v_tanh(
                vf_fma(r, vf_next(hw + 2 * (size_t)n, left, zero), vf_next(x + 2 * (size_t)n, left, zero)));
            vf h = vf_next(args->h + at + j, left, zero);
            vf_put(args->h_out + at + j, vf_fma(z, h, vf_mul(vf_sub(one, z), c)), left);
        }
    }
}

static void CPTK_NAME(cptk_lstm_f32)(const cptk_gates *args)
{
    const vf zero = vf_set(0.0f);
    const int n = args->n;
    for (int row = 0; row < args->rows; row++) {
        const size_t at = (size_t)row * (size_t)n;
        const float *in = args->x + 4 * at, *hidden = args->h_in + 4 * at;
        for (int j = 0; j < n; j += VEC_W) {
            const int left = n - j;
            const float *x = in + j, *hw = hidden + j;
            vf i = v_sigmoid(gate(x, hw, left));
            vf f = v_sigmoid(gate(x + n, hw + n, left));
            vf g = v_tanh(gate(x + 2 * (size_t)n, hw + 2 * (size_t)n, left));
            vf o = v_sigmoid(gate(x + 3 * (size_t)n, hw + 3 * (size_t)n, left));
            vf c = vf_fma(f, vf_next(args->c + at + j, left, zero), vf_mul(i, g));
            vf_put(args->c_out + at + j, c, left);
            vf_put(args->h_out + at + j, vf_mul(o, v_tanh(c)), left);
        }
    }
}

/* Few elements: the maximum and the sum go one by one, in order. */
static void softmax(float *x, int n)
{
    const vf zero = vf_set(0.0f);
    float max = x[0], sum = 0;
    for (int i = 1; i < n; i++) max = x[i] > max ? x[i] : max;
    for (int i = 0; i < n; i += VEC_W) {
        vf_put(x + i, v_exp(vf_sub(vf_next(x + i, n - i, zero), vf_set(max))), n - i);
    }
    for (int i = 0; i < n; i++) sum += x[i];
    for (int i = 0; i < n; i += VEC_W) vf_put(x + i, vf_div(vf_next(x + i, n - i, zero), vf_set(sum)), n - i);
}

static void CPTK_NAME(cptk_attention_f32)(const cptk_attention *args)
{
    const vf zero = vf_set(0.0f);
    const int n = args->n;
    for (int p = 0; p < args->positions; p++) {
        const float *enc = args->enc + (size_t)p * (size_t)n;
        vf sum = zero;
        for (int a = 0; a < n; a += VEC_W) {
            vf t = v_tanh(gate(enc + a, args->dec + a, n - a));
            sum = vf_fma(vf_next(args->v + a, n - a, zero), t, sum);
        }
        args->alpha[p] = args->bias + vf_sum(sum);
    }
    softmax(args->alpha, args->positions);
}

/* The k largest so far, descending. */
typedef struct best {
    float *value;
    int *index;
    int held, k;
} best;

/* Places value v of index i, higher than all before; it stays behind its equals. */
static void best_insert(best *b, float v, int i)
{
    int at = b->held;
    if (b->held < b->k) {
        b->held++;
    } else if (v > b->value[b->k - 1]) {
        at = b->k - 1;
    } else {
        return;
    }
    for (; at > 0 && v > b->value[at - 1]; at--) {
        b->value[at] = b->value[at - 1];
        b->index[at] = b->index[at - 1];
    }
    b->value[at] = v;
    b->index[at] = i;
}

/* The largest value so far is also what the sum of exponentials is relative to: both change rarely, when some
 * element exceeds the k-th best, and only then is looked closer. */
static void CPTK_NAME(cptk_top_lse_f32)(const float *x, int n, int k, int *index, float *value, float *lse)
{
    const vf low = vf_set(-INFINITY);
    best b = {value, index, 0, k};
    vf sum = vf_set(0.0f);
    float max;
    for (int i = 0; i < k; i++) best_insert(&b, isnan(x[i]) ? -INFINITY : x[i], i);
    max = value[0];
    for (int i = 0; i < n; i += VEC_W) {
        vf v = vf_max_number(vf_next(x + i, n - i, low), low);
        if (vmask_any(vf_lt(vf_set(value[k - 1]), v))) {
            float one[VEC_W];
            vf_store(one, v);
            for (int j = 0; j < VEC_W && j < n - i; j++) {
                if (i + j >= k) best_insert(&b, one[j], i + j);
            }
            if (value[0] > max) {
                sum = isinf(max) ? vf_set(0.0f) : vf_mul(sum, v_exp(vf_set(max - value[0])));
                max = value[0];
            }
        }
        sum = vf_add(sum, v_exp(vf_sub(v, vf_set(max))));
    }
    *lse = isinf(max) ? max : max + logf(vf_sum(sum));
}

void CPTK_NAME(cptk_cell_init)(cptk_kernels *kernels)
{
    kernels->mean_rows = CPTK_NAME(cptk_mean_rows_f32);
    kernels->tanh = CPTK_NAME(cptk_tanh_f32);
    kernels->gru = CPTK_NAME(cptk_gru_f32);
    kernels->lstm = CPTK_NAME(cptk_lstm_f32);
    kernels->attention = CPTK_NAME(cptk_attention_f32);
    kernels->top_lse = CPTK_NAME(cptk_top_lse_f32);
}
