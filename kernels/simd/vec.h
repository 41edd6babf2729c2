/* vec.h - the vector operations in which the bodies (kernels/simd) are written.  One header per instruction
 * set defines them; this one picks it and adds what is the same for all.  Everything is inline and local to
 * the object.
 *
 * The bodies take memory for little-endian.  A new instruction set needs a header vec_NAME.h, a branch below,
 * its compiler flags in the Makefile, its line in kernels_isa.h and kernels.c, and a bit in the CPU mask. The
 * bodies don't change.  A set may leave out what only bodies need that it has instead in a folder of its own
 * (kernels/mve).  vec_NAME.h must define:
 *
 * Types
 *   VEC_W                number of floats in a vector: 4, 8 or 16
 *   vf, vu               VEC_W floats; VEC_W words of 32 bits
 *   vmask                the outcome of comparing two vf
 *
 * Floats.  All round to nearest, ties to even, and keep denormals.
 *   vf_set(x)            x in every element
 *   vf_load(p), vf_store(p, x)
 *                        VEC_W floats at p; no alignment beyond that of float
 *   vf_load_n(p, n, rest), vf_store_n(p, x, n)
 *                        the first n elements, 1 <= n < VEC_W.  Memory beyond them is neither read nor
 *                        written; when loading, the other elements come from `rest`
 *   vf_add, vf_sub, vf_mul, vf_div(a, b)
 *   vf_fma(a, b, c)      a * b + c, rounded once where there is an instruction for it, else twice
 *   vf_fnma(a, b, c)     c - a * b, likewise
 *   vf_abs(x), vf_copysign(x, sign)
 *   vf_at_least(x, low), vf_at_most(x, high)
 *                        the larger and the smaller of both; NaN stays NaN
 *   vf_max_number(x, low)
 *                        the larger of both; `low` where x is NaN
 *   vf_relu(x)           0 where x is negative; NaN and -0 stay as they are
 *   vf_round(x)          the nearest integer, ties to even
 *   vf_scale(x, n)       x * 2^n for integers n of -252..252 and x of 0.5..2, rounded once.  Where n is NaN
 *                        the result may be anything, but NaN where x is NaN
 *   vf_scale_normal(x, n)
 *                        the same for n of -126..127, where the result is a normal float.  Where n is NaN the
 *                        result may be anything, but NaN where x is NaN
 *   vf_lt(a, b)          vmask of a < b; false where either is NaN
 *   vf_select(m, yes, no)
 *   vmask_any(m)         bool: is any element true?
 *
 *   vf_load_u16(p)       VEC_W numbers of 16 bits at p, as floats
 *   vf_store_u8(p, x)    the 16 floats of the vectors x[16 / VEC_W] to 16 bytes at p: the nearest integer
 *                        within 0..255, ties to even; 0 for NaN
 *
 * Words
 *   vu_set(x), vu_load(p)
 *   vu_store(p, x)
 *   vu_add(a, b), vu_sub(a, b)
 *                        modulo 2^32
 *   vu_quarter(x)        x, read as int32, divided by 4, which it is a multiple of
 *   vu_dot(sum, a, b)    per word: sum + low(a) * low(b) + high(a) * high(b), the halves read as int16,
 *                        modulo 2^32
 *   vf_from_int(x)       each word, read as int32, as the nearest float
 *   vu_bits(x)           the bits of a vf
 *   vu_store_low(p, x)   the low halves of the VEC_W words, in order, to uint16_t p[VEC_W]
 *
 * Bytes
 *   vb, VEC_BYTES        a vector of bytes, and how many they are
 *   vb_zero(), vb_load(p), vb_store(p, x), vb_max(a, b)
 *
 * Quads (kernels.h).  A quad is multiplied in one step or several, together exact for inputs of 0..255 and
 * weights of -128..127.
 *   vq                   a panel's quad of weights, 64 bytes, or a pointer to it
 *   vw                   what a step takes of it for VEC_W columns
 *   va                   what a step takes of a row's quad, for each column
 *   VEC_QUAD_STEPS       the number of steps
 *   VEC_WINOGRAD_U8_PAYS bool: Winograd's convolution of bytes is faster than the direct one
 *   vq_load(p)           the vq at p
 *   vq_weights(q, v, step)
 *                        the vw of columns VEC_W * v and on
 *   vq_row(x, step)      the va of the quad at x
 *   vq_dot(sum, x, w, step)
 *                        a vu: per word, the sum and what this step adds to it
 *   VEC_QUAD_DOT2        defined where vq_dot2 takes its place, and V is always even
 *   vq_dot2(sum, x, w)   adds to sum[0] what vq_dot does for w[0], and to sum[1] for w[1]
 *   VEC_QUAD_SUMS        sums that must take turns so that no vq_dot waits for the one before
 *   VEC_QUAD_STRIDE      bytes from one quad of a row to the next, as vq_row takes them
 *   VEC_QUAD_CHUNK       0 where vq_row takes rows as they are.  Else so many quads of each row are prepared
 *                        at a time, and what follows is needed too
 *   VEC_QUAD_GROUP       quads that vq_prepare takes
 *   vq_prepare(a, x), vq_prepare_n(a, x, n)
 *                        brings VEC_QUAD_GROUP quads, or n less than these, from a into the form that vq_row
 *                        takes, to x.  Of a nothing beyond n is read
 *   VEC_QUAD_ROW_BYTES   bytes of a prepared chunk of a row
 *   VEC_QUAD_ROW_MORE    bytes behind the last row's that vq_row may read
 *   VEC_QUAD_MOST_ROWS   rows of the largest block
 *   VEC_QUAD_PANELS      panels that are multiplied with a prepared chunk.  The stack holds such a chunk of a
 *                        block's rows, and the sums of these panels
 *   vq_start(sum, b, quads)
 *                        what the sums vu sum[16 / VEC_W] of a panel, `quads` quads at b, start from: 0, or
 *                        what makes up for rows that vq_prepare changed
 *
 * Halves, for Winograd's convolution of bytes
 *   vh, VEC_HALVES       a vector of int16, and how many they are: 8 or 16
 *   vh_zero(), vh_store(p, x), vh_add(a, b), vh_sub(a, b)
 *   vh_load_u8(p)        VEC_HALVES bytes at p, widened
 *   vh_load_quads(p, x)  the signed bytes of VEC_HALVES / 2 quads at p, widened: the first two of each quad
 *                        to x[0], the last two to x[1]
 *
 * How many registers there are
 *   VEC_TILE_BLOCKS(X)   X(1, panels) X(2, panels) ...: for 1, 2, ... rows, the number of 16-column panels
 *                        (1, 2 or 3) that a block of the tile product has.  rows * panels * 16 / VEC_W sums,
 *                        the panels' weights of one step and one more vector should fit the registers.  At
 *                        most 28 sums and 4 vectors of weights are possible; tile.c checks that
 *   VEC_TILE_ROWS        the number of rows at which the tile product is fastest
 *   VEC_TILE_GROUP       panels that tiles of several blocks of rows take at a time; 6 where it isn't defined
 *   VEC_QUAD_BLOCKS(X), VEC_QUAD_ROWS
 *                        the same for the product of bytes.  Blocks are one panel wide where VEC_QUAD_CHUNK
 *                        is not 0
 *   VEC_PRODUCT_BLOCKS(X)
 *                        X(1) X(2) ...: the rows that a block of the int16 product and of the weighted sum
 *                        of rows may have, one panel wide.  Each row takes 2 * 16 / VEC_W sums or fewer
 *   VEC_KEEP(x)          makes the compiler hold the vector x in a register; may do nothing */
#ifndef CPTK_SIMD_VEC_H
#define CPTK_SIMD_VEC_H

#ifndef CPTK_ISA
#error "bodies are compiled with -DCPTK_ISA=NAME, the name of the instruction set"
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#include "kernels/simd/vec_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__)
#include "kernels/simd/vec_avx2.h"
#elif defined(__aarch64__)
#include "kernels/simd/vec_neon.h"
#elif defined(__wasm_simd128__)
#include "kernels/simd/vec_wasm.h"
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#include "kernels/simd/vec_mve.h"
#else
#error "no vector operations for this instruction set; see FLAGS_* in the Makefile"
#endif

#ifndef VEC_TILE_GROUP
#define VEC_TILE_GROUP 6
#endif

/* The next VEC_W floats at p, of which `left` (at least 1) are there.  The others read as `rest`. */
static inline vf vf_next(const float *p, int left, vf rest)
{
    return left >= VEC_W ? vf_load(p) : vf_load_n(p, left, rest);
}

/* Stores x where `left` (at least 1) floats are left; elements beyond them are dropped. */
static inline void vf_put(float *p, vf x, int left)
{
    if (left >= VEC_W) {
        vf_store(p, x);
    } else {
        vf_store_n(p, x, left);
    }
}

#endif
