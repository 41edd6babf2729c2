/* conv_ref.c - the tile product, the epilogue and the max pool in plain C: their specification, and what runs
 * where no instruction set is known.  Called through the kernel table; never clever. */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/kernels_isa.h"

static float relu_if(float x, int relu)
{
    return relu && x < 0 ? 0.0f : x; /* NaN compares false and stays */
}

/* Columns first..first+width-1 of one row; `first` is a multiple of 16 and width at most 16. */
static void tile_row(const cptk_tile *t, int m, int first, int width)
{
    const float *b = t->b + (size_t)(first / CPTK_PANEL) * t->b_panel;
    float sum[CPTK_PANEL] = {0};
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a = t->a[tap * t->rows + m];
        for (int d = 0; d < t->depth; d++, b += t->b_step) {
            for (int j = 0; j < width; j++) sum[j] += a[d] * b[j];
        }
    }
    for (int j = 0; j < width; j++) {
        float x = sum[j];
        if (t->bias) x += t->bias[first + j];
        if (t->add) x += t->add[(size_t)m * t->add_stride + (size_t)(first + j)];
        t->c[(size_t)m * t->c_stride + (size_t)(first + j)] = relu_if(x, t->relu);
    }
}

static void tile_c(const cptk_tile *t)
{
    for (int m = 0; m < t->rows; m++) {
        for (int first = 0; first < t->n; first += CPTK_PANEL) {
            tile_row(t, m, first, t->n - first < CPTK_PANEL ? t->n - first : CPTK_PANEL);
        }
    }
}

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

void cptk_conv_init_c(cptk_kernels *kernels)
{
    kernels->tile_rows = 4;
    kernels->has_tile = 0;
    kernels->tile = tile_c;
    kernels->winograd_input = cptk_winograd_input_c;
    kernels->winograd_output = cptk_winograd_output_c;
    kernels->bias_act = bias_act_c;
    kernels->maxpool = maxpool_c;
#if CAPTION_WITH_OPENBLAS
    kernels->gemm = cptk_gemm_openblas_init();
#else
    kernels->gemm = cptk_gemm_ref;
#endif
}
