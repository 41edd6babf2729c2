/* int16.c - the product of int16 with scales in plain C: its specification, and what runs where no
 * instruction set is known. */
#include "kernels/kernels_isa.h"

static int32_t low(uint32_t word)
{
    return (int16_t)(word & 0xFFFFu);
}

static int32_t high(uint32_t word)
{
    return (int16_t)(word >> 16);
}

static void int16_c(const cptk_int16 *g)
{
    const int words = g->depth / 2 + g->depth % 2;
    for (int m = 0; m < g->rows; m++) {
        for (int j = 0; j < g->n; j++) {
            const uint32_t *a = g->a + (size_t)m * (size_t)words;
            const uint32_t *b = g->b + (size_t)(j / CPTK_PANEL * CPTK_PANEL) * (size_t)words + j % CPTK_PANEL;
            float total = 0;
            uint32_t sum = 0; /* modulo 2^32, in case an element is larger than it may be */
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
    kernels->int16 = int16_c;
}
