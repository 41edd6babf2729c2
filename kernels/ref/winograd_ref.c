/* winograd_ref.c - the transforms of Winograd F(4x4, 3x3) in plain C: their specification.  Interpolation
 * points 0, 1, -1, 2, -2 and infinity; the converter transforms the weights with the matching matrix G.
 * Called through the kernel table. */
#include "kernels/kernels.h"
#include "kernels/kernels_isa.h"

/* One dimension of the input transform, B^T: six values, `step` floats apart, in place. */
static void input_1d(float *x, int step)
{
    float a = x[0], b = x[step], c = x[2 * step], d = x[3 * step], e = x[4 * step], f = x[5 * step];

    x[0] = 4 * a - 5 * c + e;
    x[step] = (e - 4 * c) + (d - 4 * b);
    x[2 * step] = (e - 4 * c) - (d - 4 * b);
    x[3 * step] = (e - c) + 2 * (d - b);
    x[4 * step] = (e - c) - 2 * (d - b);
    x[5 * step] = 4 * b - 5 * d + f;
}

/* One dimension of the output transform, A^T: six values become four. */
static void output_1d(float *x, int step)
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
    int across = (g->w + 3) / 4;

    for (int i = 0; i < g->count; i++) {
        int y0 = (g->first + i) / across * 4 - 1, x0 = (g->first + i) % across * 4 - 1;

        for (int ch = 0; ch < g->c; ch++) {
            float d[36];

            for (int e = 0; e < 36; e++) {
                int y = y0 + e / 6, x = x0 + e % 6;
                int inside = y >= 0 && y < g->h && x >= 0 && x < g->w;

                d[e] = inside ? g->in[((size_t)y * (size_t)g->w + (size_t)x) * (size_t)g->c + (size_t)ch] : 0;
            }
            for (int e = 0; e < 6; e++) input_1d(d + e, 6);
            for (int e = 0; e < 6; e++) input_1d(d + 6 * e, 1);
            for (int e = 0; e < 36; e++) {
                g->out[(size_t)e * g->plane + (size_t)i * (size_t)g->c + (size_t)ch] = d[e];
            }
        }
    }
}

void cptk_winograd_output_c(const cptk_winograd *g)
{
    int across = (g->w + 3) / 4;

    for (int i = 0; i < g->count; i++) {
        int y0 = (g->first + i) / across * 4, x0 = (g->first + i) % across * 4;

        for (int ch = 0; ch < g->c; ch++) {
            float m[36];

            for (int e = 0; e < 36; e++) {
                m[e] = g->in[(size_t)e * g->plane + (size_t)i * (size_t)g->c + (size_t)ch];
            }
            for (int e = 0; e < 6; e++) output_1d(m + e, 6);
            for (int e = 0; e < 4; e++) output_1d(m + 6 * e, 1);
            for (int e = 0; e < 16; e++) {
                int y = y0 + e / 4, x = x0 + e % 4;
                float v = m[e / 4 * 6 + e % 4] + g->bias[ch];

                if (y >= g->h || x >= g->w) continue;
                g->out[((size_t)y * (size_t)g->w + (size_t)x) * (size_t)g->c + (size_t)ch] =
                    g->relu && v < 0 ? 0.0f : v;
            }
        }
    }
}
