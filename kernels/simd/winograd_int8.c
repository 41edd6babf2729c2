/* winograd_int8.c - Winograd's convolution of bytes in 16-bit integers, compiled once per instruction set.
 * kernels/ref/winograd_int8.c specifies it. */
#include <string.h>

#include "kernels/simd/finish_int8.h"

enum {
    PLANES = 16,                   /* elements of a transformed tile, and of a transformed filter */
    PAIR_LINE = CPTK_PANEL * 2,    /* int16 of two inputs of a panel */
    QUAD_COLUMNS = VEC_HALVES / 2, /* columns whose quads vh_load_quads takes */
    AHEAD = 16 * PAIR_LINE         /* int16 between a prefetch of filters and their use */
};

/* ---- input ---- */

/* to = B^T d, of vectors that lie `step` apart. */
BODY_INLINE void input_1d(const vh *d, vh *to, int step)
{
    to[0] = vh_sub(d[0], d[2 * step]);
    to[step] = vh_add(d[step], d[2 * step]);
    to[2 * step] = vh_sub(d[2 * step], d[step]);
    to[3 * step] = vh_sub(d[step], d[3 * step]);
}

/* VEC_HALVES channels from `ch` on of the tile whose input begins at row y, column x; `inner`: no part of it
 * lies outside the map. */
BODY_INLINE void input_vector(const cptk_winograd_int8 *w, int y, int x, int ch, int16_t *v, bool inner)
{
    const ptrdiff_t column = w->in_pitch, row = (ptrdiff_t)w->w * column;
    const size_t plane = (size_t)w->count * (size_t)w->depth;
    const uint8_t *from = w->in + y * row + x * column + ch;
    vh d[PLANES], t[PLANES];
    BODY_UNROLL
    for (int e = 0; e < PLANES; e++) {
        const int i = e / 4, j = e % 4;
        const bool inside = inner || (y + i >= 0 && y + i < w->h && x + j >= 0 && x + j < w->w);
        d[e] = inside ? vh_load_u8(from + i * row + j * column) : vh_zero();
    }
    BODY_UNROLL
    for (int i = 0; i < 4; i++) input_1d(d + i, t + i, 4);
    BODY_UNROLL
    for (int i = 0; i < 4; i++) input_1d(t + 4 * i, d + 4 * i, 1);
    BODY_UNROLL
    for (int e = 0; e < PLANES; e++) vh_store(v + (size_t)e * plane + ch, d[e]);
}

static void CPTK_NAME(cptk_winograd_input_u8)(const cptk_winograd_int8 *w)
{
    const int across = (w->w + 1) / 2;
    for (int i = 0; i < w->count; i++) {
        const int y = (w->first + i) / across * 2 - 1, x = (w->first + i) % across * 2 - 1;
        int16_t *v = w->v + (size_t)i * (size_t)w->depth;
        if (y >= 0 && y + 4 <= w->h && x >= 0 && x + 4 <= w->w) {
            for (int ch = 0; ch < w->depth; ch += VEC_HALVES) input_vector(w, y, x, ch, v, true);
        } else {
            for (int ch = 0; ch < w->depth; ch += VEC_HALVES) input_vector(w, y, x, ch, v, false);
        }
    }
}

/* ---- filters ---- */

/* to = 2 G g: three vectors `from` apart become four, `step` apart. */
BODY_INLINE void filter_1d(const vh *g, int from, vh *to, int step)
{
    const vh ends = vh_add(g[0], g[2 * from]);
    to[0] = vh_add(g[0], g[0]);
    to[step] = vh_add(ends, g[from]);
    to[2 * step] = vh_sub(ends, g[from]);
    to[3 * step] = vh_add(g[2 * from], g[2 * from]);
}

BODY_INLINE void filter_2d(const vh *g, int16_t *u, size_t plane)
{
    vh t[12], all[PLANES];
    BODY_UNROLL
    for (int i = 0; i < 3; i++) filter_1d(g + i, 3, t + i, 3);
    BODY_UNROLL
    for (int i = 0; i < 4; i++) filter_1d(t + 3 * i, 1, all + 4 * i, 1);
    BODY_UNROLL
    for (int e = 0; e < PLANES; e++) vh_store(u + (size_t)e * plane, all[e]);
}

static void CPTK_NAME(cptk_winograd_filters_i8)(const cptk_winograd_int8 *w)
{
    const size_t plane = (size_t)w->depth * CPTK_PANEL;
    for (size_t quad = 0; quad < plane; quad += CPTK_PANEL * CPTK_QUAD) {
        for (size_t j = 0; j < CPTK_PANEL; j += QUAD_COLUMNS) {
            vh first[9], last[9]; /* of each quad the first two inputs, and the last two */
            BODY_UNROLL
            for (size_t e = 0; e < 9; e++) {
                vh pairs[2];
                vh_load_quads(w->b + e * plane + quad + j * CPTK_QUAD, pairs);
                first[e] = pairs[0];
                last[e] = pairs[1];
            }
            filter_2d(first, w->u + quad + j * 2, w->u_plane);
            filter_2d(last, w->u + quad + PAIR_LINE + j * 2, w->u_plane);
        }
    }
}

/* ---- products ---- */

/* The two numbers at p, as a word. */
BODY_INLINE uint32_t pair(const int16_t *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* m [R, 16] = v [R, depth] times a plane of filters. */
BODY_INLINE void multiply(const int16_t *v, const int16_t *u, size_t depth, int32_t *m, int R)
{
    vu sum[MOST_SUMS];
    BODY_UNROLL
    for (int i = 0; i < R * VEC_PANEL; i++) sum[i] = vu_set(0);
    for (size_t ch = 0; ch < depth; ch += 2, u += PAIR_LINE) {
        vu filters[VEC_PANEL];
        BODY_UNROLL
        for (int i = 0; i < VEC_PANEL; i++) {
            filters[i] = vu_load((const uint32_t *)(const void *)(u + 2 * VEC_W * i));
        }
        BODY_PREFETCH(u + AHEAD);
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            const vu x = vu_set(pair(v + (size_t)r * depth + ch));
            BODY_UNROLL
            for (int i = 0; i < VEC_PANEL; i++) {
                vu *s = &sum[r * VEC_PANEL + i];
                *s = vu_dot(*s, x, filters[i]);
                VEC_KEEP(*s); /* or compilers first add products to each other, which takes more registers */
            }
        }
    }
    BODY_UNROLL
    for (int i = 0; i < R * VEC_PANEL; i++) vu_store((uint32_t *)(void *)m + i * VEC_W, sum[i]);
}

/* multiply_R: R tiles of a plane. */
#define MULTIPLY_FUNCTION(R, PANELS)                                                       \
    static void multiply_##R(const int16_t *v, const int16_t *u, size_t depth, int32_t *m) \
    {                                                                                      \
        multiply(v, u, depth, m, R);                                                       \
    }

VEC_TILE_BLOCKS(MULTIPLY_FUNCTION)

#define MULTIPLY_POINTER(R, PANELS) multiply_##R,
static void (*const multiply_functions[])(const int16_t *v, const int16_t *u, size_t depth,
                                          int32_t *m) = {VEC_TILE_BLOCKS(MULTIPLY_POINTER)};

enum {
    MOST_TILES = sizeof multiply_functions / sizeof multiply_functions[0],
    /* Twice as many, where that is possible: filters are then read from the first cache every second time. */
    BLOCK_TILES = 2 * VEC_TILE_ROWS <= CPTK_WINOGRAD_MOST_TILES ? 2 * VEC_TILE_ROWS : VEC_TILE_ROWS
};

static void CPTK_NAME(cptk_winograd_product_i16)(const cptk_winograd_int8 *w)
{
    const size_t depth = (size_t)w->depth;
    const int parts = (w->count + MOST_TILES - 1) / MOST_TILES;
    for (int e = 0; e < PLANES; e++) {
        const int16_t *u = w->u + (size_t)e * w->u_plane;
        for (int i = parts, tile = 0; i > 0; i--) {
            const int tiles = (w->count - tile + i - 1) / i, row = e * w->count + tile;
            multiply_functions[tiles - 1](w->v + (size_t)row * depth, u, depth, w->m + row * CPTK_PANEL);
            tile += tiles;
        }
    }
}

/* ---- output ---- */

/* to = A^T m: four vectors `from` apart become two, `step` apart. */
BODY_INLINE void output_1d(const vu *m, int from, vu *to, int step)
{
    to[0] = vu_add(m[0], vu_add(m[from], m[2 * from]));
    to[step] = vu_sub(vu_sub(m[from], m[2 * from]), m[3 * from]);
}

static void CPTK_NAME(cptk_winograd_output_u8)(const cptk_winograd_int8 *w)
{
    const int across = (w->w + 1) / 2;
    for (int i = 0; i < w->count; i++) {
        const int y0 = (w->first + i) / across * 2, x0 = (w->first + i) % across * 2;
        const uint32_t *m = (const uint32_t *)(const void *)w->m + (size_t)i * CPTK_PANEL;
        vu sum[4 * VEC_PANEL];
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) {
            vu in[PLANES], t[8], out[4];
            BODY_UNROLL
            for (int e = 0; e < PLANES; e++) in[e] = vu_load(m + e * w->count * CPTK_PANEL + v * VEC_W);
            BODY_UNROLL
            for (int e = 0; e < 4; e++) output_1d(in + e, 4, t + e, 4);
            BODY_UNROLL
            for (int e = 0; e < 2; e++) output_1d(t + 4 * e, 1, out + 2 * e, 1);
            BODY_UNROLL
            for (int e = 0; e < 4; e++) sum[e * VEC_PANEL + v] = vu_quarter(out[e]);
        }
        for (int e = 0; e < 4; e++) {
            const int y = y0 + e / 2, x = x0 + e % 2;
            if (y < w->h && x < w->w) finish(&w->out, sum + e * VEC_PANEL, y * w->w + x, 0, 1, VEC_PANEL);
        }
    }
}

void CPTK_NAME(cptk_winograd_int8_init)(cptk_kernels *kernels)
{
    kernels->winograd_tiles_u8 = BLOCK_TILES;
    kernels->winograd_input_u8 = CPTK_NAME(cptk_winograd_input_u8);
    kernels->winograd_filters_i8 = CPTK_NAME(cptk_winograd_filters_i8);
    kernels->winograd_product_i16 = CPTK_NAME(cptk_winograd_product_i16);
    kernels->winograd_output_u8 = CPTK_NAME(cptk_winograd_output_u8);
}
