/* maps.c - passes over maps in plain C: Winograd transforms, bias and ReLU, max pool, normalize.  This is
 * their specification, and what runs where no instruction set is known. */
#include <math.h>

#include "kernels/kernels_isa.h"

/* ---- Winograd F(2x2, 3x3) and F(4x4, 3x3) ---- */

/* The interpolation points are 0, 1, -1 and infinity, for F(4x4, 3x3) also 2 and -2.  The weights must have
 * been transformed with the matrices G for the same points. */

enum { MOST_PLANES = 36 };

/* One dimension of the input transform, B^T, in place: size + 2 values, `step` floats apart. */
static void input_1d_2(float *x, int step)
{
    const float a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
    x[0] = a - c;
    x[step] = b + c;
    x[2 * step] = c - b;
    x[3 * step] = b - d;
}

static void input_1d_4(float *x, int step)
{
    const float a = x[0], b = x[step], c = x[2 * step], d = x[3 * step], e = x[4 * step], f = x[5 * step];
    x[0] = 4 * a - 5 * c + e;
    x[step] = (e - 4 * c) + (d - 4 * b);
    x[2 * step] = (e - 4 * c) - (d - 4 * b);
    x[3 * step] = (e - c) + 2 * (d - b);
    x[4 * step] = (e - c) - 2 * (d - b);
    x[5 * step] = 4 * b - 5 * d + f;
}

/* One dimension of the output transform, A^T: size + 2 values become `size`. */
static void output_1d_2(float *x, int step)
{
    const float sum = x[step] + x[2 * step], diff = x[step] - x[2 * step];
    x[0] = x[0] + sum;
    x[step] = diff - x[3 * step];
}

static void output_1d_4(float *x, int step)
{
    const float a = x[0], f = x[5 * step];
    const float sum1 = x[step] + x[2 * step], diff1 = x[step] - x[2 * step];
    const float sum2 = x[3 * step] + x[4 * step], diff2 = x[3 * step] - x[4 * step];
    x[0] = a + sum1 + sum2;
    x[step] = diff1 + 2 * diff2;
    x[2 * step] = sum1 + 4 * sum2;
    x[3 * step] = diff1 + 8 * diff2 + f;
}

static size_t map_at(const cptk_winograd *g, int y, int x, int ch)
{
    return ((size_t)y * (size_t)g->w + (size_t)x) * (size_t)g->pitch + (size_t)ch;
}

static size_t plane_at(const cptk_winograd *g, int plane, int tile, int ch)
{
    return (size_t)plane * g->plane + (size_t)tile * (size_t)g->c + (size_t)ch;
}

/* Channel ch of tile first + i, whose first output is at y0, x0. */
static void input_tile(const cptk_winograd *g, int i, int y0, int x0, int ch)
{
    void (*const transform)(float *x, int step) = g->size == 2 ? input_1d_2 : input_1d_4;
    const int n = g->size + 2;
    float d[MOST_PLANES];
    for (int e = 0; e < n * n; e++) {
        const int y = y0 - 1 + e / n, x = x0 - 1 + e % n;
        const bool inside = y >= 0 && y < g->h && x >= 0 && x < g->w;
        d[e] = inside ? g->in[map_at(g, y, x, ch)] : 0;
    }
    for (int e = 0; e < n; e++) transform(d + e, n);
    for (int e = 0; e < n; e++) transform(d + n * e, 1);
    for (int e = 0; e < n * n; e++) g->out[plane_at(g, e, i, ch)] = d[e];
}

static void output_tile(const cptk_winograd *g, int i, int y0, int x0, int ch)
{
    void (*const transform)(float *x, int step) = g->size == 2 ? output_1d_2 : output_1d_4;
    const int n = g->size + 2;
    float m[MOST_PLANES];
    for (int e = 0; e < n * n; e++) m[e] = g->in[plane_at(g, e, i, ch)];
    for (int e = 0; e < n; e++) transform(m + e, n);
    for (int e = 0; e < g->size; e++) transform(m + n * e, 1);
    for (int e = 0; e < g->size * g->size; e++) {
        const int y = y0 + e / g->size, x = x0 + e % g->size;
        const float v = m[e / g->size * n + e % g->size] + g->bias[ch];
        if (y < g->h && x < g->w) g->out[map_at(g, y, x, ch)] = g->relu && v < 0 ? 0.0f : v;
    }
}

static void for_each_tile(const cptk_winograd *g,
                          void (*work)(const cptk_winograd *g, int i, int y0, int x0, int ch))
{
    const int across = (g->w + g->size - 1) / g->size;
    for (int i = 0; i < g->count; i++) {
        const int y0 = (g->first + i) / across * g->size, x0 = (g->first + i) % across * g->size;
        for (int ch = 0; ch < g->c; ch++) work(g, i, y0, x0, ch);
    }
}

static void cptk_winograd_input_f32_c(const cptk_winograd *g)
{
    for_each_tile(g, input_tile);
}

static void cptk_winograd_output_f32_c(const cptk_winograd *g)
{
    for_each_tile(g, output_tile);
}

/* ---- bias, max pool, normalize ---- */

static void cptk_bias_act_f32_c(float *x, const float *bias, const float *add, size_t rows, int n, bool relu)
{
    for (size_t r = 0; r < rows; r++) {
        for (int j = 0; j < n; j++) {
            const size_t at = r * (size_t)n + (size_t)j;
            if (bias) x[at] += bias[j]; /* adding 0 instead of nothing would change -0 */
            if (add) x[at] += add[at];
            if (relu && x[at] < 0) x[at] = 0; /* NaN is not below 0 */
        }
    }
}

/* The maxima around row 2y, column 2x, of all channels. */
static void pool_position(const cptk_maxpool *p, int y, int x, float *to)
{
    const float *in = p->in;
    for (int ch = 0; ch < p->c; ch++) to[ch] = -INFINITY;
    for (int ky = 2 * y - 1; ky <= 2 * y + 1; ky++) {
        for (int kx = 2 * x - 1; kx <= 2 * x + 1; kx++) {
            if (ky < 0 || ky >= p->h || kx < 0 || kx >= p->w) continue;
            const float *from =
                in + (cptk_row_at(ky, p->in_ring) * (size_t)p->w + (size_t)kx) * (size_t)p->pitch;
            for (int ch = 0; ch < p->c; ch++) to[ch] = from[ch] > to[ch] ? from[ch] : to[ch];
        }
    }
}

static void cptk_maxpool_f32_c(const cptk_maxpool *p)
{
    const int out_w = (p->w + 1) / 2;
    for (int y = p->y0; y < p->y1; y++) {
        const size_t row = cptk_row_at(y, p->out_ring) * (size_t)out_w;
        for (int x = 0; x < out_w; x++) {
            const size_t at = (row + (size_t)x) * (size_t)p->pitch;
            pool_position(p, y, x, (float *)p->out + at);
        }
    }
}

/* It needs no vector form: it is called once for each pixel of an image. */
static void cptk_normalize_u8_c(const uint8_t *in, float *out, int n, const float mean[3], const float std[3])
{
    for (size_t i = 0; i < (size_t)n * 3; i += 3) {
        for (size_t c = 0; c < 3; c++) out[i + c] = ((float)in[i + c] / 255.0f - mean[c]) / std[c];
    }
}

void cptk_maps_init_c(cptk_kernels *kernels)
{
    kernels->winograd_input_f32 = cptk_winograd_input_f32_c;
    kernels->winograd_output_f32 = cptk_winograd_output_f32_c;
    kernels->bias_act_f32 = cptk_bias_act_f32_c;
    kernels->maxpool_f32 = cptk_maxpool_f32_c;
    kernels->normalize_u8 = cptk_normalize_u8_c;
}
