/* vec_avx512.h - the vector operations of vec.h in AVX-512 (F, DQ, BW, VL), with VNNI where the compiler may
 * use it: 16 floats a vector.  vec.h says what each must do. */
#ifndef CPTK_SIMD_VEC_AVX512_H
#define CPTK_SIMD_VEC_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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
#if defined(__AVX512VNNI__)
#define VEC_QUAD_ROWS 14
#define VEC_QUAD_BLOCKS(X) VEC_TILE_BLOCKS(X)
#else /* besides the sums: the weights of a step, a broadcast and a product */
#define VEC_QUAD_ROWS 16
#define VEC_QUAD_BLOCKS(X)                                          \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(7, 1) X(8, 1) \
    X(9, 1) X(10, 1) X(11, 1) X(12, 1) X(13, 1) X(14, 1) X(15, 1) X(16, 1)
#endif
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
static inline vu vu_add(vu a, vu b) { return _mm512_add_epi32(a, b); }
static inline vu vu_sub(vu a, vu b) { return _mm512_sub_epi32(a, b); }
static inline vu vu_quarter(vu x) { return _mm512_srai_epi32(x, 2); }
static inline void vu_store(uint32_t *p, vu x) { _mm512_storeu_si512(p, x); }

/* half a vector: the channels of a map are a multiple of 16, not always of 32 */
#include "kernels/simd/vec_halves_256.h"

/* Quads.  VNNI multiplies them as they are.  Without it their bytes are widened to 16 bits: the even ones are
 * multiplied in the first step, the odd ones in the second.  (_mm512_maddubs_epi16 would be shorter, but it
 * saturates.)  A prepared row has the even bytes of its quads, then the odd ones. */
typedef const int8_t *vq;
typedef __m512i vw, va;
static inline vq vq_load(const int8_t *p) { return p; }
static inline __m512i vec_dword(const uint8_t *p)
{
    int32_t x;
    memcpy(&x, p, sizeof x);
    return _mm512_set1_epi32(x);
}
#if defined(__AVX512VNNI__)
#define VEC_QUAD_STEPS 1
#define VEC_WINOGRAD_U8_PAYS false
#define VEC_QUAD_SUMS 8
#define VEC_QUAD_CHUNK 0
#define VEC_QUAD_STRIDE 4
static inline vw vq_weights(vq q, int v, int step) { (void)v, (void)step; return _mm512_loadu_si512(q); }
static inline va vq_row(const uint8_t *x, int step) { (void)step; return vec_dword(x); }
/* An instruction by name: with the intrinsic, gcc 12 copies sums between registers and memory. */
static inline vu vq_dot(vu sum, va x, vw w, int step)
{
    (void)step;
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}
#else
#define VEC_QUAD_STEPS 2
#define VEC_WINOGRAD_U8_PAYS true
#define VEC_QUAD_SUMS 1
#define VEC_QUAD_CHUNK 32
#define VEC_QUAD_PANELS 2
#define VEC_QUAD_MOST_ROWS 16
#define VEC_QUAD_GROUP 16
#define VEC_QUAD_STRIDE 4
#define VEC_QUAD_ROW_MORE 0
#define VEC_QUAD_ROW_BYTES (2 * VEC_QUAD_PLANE)
#define VEC_QUAD_PLANE (4 * VEC_QUAD_CHUNK)
static inline vw vq_weights(vq q, int v, int step)
{
    __m512i w = _mm512_loadu_si512(q);
    (void)v;
    return _mm512_srai_epi16(step == 0 ? _mm512_slli_epi16(w, 8) : w, 8);
}
static inline va vq_row(const uint8_t *x, int step) { return vec_dword(x + step * VEC_QUAD_PLANE); }
static inline vu vq_dot(vu sum, va x, vw w, int step)
{
    __m512i product;
    (void)step;
    /* by name: compilers would first add several products to each other, which takes more registers */
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+v"(sum), "=&v"(product) : "v"(x), "v"(w));
    return sum;
}
static inline __m512i vec_even(__m512i bytes) { return _mm512_and_si512(bytes, _mm512_set1_epi16(0xFF)); }
static inline __m512i vec_odd(__m512i bytes) { return _mm512_srli_epi16(bytes, 8); }
static inline void vq_prepare(const uint8_t *a, uint8_t *x)
{
    __m512i bytes = _mm512_loadu_si512(a);
    _mm512_storeu_si512(x, vec_even(bytes));
    _mm512_storeu_si512(x + VEC_QUAD_PLANE, vec_odd(bytes));
}
static inline void vq_prepare_n(const uint8_t *a, uint8_t *x, int n)
{
    __mmask16 m = vec_first(n);
    __m512i bytes = _mm512_maskz_loadu_epi32(m, a);
    _mm512_mask_storeu_epi32(x, m, vec_even(bytes));
    _mm512_mask_storeu_epi32(x + VEC_QUAD_PLANE, m, vec_odd(bytes));
}
static inline void vq_start(vu *sum, const int8_t *b, size_t quads)
{
    (void)b, (void)quads;
    for (int v = 0; v < 1; v++) sum[v] = _mm512_setzero_si512();
}
#endif

static inline vf vf_load_u16(const uint16_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)));
}
/* 0 where x is NaN; what is too large becomes 2^31, which the narrowing limits */
static inline __m512i vec_nearest(vf x) { return _mm512_cvtps_epi32(_mm512_max_ps(x, _mm512_setzero_ps())); }
static inline void vf_store_u16(uint16_t *p, const vf *x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtusepi32_epi16(vec_nearest(x[0])));
}
static inline void vf_store_u8(uint8_t *p, const vf *x)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtusepi32_epi8(vec_nearest(x[0])));
}

#define VEC_BYTES 16
typedef __m128i vb;
static inline vb vb_zero(void) { return _mm_setzero_si128(); }
static inline vb vb_load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
static inline void vb_store(uint8_t *p, vb x) { _mm_storeu_si128((__m128i *)(void *)p, x); }
static inline vb vb_max(vb a, vb b) { return _mm_max_epu8(a, b); }
/* clang-format on */

#endif
