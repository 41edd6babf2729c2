/* gemm_openblas.c - kernels.h's gemm by OpenBLAS: the only file that sees cblas.h.  Compiled to nothing in
 * builds without it. */
#include "kernels/kernels.h"
#include "kernels/kernels_isa.h"

#if CAPTION_WITH_OPENBLAS
#include <cblas.h>

static void gemm_openblas(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c,
                          int ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, c, ldc);
}

/* OpenBLAS is kept at one thread, for the whole process: the library has its own pool, whose threads call it
 * side by side, and its results must not depend on their number. */
cptk_gemm_fn cptk_gemm_openblas_init(void)
{
    if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
    return gemm_openblas;
}
#else
typedef int cptk_no_openblas; /* a file needs a declaration */
#endif
