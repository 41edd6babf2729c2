/* tile.c - the tile product and the max pool of floats for Helium.  kernels/ref specifies them.
 *
 * A block is 3 rows x 8 columns: 6 of the 8 registers hold its sums, and the others the weights of a step.
 * The elements of rows come from the integer registers. */
#include <math.h>

#include "kernels/simd/pool.h"
#include "kernels/simd/simd.h"

enum { MOST_ROWS = 3, COLUMNS = 8, VECTORS = COLUMNS / VEC_W };

/* Elements n and on of the vector at column j aren't there. */
static inline mve_pred16_t there(int n, int j)
{
    return vctp32q((uint32_t)(n > j ? n - j : 0));
}

/* Adds to and stores the sums [R][VECTORS] of rows from `row` on, columns from j on. */
BODY_INLINE void finish(const cptk_tile *t, vf *sum, int row, int j, int R)
{
    BODY_UNROLL
    for (int v = 0; v < VECTORS; v++) {
        const int column = j + v * VEC_W;
        const mve_pred16_t in = there(t->n, column);
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            const size_t m = (size_t)(row + r);
            vf x = sum[r * VECTORS + v];
            if (t->bias) x = vaddq_f32(x, vldrwq_z_f32(t->bias + column, in));
            if (t->add) x = vaddq_f32(x, vldrwq_z_f32(t->add + m * t->add_stride + column, in));
            if (t->relu) x = vf_relu(x);
            vstrwq_p_f32(t->c + m * t->c_stride + column, x, in);
        }
    }
}

BODY_INLINE void block(const cptk_tile *t, int row, int j, int R)
{
    const float *b = t->b + (size_t)(j / CPTK_PANEL) * t->b_panel + j % CPTK_PANEL;
    vf sum[MOST_ROWS * VECTORS];
    BODY_UNROLL
    for (int i = 0; i < R * VECTORS; i++) sum[i] = vdupq_n_f32(0.0f);
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a[MOST_ROWS];
        BODY_UNROLL
        for (int r = 0; r < R; r++) a[r] = t->a[tap * t->rows + row + r];
        for (int d = t->depth; d > 0; d--, b += CPTK_PANEL) {
            vf w[VECTORS];
            BODY_UNROLL
            for (int v = 0; v < VECTORS; v++) w[v] = vld1q_f32(b + v * VEC_W);
            BODY_UNROLL
            for (int r = 0; r < R; r++) {
                const float x = *a[r]++;
                BODY_UNROLL
                for (int v = 0; v < VECTORS; v++) {
                    sum[r * VECTORS + v] = vfmaq_n_f32(sum[r * VECTORS + v], w[v], x);
                }
            }
        }
    }
    finish(t, sum, row, j, R);
}

static __attribute__((noinline)) void block_3(const cptk_tile *t, int row, int j)
{
    block(t, row, j, 3);
}

static __attribute__((noinline)) void block_2(const cptk_tile *t, int row, int j)
{
    block(t, row, j, 2);
}

static __attribute__((noinline)) void block_1(const cptk_tile *t, int row, int j)
{
    block(t, row, j, 1);
}

static void cptk_tile_f32_mve(const cptk_tile *t)
{
    for (int j = 0; j < t->n; j += COLUMNS) {
        int row = 0;
        for (; row + 3 <= t->rows; row += 3) block_3(t, row, j);
        if (t->rows - row == 2) block_2(t, row, j);
        if (t->rows - row == 1) block_1(t, row, j);
    }
}

static void cptk_maxpool_f32_mve(const cptk_maxpool *p)
{
    const int out_w = (p->w + 1) / 2;
    const float *in = p->in;
    for (int y = p->y0; y < p->y1; y++) {
        float *to = (float *)p->out + cptk_row_at(y, p->out_ring) * (size_t)out_w * (size_t)p->pitch;
        for (int x = 0; x < out_w; x++, to += p->pitch) {
            const pool_window window = pool_window_of(p, y, x);
            for (int ch = 0; ch < p->c; ch += VEC_W) {
                const mve_pred16_t some = there(p->c, ch);
                vf best = vdupq_n_f32(-INFINITY);
                for (int iy = window.top; iy < window.bottom; iy++) {
                    const size_t line = cptk_row_at(iy, p->in_ring) * (size_t)p->w;
                    for (int ix = window.left; ix < window.right; ix++) {
                        const vf v = vldrwq_z_f32(in + (line + (size_t)ix) * (size_t)p->pitch + ch, some);
                        best = vpselq_f32(v, best, vcmpltq_f32(best, v));
                    }
                }
                vstrwq_p_f32(to + ch, best, some);
            }
        }
    }
}

void cptk_tile_init_mve(cptk_kernels *kernels)
{
    kernels->tile_f32 = cptk_tile_f32_mve;
    kernels->tile_rows = CPTK_MAX_ROWS - 1; /* whole blocks */
    kernels->has_tile = true;
    kernels->maxpool_f32 = cptk_maxpool_f32_mve;
}
