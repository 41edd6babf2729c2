/* maps.c - passes over maps in vectors of channels: Winograd transforms, bias and ReLU, max pool.  Compiled
 * once per instruction set.  kernels/ref/maps.c specifies them. */
#include <math.h>

#include "kernels/simd/simd.h"

/* ---- Winograd ---- */

/* Everything takes `size`, the side of a tile's outputs, 2 or 4, as a constant; a tile of the input has 2
 * more.
 */
enum { MOST_PLANES = 36 };

BODY_INLINE void input_1d(vf *x, int step, int size)
{
    const vf two = vf_set(2.0f), four = vf_set(4.0f), five = vf_set(5.0f);
    vf a = x[0], b = x[step], c = x[2 * step], d = x[3 * step], e, f, even, odd, ec, db;
    if (size == 2) {
        x[0] = vf_sub(a, c);
        x[step] = vf_add(b, c);
        x[2 * step] = vf_sub(c, b);
        x[3 * step] = vf_sub(b, d);
        return;
    }
    e = x[4 * step];
    f = x[5 * step];
    even = vf_fnma(four, c, e);
    odd = vf_fnma(four, b, d);
    ec = vf_sub(e, c);
    db = vf_sub(d, b);
    x[0] = vf_fma(four, a, vf_fnma(five, c, e));
    x[step] = vf_add(even, odd);
    x[2 * step] = vf_sub(even, odd);
    x[3 * step] = vf_fma(two, db, ec);
    x[4 * step] = vf_fnma(two, db, ec);
    x[5 * step] = vf_fma(four, b, vf_fnma(five, d, f));
}

BODY_INLINE void output_1d(vf *x, int step, int size)
{
    const vf two = vf_set(2.0f), four = vf_set(4.0f), eight = vf_set(8.0f);
    vf a = x[0], sum1 = vf_add(x[step], x[2 * step]), diff1 = vf_sub(x[step], x[2 * step]);
    vf sum2, diff2, f;
    if (size == 2) {
        x[0] = vf_add(a, sum1);
        x[step] = vf_sub(diff1, x[3 * step]);
        return;
    }
    sum2 = vf_add(x[3 * step], x[4 * step]);
    diff2 = vf_sub(x[3 * step], x[4 * step]);
    f = x[5 * step];
    x[0] = vf_add(a, vf_add(sum1, sum2));
    x[step] = vf_fma(two, diff2, diff1);
    x[2 * step] = vf_fma(four, sum2, sum1);
    x[3 * step] = vf_add(f, vf_fma(eight, diff2, diff1));
}

/* A tile of the input that lies inside the map, or partly. */
typedef struct tile_place {
    const float *map;      /* the tile's first position, which may lie outside */
    ptrdiff_t row, column; /* floats from a position to the one below and to the right */
    int y0, y1, x0, x1;    /* rows and columns of the tile that are inside */
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
            int inside = y >= p->y0 && y < p->y1 && x >= p->x0 && x < p->x1;
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
        int y = (g->first + i) / across * size - 1, x = (g->first + i) % across * size - 1, ch = 0;
        float *to = g->out + (size_t)i * (size_t)g->c;
        tile_place p = {.column = g->pitch, .row = (ptrdiff_t)g->w * g->pitch};
        p.map = g->in + y * p.row + x * p.column;
        p.y0 = clamp(-y, 0, n);
        p.y1 = clamp(g->h - y, 0, n);
        p.x0 = clamp(-x, 0, n);
        p.x1 = clamp(g->w - x, 0, n);
        if (p.y0 == 0 && p.y1 == n && p.x0 == 0 && p.x1 == n) {
            const tile_place whole = {p.map, p.row, p.column, 0, n, 0, n};
            for (; ch + VEC_W <= g->c; ch += VEC_W) input_vector(g, &whole, to, ch, VEC_W, size);
        }
        for (; ch < g->c; ch += VEC_W) input_vector(g, &p, to, ch, g->c - ch, size);
    }
}

static void winograd_input(const cptk_winograd *g)
{
    if (g->size == 2) {
        input_tiles(g, 2);
    } else {
        input_tiles(g, 4);
    }
}

/* The tile that a vector of outputs goes to. */
typedef struct output_place {
    float *map;
    ptrdiff_t row, column;
    int rows, columns; /* that are inside */
} output_place;

/* The bias goes into the plane of row 1, column 1, which every output takes with factor 1. */
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
        int y = (g->first + i) / across * size, x = (g->first + i) % across * size, ch = 0;
        output_place p = {
            .column = g->pitch, .row = (ptrdiff_t)g->w * g->pitch, .rows = g->h - y, .columns = g->w - x};
        const float *from = g->in + (size_t)i * (size_t)g->c;
        p.map = g->out + y * p.row + x * p.column;
        for (; ch + VEC_W <= g->c; ch += VEC_W) output_vector(g, &p, from, ch, VEC_W, size);
        if (ch < g->c) output_vector(g, &p, from, ch, g->c - ch, size);
    }
}

static void winograd_output(const cptk_winograd *g)
{
    if (g->size == 2) {
        output_tiles(g, 2);
    } else {
        output_tiles(g, 4);
    }
}

/* ---- bias, max pool ---- */

static void bias_act(float *x, const float *bias, const float *add, size_t rows, int n, int relu)
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

static void maxpool(const float *in, float *out, int h, int w, int c, int y0, int y1)
{
    const vf lowest = vf_set(-INFINITY);
    int out_w = (w + 1) / 2;
    for (int y = y0; y < y1; y++) {
        int top = y > 0 ? 2 * y - 1 : 0, bottom = 2 * y + 2 < h ? 2 * y + 2 : h;
        for (int x = 0; x < out_w; x++) {
            int left = x > 0 ? 2 * x - 1 : 0, right = 2 * x + 2 < w ? 2 * x + 2 : w;
            float *to = out + ((size_t)y * (size_t)out_w + (size_t)x) * (size_t)c;
            for (int ch = 0; ch < c; ch += VEC_W) {
                vf best = lowest;
                for (int ky = top; ky < bottom; ky++) {
                    const float *from = in + ((size_t)ky * (size_t)w + (size_t)left) * (size_t)c + ch;
                    for (int kx = left; kx < right; kx++, from += c) {
                        vf v = vf_next(from, c - ch, lowest);
                        best = vf_select(vf_lt(best, v), v, best);
                    }
                }
                vf_put(to + ch, best, c - ch);
            }
        }
    }
}

void CPTK_NAME(cptk_maps_init)(cptk_kernels *kernels)
{
    kernels->winograd_input = winograd_input;
    kernels->winograd_output = winograd_output;
    kernels->bias_act = bias_act;
    kernels->maxpool = maxpool;
}
