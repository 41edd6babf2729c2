/* kernels_isa.h - the functions that fill the kernel table, for kernels.c and the files that define them.
 *
 * Each file of kernels/ref and kernels/simd has one, cptk_<file>_init_<isa>.  It overwrites the slots for
 * which the file has kernels and leaves the others.  A file is compiled only for architectures that have the
 * instruction set, so a declaration does not mean that the function exists. */
#ifndef CPTK_KERNELS_ISA_H
#define CPTK_KERNELS_ISA_H

#include "kernels/kernels.h"

/*  tile    the tile product
 *  maps    passes over maps: Winograd transforms, bias and ReLU, max pool; in plain C also normalize
 *  cells   GRU, LSTM, attention, tanh, weighted sums of rows
 *  reduce  mean over rows, top k with log-sum-exp
 *  int16   rounding to int16 and the product of int16
 *  int8    the tile product of bytes, quantisation, max pool of bytes
 *  winograd_int8
 *          Winograd's convolution of bytes */
#define CPTK_DECLARE_INIT(isa)                          \
    void cptk_tile_init_##isa(cptk_kernels *kernels);   \
    void cptk_maps_init_##isa(cptk_kernels *kernels);   \
    void cptk_cells_init_##isa(cptk_kernels *kernels);  \
    void cptk_reduce_init_##isa(cptk_kernels *kernels); \
    void cptk_int16_init_##isa(cptk_kernels *kernels);  \
    void cptk_int8_init_##isa(cptk_kernels *kernels);   \
    void cptk_winograd_int8_init_##isa(cptk_kernels *kernels);

CPTK_DECLARE_INIT(c)
CPTK_DECLARE_INIT(avx2)
CPTK_DECLARE_INIT(avx512)
CPTK_DECLARE_INIT(neon)
CPTK_DECLARE_INIT(simd128)

/* Helium has no use for Winograd's transforms and no maps of its own; its max pools are with the tiles. */
void cptk_tile_init_mve(cptk_kernels *kernels);
void cptk_cells_init_mve(cptk_kernels *kernels);
void cptk_reduce_init_mve(cptk_kernels *kernels);
void cptk_int16_init_mve(cptk_kernels *kernels);
void cptk_int8_init_mve(cptk_kernels *kernels);

/* Sets that add dot products of integers have these alone. */
void cptk_int16_init_avx2vnni(cptk_kernels *kernels);
void cptk_int8_init_avx2vnni(cptk_kernels *kernels);
void cptk_int16_init_avx512vnni(cptk_kernels *kernels);
void cptk_int8_init_avx512vnni(cptk_kernels *kernels);
void cptk_int8_init_neondot(cptk_kernels *kernels);

/* Relaxed SIMD of WebAssembly fuses products with sums. */
void cptk_tile_init_relaxed(cptk_kernels *kernels);
void cptk_maps_init_relaxed(cptk_kernels *kernels);

void cptk_gemm_init_c(cptk_kernels *kernels); /* kernels/gemm */

#endif
