/* kernels_isa.h - the functions that fill the kernel table, one per family and instruction set.  Called by
 * kernels.c only, and compiled only for the architecture that has them; each overwrites the slots it has a
 * better kernel for and leaves the others. */
#ifndef CPTK_KERNELS_ISA_H
#define CPTK_KERNELS_ISA_H

#include "kernels/kernels.h"

/* tile, Winograd, gemm, bias_act, maxpool */
void cptk_conv_init_c(cptk_kernels *kernels);
void cptk_conv_init_avx2(cptk_kernels *kernels);
void cptk_conv_init_avx512(cptk_kernels *kernels);
void cptk_conv_init_neon(cptk_kernels *kernels);

/* int16; AVX-512 with VNNI has nothing else */
void cptk_int16_init_c(cptk_kernels *kernels);
void cptk_int16_init_avx2(cptk_kernels *kernels);
void cptk_int16_init_avx512(cptk_kernels *kernels);
void cptk_int16_init_avx512vnni(cptk_kernels *kernels);
void cptk_int16_init_neon(cptk_kernels *kernels);

/* plain C that cptk_conv_init_c puts together from other files; gemm_openblas.c exists only with OpenBLAS */
void cptk_winograd_input_c(const cptk_winograd *args);
void cptk_winograd_output_c(const cptk_winograd *args);
typedef void (*cptk_gemm_fn)(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c,
                             int ldc);
void cptk_gemm_ref(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc);
cptk_gemm_fn cptk_gemm_openblas_init(void);

/* normalize, mean_rows, tanh, gru, lstm, attention, top_lse */
void cptk_cell_init_c(cptk_kernels *kernels);
void cptk_cell_init_avx2(cptk_kernels *kernels);
void cptk_cell_init_avx512(cptk_kernels *kernels);
void cptk_cell_init_neon(cptk_kernels *kernels);

#endif
