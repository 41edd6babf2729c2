/* conv_body.h - what the convolution bodies share.  Included after vec.h. */
#ifndef CPTK_BODY_CONV_BODY_H
#define CPTK_BODY_CONV_BODY_H

#include "kernels/kernels.h"
#include "kernels/kernels_isa.h"

#define BODY_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define BODY_UNROLL _Pragma("clang loop unroll(full)")
#else
#define BODY_UNROLL _Pragma("GCC unroll 32")
#endif

/* Loads x into a register once: compilers like to repeat a load in every instruction that uses it. */
#if defined(__aarch64__)
#define BODY_KEEP(x) __asm__("" : "+w"(x))
#else
#define BODY_KEEP(x) __asm__("" : "+v"(x))
#endif

#define BODY_PREFETCH(p) __builtin_prefetch((p), 0, 3)
#define BODY_PREFETCH_FAR(address) __builtin_prefetch((const void *)(address), 0, 2)
#define BODY_PREFETCH_WRITE(p) __builtin_prefetch((p), 1, 3)

/* Negative values become 0; NaN and -0 stay, which is how x86 defines max(0, x). */
BODY_INLINE vf body_relu(vf x)
{
#if VEC_W == 16
    return _mm512_max_ps(_mm512_setzero_ps(), x);
#elif VEC_W == 8
    return _mm256_max_ps(_mm256_setzero_ps(), x);
#else
    return vf_select(vf_lt(x, vf_set(0.0f)), vf_set(0.0f), x);
#endif
}

/* conv_maps.c: winograd_input, winograd_output, bias_act, maxpool */
void CPTK_NAME(cptk_conv_maps_init)(cptk_kernels *kernels);

#endif
