/* winograd_ref.c - the transforms of Winograd F(2x2, 3x3) and F(4x4, 3x3) in plain C: their specification.
 * Interpolation points 0, 1, -1, for the larger also 2, -2, and infinity; the converter transforms the
 * weights with the matching matrices G.  Called through the kernel table. */
#include "kernels/kernels.h"
#include "kernels/kernels_isa.h"

/* One dimension of the input transform, B^T, in place: size + 2 values, `step` floats apart. */
static void input_1d_2(float *x, int step)
{
    float a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
    x[0] = a - c;
    x[step] = b + c;
    x[2 * step] = c - b;
    x[3 * step] = b - d;
}

static void input_1d_4(float *x, int step)
{
    float a = x[0], b = x[step], c = x[2 * step], d = x[3 * step], e = x[4 * step], f = x[5 * step];
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
    float sum = x[step] + x[2 * step], diff = x[step] - x[2 * step];
    x[0] = x[0] + sum;
    x[step] = diff - x[3 * step];
}

static void output_1d_4(float *x, int step)
{
    float a = x[0], f = x[5 * step];
    float sum1 = x[step] + x[2 * step], diff1 = x[step] - x[2 * step];
    float sum2 = x[3 * step] + x[4 * step], diff2 = x[3 * step] - x[4 * step];
    x[0] = a + sum1 + sum2;
    x[step] = diff1 + 2 * diff2;
    x[2 * step] = sum1 + 4 * sum2;
    x[3 * step] = diff1 + 8 * diff2 + f;
}

void cptk_winograd_input_c(const cptk_winograd *g)
{
    int n = g->size + 2, across = (g->w + g->size - 1) / g->size;
    void (*transform)(float *x, int step) = g->size == 2 ? input_1d_2 : input_1d_4;

    for (int i = 0; i < g->count; i++) {
        int y0 = (g->first + i) / across * g->size - 1, x0 = (g->first + i) % across * g->size - 1;
        for (int ch = 0; ch < g->c; ch++) {
            float d[36];
            for (int e = 0; e < n * n; e++) {
                int y = y0 + e / n, x = x0 + e % n;
                int inside = y >= 0 && y < g->h && x >= 0 && x < g->w;
                d[e] = inside ? g->in[((size_t)y * (size_t)g->w + (size_t)x) * (size_t)g->pitch + (size_t)ch]
                              : 0;
            }
            for (int e = 0; e < n; e++) transform(d + e, n);
            for (int e = 0; e < n; e++) transform(d + n * e, 1);
            for (int e = 0; e < n * n; e++) {
                g->out[(size_t)e * g->plane + (size_t)i * (size_t)g->c + (size_t)ch] = d[e];
            }
        }
    }
}

void cptk_winograd_output_c(const cptk_winograd *g)
{
    int n = g->size + 2, across = (g->w + g->size - 1) / g->size;
    void (*transform)(float *x, int step) = g->size == 2 ? output_1d_2 : output_1d_4;

    for (int i = 0; i < g->count; i++) {
        int y0 = (g->first + i) / across * g->size, x0 = (g->first + i) % across * g->size;
        for (int ch = 0; ch < g->c; ch++) {
            float m[36];
            for (int e = 0; e < n * n; e++) {
                m[e] = g->in[(size_t)e * g->plane + (size_t)i * (size_t)g->c + (size_t)ch];
            }
            for (int e = 0; e < n; e++) transform(m + e, n);
            for (int e = 0; e < g->size; e++) transform(m + n * e, 1);
            for (int e = 0; e < g->size * g->size; e++) {
                int y = y0 + e / g->size, x = x0 + e % g->size;
                float v = m[e / g->size * n + e % g->size] + g->bias[ch];
                if (y >= g->h || x >= g->w) continue;
                g->out[((size_t)y * (size_t)g->w + (size_t)x) * (size_t)g->pitch + (size_t)ch] =
                    g->relu && v < 0 ? 0.0f : v;
            }
        }
    }
}
