/* conv_maps.c - passes over maps for every instruction set: the transforms of Winograd F(4x4, 3x3), bias and
 * ReLU, max pool.  Vectorised over channels.  Compiled once per instruction set; called through the kernel
 * table.  kernels/ref says what they compute. */
#include "kernels/body/vec.h"

#include <math.h>

#include "kernels/kernels.h"
#include "kernels/body/conv_body.h"

/* ---- Winograd ----------------------------------------------------------------------------------------- */

BODY_INLINE void input_1d(vf *x, int step)
{
    const vf two = vf_set(2.0f), four = vf_set(4.0f), five = vf_set(5.0f);
    vf a = x[0], b = x[step], c = x[2 * step], d = x[3 * step], e = x[4 * step], f = x[5 * step];
    vf even = vf_fnma(four, c, e), odd = vf_fnma(four, b, d), ec = vf_sub(e, c), db = vf_sub(d, b);

    x[0] = vf_fma(four, a, vf_fnma(five, c, e));
    x[step] = vf_add(even, odd);
    x[2 * step] = vf_sub(even, odd);
    x[3 * step] = vf_fma(two, db, ec);
    x[4 * step] = vf_fnma(two, db, ec);
    x[5 * step] = vf_fma(four, b, vf_fnma(five, d, f));
}

BODY_INLINE void output_1d(vf *x, int step)
{
    const vf two = vf_set(2.0f), four = vf_set(4.0f), eight = vf_set(8.0f);
    vf a = x[0], f = x[5 * step];
    vf sum1 = vf_add(x[step], x[2 * step]), diff1 = vf_sub(x[step], x[2 * step]);
    vf sum2 = vf_add(x[3 * step], x[4 * step]), diff2 = vf_sub(x[3 * step], x[4 * step]);

    x[0] = vf_add(a, vf_add(sum1, sum2));
    x[step] = vf_fma(two, diff2, diff1);
    x[2 * step] = vf_fma(four, sum2, sum1);
    x[3 * step] = vf_add(f, vf_fma(eight, diff2, diff1));
}

/* A tile of the input that lies inside the map, or partly: then `inside` tells for each of the 36 positions.
 */
typedef struct tile_place {
    const float *map;      /* the tile's first position, which may lie outside */
    ptrdiff_t row, column; /* floats from a position to the one below and to the right */
    int y0, y1, x0, x1;    /* rows and columns of the 6 x 6 that are inside */
} tile_place;

BODY_INLINE void input_vector(const cptk_winograd *g, const tile_place *p, float *to, int ch, int left)
{
    const vf zero = vf_set(0.0f);
    vf d[36];

    BODY_UNROLL
    for (int y = 0; y < 6; y++) {
        BODY_UNROLL
        for (int x = 0; x < 6; x++) {
            int inside = y >= p->y0 && y < p->y1 && x >= p->x0 && x < p->x1;

            d[6 * y + x] = inside ? vf_next(p->map + y * p->row + x * p->column + ch, left, zero) : zero;
        }
    }
    BODY_UNROLL
    for (int x = 0; x < 6; x++) input_1d(d + x, 6);
    BODY_UNROLL
    for (int y = 0; y < 6; y++) {
        input_1d(d + 6 * y, 1);
        BODY_UNROLL
        for (int x = 0; x < 6; x++) vf_put(to + (size_t)(6 * y + x) * g->plane + ch, d[6 * y + x], left);
    }
}

static int clamp(int x, int low, int high)
{
    return x < low ? low : x > high ? high : x;
}

static void winograd_input(const cptk_winograd *g)
{
    int across = (g->w + 3) / 4;

    for (int i = 0; i < g->count; i++) {
        int y = (g->first + i) / across * 4 - 1, x = (g->first + i) % across * 4 - 1, ch = 0;
        float *to = g->out + (size_t)i * (size_t)g->c;
        tile_place p = {.column = g->c, .row = (ptrdiff_t)g->w * g->c};

        p.map = g->in + y * p.row + x * p.column;
        p.y0 = clamp(-y, 0, 6);
        p.y1 = clamp(g->h - y, 0, 6);
        p.x0 = clamp(-x, 0, 6);
        p.x1 = clamp(g->w - x, 0, 6);
        if (p.y0 == 0 && p.y1 == 6 && p.x0 == 0 && p.x1 == 6) {
            const tile_place whole = {p.map, p.row, p.column, 0, 6, 0, 6};

            for (; ch + VEC_W <= g->c; ch += VEC_W) input_vector(g, &whole, to, ch, VEC_W);
        }
        for (; ch < g->c; ch += VEC_W) input_vector(g, &p, to, ch, g->c - ch);
    }
}

/* The bias goes into plane 7 (row 1, column 1), which every output takes with factor 1. */
BODY_INLINE void output_vector(const cptk_winograd *g, const tile_place *p, const float *from, float *to,
                               const float *bias, int left)
{
    const vf zero = vf_set(0.0f);
    vf m[36];

    BODY_UNROLL
    for (int e = 0; e < 36; e++) m[e] = vf_next(from + (size_t)e * g->plane, left, zero);
    m[7] = vf_add(m[7], vf_next(bias, left, zero));
    BODY_UNROLL
    for (int x = 0; x < 6; x++) output_1d(m + x, 6);
    BODY_UNROLL
    for (int y = 0; y < 4; y++) {
        output_1d(m + 6 * y, 1);
        BODY_UNROLL
        for (int x = 0; x < 4; x++) {
            if (y < p->y1 && x < p->x1) {
                vf v = m[6 * y + x];

                if (g->relu) v = body_relu(v);
                vf_put(to + y * p->row + x * p->column, v, left);
            }
        }
    }
}

static void winograd_output(const cptk_winograd *g)
{
    int across = (g->w + 3) / 4;

    for (int i = 0; i < g->count; i++) {
        int y = (g->first + i) / across * 4, x = (g->first + i) % across * 4;
        tile_place p = {.column = g->c, .row = (ptrdiff_t)g->w * g->c};
        float *to = g->out + y * p.row + x * p.column;
        const float *from = g->in + (size_t)i * (size_t)g->c;

        int ch = 0;

        p.y1 = g->h - y;
        p.x1 = g->w - x;
        for (; ch + VEC_W <= g->c; ch += VEC_W) output_vector(g, &p, from + ch, to + ch, g->bias + ch, VEC_W);
        if (ch < g->c) output_vector(g, &p, from + ch, to + ch, g->bias + ch, g->c - ch);
    }
}

/* ---- bias, max pool ----------------------------------------------------------------------------------- */

static void bias_act(float *x, const float *bias, const float *add, size_t rows, int n, int relu)
{
    const vf zero = vf_set(0.0f);

    for (size_t r = 0; r < rows; r++, x += n) {
        for (int j = 0; j < n; j += VEC_W) {
            vf v = vf_next(x + j, n - j, zero);

            if (bias) v = vf_add(v, vf_next(bias + j, n - j, zero));
            if (add) v = vf_add(v, vf_next(add + r * (size_t)n + j, n - j, zero));
            if (relu) v = body_relu(v);
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

void CPTK_NAME(cptk_conv_maps_init)(cptk_kernels *kernels)
{
    kernels->winograd_input = winograd_input;
    kernels->winograd_output = winograd_output;
    kernels->bias_act = bias_act;
    kernels->maxpool = maxpool;
}
