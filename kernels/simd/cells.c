/* cells.c - recurrent cells, attention, tanh and weighted sums of rows in vectors, compiled once per
 * instruction set.  kernels/ref/cells.c specifies them. */
#include <stddef.h>

#include "kernels/simd/math.h"

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
            const vf c = v_tanh(v_mul_add(r, vf_next(hw + 2 * (size_t)n, left, zero),
                                          vf_next(x + 2 * (size_t)n, left, zero)));
            const vf h = vf_next(args->h + at + j, left, zero);
            vf_put(args->h_out + at + j, v_mul_add(z, h, vf_mul(vf_sub(one, z), c)), left);
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
            const vf c = v_mul_add(f, vf_next(args->c + at + j, left, zero), vf_mul(i, g));
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

/* The next products v tanh(enc + dec), of which `left` are there. */
static inline vf score_terms(const cptk_attention *args, const float *enc, int a, int left)
{
    const vf t = v_tanh(gate(enc + a, args->dec + a, left));
    return vf_mul(vf_next(args->v + a, left, vf_set(0.0f)), t);
}

/* What is missing in the last strip adds 0, which changes no part: no part is -0. */
static float score(const cptk_attention *args, const float *enc)
{
    const int n = args->n, full = n - n % CPTK_PARTS;
    vf part[VEC_PANEL];
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) part[v] = vf_set(0.0f);
    for (int a = 0; a < full; a += CPTK_PARTS) {
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) {
            part[v] = vf_add(part[v], score_terms(args, enc, a + v * VEC_W, VEC_W));
        }
    }
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) {
        const int a = full + v * VEC_W;
        if (a < n) part[v] = vf_add(part[v], score_terms(args, enc, a, n - a));
    }
    return args->bias + v_join_parts(part);
}

static void CPTK_NAME(cptk_attention_f32)(const cptk_attention *args)
{
    for (int p = 0; p < args->positions; p++) {
        args->alpha[p] = score(args, args->enc + (size_t)p * (size_t)args->n);
    }
    softmax(args->alpha, args->positions);
}

/* ---- weighted rows ---- */

/* A block is R rows x one panel of columns. */

/* sum[r] += weight[r * terms] times the columns at `in`, of which `left` are there. */
BODY_INLINE void add_term(vf sum[][VEC_PANEL], const float *weight, size_t terms, const float *in, int left,
                          int R)
{
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) {
        if (left <= v * VEC_W) break;
        const vf x = vf_next(in + v * VEC_W, left - v * VEC_W, vf_set(0.0f));
        BODY_UNROLL
        for (int r = 0; r < R; r++) sum[r][v] = v_mul_add(vf_set(weight[(size_t)r * terms]), x, sum[r][v]);
    }
}

/* Rows row..row+R-1, columns j..j+15, of which `left` are there. */
BODY_INLINE void block(const cptk_weighted_rows *args, int row, int j, int left, int R)
{
    const size_t stride = args->stride, terms = (size_t)args->terms;
    const float *weight = args->weight + (size_t)row * terms, *in = args->in + j;
    vf sum[CPTK_MAX_ROWS][VEC_PANEL];
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) sum[r][v] = vf_set(0.0f);
    }
    for (size_t p = 0; p < terms; p++, in += stride) {
        BODY_PREFETCH(in + CPTK_PANEL); /* the next block's */
        add_term(sum, weight + p, terms, in, left, R);
    }
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        float *out = args->out + (size_t)(row + r) * stride + j;
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) {
            const int there = left - v * VEC_W;
            if (there <= 0) break;
            vf_put(out + v * VEC_W, vf_add(vf_next(out + v * VEC_W, there, vf_set(0.0f)), sum[r][v]), there);
        }
    }
}

#define BLOCK_FUNCTION(R)                                                 \
    static void block_##R(const cptk_weighted_rows *args, int row, int j) \
    {                                                                     \
        if (args->n - j >= CPTK_PANEL) {                                  \
            block(args, row, j, CPTK_PANEL, R);                           \
        } else {                                                          \
            block(args, row, j, args->n - j, R);                          \
        }                                                                 \
    }
VEC_PRODUCT_BLOCKS(BLOCK_FUNCTION)

#define BLOCK_POINTER(R) block_##R,
static void (*const block_functions[])(const cptk_weighted_rows *args, int row,
                                       int j) = {VEC_PRODUCT_BLOCKS(BLOCK_POINTER)};

enum { MOST_ROWS = sizeof block_functions / sizeof block_functions[0] };

static void CPTK_NAME(cptk_weighted_rows_f32)(const cptk_weighted_rows *args)
{
    for (int j = 0; j < args->n; j += CPTK_PANEL) {
        for (int row = 0, parts = (args->rows + MOST_ROWS - 1) / MOST_ROWS; parts > 0; parts--) {
            const int rows = (args->rows - row + parts - 1) / parts;
            block_functions[rows - 1](args, row, j);
            row += rows;
        }
    }
}

void CPTK_NAME(cptk_cells_init)(cptk_kernels *kernels)
{
    kernels->tanh_f32 = CPTK_NAME(cptk_tanh_f32);
    kernels->gru_f32 = CPTK_NAME(cptk_gru_f32);
    kernels->lstm_f32 = CPTK_NAME(cptk_lstm_f32);
    kernels->attention_f32 = CPTK_NAME(cptk_attention_f32);
    kernels->weighted_rows_f32 = CPTK_NAME(cptk_weighted_rows_f32);
}
