/* maps.c - passes over maps in vectors of channels: Winograd transforms, bias and ReLU, max pool.  Compiled
 * once per instruction set.  kernels/ref/maps.c specifies them. */
#include <math.h>

#include "kernels/simd/pool.h"
#include "kernels/simd/simd.h"

/* ---- Winograd ---- */

/* `size`, the side of a tile's outputs, is 2 or 4 and a constant after inlining.  A tile of the input has
 * size + 2 rows and columns. */
enum { MOST_PLANES = 36 };

BODY_INLINE void input_1d_2(vf *x, int step)
{
    const vf a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
    x[0] = vf_sub(a, c);
    x[step] = vf_add(b, c);
    x[2 * step] = vf_sub(c, b);
    x[3 * step] = vf_sub(b, d);
}

BODY_INLINE void input_1d_4(vf *x, int step)
{
    const vf two = vf_set(2.0f), four = vf_set(4.0f), five = vf_set(5.0f);
    const vf a = x[0], b = x[step], c = x[2 * step], d = x[3 * step], e = x[4 * step], f = x[5 * step];
    const vf even = vf_fnma(four, c, e), odd = vf_fnma(four, b, d), ec = vf_sub(e, c), db = vf_sub(d, b);
    x[0] = vf_fma(four, a, vf_fnma(five, c, e));
    x[step] = vf_add(even, odd);
    x[2 * step] = vf_sub(even, odd);
    x[3 * step] = vf_fma(two, db, ec);
    x[4 * step] = vf_fnma(two, db, ec);
    x[5 * step] = vf_fma(four, b, vf_fnma(five, d, f));
}

BODY_INLINE void input_1d(vf *x, int step, int size)
{
    if (size == 2) {
        input_1d_2(x, step);
    } else {
        input_1d_4(x, step);
    }
}

BODY_INLINE void output_1d_2(vf *x, int step)
{
    const vf a = x[0], sum = vf_add(x[step], x[2 * step]), diff = vf_sub(x[step], x[2 * step]);
    x[0] = vf_add(a, sum);
    x[step] = vf_sub(diff, x[3 * step]);
}

BODY_INLINE void output_1d_4(vf *x, int step)
{
    const vf two = vf_set(2.0f), four = vf_set(4.0f), eight = vf_set(8.0f), a = x[0], f = x[5 * step];
    const vf sum1 = vf_add(x[step], x[2 * step]), diff1 = vf_sub(x[step], x[2 * step]);
    const vf sum2 = vf_add(x[3 * step], x[4 * step]), diff2 = vf_sub(x[3 * step], x[4 * step]);
    x[0] = vf_add(a, vf_add(sum1, sum2));
    x[step] = vf_fma(two, diff2, diff1);
    x[2 * step] = vf_fma(four, sum2, sum1);
    x[3 * step] = vf_add(f, vf_fma(eight, diff2, diff1));
}

BODY_INLINE void output_1d(vf *x, int step, int size)
{
    if (size == 2) {
        output_1d_2(x, step);
    } else {
        output_1d_4(x, step);
    }
}

/* Where a tile of the input lies. */
typedef struct tile_place {
    const float *map;      /* the tile's first position, which may lie outside the map */
    ptrdiff_t row, column; /* floats from a position to the one below and to the right */
    int y0, y1, x0, x1;    /* rows y0..y1-1 and columns x0..x1-1 of the tile are inside the map */
} tile_place;

BODY_INLINE void input_vector(const cptk_winograd *g, const tile_place *p, float *to, int ch, int left,
                              int size)
{
    const int n = size + 2;
    const vf zero = vf_set(0.0f);
    vf d[MOST_PLANES];
    BODY_UNROLL
    for (int y = 0; y < n; y++) {
        BODY_UNROLL
        for (int x = 0; x < n; x++) {
            const bool inside = y >= p->y0 && y < p->y1 && x >= p->x0 && x < p->x1;
            d[n * y + x] = inside ? vf_next(p->map + y * p->row + x * p->column + ch, left, zero) : zero;
        }
    }
    BODY_UNROLL
    for (int x = 0; x < n; x++) input_1d(d + x, n, size);
    BODY_UNROLL
    for (int y = 0; y < n; y++) {
        input_1d(d + n * y, 1, size);
        BODY_UNROLL
        for (int x = 0; x < n; x++) vf_put(to + (size_t)(n * y + x) * g->plane + ch, d[n * y + x], left);
    }
}

static int clamp(int x, int low, int high)
{
    return x < low ? low : x > high ? high : x;
}

BODY_INLINE void input_tiles(const cptk_winograd *g, int size)
{
    const int n = size + 2, across = (g->w + size - 1) / size;
    for (int i = 0; i < g->count; i++) {
        const int y = (g->first + i) / across * size - 1, x = (g->first + i) % across * size - 1;
        const ptrdiff_t row = (ptrdiff_t)g->w * g->pitch, column = g->pitch;
        float *to = g->out + (size_t)i * (size_t)g->c;
        const tile_place p = {.map = g->in + y * row + x * column,
                              .row = row,
                              .column = column,
                              .y0 = clamp(-y, 0, n),
                              .y1 = clamp(g->h - y, 0, n),
                              .x0 = clamp(-x, 0, n),
                              .x1 = clamp(g->w - x, 0, n)};
        int ch = 0;
        if (p.y0 == 0 && p.y1 == n && p.x0 == 0 && p.x1 == n) { /* constants, so that no test is left */
            const tile_place inner = {
                .map = p.map, .row = row, .column = column, .y0 = 0, .y1 = n, .x0 = 0, .x1 = n};
            for (; ch + VEC_W <= g->c; ch += VEC_W) input_vector(g, &inner, to, ch, VEC_W, size);
        }
        for (; ch < g->c; ch += VEC_W) input_vector(g, &p, to, ch, g->c - ch, size);
    }
}

static void CPTK_NAME(cptk_winograd_input_f32)(const cptk_winograd *g)
{
    if (g->size == 2) {
        input_tiles(g, 2);
    } else {
        input_tiles(g, 4);
    }
}

/* Where a tile of the output lies. */
typedef struct output_place {
    float *map;            /* the tile's first position */
    ptrdiff_t row, column; /* floats from a position to the one below and to the right */
    int rows, columns;     /* how many from there are inside the map */
} output_place;

/* The bias is added to the plane of row 1, column 1: every output contains that plane with factor 1. */
BODY_INLINE void output_vector(const cptk_winograd *g, const output_place *p, const float *from, int ch,
                               int left, int size)
{
    const int n = size + 2;
    const vf zero = vf_set(0.0f);
    vf m[MOST_PLANES];
    BODY_UNROLL
    for (int y = 0; y < n; y++) {
        BODY_UNROLL
        for (int x = 0; x < n; x++) {
            m[n * y + x] = vf_next(from + (size_t)(n * y + x) * g->plane + ch, left, zero);
        }
    }
    m[n + 1] = vf_add(m[n + 1], vf_next(g->bias + ch, left, zero));
    BODY_UNROLL
    for (int x = 0; x < n; x++) output_1d(m + x, n, size);
    BODY_UNROLL
    for (int y = 0; y < size; y++) {
        output_1d(m + n * y, 1, size);
        BODY_UNROLL
        for (int x = 0; x < size; x++) {
            if (y < p->rows && x < p->columns) {
                vf v = m[n * y + x];
                if (g->relu) v = vf_relu(v);
                vf_put(p->map + y * p->row + x * p->column + ch, v, left);
            }
        }
    }
}

BODY_INLINE void output_tiles(const cptk_winograd *g, int size)
{
    const int across = (g->w + size - 1) / size;
    for (int i = 0; i < g->count; i++) {
        const int y = (g->first + i) / across * size, x = (g->first + i) % across * size;
        const ptrdiff_t row = (ptrdiff_t)g->w * g->pitch, column = g->pitch;
        const float *from = g->in + (size_t)i * (size_t)g->c;
        const output_place p = {.map = g->out + y * row + x * column,
                                .row = row,
                                .column = column,
                                .rows = g->h - y,
                                .columns = g->w - x};
        int ch = 0;
        for (; ch + VEC_W <= g->c; ch += VEC_W) output_vector(g, &p, from, ch, VEC_W, size);
        if (ch < g->c) output_vector(g, &p, from, ch, g->c - ch, size);
    }
}

static void CPTK_NAME(cptk_winograd_output_f32)(const cptk_winograd *g)
{
    if (g->size == 2) {
        output_tiles(g, 2);
    } else {
        output_tiles(g, 4);
    }
}

/* ---- bias, max pool ---- */

static void CPTK_NAME(cptk_bias_act_f32)(float *x, const float *bias, const float *add, size_t rows, int n,
                                         bool relu)
{
    const vf zero = vf_set(0.0f);
    for (size_t r = 0; r < rows; r++, x += n) {
        for (int j = 0; j < n; j += VEC_W) {
            vf v = vf_next(x + j, n - j, zero);
            if (bias) v = vf_add(v, vf_next(bias + j, n - j, zero));
            if (add) v = vf_add(v, vf_next(add + r * (size_t)n + j, n - j, zero));
            if (relu) v = vf_relu(v);
            vf_put(x + j, v, n - j);
        }
    }
}

BODY_INLINE vf pool_vector(const cptk_maxpool *p, const pool_window *window, int ch)
{
    const vf lowest = vf_set(-INFINITY);
    const float *in = p->in;
    vf best = lowest;
    for (int y = window->top; y < window->bottom; y++) {
        const size_t position = cptk_row_at(y, p->in_ring) * (size_t)p->w + (size_t)window->left;
        const float *from = in + position * (size_t)p->pitch + ch;
        for (int x = window->left; x < window->right; x++, from += p->pitch) {
            const vf v = vf_next(from, p->c - ch, lowest);
            best = vf_select(vf_lt(best, v), v, best);
        }
    }
    return best;
}

static void CPTK_NAME(cptk_maxpool_f32)(const cptk_maxpool *p)
{
    const int out_w = (p->w + 1) / 2;
    for (int y = p->y0; y < p->y1; y++) {
        const size_t row = cptk_row_at(y, p->out_ring) * (size_t)out_w;
        for (int x = 0; x < out_w; x++) {
            const pool_window window = pool_window_of(p, y, x);
            float *to = (float *)p->out + (row + (size_t)x) * (size_t)p->pitch;
            for (int ch = 0; ch < p->c; ch += VEC_W) vf_put(to + ch, pool_vector(p, &window, ch), p->c - ch);
        }
    }
}

void CPTK_NAME(cptk_maps_init)(cptk_kernels *kernels)
{
    kernels->winograd_input_f32 = CPTK_NAME(cptk_winograd_input_f32);
    kernels->winograd_output_f32 = CPTK_NAME(cptk_winograd_output_f32);
    kernels->bias_act_f32 = CPTK_NAME(cptk_bias_act_f32);
    kernels->maxpool_f32 = CPTK_NAME(cptk_maxpool_f32);
}
