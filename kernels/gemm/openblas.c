/* openblas.c - gemm_f32 by OpenBLAS.  No other file sees cblas.h.  Empty in builds without OpenBLAS. */
#include "kernels/kernels_isa.h"

#if CAPTION_WITH_OPENBLAS
#include <cblas.h>

static void cptk_gemm_f32_openblas(const cptk_gemm *g)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, g->m, g->n, g->k, 1.0f, g->a, g->lda, g->b, g->ldb,
                0.0f, g->c, g->ldc);
}

/* OpenBLAS is set to one thread, for the whole process.  The library has threads of its own, which call
 * OpenBLAS at the same time, and its results must not depend on their number. */
void cptk_gemm_init_openblas(cptk_kernels *kernels)
{
    if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
    kernels->gemm_f32 = cptk_gemm_f32_openblas;
}
#else
typedef int cptk_no_openblas; /* C wants a declaration in every file */
#endif
