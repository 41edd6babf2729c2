/* vec.h - the few vector operations that the bodies are written in, for each instruction set.  Included by
 * kernels/simd only; everything is inline and local to the object.
 *
 * vf holds VEC_W floats, vmask the outcome of a comparison.  Functions ending in _n touch n < VEC_W elements
 * only.  Multiply-adds round once. */
#ifndef CPTK_BODY_VEC_H
#define CPTK_BODY_VEC_H

#ifndef CPTK_ISA
#error "bodies are compiled with -DCPTK_ISA=avx2, avx512 or neon"
#endif
#define CPTK_JOIN2(a, b) a##b
#define CPTK_JOIN(a, b) CPTK_JOIN2(a, b)
#define CPTK_NAME(name) CPTK_JOIN(name##_, CPTK_ISA)

#include <stdint.h>

/* tables, one operation a line */
/* clang-format off */

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>

#define VEC_W 16
typedef __m512 vf;
typedef __m512i vu;
typedef __mmask16 vmask;

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
static inline vf vf_clamp(vf x, vf low, vf high) { return _mm512_max_ps(low, _mm512_min_ps(high, x)); }
static inline vf vf_max_number(vf x, vf low) { return _mm512_max_ps(x, low); }
static inline vf vf_round(vf x) { return _mm512_roundscale_ps(x, 8); }
static inline vf vf_scale(vf x, vf n) { return _mm512_scalef_ps(x, n); }
static inline vmask vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vf vf_select(vmask m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
static inline int vmask_any(vmask m) { return m != 0; }
static inline vu vu_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
static inline vu vu_set(uint32_t x) { return _mm512_set1_epi32((int)x); }
#if defined(__AVX512VNNI__)
static inline vu vu_dot(vu sum, vu a, vu b) { return _mm512_dpwssd_epi32(sum, a, b); }
#else
static inline vu vu_dot(vu sum, vu a, vu b) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
#endif
static inline vf vf_from_int(vu x) { return _mm512_cvtepi32_ps(x); }

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

#define VEC_W 8
typedef __m256 vf;
typedef __m256i vu;
typedef __m256 vmask;

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
static inline vf vf_clamp(vf x, vf low, vf high) { return _mm256_max_ps(low, _mm256_min_ps(high, x)); }
static inline vf vf_max_number(vf x, vf low) { return _mm256_max_ps(x, low); }
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
static inline vmask vf_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vf vf_select(vmask m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
static inline int vmask_any(vmask m) { return _mm256_movemask_ps(m) != 0; }
static inline vu vu_load(const uint32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline vu vu_set(uint32_t x) { return _mm256_set1_epi32((int)x); }
static inline vu vu_dot(vu sum, vu a, vu b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
static inline vf vf_from_int(vu x) { return _mm256_cvtepi32_ps(x); }

#elif defined(__aarch64__)
#include <arm_neon.h>

#define VEC_W 4
typedef float32x4_t vf;
typedef uint32x4_t vu;
typedef uint32x4_t vmask;

static inline vf vf_set(float x) { return vdupq_n_f32(x); }
static inline vf vf_load(const float *p) { return vld1q_f32(p); }
static inline void vf_store(float *p, vf x) { vst1q_f32(p, x); }
static inline vf vf_load_n(const float *p, int n, vf rest)
{
    float all[4];
    vst1q_f32(all, rest);
    for (int i = 0; i < n; i++) all[i] = p[i];
    return vld1q_f32(all);
}
static inline void vf_store_n(float *p, vf x, int n)
{
    float all[4];
    vst1q_f32(all, x);
    for (int i = 0; i < n; i++) p[i] = all[i];
}
static inline vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
static inline vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
static inline vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
static inline vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
static inline vf vf_abs(vf x) { return vabsq_f32(x); }
static inline vf vf_copysign(vf x, vf sign) { return vbslq_f32(vdupq_n_u32(0x80000000u), sign, x); }
static inline vf vf_clamp(vf x, vf low, vf high) { return vmaxq_f32(low, vminq_f32(high, x)); }
static inline vf vf_max_number(vf x, vf low) { return vmaxnmq_f32(x, low); }
static inline vf vf_round(vf x) { return vrndnq_f32(x); }
static inline vf vec_power(int32x4_t n) /* 2^n */
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}
static inline vf vf_scale(vf x, vf n)
{
    int32x4_t all = vcvtq_s32_f32(n), half = vshrq_n_s32(all, 1);
    return vmulq_f32(vmulq_f32(x, vec_power(half)), vec_power(vsubq_s32(all, half)));
}
static inline vmask vf_lt(vf a, vf b) { return vcltq_f32(a, b); }
static inline vf vf_select(vmask m, vf yes, vf no) { return vbslq_f32(m, yes, no); }
static inline int vmask_any(vmask m) { return vmaxvq_u32(m) != 0; }
static inline vu vu_load(const uint32_t *p) { return vld1q_u32(p); }
static inline vu vu_set(uint32_t x) { return vdupq_n_u32(x); }
static inline vu vu_dot(vu sum, vu a, vu b)
{
    int16x8_t x = vreinterpretq_s16_u32(a), y = vreinterpretq_s16_u32(b);
    int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y)), high = vmull_high_s16(x, y);
    return vaddq_u32(sum, vreinterpretq_u32_s32(vpaddq_s32(low, high)));
}
static inline vf vf_from_int(vu x) { return vcvtq_f32_s32(vreinterpretq_s32_u32(x)); }

/* clang-format on */

#else
#error "no vector operations for this instruction set; see FLAGS_* in the Makefile"
#endif

/* What is said once for all of them:
 * vf_clamp   leaves NaN as it is; vf_max_number(x, low) is the larger of both, low where x is NaN
 * vf_round   to the nearest integer, ties to even
 * vu_dot     sum + the products of both halves, as int16, of each word, modulo 2^32
 * vf_from_int  of each word as int32, rounded to nearest
 * vf_scale   x * 2^n, n a whole number of -252..252 (and x not tiny), rounded once; n NaN: anything, where x
 * is NaN then the result is */

/* The next VEC_W elements, or what is left of them (`left` of them; the others read as `rest`). */
static inline vf vf_next(const float *p, int left, vf rest)
{
    return left >= VEC_W ? vf_load(p) : vf_load_n(p, left, rest);
}

static inline void vf_put(float *p, vf x, int left)
{
    if (left >= VEC_W)
        vf_store(p, x);
    else
        vf_store_n(p, x, left);
}

/* The sum of the elements, halves added to halves: always in the same order. */
static inline float vf_sum(vf x)
{
    float part[VEC_W];
    vf_store(part, x);
    for (int half = VEC_W / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
}

#endif
