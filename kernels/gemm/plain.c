/* plain.c - gemm in plain C: its specification, and what runs where OpenBLAS is not built in. */
#include "kernels/kernels_isa.h"

enum { COLUMNS = 64 }; /* of one row, held in a local array while k runs */

static void gemm_c(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
    for (int j0 = 0; j0 < n; j0 += COLUMNS) {
        int width = n - j0 < COLUMNS ? n - j0 : COLUMNS;
        for (int i = 0; i < m; i++) {
            float sum[COLUMNS] = {0};
            for (int p = 0; p < k; p++) {
                float x = a[(size_t)i * (size_t)lda + (size_t)p];
                const float *row = b + (size_t)p * (size_t)ldb + (size_t)j0;
                for (int j = 0; j < width; j++) sum[j] += x * row[j];
            }
            for (int j = 0; j < width; j++) c[(size_t)i * (size_t)ldc + (size_t)(j0 + j)] = sum[j];
        }
    }
}

void cptk_gemm_init_c(cptk_kernels *kernels)
{
    kernels->gemm = gemm_c;
}
