/* int16.c - rounding to int16 and the product of int16 with scales in plain C: their specification, and what
 * runs where no instruction set is known. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/kernels_isa.h"
#include "kernels/ref/math.h"

/* ---- rounding ---- */

/* |x| and the largest magnitude in it.  NaN shows in the length alone. */
static float measure(const float *x, int n, float *largest)
{
    float squares[CPTK_PARTS] = {0}, most = 0;
    for (int i = 0; i < n; i++) {
        const float size = fabsf(x[i]);
        squares[i % CPTK_PARTS] += size * size;
        most = size > most ? size : most;
    }
    *largest = most;
    return sqrtf(join_parts(squares));
}

static void cptk_round_i16_c(const float *x, int n, uint32_t *pairs, cptk_rounded *rounded)
{
    float largest, squares[CPTK_PARTS] = {0};
    const float length = measure(x, n, &largest), scale = largest / CPTK_INT16_MOST, inverse = 1 / scale;
    memset(pairs, 0, ((size_t)n + 1) / 2 * sizeof *pairs);
    if (!isfinite(length) || scale < FLT_MIN) {
        *rounded = (cptk_rounded){.scale = 0, .length = length, .moved = length};
        return;
    }
    for (int i = 0; i < n; i++) {
        const float near = rintf(x[i] * inverse), off = near * scale - x[i];
        pairs[i / 2] |= (uint32_t)(uint16_t)(int16_t)near << i % 2 * 16;
        squares[i % CPTK_PARTS] += off * off;
    }
    *rounded = (cptk_rounded){.scale = scale, .length = length, .moved = sqrtf(join_parts(squares))};
}

/* ---- product ---- */

static int32_t low(uint32_t word)
{
    return (int16_t)(word & 0xFFFFu);
}

static int32_t high(uint32_t word)
{
    return (int16_t)(word >> 16);
}

static void cptk_product_i16_c(const cptk_product *g)
{
    const int words = g->depth / 2 + g->depth % 2;
    for (int m = 0; m < g->rows; m++) {
        for (int j = 0; j < g->n; j++) {
            const uint32_t *a = g->a + (size_t)m * (size_t)words;
            const uint32_t *b = g->b + (size_t)(j / CPTK_PANEL * CPTK_PANEL) * (size_t)words + j % CPTK_PANEL;
            float total = 0;
            uint32_t sum = 0; /* unsigned, so that it may overflow where an element is larger than allowed */
            for (int k = 0; k < words; k++, b += CPTK_PANEL) {
                sum += (uint32_t)(low(a[k]) * low(*b)) + (uint32_t)(high(a[k]) * high(*b));
                if ((k + 1) % (CPTK_INT16_BLOCK / 2) && k + 1 < words) continue;
                total += (float)(int32_t)sum;
                sum = 0;
            }
            g->c[(size_t)m * g->c_stride + (size_t)j] = total * (g->a_scale[m] * g->b_scale[j]) + g->bias[j];
        }
    }
}

void cptk_int16_init_c(cptk_kernels *kernels)
{
    kernels->round_i16 = cptk_round_i16_c;
    kernels->product_i16 = cptk_product_i16_c;
}
