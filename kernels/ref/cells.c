/* cells.c - recurrent cells, attention and tanh in plain C: the specification of these slots, and what runs
 * where no instruction set is known. */
#include <math.h>

#include "kernels/kernels_isa.h"

/* In double, since tanhf of some C libraries is more than 2 units in the last place off. */
static float tanh_float(float x)
{
    return (float)tanh((double)x);
}

static float sigmoid(float x)
{
    return (float)(1.0 / (1.0 + exp(-(double)x)));
}

static void cptk_tanh_f32_c(float *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = tanh_float(x[i]);
}

static void cptk_gru_f32_c(const cptk_gates *args)
{
    const size_t n = (size_t)args->n;
    for (size_t row = 0; row < (size_t)args->rows; row++) {
        const float *x = args->x + row * 3 * n, *hw = args->h_in + row * 3 * n;
        const float *h = args->h + row * n;
        float *out = args->h_out + row * n;
        for (size_t j = 0; j < n; j++) {
            const float r = sigmoid(x[j] + hw[j]);
            const float z = sigmoid(x[n + j] + hw[n + j]);
            const float c = tanh_float(x[2 * n + j] + r * hw[2 * n + j]);
            out[j] = (1.0f - z) * c + z * h[j];
        }
    }
}

static void cptk_lstm_f32_c(const cptk_gates *args)
{
    const size_t n = (size_t)args->n;
    for (size_t row = 0; row < (size_t)args->rows; row++) {
        const float *x = args->x + row * 4 * n, *hw = args->h_in + row * 4 * n;
        const float *c = args->c + row * n;
        float *h_out = args->h_out + row * n, *c_out = args->c_out + row * n;
        for (size_t j = 0; j < n; j++) {
            const float i = sigmoid(x[j] + hw[j]);
            const float f = sigmoid(x[n + j] + hw[n + j]);
            const float g = tanh_float(x[2 * n + j] + hw[2 * n + j]);
            const float o = sigmoid(x[3 * n + j] + hw[3 * n + j]);
            c_out[j] = f * c[j] + i * g;
            h_out[j] = o * tanh_float(c_out[j]);
        }
    }
}

static void softmax(float *x, int n)
{
    float max = x[0], sum = 0;
    for (int i = 1; i < n; i++) max = x[i] > max ? x[i] : max;
    for (int i = 0; i < n; i++) sum += x[i] = expf(x[i] - max);
    for (int i = 0; i < n; i++) x[i] /= sum;
}

static void cptk_attention_f32_c(const cptk_attention *args)
{
    const size_t n = (size_t)args->n;
    for (size_t p = 0; p < (size_t)args->positions; p++) {
        const float *enc = args->enc + p * n;
        float score = args->bias;
        for (size_t a = 0; a < n; a++) score += args->v[a] * tanh_float(enc[a] + args->dec[a]);
        args->alpha[p] = score;
    }
    softmax(args->alpha, args->positions);
}

void cptk_cells_init_c(cptk_kernels *kernels)
{
    kernels->tanh_f32 = cptk_tanh_f32_c;
    kernels->gru_f32 = cptk_gru_f32_c;
    kernels->lstm_f32 = cptk_lstm_f32_c;
    kernels->attention_f32 = cptk_attention_f32_c;
}
