/* kernels.h - the contracts of all arithmetic, and the table that dispatches it.
 *
 * One struct of pointers, filled by cptk_kernels_init: plain C first (kernels/ref: the specification), then
 * whatever instruction sets the CPU mask allows.  Kernels know nothing of models, files or threads, allocate
 * nothing and use at most 8 KiB of stack.  Unless a contract says otherwise pointers are 4-byte aligned,
 * sizes may be any value >= 1, and input and output do not overlap.  Nothing is read or written outside the
 * shapes named (vectors' tails are masked). Bounds: a sum of n products differs from the exact one by at most
 * n * 2^-23 * sum |a b|; copies and maxima are exact.
 */
#ifndef CPTK_KERNELS_H
#define CPTK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define CPTK_PANEL 16    /* output columns a weight panel holds */
#define CPTK_MAX_ROWS 16 /* rows a tile may have */

/* A tile of a matrix product with gathered rows, the form of every convolution, Linear and recurrent product:
 *     c[m][j] = act(bias[j] + add[m][j] + sum_t sum_d a[t][m][d] * B[t * depth + d][j]),  m < rows, j < n
 * where column j of row k of B is b[(j / 16) * b_panel + k * b_step + j % 16].  Packed weights have b_step 16
 * and b_panel taps * depth * 16, their last panel filled up with zeros; a row-major matrix [K, N] has b_step
 * N and b_panel 16 (then up to 15 floats after its last row are read, without effect).  The sum over k runs
 * in order, one accumulator per output, so that the result of an output does not depend on how the matrix is
 * cut into tiles. */
typedef struct cptk_tile {
    const float *const *a; /* [taps][rows] pointers, each to depth floats */
    const float *b;
    size_t b_panel, b_step;
    const float *bias; /* [n], or NULL */
    const float *add;  /* [rows, add_stride], or NULL; may equal c */
    float *c;          /* [rows, c_stride] */
    size_t add_stride, c_stride;
    int rows; /* 1..CPTK_MAX_ROWS; fastest at the table's tile_rows */
    int taps, depth, n;
    int relu; /* 1: negative results become 0 (NaN stays NaN) */
    /* A hint, no more: soon_step bytes per panel and k of memory that later calls will read, from `soon` on,
     * for the kernel to prefetch in passing.  Any address; soon_step 0 for none. */
    uintptr_t soon;
    int soon_step;
} cptk_tile;

/* A product of int16 with scales, c[m][j] = bias[j] + a_scale[m] * b_scale[j] * sum_k a[m][k] * b[k][j].
 * Words hold two elements, that of an even k in the lower half.  As the elements are bounded, the sum of
 * CPTK_INT16_BLOCK products is exact in an int32; those sums are converted to float and added in order of k,
 * so the result has the same bits at every level.  Larger elements do no harm but to the result. */
#define CPTK_INT16_BLOCK 8
#define CPTK_INT16_MOST 16383
typedef struct cptk_int16 {
    const uint32_t *a;           /* [rows, ceil(depth / 2)]; 0 in the upper half beyond an odd depth */
    const uint32_t *b;           /* [ceil(n / 16), ceil(depth / 2), 16] */
    const float *a_scale;        /* [rows] */
    const float *b_scale, *bias; /* [n] */
    float *c;                    /* [rows, c_stride] */
    size_t c_stride;
    int rows, depth, n; /* rows: any number */
} cptk_int16;

/* A vector x rounded to int16 with one scale.  x'[i] = scale * (element i) is the rounded vector; |x| is the
 * Euclidean length. */
typedef struct cptk_rounded {
    float scale;  /* max |x[i]| / CPTK_INT16_MOST, or 0: see round_i16 */
    float length; /* |x| */
    float moved;  /* |x' - x| */
} cptk_rounded;

/* Winograd F(s x s, 3x3), s = 2 or 4, stride 1, pad 1: a map [h, w, c] is cut into tiles of s x s outputs,
 * ceil(h/s) x ceil(w/s) of them, row by row.  input: transforms tiles first..first+count-1 into v
 * [(s+2)^2, count, c]: element (e, i) of tile first+i is at v + e * plane + i * c.  output: m likewise,
 * inverse transform + bias (+ ReLU) into the map's s x s outputs, those outside the map dropped. */
typedef struct cptk_winograd {
    const float *in;   /* input: map [h, w, c]; output: m */
    float *out;        /* input: v; output: map [h, w, c] */
    const float *bias; /* output: [c] */
    size_t plane;      /* floats between the (s+2)^2 planes of v or m */
    int size;          /* s */
    int h, w, c;       /* of the map, input or output */
    int pitch;         /* floats from one position of the map to the next, >= c */
    int first, count;  /* tiles */
    int relu;
} cptk_winograd;

/* The cell functions work on `rows` independent rows (beams). */
typedef struct cptk_gates {
    const float *x;    /* [rows, G * n] W x + b, gates stacked (GRU r z n: G = 3; LSTM i f g o: G = 4) */
    const float *h_in; /* [rows, G * n] W h + b */
    const float *h;    /* GRU: [rows, n] state before */
    const float *c;    /* LSTM: [rows, n] cell before */
    float *h_out;      /* [rows, n]; may equal h */
    float *c_out;      /* LSTM: [rows, n]; may equal c */
    int rows, n;
} cptk_gates;

/* alpha[p] = softmax_p(bias + sum_a v[a] * tanh(enc[p][a] + dec[a])) */
typedef struct cptk_attention {
    const float *enc; /* [positions, n] */
    const float *dec; /* [n] */
    const float *v;   /* [n] */
    float bias;
    float *alpha; /* [positions] */
    int positions, n;
} cptk_attention;

typedef struct cptk_kernels {
    const char *name; /* "c", "avx2", "avx512", "avx512vnni", "neon": the widest set in use */
    int tile_rows;    /* rows at which tile is fastest, 1..CPTK_MAX_ROWS */
    int has_tile;     /* 1: tile is hand-written, so direct convolution beats im2col + GEMM */

    void (*tile)(const cptk_tile *tile);
    void (*int16)(const cptk_int16 *args);

    /* Rounds x [n] to int16 with one scale.  pairs [ceil(n / 2)] gets the elements in the form in which
     * cptk_int16 reads a row: element i is x[i] * (1 / scale), rounded to the nearest integer, ties to even.
     * An odd n leaves 0 in the upper half of the last word.  1 / scale and the product are rounded to float.
     *
     * Where x has NaN or an infinity, or |x|^2 overflows, length is NaN or infinite.  Where the scale would
     * be below FLT_MIN, x is all zero or too small to have a scale.  In these cases every element and the
     * scale are 0, so that x' is 0, and moved equals length.
     *
     * The sum of squares under each length has 16 parts.  Part j adds up the squares of elements j, j + 16,
     * j + 32, ... in this order; then parts 0 to 15 are added in order.  Every product and sum is rounded to
     * float, so that the results have the same bits at every level.  A length is off by at most
     * (n / 32 + 20) 2^-24 of itself, moved by 2^-24 |x| more, and both by sqrt(n) 2^-74 more, since squares
     * below the range of floats are lost. */
    void (*round_i16)(const float *x, int n, uint32_t *pairs, cptk_rounded *rounded);

    void (*winograd_input)(const cptk_winograd *args);
    void (*winograd_output)(const cptk_winograd *args);

    /* c[m][n] = sum_k a[m][k] * b[k][n]: a [m, k] row stride lda, b [k, n] ldb, c [m, n] ldc.  OpenBLAS where
     * built in. */
    void (*gemm)(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc);

    /* x[r][j] = act(x[r][j] + bias[j] + add[r][j]); bias and add may be NULL.  x, add [rows, n]. */
    void (*bias_act)(float *x, const float *bias, const float *add, size_t rows, int n, int relu);

    /* 3x3 stride-2 pad-1 max pool, padding never wins: in [h, w, c] -> out rows y0..y1-1 of [(h+1)/2,
     * (w+1)/2, c]. */
    void (*maxpool)(const float *in, float *out, int h, int w, int c, int y0, int y1);

    /* out[x][ch] = (in[x][ch] / 255 - mean[ch]) / std[ch], each operation rounded to float, for n pixels; in
     * [n, 3], out [n, 3]. */
    void (*normalize)(const uint8_t *in, float *out, int n, const float mean[3], const float std[3]);

    /* out[j] = mean over r of in[r][j]; in [rows, n]. */
    void (*mean_rows)(const float *in, float *out, int rows, int n);

    /* x[i] = tanh(x[i]), at most 2 ulp off. */
    void (*tanh)(float *x, int n);
    void (*gru)(const cptk_gates *args);
    void (*lstm)(const cptk_gates *args);
    void (*attention)(const cptk_attention *args);

    /* One pass over a row of logits: *lse = log(sum exp(x)), and the k largest values (1 <= k <= n),
     * descending, lowest index first on ties, as index[k] and value[k].  NaN counts as -infinity. */
    void (*top_lse)(const float *x, int n, int k, int *index, float *value, float *lse);
} cptk_kernels;

/* Fills the table for the allowed and present instruction sets (CAPTION_CPU_* bits, see cpt_cpu_detect). */
void cptk_kernels_init(cptk_kernels *kernels, uint32_t cpu);

#endif
