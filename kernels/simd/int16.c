/* int16.c - rounding to int16 and the product of int16 with scales, in vectors.  Compiled once per
 * instruction set, for AVX-512 a second time with VNNI.  kernels/ref/int16.c specifies them. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/simd/math.h"

/* ---- rounding ---- */

/* A strip is CPTK_PARTS elements of x, one for each part of the sum of squares. */
typedef struct strip_sums {
    vf squares[VEC_PANEL], most[VEC_PANEL];
} strip_sums;

BODY_INLINE void measure_strip(strip_sums *sums, const float *x)
{
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) {
        const vf size = vf_abs(vf_load(x + v * VEC_W));
        sums->squares[v] = vf_add(sums->squares[v], vf_mul(size, size));
        sums->most[v] = vf_select(vf_lt(sums->most[v], size), size, sums->most[v]);
    }
}

/* 1.5 * 2^23.  Added to a float of at most 2^22 in magnitude it rounds to the nearest integer, ties to even,
 * and the low half of the sum's bits is that integer as int16. */
#define ROUNDER 12582912.0f

BODY_INLINE void round_strip(strip_sums *sums, const float *x, float scale, float inverse, uint16_t *to)
{
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) {
        const vf exact = vf_load(x + v * VEC_W), rounder = vf_set(ROUNDER);
        const vf sum = vf_add(vf_mul(exact, vf_set(inverse)), rounder);
        const vf off = vf_sub(vf_mul(vf_sub(sum, rounder), vf_set(scale)), exact);
        sums->squares[v] = vf_add(sums->squares[v], vf_mul(off, off));
        vu_store_low(to + v * VEC_W, vu_bits(sum));
    }
}

static strip_sums no_sums(void)
{
    strip_sums sums;
    for (int v = 0; v < VEC_PANEL; v++) sums.squares[v] = sums.most[v] = vf_set(0.0f);
    return sums;
}

static float length_of(strip_sums *sums)
{
    return sqrtf(v_join_parts(sums->squares));
}

static float largest_of(const strip_sums *sums)
{
    float parts[CPTK_PANEL], largest = 0;
    for (int v = 0; v < VEC_PANEL; v++) vf_store(parts + v * VEC_W, sums->most[v]);
    for (int i = 0; i < CPTK_PANEL; i++) largest = parts[i] > largest ? parts[i] : largest;
    return largest;
}

/* The last, shorter strip is copied and filled up with zeros, which add nothing to either sum. */
static void CPTK_NAME(cptk_round_i16)(const float *x, int n, uint32_t *pairs, cptk_rounded *rounded)
{
    const size_t words = ((size_t)n + 1) / 2, left = (size_t)n % CPTK_PANEL, full = (size_t)n - left;
    float last[CPTK_PANEL] = {0};
    strip_sums sums = no_sums();
    memcpy(last, x + full, left * sizeof *last);
    for (size_t i = 0; i < full; i += CPTK_PANEL) measure_strip(&sums, x + i);
    measure_strip(&sums, last);

    const float length = length_of(&sums), scale = largest_of(&sums) / CPTK_INT16_MOST, inverse = 1 / scale;
    if (!isfinite(length) || scale < FLT_MIN) {
        memset(pairs, 0, words * sizeof *pairs);
        *rounded = (cptk_rounded){.scale = 0, .length = length, .moved = length};
        return;
    }
    sums = no_sums();
    uint16_t to[CPTK_PANEL];
    for (size_t i = 0; i < full; i += CPTK_PANEL) {
        round_strip(&sums, x + i, scale, inverse, to);
        memcpy(pairs + i / 2, to, sizeof to);
    }
    round_strip(&sums, last, scale, inverse, to);
    memcpy(pairs + full / 2, to, (words - full / 2) * sizeof *pairs);
    *rounded = (cptk_rounded){.scale = scale, .length = length, .moved = length_of(&sums)};
}

/* ---- product ---- */

/* A block is R rows x one panel.  The weights come from memory and are read once, so what limits the speed is
 * how early they are asked for.  Prefetching into the first cache alone keeps too few lines under way. */

enum {
    WORDS = CPTK_INT16_BLOCK / 2, /* words of a row whose products have an exact sum */
    NEAR = 24 * CPTK_PANEL,       /* words of a panel between a prefetch into the first cache and the use */
    FAR = 512 * CPTK_PANEL,       /* the same for the second cache */
};

/* sum[r] += word a[r * stride], broadcast, times the panel's words b, for each of R rows. */
BODY_INLINE void add_word(vu sum[][VEC_PANEL], const uint32_t *a, size_t stride, const uint32_t *b, int R)
{
    vu w[VEC_PANEL];
    BODY_PREFETCH(b + NEAR);
    BODY_PREFETCH_FAR(b + FAR);
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) {
        w[v] = vu_load(b + v * VEC_W);
        VEC_KEEP(w[v]);
    }
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        const vu x = vu_set(a[(size_t)r * stride]);
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) sum[r][v] = vu_dot(sum[r][v], x, w[v]);
    }
}

BODY_INLINE void clear(vu sum[][VEC_PANEL], int R)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) sum[r][v] = vu_set(0);
    }
}

/* total += sum */
BODY_INLINE void add_sum(vf total[][VEC_PANEL], vu sum[][VEC_PANEL], int R)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) total[r][v] = vf_add(total[r][v], vf_from_int(sum[r][v]));
    }
}

/* Rows row..row+R-1 of panel p. */
BODY_INLINE void block(const cptk_product *g, int row, int p, int R)
{
    const size_t words = (size_t)(g->depth + 1) / 2;
    const uint32_t *a = g->a + (size_t)row * words, *b = g->b + (size_t)p * words * CPTK_PANEL;
    const vf zero = vf_set(0.0f);
    vf total[CPTK_MAX_ROWS][VEC_PANEL];
    vu sum[CPTK_MAX_ROWS][VEC_PANEL];
    size_t k = 0;
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) total[r][v] = zero;
    }
    for (; k + WORDS <= words; k += WORDS, a += WORDS) {
        clear(sum, R);
        BODY_UNROLL
        for (int i = 0; i < WORDS; i++, b += CPTK_PANEL) add_word(sum, a + i, words, b, R);
        add_sum(total, sum, R);
    }
    if (k < words) {
        clear(sum, R);
        for (; k < words; k++, a++, b += CPTK_PANEL) add_word(sum, a, words, b, R);
        add_sum(total, sum, R);
    }
    for (int v = 0; v < VEC_PANEL; v++) {
        const int column = p * CPTK_PANEL + v * VEC_W, left = g->n - column;
        if (left <= 0) break;
        for (int r = 0; r < R; r++) {
            const vf scale = vf_mul(vf_set(g->a_scale[row + r]), vf_next(g->b_scale + column, left, zero));
            const vf x = vf_add(vf_mul(total[r][v], scale), vf_next(g->bias + column, left, zero));
            vf_put(g->c + (size_t)(row + r) * g->c_stride + column, x, left);
        }
    }
}

#define BLOCK_FUNCTION(R)                                        \
    static void block_##R(const cptk_product *g, int row, int p) \
    {                                                            \
        block(g, row, p, R);                                     \
    }
VEC_PRODUCT_BLOCKS(BLOCK_FUNCTION)

#define BLOCK_POINTER(R) block_##R,
static void (*const block_functions[])(const cptk_product *g, int row,
                                       int p) = {VEC_PRODUCT_BLOCKS(BLOCK_POINTER)};

enum { MOST_ROWS = sizeof block_functions / sizeof block_functions[0] };

static void CPTK_NAME(cptk_product_i16)(const cptk_product *g)
{
    const int panels = (g->n + CPTK_PANEL - 1) / CPTK_PANEL;
    for (int p = 0; p < panels; p++) {
        for (int row = 0, parts = (g->rows + MOST_ROWS - 1) / MOST_ROWS; parts > 0; parts--) {
            const int rows = (g->rows - row + parts - 1) / parts;
            block_functions[rows - 1](g, row, p);
            row += rows;
        }
    }
}

void CPTK_NAME(cptk_int16_init)(cptk_kernels *kernels)
{
    kernels->round_i16 = CPTK_NAME(cptk_round_i16);
    kernels->product_i16 = CPTK_NAME(cptk_product_i16);
}
