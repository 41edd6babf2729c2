/* openblas.c - gemm_f32 by OpenBLAS.  No other file sees cblas.h.  In builds without OpenBLAS nothing is
 * loaded.
 *
 * OpenBLAS is loaded for those who need it, not linked with the program: its start takes as long as a small
 * caption (it asks for the processor's kind, relocates kernels for all kinds, and starts threads), and only
 * im2col uses it. */
#include "kernels/kernels_isa.h"

#if CAPTION_WITH_OPENBLAS
#include <cblas.h>
#include <dlfcn.h>
#include <string.h>

/* The version of the binary interface that cblas.h belongs to. */
#if defined(__APPLE__)
#define LIBRARY "libopenblas.0.dylib"
#else
#define LIBRARY "libopenblas.so.0"
#endif

/* the types that cblas.h gives these functions */
typedef __typeof__(&cblas_sgemm) sgemm_fn;
typedef __typeof__(&openblas_get_num_threads) get_threads_fn;
typedef __typeof__(&openblas_set_num_threads) set_threads_fn;

static void cptk_gemm_f32_openblas(const cptk_gemm *g)
{
    const sgemm_fn sgemm = (sgemm_fn)g->sgemm;
    sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, g->m, g->n, g->k, 1.0f, g->a, g->lda, g->b, g->ldb, 0.0f,
          g->c, g->ldc);
}

/* Puts the address of a function into the pointer at `to`; C has no cast from one to the other. */
static bool find(void *library, const char *name, void *to)
{
    void *const address = dlsym(library, name);
    memcpy(to, &address, sizeof address);
    return address != NULL;
}

/* OpenBLAS is set to one thread, for the whole process.  The library has threads of its own, which call
 * OpenBLAS at the same time, and its results must not depend on their number. */
void cptk_gemm_load(cptk_kernels *kernels)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); /* stays until the process ends */
    get_threads_fn get_threads;
    set_threads_fn set_threads;
    sgemm_fn sgemm;
    if (!library || !find(library, "openblas_get_num_threads", &get_threads) ||
        !find(library, "openblas_set_num_threads", &set_threads) || !find(library, "cblas_sgemm", &sgemm)) {
        return;
    }
    if (get_threads() != 1) set_threads(1);
    kernels->sgemm = (void (*)(void))sgemm;
    kernels->gemm_f32 = cptk_gemm_f32_openblas;
}
#else
void cptk_gemm_load(cptk_kernels *kernels)
{
    (void)kernels;
}
#endif
