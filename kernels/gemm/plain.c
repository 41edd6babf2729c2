/* plain.c - gemm_f32 in plain C: its specification, and what runs where OpenBLAS is not built in or not
 * installed. */
#include "kernels/kernels_isa.h"

enum { COLUMNS = 64 }; /* of a row of c, summed in a local array while k runs */

static void cptk_gemm_f32_c(const cptk_gemm *g)
{
    for (int j0 = 0; j0 < g->n; j0 += COLUMNS) {
        const int width = g->n - j0 < COLUMNS ? g->n - j0 : COLUMNS;
        for (int i = 0; i < g->m; i++) {
            float sum[COLUMNS] = {0};
            for (int p = 0; p < g->k; p++) {
                const float x = g->a[(size_t)i * (size_t)g->lda + (size_t)p];
                const float *row = g->b + (size_t)p * (size_t)g->ldb + (size_t)j0;
                for (int j = 0; j < width; j++) sum[j] += x * row[j];
            }
            float *to = g->c + (size_t)i * (size_t)g->ldc + (size_t)j0;
            for (int j = 0; j < width; j++) to[j] = sum[j];
        }
    }
}

void cptk_gemm_init_c(cptk_kernels *kernels)
{
    kernels->gemm_f32 = cptk_gemm_f32_c;
#if CAPTION_WITH_OPENBLAS
    kernels->has_gemm = true;
#endif
}
