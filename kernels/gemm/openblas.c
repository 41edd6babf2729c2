/* openblas.c - gemm by OpenBLAS, and the only file that sees cblas.h.  Empty in builds without it. */
#include "kernels/kernels_isa.h"

#if CAPTION_WITH_OPENBLAS
#include <cblas.h>

static void gemm_openblas(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c,
                          int ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, c, ldc);
}

/* OpenBLAS is set to one thread, for the whole process.  The library has threads of its own, which call
 * OpenBLAS at the same time, and its results must not depend on their number. */
void cptk_gemm_init_openblas(cptk_kernels *kernels)
{
    if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
    kernels->gemm = gemm_openblas;
}
#else
typedef int cptk_no_openblas; /* C wants a declaration in every file */
#endif
