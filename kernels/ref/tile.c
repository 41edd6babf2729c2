/* tile.c - the tile product in plain C: its specification, and what runs where no instruction set is known.
 */
#include "kernels/kernels_isa.h"

/* Columns first..first+width-1 of row m; `first` is a multiple of 16 and width at most 16.  Sums are taken of
 * all 16 columns of the panel, which is filled up with zeros: a constant number lets compilers unroll. */
static void tile_row(const cptk_tile *t, int m, int first, int width)
{
    const float *b = t->b + (size_t)(first / CPTK_PANEL) * t->b_panel;
    float sum[CPTK_PANEL] = {0};
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a = t->a[tap * t->rows + m];
        for (int d = 0; d < t->depth; d++, b += CPTK_PANEL) {
            for (int j = 0; j < CPTK_PANEL; j++) sum[j] += a[d] * b[j];
        }
    }
    for (int j = 0; j < width; j++) {
        float x = sum[j];
        if (t->bias) x += t->bias[first + j];
        if (t->add) x += t->add[(size_t)m * t->add_stride + (size_t)(first + j)];
        if (t->relu && x < 0) x = 0; /* NaN is not below 0 */
        t->c[(size_t)m * t->c_stride + (size_t)(first + j)] = x;
    }
}

static void cptk_tile_f32_c(const cptk_tile *t)
{
    for (int m = 0; m < t->rows; m++) {
        for (int first = 0; first < t->n; first += CPTK_PANEL) {
            tile_row(t, m, first, t->n - first < CPTK_PANEL ? t->n - first : CPTK_PANEL);
        }
    }
}

void cptk_tile_init_c(cptk_kernels *kernels)
{
    kernels->tile_f32 = cptk_tile_f32_c;
    kernels->tile_rows = 4;
    kernels->has_tile = false;
}
