/* kernels.h - the contracts of all arithmetic, and the table through which it is called.
 *
 * A kernel is a function that does one piece of arithmetic.  cptk_kernels is a table of pointers to kernels,
 * its slots.  cptk_kernels_init fills it: first with plain C (kernels/ref), which specifies every slot, then
 * with the vector code (kernels/simd) of the instruction sets that the CPU has and the caller allows.
 *
 * Unless a contract says otherwise:
 * - Pointers are aligned to 4 bytes, sizes are at least 1, and input and output do not overlap.
 * - Nothing is read or written outside the shapes named here.  The caller owns all memory.
 * - A sum of n products differs from the exact sum by at most n * 2^-23 * sum |a b|.  Copies and maxima are
 *   exact.  NaN and infinities go where arithmetic takes them.
 * - Where a contract says "the same bits", every level gives the bits of plain C; a NaN may be another NaN.
 *   Plain C then is a sequence of operations that each round once to float: nothing is fused, and no order is
 *   left open.
 * - A sum in 16 parts: each part begins with 0, and part j adds elements j, j + 16, j + 32, ... in this
 *   order.  Then the upper half of the parts is added to the lower one, part j + 8 to part j, and so on until
 *   one is left.
 * - Kernels know nothing of models, files or threads, allocate nothing, cannot fail, and use at most 8 KiB of
 *   stack. */
#ifndef CPTK_KERNELS_H
#define CPTK_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- matrix products ---- */

#define CPTK_PANEL 16    /* columns of a weight matrix that lie together: a panel */
#define CPTK_MAX_ROWS 16 /* the most rows that a tile may have */
#define CPTK_PARTS 16    /* of a sum in parts */

/* A tile of a matrix product whose rows are gathered through pointers.  Every convolution, Linear layer and
 * recurrent product is made of tiles:
 *
 *     c[m][j] = act(bias[j] + add[m][j] + sum over t and d of a[t * rows + m][d] * B[t * depth + d][j])
 *
 * for m < rows, j < n, t < taps and d < depth, with act as `relu` says.
 *
 * Column j of row k of B is b[(j / 16) * b_panel + k * 16 + j % 16].  The last panel is filled up with zeros.
 *
 * Each output has one accumulator, which runs over k in order.  So an output does not depend on how the
 * matrix is cut into tiles. */
typedef struct cptk_tile {
    const float *const *a; /* [taps, rows] pointers, each to [depth] floats */
    const float *b;        /* B, see above */
    size_t b_panel;        /* taps * depth * 16 */
    const float *bias;     /* [n], or NULL */
    const float *add;      /* [rows, n], row stride add_stride, or NULL; may equal c */
    float *c;              /* [rows, n], row stride c_stride */
    size_t add_stride, c_stride;
    int rows; /* 1..CPTK_MAX_ROWS; fastest at the table's tile_rows */
    int taps, depth, n;
    bool relu; /* negative results become 0; NaN stays NaN */
    /* A hint: memory that later calls will read, which the kernel prefetches in passing.  It starts at `soon`
     * and has soon_step bytes for each panel and k.  Any address will do; soon_step 0 means none. */
    uintptr_t soon;
    int soon_step;
} cptk_tile;

/* A product of two float matrices: c = a b. */
typedef struct cptk_gemm {
    const float *a; /* [m, k], row stride lda */
    const float *b; /* [k, n], row stride ldb */
    float *c;       /* [m, n], row stride ldc */
    int m, n, k;
    int lda, ldb, ldc;   /* in floats */
    void (*sgemm)(void); /* the kernel table's */
} cptk_gemm;

/* ---- int16 ---- */

#define CPTK_INT16_BLOCK 8    /* products whose sum is exact in an int32 */
#define CPTK_INT16_MOST 16383 /* the largest magnitude of an element */

/* A product of int16 matrices with scales:
 *
 *     c[m][j] = bias[j] + a_scale[m] * b_scale[j] * sum over k of a[m][k] * b[k][j]
 *
 * for m < rows, j < n, k < depth.  A word of a or b holds two elements; the one of an even k is in the lower
 * half.  The sum of CPTK_INT16_BLOCK products of elements within +-CPTK_INT16_MOST is exact in an int32.
 * Those sums are converted to float and added in order of k, so the result has the same bits at every level.
 * Larger elements only make the result wrong. */
typedef struct cptk_product {
    const uint32_t *a;    /* [rows, ceil(depth / 2)]; where depth is odd, 0 in the last upper half */
    const uint32_t *b;    /* [ceil(n / 16), ceil(depth / 2), 16] */
    const float *a_scale; /* [rows] */
    const float *b_scale; /* [n] */
    const float *bias;    /* [n] */
    float *c;             /* [rows, n], row stride c_stride */
    size_t c_stride;
    int rows, depth, n; /* any number of rows */
} cptk_product;

/* A vector x rounded to int16 with one scale.  x'[i] = scale * (element i) is the rounded vector; |x| is the
 * Euclidean length. */
typedef struct cptk_rounded {
    float scale;  /* max |x[i]| / CPTK_INT16_MOST, or 0 */
    float length; /* |x| */
    float moved;  /* |x' - x| */
} cptk_rounded;

/* ---- int8 ---- */

/* Weights are signed 8-bit integers, activations unsigned ones.  Four inputs of an output lie together: a
 * quad. */
#define CPTK_QUAD 4

/* The most products of a sum, so that an int32 holds it: each is at most 255 * 128. */
#define CPTK_INT8_MOST_DEPTH 65536

/* What becomes of the sums of products of bytes, int32 sum [rows, n]:
 *
 *     x[m][j] = scale[j] * sum[m][j] + bias[j] + add_scale * add[m][j]
 *
 * x is computed from left to right, and each conversion, product and sum is rounded to float.  Where c_f32 is
 * NULL, x is requantised: c_u8 gets the nearest integer of x within 0..255, c_u16 that of 256 x within
 * 0..65535; ties to even, 0 for NaN.  So the results have the same bits at every level. */
typedef struct cptk_out_int8 {
    const float *scale;  /* [n] */
    const float *bias;   /* [n], or NULL: nothing is added */
    const uint16_t *add; /* [rows, n], row stride add_stride, or NULL: nothing is added; may equal c_u16 */
    float add_scale;
    uint8_t *c_u8;               /* [rows, n], row stride c_stride, or NULL */
    uint16_t *c_u16;             /* the same, or NULL */
    float *c_f32;                /* the same; NULL where c_u8 or c_u16 is not */
    size_t add_stride, c_stride; /* in elements */
} cptk_out_int8;

/* A tile of a product of unsigned with signed bytes, whose rows are gathered through pointers like those of
 * cptk_tile:
 *
 *     sum[m][j] = sum over t and d of a[t * rows + m][d] * B[t * depth + d][j]    exact, in an int32
 *
 * Row k of column j of B is b[(j / 16) * b_panel + (k / 4) * 64 + (j % 16) * 4 + k % 4].  Columns from n on,
 * and rows that are there only to fill up a quad, are zero.  The weights -128 are allowed. */
typedef struct cptk_tile_int8 {
    const uint8_t *const *a; /* [taps, rows] pointers, each to [depth] */
    const int8_t *b;         /* B, see above */
    size_t b_panel;          /* bytes from one panel to the next, >= taps * depth * 16 */
    cptk_out_int8 out;       /* of rows x n sums */
    int rows;                /* 1..CPTK_MAX_ROWS; fastest at the table's tile_rows_u8 */
    int taps, depth, n;      /* depth is a multiple of CPTK_QUAD; taps * depth <= CPTK_INT8_MOST_DEPTH */
    /* A hint as in cptk_tile, with soon_step bytes for each panel and quad. */
    uintptr_t soon;
    int soon_step;
} cptk_tile_int8;

/* ---- passes over maps ---- */

/* The transforms of Winograd's convolution F(s x s, 3x3) with stride 1 and padding 1, s = 2 or 4 (Lavin and
 * Gray, Fast Algorithms for Convolutional Neural Networks, 2015).  A map is cut into tiles of s x s outputs,
 * ceil(h / s) * ceil(w / s) of them, row by row.  A call transforms tiles first..first+count-1.
 *
 * The input transform reads the (s + 2) x (s + 2) positions around each tile, 0 outside the map, and writes
 * element e of tile first + i to out + e * plane + i * c.  The output transform reads in the same way from
 * `in`, adds the bias, and writes the tile's s x s outputs; those outside the map are dropped. */
typedef struct cptk_winograd {
    const float *in;   /* input transform: map [h, w, c]; output transform: [(s + 2)^2, count, c] */
    float *out;        /* input transform: [(s + 2)^2, count, c]; output transform: map [h, w, c] */
    const float *bias; /* output transform: [c] */
    size_t plane;      /* floats from one of the (s + 2)^2 planes to the next, >= count * c */
    int size;          /* s */
    int h, w, c;       /* of the map */
    int pitch;         /* floats from one position of the map to the next, >= c */
    int first, count;  /* tiles */
    bool relu;         /* output transform: negative results become 0; NaN stays NaN */
} cptk_winograd;

/* The most channels and tiles of cptk_winograd_int8. */
#define CPTK_WINOGRAD_MOST_DEPTH 1024
#define CPTK_WINOGRAD_MOST_TILES 16

/* Winograd's F(2x2, 3x3) of bytes with int8 filters, stride 1 and padding 1, in exact integers.  Its outputs
 * are those of tile_u8, to the bit.  The map is cut into tiles as for cptk_winograd.  The byte of the value 0
 * is 0.  Each step is a slot, and works on tiles first..first+count-1 or on a panel of 16 outputs:
 *
 *     winograd_input_u8      v[e][i] = element e of B^T d B, for the 4 x 4 bytes d around tile first + i
 *     winograd_filters_i8    u[e]    = element e of (2 G) g (2 G)^T, for the panel's filters g
 *     winograd_product_i16   m[e][i] = the sum over the channels of v[e][i] * u[e]
 *     winograd_output_u8     `out` gets A^T m A / 4, of which position y, x of the map is row y * w + x
 *
 * with e = 0..15, and the matrices
 *
 *     B^T = | 1  0 -1  0 |     2 G = | 2  0  0 |     A^T = | 1  1  1  0 |
 *           | 0  1  1  0 |           | 1  1  1 |           | 0  1 -1 -1 |
 *           | 0 -1  1  0 |           | 1 -1  1 |
 *           | 0  1  0 -1 |           | 0  0  2 |
 *
 * Nothing overflows.  A row of B^T has two elements of 1, so |v| <= 4 * 255.  Those of a row of 2 G add up to
 * 3 at most, so |u| <= 9 * 128.  Both fit an int16.  |m| <= depth * 1020 * 1152 fits an int32 for 1827
 * channels.  A^T m A is computed modulo 2^32.  It is 4 times the sum of 9 * depth products of bytes, which
 * stays below 2^31 for 1827 channels too, so the result is exact whatever happened on the way. */
typedef struct cptk_winograd_int8 {
    const uint8_t *in; /* [h, w, depth], in_pitch bytes from one position to the next */
    const int8_t *b;   /* a panel of filters as tile_u8 has it, [9, depth / 4, 16, 4] */
    int16_t *v;        /* [16, count, depth] */
    int16_t *u;        /* [16, depth / 2, 16, 2]: two inputs of an output lie together */
    size_t u_plane;    /* int16 from one of its 16 planes to the next, >= depth * 16 */
    int32_t *m;        /* [16, count, 16] */
    cptk_out_int8 out; /* of h * w rows of 16 outputs */
    int h, w, depth;   /* depth is a multiple of 16, at most CPTK_WINOGRAD_MOST_DEPTH */
    int in_pitch;      /* >= depth */
    int first, count;  /* tiles; count is 1..CPTK_WINOGRAD_MOST_TILES */
} cptk_winograd_int8;

/* Where row y of a map is, in rows.  A map of which only the latest rows are in memory is a ring: row y takes
 * the place of row y - ring.  0: all rows are there. */
static inline size_t cptk_row_at(int y, int ring)
{
    return (size_t)(ring ? y % ring : y);
}

/* 3x3 max pool with stride 2 and padding 1.  Elements are floats or bytes, as the slot's name says.  The
 * padding never is the maximum, nor is NaN; where there is nothing else the result is -infinity. */
typedef struct cptk_maxpool {
    const void *in; /* [h, w, c] */
    void *out;      /* [ceil(h / 2), ceil(w / 2), c], of which rows y0..y1-1 are written */
    int h, w, c;
    int pitch; /* elements from one position of either map to the next, >= c */
    int y0, y1;
    int in_ring, out_ring; /* rows that are in memory, see cptk_row_at */
} cptk_maxpool;

/* ---- cells and attention ---- */

/* The gates of a recurrent cell, for `rows` independent rows (the beams of a search).  G is the number of
 * gates: 3 in a GRU (reset, update, new), 4 in an LSTM (input, forget, cell, output), stacked in this order.
 *
 *     GRU:  r = sigmoid(x_r + h_in_r), z = sigmoid(x_z + h_in_z), h_out = (1 - z) tanh(x_n + r h_in_n) + z h
 *     LSTM: c_out = sigmoid(f) c + sigmoid(i) tanh(g), h_out = sigmoid(o) tanh(c_out), where each of i, f, g
 *           and o is the sum of its parts of x and h_in
 *
 * The results have the same bits at every level: every sum and every product is rounded to float.  exp, tanh
 * and sigmoid are those of kernels/ref/math.h, at most 2 units in the last place off. */
typedef struct cptk_gates {
    const float *x;    /* [rows, G * n]: W x + b */
    const float *h_in; /* [rows, G * n]: W h + b */
    const float *h;    /* GRU: [rows, n], the state before */
    const float *c;    /* LSTM: [rows, n], the cell before */
    float *h_out;      /* [rows, n]; may equal h */
    float *c_out;      /* LSTM: [rows, n]; may equal c */
    int rows, n;
} cptk_gates;

/* Attention weights: alpha[p] = softmax over p of (bias + sum over a of v[a] * tanh(enc[p][a] + dec[a])).
 *
 * The results have the same bits at every level.  The sum over a has 16 parts.  Softmax is e[p] / sum e with
 * e[p] = exp(score[p] - the largest score), summed in order of p. */
typedef struct cptk_attention {
    const float *enc; /* [positions, n] */
    const float *dec; /* [n] */
    const float *v;   /* [n] */
    float bias;
    float *alpha; /* [positions] */
    int positions, n;
} cptk_attention;

/* Weighted sums of rows: out[r][j] += sum over p of weight[r][p] * in[p][j], for any number of rows r.
 *
 * The results have the same bits at every level.  Each sum begins with 0 and adds its products in order of p.
 * Every product and sum is rounded to float; at last the sum is added to out. */
typedef struct cptk_weighted_rows {
    const float *weight; /* [rows, terms] */
    const float *in;     /* [terms, n] */
    float *out;          /* [rows, n] */
    size_t stride;       /* elements from one row of in, and of out, to the next; >= n */
    int rows, terms, n;
} cptk_weighted_rows;

/* ---- the table ---- */

/* Names follow one rule.  A slot is <op>_<type>: what it does, and the narrowest type that it reads or writes
 * (f32, i16, u8).  Its function for an instruction set is cptk_<op>_<type>_<isa>; plain C is the set "c".  A
 * structure of arguments is named for what is done with it, without a type. */

typedef struct cptk_kernels {
    const char *name; /* the best level in use, as in cpt_cpu_levels: "c", "avx2", "avx2vnni", ... */
    int tile_rows;    /* the number of rows at which tile_f32 is fastest, 1..CPTK_MAX_ROWS */
    int tile_rows_u8; /* the same for tile_u8 */
    bool has_tile;    /* tile_f32 is vector code: direct convolution is faster than im2col and gemm_f32 */
    bool has_gemm;    /* this build has OpenBLAS: gemm_f32 may be faster than a tile_f32 in plain C */
    int winograd_tiles_u8; /* the number of tiles at which winograd_product_i16 is fastest */
    bool winograd_u8_pays; /* no instruction multiplies bytes as they are: Winograd is faster than tile_u8 */

    void (*tile_f32)(const cptk_tile *args);
    void (*gemm_f32)(const cptk_gemm *args);
    void (*sgemm)(void); /* cblas_sgemm where cptk_gemm_load has found it, which gemm_f32 calls then */
    void (*product_i16)(const cptk_product *args);

    /* Rounds x [n] to int16 with one scale.  pairs [ceil(n / 2)] gets the elements in the form in which
     * cptk_product reads a row: element i is x[i] * (1 / scale), rounded to the nearest integer, ties to
     * even. An odd n leaves 0 in the upper half of the last word.  1 / scale and the product are rounded to
     * float.
     *
     * Where x has NaN or an infinity, or |x|^2 overflows, length is NaN or infinite.  Where the scale would
     * be below FLT_MIN, x is all zero or too small to have a scale.  In these cases every element and the
     * scale are 0, so that x' is 0, and moved equals length.
     *
     * The results have the same bits at every level.  The sum of squares under each length has 16 parts;
     * every square and sum is rounded to float.  A length is off by at most (n / 32 + 20) 2^-24 of itself,
     * moved by 2^-24 |x| more, and both by sqrt(n) 2^-74 more, since squares below the range of floats are
     * lost. */
    void (*round_i16)(const float *x, int n, uint32_t *pairs, cptk_rounded *rounded);

    void (*tile_u8)(const cptk_tile_int8 *args);

    /* q[i] = the nearest integer, ties to even, of x[i] * inverse + zero within 0..255; 0 for NaN.  The
     * product and the sum are each rounded to float, so the result has the same bits at every level. */
    void (*quantize_u8)(const float *x, uint8_t *q, int n, float inverse, float zero);

    /* The four steps of Winograd's convolution of bytes: cptk_winograd_int8. */
    void (*winograd_input_u8)(const cptk_winograd_int8 *args);
    void (*winograd_filters_i8)(const cptk_winograd_int8 *args);
    void (*winograd_product_i16)(const cptk_winograd_int8 *args);
    void (*winograd_output_u8)(const cptk_winograd_int8 *args);

    void (*winograd_input_f32)(const cptk_winograd *args);
    void (*winograd_output_f32)(const cptk_winograd *args);
    void (*maxpool_f32)(const cptk_maxpool *args);
    void (*maxpool_u8)(const cptk_maxpool *args);

    /* x[r][j] = act(x[r][j] + bias[j] + add[r][j]), in this order, for x and add [rows, n] and bias [n]. bias
     * and add may be NULL.  With relu negative results become 0 and NaN stays NaN. */
    void (*bias_act_f32)(float *x, const float *bias, const float *add, size_t rows, int n, bool relu);

    /* out[x][ch] = (in[x][ch] / 255 - mean[ch]) / std[ch], each operation rounded to float, for n pixels:
     * in [n, 3], out [n, 3]. */
    void (*normalize_u8)(const uint8_t *in, float *out, int n, const float mean[3], const float std[3]);

    /* out[j] = mean over r of in[r][j], summed in order of r: in [rows, n], out [n]. */
    void (*mean_rows_f32)(const float *in, float *out, int rows, int n);

    /* Of x [n], a row of logits: *lse = log(sum over i of exp(x[i])).  index [k] and value [k] get the k
     * largest elements, 1 <= k <= n, in descending order; equal ones in order of their index.  NaN counts as
     * -infinity.  Where the largest is infinite, *lse equals it.  lse may be NULL.
     *
     * The results have the same bits at every level.  *lse is max + cptk_log(sum over i of exp(x[i] - max)),
     * added in double and rounded to float.  The sum has 16 parts.  A difference x[i] - max below -87 counts
     * as -87, and so does NaN: such a term adds nothing that a sum of at least 1 could hold. */
    void (*top_lse_f32)(const float *x, int n, int k, int *index, float *value, float *lse);

    /* x[i] = tanh(x[i]) in place for x [n], at most 2 units in the last place off.  The same bits at every
     * level. */
    void (*tanh_f32)(float *x, int n);
    void (*gru_f32)(const cptk_gates *args);
    void (*lstm_f32)(const cptk_gates *args);
    void (*attention_f32)(const cptk_attention *args);
    void (*weighted_rows_f32)(const cptk_weighted_rows *args);
} cptk_kernels;

/* Fills the table for the instruction sets that are both in `cpu` (CAPTION_CPU_* bits of caption.h) and
 * present (cpt_cpu_detect).  Plain C needs no bit. */
void cptk_kernels_init(cptk_kernels *kernels, uint32_t cpu);

/* Loads OpenBLAS for gemm_f32, in builds that use it, and allocates on the way.  Where it can't be loaded the
 * table stays as it is. */
void cptk_gemm_load(cptk_kernels *kernels);

#endif
