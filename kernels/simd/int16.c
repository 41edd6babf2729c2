/* int16.c - the product of int16 with scales, for every instruction set.  Compiled once per set, for AVX-512
 * also with its instruction for just this; called through the kernel table; kernels/ref says what it
 * computes.
 *
 * A block is R rows x one panel.  The weights are read once and from memory: what sets the pace is how early
 * they are asked for.  Prefetching into the first-level cache alone keeps too few lines under way. */
#include "kernels/simd/simd.h"

enum {
    WORDS = CPTK_INT16_BLOCK / 2, /* of a row in a block of exact sums */
    NEAR = 24 * CPTK_PANEL,       /* words of a panel between a prefetch into the first cache and the use, */
    FAR = 512 * CPTK_PANEL,       /* and into the second */
};

/* sum[r] += one word of each of R rows, `stride` apart, times a panel's. */
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
        vu x = vu_set(a[(size_t)r * stride]);
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

/* total += sum, which is exact */
BODY_INLINE void add_sum(vf total[][VEC_PANEL], vu sum[][VEC_PANEL], int R)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) total[r][v] = vf_add(total[r][v], vf_from_int(sum[r][v]));
    }
}

/* Rows row..row+R-1, panel p. */
BODY_INLINE void block(const cptk_int16 *g, int row, int p, int R)
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
            vf scale = vf_mul(vf_set(g->a_scale[row + r]), vf_next(g->b_scale + column, left, zero));
            vf x = vf_add(vf_mul(total[r][v], scale), vf_next(g->bias + column, left, zero));
            vf_put(g->c + (size_t)(row + r) * g->c_stride + column, x, left);
        }
    }
}

#define BLOCK_FUNCTION(R)                                      \
    static void block_##R(const cptk_int16 *g, int row, int p) \
    {                                                          \
        block(g, row, p, R);                                   \
    }
VEC_PRODUCT_BLOCKS(BLOCK_FUNCTION)

#define BLOCK_POINTER(R) block_##R,
static void (*const block_functions[])(const cptk_int16 *g, int row,
                                       int p) = {VEC_PRODUCT_BLOCKS(BLOCK_POINTER)};

enum { MOST_ROWS = sizeof block_functions / sizeof block_functions[0] };

static void int16_product(const cptk_int16 *g)
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
    kernels->int16 = int16_product;
}
