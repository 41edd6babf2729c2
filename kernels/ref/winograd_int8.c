/* winograd_int8.c - Winograd's convolution of bytes in plain C: the specification of its four slots, with the
 * matrices of kernels.h written out. */
#include "kernels/kernels_isa.h"
#include "kernels/ref/finish_int8.h"

enum { PLANES = 16 }; /* elements of a transformed tile, and of a transformed filter */

/* to = B^T d, of numbers that lie `step` apart. */
static void input_1d(const int16_t *d, int16_t *to, int step)
{
    to[0] = (int16_t)(d[0] - d[2 * step]);
    to[step] = (int16_t)(d[step] + d[2 * step]);
    to[2 * step] = (int16_t)(d[2 * step] - d[step]);
    to[3 * step] = (int16_t)(d[step] - d[3 * step]);
}

static void cptk_winograd_input_u8_c(const cptk_winograd_int8 *w)
{
    const int across = (w->w + 1) / 2;
    for (int i = 0; i < w->count; i++) {
        const int y0 = (w->first + i) / across * 2 - 1, x0 = (w->first + i) % across * 2 - 1;
        for (int ch = 0; ch < w->depth; ch++) {
            int16_t d[PLANES], t[PLANES];
            for (int e = 0; e < PLANES; e++) {
                const int y = y0 + e / 4, x = x0 + e % 4;
                const bool inside = y >= 0 && y < w->h && x >= 0 && x < w->w;
                d[e] = inside ? w->in[(size_t)(y * w->w + x) * (size_t)w->in_pitch + (size_t)ch] : 0;
            }
            for (int e = 0; e < 4; e++) input_1d(d + e, t + e, 4);
            for (int e = 0; e < 4; e++) input_1d(t + 4 * e, d + 4 * e, 1);
            for (int e = 0; e < PLANES; e++) {
                w->v[((size_t)e * (size_t)w->count + (size_t)i) * (size_t)w->depth + (size_t)ch] = d[e];
            }
        }
    }
}

/* to = 2 G g: three numbers `from` apart become four, `step` apart. */
static void filter_1d(const int16_t *g, int from, int16_t *to, int step)
{
    to[0] = (int16_t)(2 * g[0]);
    to[step] = (int16_t)(g[0] + g[from] + g[2 * from]);
    to[2 * step] = (int16_t)(g[0] - g[from] + g[2 * from]);
    to[3 * step] = (int16_t)(2 * g[2 * from]);
}

static void cptk_winograd_filters_i8_c(const cptk_winograd_int8 *w)
{
    const size_t plane = (size_t)w->depth * CPTK_PANEL;
    for (size_t ch = 0; ch < (size_t)w->depth; ch++) {
        for (size_t j = 0; j < CPTK_PANEL; j++) {
            const size_t from = ch / CPTK_QUAD * CPTK_PANEL * CPTK_QUAD + j * CPTK_QUAD + ch % CPTK_QUAD;
            const size_t to = ch / 2 * CPTK_PANEL * 2 + j * 2 + ch % 2;
            int16_t g[9], t[12], u[PLANES];
            for (size_t e = 0; e < 9; e++) g[e] = w->b[e * plane + from];
            for (int e = 0; e < 3; e++) filter_1d(g + e, 3, t + e, 3);
            for (int e = 0; e < 4; e++) filter_1d(t + 3 * e, 1, u + 4 * e, 1);
            for (size_t e = 0; e < PLANES; e++) w->u[e * w->u_plane + to] = u[e];
        }
    }
}

static void cptk_winograd_product_i16_c(const cptk_winograd_int8 *w)
{
    const size_t depth = (size_t)w->depth, rows = PLANES * (size_t)w->count;
    for (size_t r = 0; r < rows; r++) {
        const int16_t *v = w->v + r * depth, *u = w->u + r / (size_t)w->count * w->u_plane;
        for (size_t j = 0; j < CPTK_PANEL; j++) {
            int32_t sum = 0;
            for (size_t ch = 0; ch < depth; ch++) {
                sum += v[ch] * u[ch / 2 * CPTK_PANEL * 2 + j * 2 + ch % 2];
            }
            w->m[r * CPTK_PANEL + j] = sum;
        }
    }
}

/* to = A^T m: four numbers `from` apart become two, `step` apart.  Unsigned, so that what overflows on the
 * way wraps around. */
static void output_1d(const uint32_t *m, int from, uint32_t *to, int step)
{
    to[0] = m[0] + m[from] + m[2 * from];
    to[step] = m[from] - m[2 * from] - m[3 * from];
}

static void cptk_winograd_output_u8_c(const cptk_winograd_int8 *w)
{
    const int across = (w->w + 1) / 2;
    for (int i = 0; i < w->count; i++) {
        const int y0 = (w->first + i) / across * 2, x0 = (w->first + i) % across * 2;
        for (int j = 0; j < CPTK_PANEL; j++) {
            uint32_t m[PLANES], t[8], sum[4];
            for (int e = 0; e < PLANES; e++) m[e] = (uint32_t)w->m[(e * w->count + i) * CPTK_PANEL + j];
            for (int e = 0; e < 4; e++) output_1d(m + e, 4, t + e, 4);
            for (int e = 0; e < 2; e++) output_1d(t + 4 * e, 1, sum + 2 * e, 1);
            for (int e = 0; e < 4; e++) {
                const int y = y0 + e / 2, x = x0 + e % 2;
                if (y >= w->h || x >= w->w) continue;
                cptk_finish_int8(&w->out, (int32_t)sum[e] / 4, y * w->w + x, j);
            }
        }
    }
}

void cptk_winograd_int8_init_c(cptk_kernels *kernels)
{
    kernels->winograd_tiles_u8 = CPTK_WINOGRAD_MOST_TILES;
    kernels->winograd_input_u8 = cptk_winograd_input_u8_c;
    kernels->winograd_filters_i8 = cptk_winograd_filters_i8_c;
    kernels->winograd_product_i16 = cptk_winograd_product_i16_c;
    kernels->winograd_output_u8 = cptk_winograd_output_u8_c;
}
