/* maps.c - passes over maps in plain C: Winograd transforms, bias and ReLU, max pool, normalize.  This is
 * their specification, and what runs where no instruction set is known. */
#include <math.h>

#include "kernels/kernels_isa.h"

static float relu_if(float x, int relu)
{
    return relu && x < 0 ? 0.0f : x; /* NaN compares false and stays */
}

/* ---- Winograd F(2x2, 3x3) and F(4x4, 3x3) ---- */

/* Interpolation points are 0, 1, -1, for the larger also 2, -2, and infinity.  capconvert transforms the
 * weights with the matching matrices G. */

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

static void cptk_winograd_input_c(const cptk_winograd *g)
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

static void cptk_winograd_output_c(const cptk_winograd *g)
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

/* ---- bias, max pool, normalize ---- */

static void bias_act_c(float *x, const float *bias, const float *add, size_t rows, int n, int relu)
{
    for (size_t r = 0; r < rows; r++) {
        for (int j = 0; j < n; j++) {
            size_t at = r * (size_t)n + (size_t)j;
            float sum = bias ? x[at] + bias[j] : x[at]; /* adding 0 would change -0 */
            x[at] = relu_if(add ? sum + add[at] : sum, relu);
        }
    }
}

static void maxpool_c(const float *in, float *out, int h, int w, int c, int y0, int y1)
{
    int out_w = (w + 1) / 2;
    for (int y = y0; y < y1; y++) {
        for (int x = 0; x < out_w; x++) {
            float *to = out + ((size_t)y * (size_t)out_w + (size_t)x) * (size_t)c;
            for (int ch = 0; ch < c; ch++) {
                float best = -INFINITY;
                for (int ky = 2 * y - 1; ky <= 2 * y + 1; ky++) {
                    for (int kx = 2 * x - 1; kx <= 2 * x + 1; kx++) {
                        float v;
                        if (ky < 0 || ky >= h || kx < 0 || kx >= w) continue;
                        v = in[((size_t)ky * (size_t)w + (size_t)kx) * (size_t)c + (size_t)ch];
                        if (v > best) best = v;
                    }
                }
                to[ch] = best;
            }
        }
    }
}

/* A byte has 256 values: a table of the results, which is exact and needs no vector form. */
static void cptk_normalize_u8_c(const uint8_t *in, float *out, int n, const float mean[3], const float std[3])
{
    float table[3][256];
    for (int c = 0; c < 3; c++) {
        for (int v = 0; v < 256; v++) table[c][v] = ((float)v / 255.0f - mean[c]) / std[c];
    }
    for (size_t i = 0; i < (size_t)n * 3; i += 3) {
        for (size_t c = 0; c < 3; c++) out[i + c] = table[c][in[i + c]];
    }
}

void cptk_maps_init_c(cptk_kernels *kernels)
{
    kernels->winograd_input = cptk_winograd_input_c;
    kernels->winograd_output = cptk_winograd_output_c;
    kernels->bias_act = bias_act_c;
    kernels->maxpool = maxpool_c;
    kernels->normalize = cptk_normalize_u8_c;
}
