/* vec_avx512.h - the vector operations of vec.h in AVX-512 (F, DQ, BW, VL), with VNNI where the compiler may
 * use it: 16 floats a vector.  vec.h says what each must do. */
#ifndef CPTK_SIMD_VEC_AVX512_H
#define CPTK_SIMD_VEC_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define VEC_W 16
typedef __m512 vf;
typedef __m512i vu;
typedef __mmask16 vmask;

/* 32 registers: up to 28 sums, the weights of a step and a broadcast. */
/* clang-format off */
#define VEC_TILE_ROWS 14
#define VEC_TILE_BLOCKS(X)                                  \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(7, 1) \
    X(8, 3) X(9, 3) X(10, 2) X(11, 2) X(12, 2) X(13, 2) X(14, 2) X(15, 1) X(16, 1)
#define VEC_PRODUCT_BLOCKS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
/* clang-format on */

/* Holds x in a register: compilers like to repeat a load in every instruction that uses it. */
#define VEC_KEEP(x) __asm__("" : "+v"(x))

/* one operation a line */
/* clang-format off */
static inline vf vf_set(float x) { return _mm512_set1_ps(x); }
static inline vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
static inline vmask vec_first(int n) { return (vmask)((1u << n) - 1); }
static inline vf vf_load_n(const float *p, int n, vf rest) { return _mm512_mask_loadu_ps(rest, vec_first(n), p); }
static inline void vf_store_n(float *p, vf x, int n) { _mm512_mask_storeu_ps(p, vec_first(n), x); }
static inline vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
static inline vf vf_abs(vf x) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x); }
static inline vf vf_copysign(vf x, vf sign)
{
    return _mm512_or_ps(vf_abs(x), _mm512_and_ps(_mm512_set1_ps(-0.0f), sign));
}
static inline vf vf_at_least(vf x, vf low) { return _mm512_max_ps(low, x); }
static inline vf vf_at_most(vf x, vf high) { return _mm512_min_ps(high, x); }
static inline vf vf_max_number(vf x, vf low) { return _mm512_max_ps(x, low); }
static inline vf vf_relu(vf x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }
static inline vf vf_round(vf x) { return _mm512_roundscale_ps(x, 8); }
static inline vf vf_scale(vf x, vf n) { return _mm512_scalef_ps(x, n); }
static inline vf vf_scale_normal(vf x, vf n) { return _mm512_scalef_ps(x, n); }
static inline vmask vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vf vf_select(vmask m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
static inline bool vmask_any(vmask m) { return m != 0; }
static inline vu vu_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
static inline vu vu_set(uint32_t x) { return _mm512_set1_epi32((int)x); }
#if defined(__AVX512VNNI__)
static inline vu vu_dot(vu sum, vu a, vu b) { return _mm512_dpwssd_epi32(sum, a, b); }
#else
static inline vu vu_dot(vu sum, vu a, vu b) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
#endif
static inline vf vf_from_int(vu x) { return _mm512_cvtepi32_ps(x); }
static inline vu vu_bits(vf x) { return _mm512_castps_si512(x); }
static inline void vu_store_low(uint16_t *p, vu x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(x));
}
/* clang-format on */

#endif
