/* cells.c - recurrent cells, attention, tanh and weighted sums of rows in plain C: the specification of these
 * slots, and what runs where no instruction set is known. */
#include "kernels/kernels_isa.h"
#include "kernels/ref/math.h"

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
            const float r = sigmoid_float(x[j] + hw[j]);
            const float z = sigmoid_float(x[n + j] + hw[n + j]);
            const float c = tanh_float(x[2 * n + j] + r * hw[2 * n + j]);
            out[j] = (1 - z) * c + z * h[j];
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
            const float i = sigmoid_float(x[j] + hw[j]);
            const float f = sigmoid_float(x[n + j] + hw[n + j]);
            const float g = tanh_float(x[2 * n + j] + hw[2 * n + j]);
            const float o = sigmoid_float(x[3 * n + j] + hw[3 * n + j]);
            c_out[j] = f * c[j] + i * g;
            h_out[j] = o * tanh_float(c_out[j]);
        }
    }
}

static void softmax(float *x, int n)
{
    float max = x[0], sum = 0;
    for (int i = 1; i < n; i++) max = x[i] > max ? x[i] : max;
    for (int i = 0; i < n; i++) x[i] = exp_float(x[i] - max);
    for (int i = 0; i < n; i++) sum += x[i];
    for (int i = 0; i < n; i++) x[i] /= sum;
}

static void cptk_attention_f32_c(const cptk_attention *args)
{
    const size_t n = (size_t)args->n;
    for (size_t p = 0; p < (size_t)args->positions; p++) {
        const float *enc = args->enc + p * n;
        float part[CPTK_PARTS] = {0};
        for (size_t a = 0; a < n; a++) {
            part[a % CPTK_PARTS] += args->v[a] * tanh_float(enc[a] + args->dec[a]);
        }
        args->alpha[p] = args->bias + join_parts(part);
    }
    softmax(args->alpha, args->positions);
}

/* Columns first..first+width-1 of row r; width is at most 16.  All columns of a row of `in` are read
 * together, since rows lie far apart. */
static void add_weighted(const cptk_weighted_rows *args, size_t r, size_t first, size_t width)
{
    const size_t stride = args->stride, terms = (size_t)args->terms;
    const float *weight = args->weight + r * terms, *in = args->in + first;
    float sum[CPTK_PANEL] = {0}, *out = args->out + r * stride + first;
    for (size_t p = 0; p < terms; p++, in += stride) {
        for (size_t j = 0; j < width; j++) sum[j] += weight[p] * in[j];
    }
    for (size_t j = 0; j < width; j++) out[j] += sum[j];
}

static void cptk_weighted_rows_f32_c(const cptk_weighted_rows *args)
{
    const size_t n = (size_t)args->n;
    for (size_t first = 0; first < n; first += CPTK_PANEL) {
        const size_t width = n - first < CPTK_PANEL ? n - first : CPTK_PANEL;
        for (size_t r = 0; r < (size_t)args->rows; r++) add_weighted(args, r, first, width);
    }
}

void cptk_cells_init_c(cptk_kernels *kernels)
{
    kernels->tanh_f32 = cptk_tanh_f32_c;
    kernels->gru_f32 = cptk_gru_f32_c;
    kernels->lstm_f32 = cptk_lstm_f32_c;
    kernels->attention_f32 = cptk_attention_f32_c;
    kernels->weighted_rows_f32 = cptk_weighted_rows_f32_c;
}
