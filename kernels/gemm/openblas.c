/* openblas.c - gemm_f32 by OpenBLAS.  No other file sees cblas.h.  Empty in builds without OpenBLAS.
 *
 * OpenBLAS is loaded at the first product and not with the program: starting it takes as long as a small
 * caption (it asks for the processor's kind, relocates kernels for all kinds, and starts threads), and only
 * im2col needs it.  Where it can't be loaded, the product in plain C takes its place. */
#include "kernels/kernels_isa.h"

#if CAPTION_WITH_OPENBLAS
#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/* The version of the binary interface that cblas.h belongs to. */
#if defined(__APPLE__)
#define LIBRARY "libopenblas.0.dylib"
#else
#define LIBRARY "libopenblas.so.0"
#endif

/* the types that cblas.h gives these functions */
typedef __typeof__(&cblas_sgemm) sgemm_fn;
typedef __typeof__(&openblas_set_num_threads) set_threads_fn;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sgemm_fn sgemm; /* NULL: there is none */

/* Puts the address of a function into the pointer at `to`; C has no cast from one to the other. */
static bool find(void *library, const char *name, void *to)
{
    void *const address = dlsym(library, name);
    memcpy(to, &address, sizeof address);
    return address != NULL;
}

/* OpenBLAS is set to one thread, for the whole process.  The library has threads of its own, which call
 * OpenBLAS at the same time, and its results must not depend on their number. */
static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    set_threads_fn set_threads;
    sgemm_fn found;
    if (!library || !find(library, "openblas_set_num_threads", &set_threads) ||
        !find(library, "cblas_sgemm", &found)) {
        return;
    }
    set_threads(1);
    sgemm = found;
}

static void cptk_gemm_f32_openblas(const cptk_gemm *g)
{
    pthread_once(&once, load);
    if (!sgemm) {
        cptk_gemm_f32_c(g);
        return;
    }
    sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, g->m, g->n, g->k, 1.0f, g->a, g->lda, g->b, g->ldb, 0.0f,
          g->c, g->ldc);
}

void cptk_gemm_init_openblas(cptk_kernels *kernels)
{
    kernels->gemm_f32 = cptk_gemm_f32_openblas;
}
#else
typedef int cptk_no_openblas; /* C wants a declaration in every file */
#endif
