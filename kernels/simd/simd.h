/* simd.h - what the bodies share: the name of a function for an instruction set, and macros for inlining,
 * unrolling and prefetching.  A body is a file of kernels/simd, compiled once per instruction set. */
#ifndef CPTK_SIMD_SIMD_H
#define CPTK_SIMD_SIMD_H

#include "kernels/kernels.h"
#include "kernels/kernels_isa.h"
#include "kernels/simd/vec.h"

/* CPTK_NAME(cptk_x) is cptk_x_avx2, cptk_x_neon, ... */
#define CPTK_JOIN2(a, b) a##_##b
#define CPTK_JOIN(a, b) CPTK_JOIN2(a, b)
#define CPTK_NAME(name) CPTK_JOIN(name, CPTK_ISA)

#define VEC_PANEL (CPTK_PANEL / VEC_W) /* vectors in a panel */

/* Always inlined: callers pass sizes as constants, so that loops over them unroll completely. */
#define BODY_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define BODY_UNROLL _Pragma("clang loop unroll(full)")
#else
#define BODY_UNROLL _Pragma("GCC unroll 32")
#endif

/* Asks for a line in the first cache, to read; in the second, at an address that need not exist; to write.
 * WebAssembly has no instruction for it, but compilers would compute the addresses. */
#if defined(__wasm__)
#define BODY_PREFETCH(p) ((void)sizeof(p))
#define BODY_PREFETCH_FAR(address) ((void)sizeof(address))
#define BODY_PREFETCH_WRITE(p) ((void)sizeof(p))
#else
#define BODY_PREFETCH(p) __builtin_prefetch((p), 0, 3)
#define BODY_PREFETCH_FAR(address) __builtin_prefetch((const void *)(address), 0, 2)
#define BODY_PREFETCH_WRITE(p) __builtin_prefetch((p), 1, 3)
#endif

#endif
