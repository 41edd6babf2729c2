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

/* normalize, mean_rows, tanh, gru, lstm, attention, top_lse */
void cptk_cell_init_c(cptk_kernels *kernels);
void cptk_cell_init_avx2(cptk_kernels *kernels);
void cptk_cell_init_avx512(cptk_kernels *kernels);
void cptk_cell_init_neon(cptk_kernels *kernels);

#endif
