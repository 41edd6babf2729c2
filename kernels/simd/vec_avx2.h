/* vec_avx2.h - the vector operations of vec.h in AVX2 and FMA: 8 floats a vector.  vec.h says what each
 * must do. */
#ifndef CPTK_SIMD_VEC_AVX2_H
#define CPTK_SIMD_VEC_AVX2_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define VEC_W 8
typedef __m256 vf;
typedef __m256i vu;
typedef __m256 vmask;

/* 16 registers: 6 x 2 sums, the 2 weights of a step and a broadcast. */
/* clang-format off */
#define VEC_TILE_ROWS 6
#define VEC_TILE_BLOCKS(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1)
#define VEC_PRODUCT_BLOCKS(X) X(1) X(2) X(3) X(4) X(5)
/* clang-format on */

/* Holds x in a register: compilers like to repeat a load in every instruction that uses it. */
#define VEC_KEEP(x) __asm__("" : "+v"(x))

/* one operation a line */
/* clang-format off */
static inline vf vf_set(float x) { return _mm256_set1_ps(x); }
static inline vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vf_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
static inline __m256i vec_first(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf vf_load_n(const float *p, int n, vf rest)
{
    __m256i m = vec_first(n);
    return _mm256_blendv_ps(rest, _mm256_maskload_ps(p, m), _mm256_castsi256_ps(m));
}
static inline void vf_store_n(float *p, vf x, int n) { _mm256_maskstore_ps(p, vec_first(n), x); }
static inline vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
static inline vf vf_abs(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
static inline vf vf_copysign(vf x, vf sign)
{
    return _mm256_or_ps(vf_abs(x), _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}
static inline vf vf_at_least(vf x, vf low) { return _mm256_max_ps(low, x); }
static inline vf vf_at_most(vf x, vf high) { return _mm256_min_ps(high, x); }
static inline vf vf_max_number(vf x, vf low) { return _mm256_max_ps(x, low); }
static inline vf vf_relu(vf x) { return _mm256_max_ps(_mm256_setzero_ps(), x); }
static inline vf vf_round(vf x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf vec_power(__m256i n) /* 2^n */
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
static inline vf vf_scale(vf x, vf n)
{
    __m256i all = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(all, 1);
    return _mm256_mul_ps(_mm256_mul_ps(x, vec_power(half)), vec_power(_mm256_sub_epi32(all, half)));
}
static inline vf vf_scale_normal(vf x, vf n) { return _mm256_mul_ps(x, vec_power(_mm256_cvtps_epi32(n))); }
static inline vmask vf_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vf vf_select(vmask m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
static inline bool vmask_any(vmask m) { return _mm256_movemask_ps(m) != 0; }
static inline vu vu_load(const uint32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline vu vu_set(uint32_t x) { return _mm256_set1_epi32((int)x); }
static inline vu vu_dot(vu sum, vu a, vu b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
static inline vf vf_from_int(vu x) { return _mm256_cvtepi32_ps(x); }
static inline vu vu_bits(vf x) { return _mm256_castps_si256(x); }
static inline void vu_store_low(uint16_t *p, vu x)
{
    const __m256i low = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, /* */
                                         0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i halves = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(x, low), _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(halves));
}
/* clang-format on */

#endif
