/* int8.c - the tile product of bytes, quantisation and the max pool of bytes in plain C: the specification of
 * these slots, and what runs where no instruction set is known. */
#include "kernels/kernels_isa.h"
#include "kernels/ref/finish_int8.h"

/* ---- the tile ---- */

/* sum[j] of columns first..first+15 of row m; `first` is a multiple of 16. */
static void sum_row(const cptk_tile_int8 *t, int m, int first, int32_t *sum)
{
    const int8_t *b = t->b + (size_t)(first / CPTK_PANEL) * t->b_panel;
    for (int j = 0; j < CPTK_PANEL; j++) sum[j] = 0;
    for (int tap = 0; tap < t->taps; tap++) {
        const uint8_t *a = t->a[tap * t->rows + m];
        for (int d = 0; d < t->depth; d += CPTK_QUAD, b += CPTK_PANEL * CPTK_QUAD) {
            for (int j = 0; j < CPTK_PANEL; j++) {
                for (int i = 0; i < CPTK_QUAD; i++) sum[j] += a[d + i] * b[j * CPTK_QUAD + i];
            }
        }
    }
}

static void cptk_tile_u8_c(const cptk_tile_int8 *t)
{
    int32_t sum[CPTK_PANEL];
    for (int m = 0; m < t->rows; m++) {
        for (int j = 0; j < t->n; j++) {
            if (j % CPTK_PANEL == 0) sum_row(t, m, j, sum);
            cptk_finish_int8(&t->out, sum[j % CPTK_PANEL], m, j);
        }
    }
}

/* ---- passes ---- */

static void cptk_quantize_u8_c(const float *x, uint8_t *q, int n, float inverse, float zero)
{
    for (int i = 0; i < n; i++) q[i] = (uint8_t)cptk_nearest(x[i] * inverse + zero, 255);
}

/* The maxima around row 2y, column 2x, of all channels. */
static void pool_position(const cptk_maxpool *p, int y, int x, uint8_t *to)
{
    const uint8_t *in = p->in;
    for (int ch = 0; ch < p->c; ch++) to[ch] = 0;
    for (int ky = 2 * y - 1; ky <= 2 * y + 1; ky++) {
        for (int kx = 2 * x - 1; kx <= 2 * x + 1; kx++) {
            if (ky < 0 || ky >= p->h || kx < 0 || kx >= p->w) continue;
            const uint8_t *from =
                in + (cptk_row_at(ky, p->in_ring) * (size_t)p->w + (size_t)kx) * (size_t)p->pitch;
            for (int ch = 0; ch < p->c; ch++) to[ch] = from[ch] > to[ch] ? from[ch] : to[ch];
        }
    }
}

static void cptk_maxpool_u8_c(const cptk_maxpool *p)
{
    const int out_w = (p->w + 1) / 2;
    for (int y = p->y0; y < p->y1; y++) {
        const size_t row = cptk_row_at(y, p->out_ring) * (size_t)out_w;
        for (int x = 0; x < out_w; x++) {
            const size_t at = (row + (size_t)x) * (size_t)p->pitch;
            pool_position(p, y, x, (uint8_t *)p->out + at);
        }
    }
}

void cptk_int8_init_c(cptk_kernels *kernels)
{
    kernels->tile_u8 = cptk_tile_u8_c;
    kernels->tile_rows_u8 = CPTK_MAX_ROWS;
    kernels->quantize_u8 = cptk_quantize_u8_c;
    kernels->maxpool_u8 = cptk_maxpool_u8_c;
    kernels->winograd_u8_pays = false;
}
