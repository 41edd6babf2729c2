/* winograd_u8.c - Winograd's convolution of bytes in 16-bit integers (kernels.h), for instruction sets that
 * have no dot product of bytes: there it saves more products than its transforms cost. */
#include "kernels/simd/simd.h"

#if defined(VEC_WINOGRAD_U8)

enum {
    PLANES = 16, /* elements of a transformed tile, and of a transformed filter */
    LANES = 16,  /* int16 in a vector, and channels that are transformed at once */
    QUAD_VECTORS = CPTK_PANEL * CPTK_QUAD / LANES, /* vectors of a quad of a panel's filters */
    TILES = 3,                                     /* tiles whose sums are in registers */
    BLOCK = 6 /* tiles between two output transforms; their sums stay in the first cache */
};

/* ---- transforms ---- */

/* to = B^T d, of four vectors each. */
BODY_INLINE void input_1d(const vh *d, int stride, vh *to)
{
    to[0] = vh_sub(d[0], d[2 * stride]);
    to[1 * stride] = vh_add(d[stride], d[2 * stride]);
    to[2 * stride] = vh_sub(d[2 * stride], d[stride]);
    to[3 * stride] = vh_sub(d[stride], d[3 * stride]);
}

/* 16 channels from `at` on of the tile whose first output is at y, x. */
BODY_INLINE void input_tile(const cptk_winograd_u8 *w, int y, int x, int at, int16_t *v, size_t plane)
{
    vh d[PLANES], t[PLANES];
    BODY_UNROLL
    for (int i = 0; i < PLANES; i++) {
        const int row = y - 1 + i / 4, column = x - 1 + i % 4;
        const bool inside = row >= 0 && row < w->h && column >= 0 && column < w->w;
        d[i] =
            inside ? vh_load_u8(w->in + (size_t)(row * w->w + column) * (size_t)w->in_pitch + at) : vh_zero();
    }
    BODY_UNROLL
    for (int i = 0; i < 4; i++) input_1d(d + i, 4, t + i);
    BODY_UNROLL
    for (int i = 0; i < 4; i++) input_1d(t + 4 * i, 1, d + 4 * i);
    BODY_UNROLL
    for (int i = 0; i < PLANES; i++) vh_store(v + (size_t)i * plane, d[i]);
}

static void CPTK_NAME(cptk_winograd_in_u8)(const cptk_winograd_u8 *w)
{
    const int across = (w->w + 1) / 2;
    const size_t plane = (size_t)w->tiles * (size_t)w->depth;
    for (int tile = w->first; tile < w->end; tile++) {
        const int y = tile / across * 2, x = tile % across * 2;
        for (int c = 0; c < w->depth; c += LANES) {
            input_tile(w, y, x, c, w->v + (size_t)tile * (size_t)w->depth + c, plane);
        }
    }
}

/* to = 2 G g, of three vectors each, four in the result. */
BODY_INLINE void filter_1d(const vh *g, int from, vh *to, int stride)
{
    const vh both = vh_add(g[0], g[2 * from]);
    to[0] = vh_add(g[0], g[0]);
    to[stride] = vh_add(both, g[from]);
    to[2 * stride] = vh_sub(both, g[from]);
    to[3 * stride] = vh_add(g[2 * from], g[2 * from]);
}

/* u [16, depth / 4, 16, 4] = 4 G g G^T of a panel's filters [9, depth / 4, 16, 4]. */
static void filters(const cptk_winograd_u8 *w)
{
    const size_t plane = (size_t)w->depth * CPTK_PANEL;
    for (size_t at = 0; at < plane; at += LANES) {
        vh g[9], t[12], u[PLANES];
        BODY_UNROLL
        for (int i = 0; i < 9; i++) g[i] = vh_load_i8(w->b + (size_t)i * plane + at);
        BODY_UNROLL
        for (int i = 0; i < 3; i++) filter_1d(g + i, 3, t + i, 3); /* columns: t [4, 3] */
        BODY_UNROLL
        for (int i = 0; i < 4; i++) filter_1d(t + 3 * i, 1, u + 4 * i, 1);
        BODY_UNROLL
        for (int i = 0; i < PLANES; i++) vh_store(w->u + (size_t)i * plane + at, u[i]);
    }
}

/* to = A^T m, of two vectors each. */
BODY_INLINE void output_1d(const vu *m, int from, vu *to, int stride)
{
    const vu sum = vu_add(m[from], m[2 * from]), difference = vu_sub(m[from], m[2 * from]);
    to[0] = vu_add(m[0], sum);
    to[stride] = vu_sub(difference, m[3 * from]);
}

/* One output position: 4 times the sums of 16 outputs. */
BODY_INLINE void put(const cptk_winograd_u8 *w, int y, int x, const vu *sum)
{
    vf value[VEC_PANEL];
    if (y >= w->h || x >= w->w) return;
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) {
        value[v] = vf_mul(vf_from_int(vu_quarter(sum[v])), vf_load(w->scale + v * VEC_W));
        value[v] = vf_add(value[v], vf_load(w->bias + v * VEC_W));
    }
    vf_store_u8(w->out + (size_t)(y * w->w + x) * (size_t)w->out_pitch, value);
}

/* m [16, BLOCK, 16]: the tile at index t. */
static void output_tile(const cptk_winograd_u8 *w, int tile, const int32_t *m)
{
    const int across = (w->w + 1) / 2, y = tile / across * 2, x = tile % across * 2;
    vu out[4][VEC_PANEL];
    BODY_UNROLL
    for (int v = 0; v < VEC_PANEL; v++) {
        vu in[PLANES], t[8], o[4];
        BODY_UNROLL
        for (int i = 0; i < PLANES; i++) in[i] = vu_load_i32(m + (size_t)i * BLOCK * CPTK_PANEL + v * VEC_W);
        BODY_UNROLL
        for (int i = 0; i < 4; i++) output_1d(in + i, 4, t + i, 4);
        BODY_UNROLL
        for (int i = 0; i < 2; i++) output_1d(t + 4 * i, 1, o + 2 * i, 1);
        BODY_UNROLL
        for (int i = 0; i < 4; i++) out[i][v] = o[i];
    }
    for (int i = 0; i < 4; i++) put(w, y + i / 2, x + i % 2, out[i]);
}

/* ---- products ---- */

/* m [count, 16] of `count` tiles in one plane. */
BODY_INLINE void multiply(const int16_t *v, const int16_t *u, size_t depth, int32_t *m, int count)
{
    vu sum[TILES * QUAD_VECTORS];
    BODY_UNROLL
    for (int i = 0; i < count * QUAD_VECTORS; i++) sum[i] = vu_set(0);
    for (size_t q = 0; q < depth; q += CPTK_QUAD, u += CPTK_PANEL * CPTK_QUAD) {
        BODY_UNROLL
        for (int t = 0; t < count; t++) {
            const vh x = vh_broadcast_quad(v + (size_t)t * depth + q);
            BODY_UNROLL
            for (int i = 0; i < QUAD_VECTORS; i++) {
                vu *s = &sum[t * QUAD_VECTORS + i];
                *s = vu_add(*s, vh_pairs(x, vh_load(u + i * LANES)));
                VEC_KEEP(*s); /* or gcc keeps some sums in memory */
            }
        }
    }
    BODY_UNROLL
    for (int t = 0; t < count; t++) {
        BODY_UNROLL
        for (int v2 = 0; v2 < VEC_PANEL; v2++) {
            const vu *s = &sum[t * QUAD_VECTORS + 2 * v2];
            vu_store_i32(m + t * CPTK_PANEL + v2 * VEC_W, vu_join(s[0], s[1]));
        }
    }
}

static void CPTK_NAME(cptk_winograd_out_u8)(const cptk_winograd_u8 *w)
{
    const size_t depth = (size_t)w->depth, plane = (size_t)w->tiles * depth;
    int32_t m[PLANES * BLOCK * CPTK_PANEL];
    filters(w);
    for (int first = w->first; first < w->end; first += BLOCK) {
        const int count = w->end - first < BLOCK ? w->end - first : BLOCK;
        for (int e = 0; e < PLANES; e++) {
            const int16_t *v = w->v + (size_t)e * plane + (size_t)first * depth;
            const int16_t *u = w->u + (size_t)e * depth * CPTK_PANEL;
            int32_t *to = m + e * BLOCK * CPTK_PANEL;
            for (int t = 0, tiles; t < count; t += tiles) {
                tiles = count - t < TILES ? 1 : TILES;
                if (tiles == TILES) {
                    multiply(v + (size_t)t * depth, u, depth, to + t * CPTK_PANEL, TILES);
                } else {
                    multiply(v + (size_t)t * depth, u, depth, to + t * CPTK_PANEL, 1);
                }
            }
        }
        for (int t = 0; t < count; t++) output_tile(w, first + t, m + t * CPTK_PANEL);
    }
}
void CPTK_NAME(cptk_winograd_u8_init)(cptk_kernels *kernels)
{
    kernels->winograd_in_u8 = CPTK_NAME(cptk_winograd_in_u8);
    kernels->winograd_out_u8 = CPTK_NAME(cptk_winograd_out_u8);
}
#else
typedef int cptk_no_winograd_u8; /* C wants a declaration in every file */
#endif
