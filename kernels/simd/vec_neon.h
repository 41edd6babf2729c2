/* vec_neon.h - the vector operations of vec.h in AArch64 NEON: 4 floats a vector.  vec.h says what each
 * must do. */
#ifndef CPTK_SIMD_VEC_NEON_H
#define CPTK_SIMD_VEC_NEON_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>

#define VEC_W 4
typedef float32x4_t vf;
typedef uint32x4_t vu;
typedef uint32x4_t vmask;

/* 32 registers: 6 x 4 sums, the 4 weights of a step and a broadcast. */
/* clang-format off */
#define VEC_TILE_ROWS 6
#define VEC_TILE_BLOCKS(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1)
#define VEC_PRODUCT_BLOCKS(X) X(1) X(2) X(3) X(4) X(5)
/* clang-format on */

/* Holds x in a register: compilers like to repeat a load in every instruction that uses it. */
#define VEC_KEEP(x) __asm__("" : "+w"(x))

/* one operation a line */
/* clang-format off */
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
static inline vf vf_at_least(vf x, vf low) { return vmaxq_f32(low, x); }
static inline vf vf_at_most(vf x, vf high) { return vminq_f32(high, x); }
static inline vf vf_max_number(vf x, vf low) { return vmaxnmq_f32(x, low); }
static inline vf vf_relu(vf x) { return vbslq_f32(vcltq_f32(x, vdupq_n_f32(0.0f)), vdupq_n_f32(0.0f), x); }
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
static inline vf vf_scale_normal(vf x, vf n) { return vmulq_f32(x, vec_power(vcvtq_s32_f32(n))); }
static inline vmask vf_lt(vf a, vf b) { return vcltq_f32(a, b); }
static inline vf vf_select(vmask m, vf yes, vf no) { return vbslq_f32(m, yes, no); }
static inline bool vmask_any(vmask m) { return vmaxvq_u32(m) != 0; }
static inline vu vu_load(const uint32_t *p) { return vld1q_u32(p); }
static inline vu vu_set(uint32_t x) { return vdupq_n_u32(x); }
static inline vu vu_dot(vu sum, vu a, vu b)
{
    int16x8_t x = vreinterpretq_s16_u32(a), y = vreinterpretq_s16_u32(b);
    int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y)), high = vmull_high_s16(x, y);
    return vaddq_u32(sum, vreinterpretq_u32_s32(vpaddq_s32(low, high)));
}
static inline vf vf_from_int(vu x) { return vcvtq_f32_s32(vreinterpretq_s32_u32(x)); }
static inline vu vu_bits(vf x) { return vreinterpretq_u32_f32(x); }
static inline void vu_store_low(uint16_t *p, vu x) { vst1_u16(p, vmovn_u32(x)); }
/* clang-format on */

#endif
