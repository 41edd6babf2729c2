/* cells.c - recurrent cells, attention and tanh in vectors, compiled once per instruction set.
 * kernels/ref/cells.c specifies them. */
#include <stddef.h>

#include "kernels/simd/math.h"
#include "kernels/simd/simd.h"

static void CPTK_NAME(cptk_tanh_f32)(float *x, int n)
{
    for (int i = 0; i < n; i += VEC_W) vf_put(x + i, v_tanh(vf_next(x + i, n - i, vf_set(0.0f))), n - i);
}

/* The next elements of x + h, of which `left` are there. */
static inline vf gate(const float *x, const float *h, int left)
{
    const vf zero = vf_set(0.0f);
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
            const vf r = v_sigmoid(gate(x, hw, left));
            const vf z = v_sigmoid(gate(x + n, hw + n, left));
            const vf c = v_tanh(
                vf_fma(r, vf_next(hw + 2 * (size_t)n, left, zero), vf_next(x + 2 * (size_t)n, left, zero)));
            const vf h = vf_next(args->h + at + j, left, zero);
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
            const vf i = v_sigmoid(gate(x, hw, left));
            const vf f = v_sigmoid(gate(x + n, hw + n, left));
            const vf g = v_tanh(gate(x + 2 * (size_t)n, hw + 2 * (size_t)n, left));
            const vf o = v_sigmoid(gate(x + 3 * (size_t)n, hw + 3 * (size_t)n, left));
            const vf c = vf_fma(f, vf_next(args->c + at + j, left, zero), vf_mul(i, g));
            vf_put(args->c_out + at + j, c, left);
            vf_put(args->h_out + at + j, vf_mul(o, v_tanh(c)), left);
        }
    }
}

/* In place.  There are few elements, so the maximum and the sum are taken one by one, in order. */
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
            const vf t = v_tanh(gate(enc + a, args->dec + a, n - a));
            sum = vf_fma(vf_next(args->v + a, n - a, zero), t, sum);
        }
        args->alpha[p] = args->bias + vf_sum(sum);
    }
    softmax(args->alpha, args->positions);
}

void CPTK_NAME(cptk_cells_init)(cptk_kernels *kernels)
{
    kernels->tanh_f32 = CPTK_NAME(cptk_tanh_f32);
    kernels->gru_f32 = CPTK_NAME(cptk_gru_f32);
    kernels->lstm_f32 = CPTK_NAME(cptk_lstm_f32);
    kernels->attention_f32 = CPTK_NAME(cptk_attention_f32);
}
