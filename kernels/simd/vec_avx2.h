/* vec_avx2.h - the vector operations of vec.h in AVX2 and FMA: 8 floats a vector.  vec.h says what each
 * must do. */
#ifndef CPTK_SIMD_VEC_AVX2_H
#define CPTK_SIMD_VEC_AVX2_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VEC_W 8
typedef __m256 vf;
typedef __m256i vu;
typedef __m256 vmask;

/* 16 registers: 6 x 2 sums, the 2 weights of a step and a broadcast. */
/* clang-format off */
#define VEC_TILE_ROWS 6
#define VEC_TILE_BLOCKS(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1)
#define VEC_PRODUCT_BLOCKS(X) X(1) X(2) X(3) X(4) X(5)
#define VEC_QUAD_ROWS 6
#define VEC_QUAD_BLOCKS(X) VEC_TILE_BLOCKS(X)
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
#if defined(__AVXVNNI__)
static inline vu vu_dot(vu sum, vu a, vu b) { return _mm256_dpwssd_avx_epi32(sum, a, b); }
#else
static inline vu vu_dot(vu sum, vu a, vu b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
#endif
static inline vf vf_from_int(vu x) { return _mm256_cvtepi32_ps(x); }
static inline vu vu_bits(vf x) { return _mm256_castps_si256(x); }
static inline void vu_store_low(uint16_t *p, vu x)
{
    const __m256i low = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, /* */
                                         0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i halves = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(x, low), _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(halves));
}
static inline vu vu_add(vu a, vu b) { return _mm256_add_epi32(a, b); }
static inline vu vu_sub(vu a, vu b) { return _mm256_sub_epi32(a, b); }
static inline vu vu_quarter(vu x) { return _mm256_srai_epi32(x, 2); }
static inline void vu_store(uint32_t *p, vu x) { _mm256_storeu_si256((__m256i *)(void *)p, x); }

#include "kernels/simd/vec_halves_256.h"

/* Quads.  AVX-VNNI multiplies them as they are.  Without it their bytes are widened to 16 bits: the even ones
 * are multiplied in the first step, the odd ones in the second.  (_mm256_maddubs_epi16 would be shorter, but
 * it saturates.)  A prepared row has the even bytes of its quads, then the odd ones. */
typedef const int8_t *vq;
typedef __m256i vw, va;
static inline vq vq_load(const int8_t *p) { return p; }
static inline __m256i vec_dword(const uint8_t *p)
{
    int32_t x;
    memcpy(&x, p, sizeof x);
    return _mm256_set1_epi32(x);
}
#if defined(__AVXVNNI__)
#define VEC_QUAD_STEPS 1
#define VEC_WINOGRAD_U8_PAYS false
#define VEC_QUAD_SUMS 8
#define VEC_QUAD_CHUNK 0
#define VEC_QUAD_STRIDE 4
static inline vw vq_weights(vq q, int v, int step)
{
    (void)step;
    return _mm256_loadu_si256((const __m256i *)(const void *)(q + 32 * v));
}
static inline va vq_row(const uint8_t *x, int step) { (void)step; return vec_dword(x); }
/* An instruction by name: with the intrinsic, gcc 12 copies sums between registers and memory. */
static inline vu vq_dot(vu sum, va x, vw w, int step)
{
    (void)step;
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
    return sum;
}
#else
#define VEC_QUAD_STEPS 2
#define VEC_WINOGRAD_U8_PAYS true
#define VEC_QUAD_SUMS 1
#define VEC_QUAD_CHUNK 96
#define VEC_QUAD_PANELS 4
#define VEC_QUAD_MOST_ROWS 6
#define VEC_QUAD_GROUP 8
#define VEC_QUAD_STRIDE 4
#define VEC_QUAD_ROW_MORE 0
#define VEC_QUAD_ROW_BYTES (2 * VEC_QUAD_PLANE)
#define VEC_QUAD_PLANE (4 * (VEC_QUAD_CHUNK + VEC_QUAD_GROUP)) /* room for what vq_prepare_n writes too much */
static inline vw vq_weights(vq q, int v, int step)
{
    /* the even bytes of the second vector are the odd ones of a byte before */
    const int8_t *p = q + 32 * v - (step == 0 && v > 0);
    __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return _mm256_srai_epi16(step == 0 && v == 0 ? _mm256_slli_epi16(w, 8) : w, 8);
}
static inline va vq_row(const uint8_t *x, int step) { return vec_dword(x + step * VEC_QUAD_PLANE); }
/* By name: compilers would first add several products to each other, which takes more registers.  Zen 3 takes
 * 10 % longer where each sum stands right behind its product. */
#define VEC_QUAD_DOT2
static inline __attribute__((always_inline)) void vq_dot2(vu *sum, va x, const vw *w)
{
    __m256i product;
    __asm__("vpmaddwd %4, %3, %2\n\tvpmaddwd %5, %3, %3\n\tvpaddd %2, %0, %0\n\tvpaddd %3, %1, %1"
            : "+x"(sum[0]), "+x"(sum[1]), "=&x"(product), "+x"(x)
            : "x"(w[0]), "x"(w[1]));
}
static inline __m256i vec_even(__m256i bytes) { return _mm256_and_si256(bytes, _mm256_set1_epi16(0xFF)); }
static inline __m256i vec_odd(__m256i bytes) { return _mm256_srli_epi16(bytes, 8); }
static inline void vq_prepare(const uint8_t *a, uint8_t *x)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)a);
    _mm256_storeu_si256((__m256i *)(void *)x, vec_even(bytes));
    _mm256_storeu_si256((__m256i *)(void *)(x + VEC_QUAD_PLANE), vec_odd(bytes));
}
static inline void vq_prepare_n(const uint8_t *a, uint8_t *x, int n)
{
    __m256i m = vec_first(n), bytes = _mm256_maskload_epi32((const int *)(const void *)a, m);
    _mm256_storeu_si256((__m256i *)(void *)x, vec_even(bytes)); /* storing n of them takes AMD's processors longer */
    _mm256_storeu_si256((__m256i *)(void *)(x + VEC_QUAD_PLANE), vec_odd(bytes));
}
static inline void vq_start(vu *sum, const int8_t *b, size_t quads)
{
    (void)b, (void)quads;
    for (int v = 0; v < 2; v++) sum[v] = _mm256_setzero_si256();
}

#endif

static inline vf vf_load_u16(const uint16_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
static inline __m256i vec_nearest(vf x, float most)
{
    /* what is too small, or NaN, becomes -2^31 and then 0 */
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_set1_ps(most), x));
}
/* the words of columns 0-3 and 8-11, then 4-7 and 12-15 */
static inline __m256i vec_words(const vf *x, float most)
{
    return _mm256_packus_epi32(vec_nearest(x[0], most), vec_nearest(x[1], most));
}
static inline void vf_store_u16(uint16_t *p, const vf *x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm256_permute4x64_epi64(vec_words(x, 65535.0f), _MM_SHUFFLE(3, 1, 2, 0)));
}
static inline void vf_store_u8(uint8_t *p, const vf *x)
{
    __m256i words = vec_words(x, 255.0f);
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)(void *)p, _mm_shuffle_epi32(bytes, _MM_SHUFFLE(3, 1, 2, 0)));
}

#define VEC_BYTES 16
typedef __m128i vb;
static inline vb vb_zero(void) { return _mm_setzero_si128(); }
static inline vb vb_load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
static inline void vb_store(uint8_t *p, vb x) { _mm_storeu_si128((__m128i *)(void *)p, x); }
static inline vb vb_max(vb a, vb b) { return _mm_max_epu8(a, b); }
/* clang-format on */

#endif
