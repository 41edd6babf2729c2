/* vec_mve.h - the vector operations of vec.h in Helium, the vector extension of Armv8.1-M (MVE): 4 floats a
 * vector.  vec.h says what each must do.  Helium takes denormals for 0 and gives 0 instead, squares below
 * 2^-126 among them.  There are 8 registers, which the bodies' tile products don't fit; kernels/mve has
 * these. */
#ifndef CPTK_SIMD_VEC_MVE_H
#define CPTK_SIMD_VEC_MVE_H

#include <arm_mve.h>
#include <stdbool.h>
#include <stdint.h>

#define VEC_W 4
typedef float32x4_t vf;
typedef uint32x4_t vu;
typedef mve_pred16_t vmask;

#define VEC_PRODUCT_BLOCKS(X) X(1)
#define VEC_KEEP(x) ((void)(x))

/* one operation a line */
/* clang-format off */
static inline vf vf_set(float x) { return vdupq_n_f32(x); }
static inline vf vf_load(const float *p) { return vld1q_f32(p); }
static inline void vf_store(float *p, vf x) { vst1q_f32(p, x); }
static inline vf vf_load_n(const float *p, int n, vf rest)
{
    const mve_pred16_t there = vctp32q((uint32_t)n);
    return vpselq_f32(vldrwq_z_f32(p, there), rest, there);
}
static inline void vf_store_n(float *p, vf x, int n) { vstrwq_p_f32(p, x, vctp32q((uint32_t)n)); }
static inline vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
static inline vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
/* Helium doesn't divide. */
static inline vf vf_div(vf a, vf b)
{
    float x[4], y[4];
    vst1q_f32(x, a);
    vst1q_f32(y, b);
    for (int i = 0; i < 4; i++) x[i] /= y[i];
    return vld1q_f32(x);
}
static inline vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
static inline vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
static inline vf vf_abs(vf x) { return vabsq_f32(x); }
static inline vf vf_copysign(vf x, vf sign)
{
    const uint32x4_t bit = vdupq_n_u32(0x80000000u), magnitude = vbicq_u32(vreinterpretq_u32_f32(x), bit);
    return vreinterpretq_f32_u32(vorrq_u32(magnitude, vandq_u32(vreinterpretq_u32_f32(sign), bit)));
}
static inline vf vf_at_least(vf x, vf low) { return vpselq_f32(low, x, vcmpltq_f32(x, low)); }
static inline vf vf_at_most(vf x, vf high) { return vpselq_f32(high, x, vcmpgtq_f32(x, high)); }
static inline vf vf_max_number(vf x, vf low) { return vmaxnmq_f32(x, low); }
static inline vf vf_relu(vf x) { return vpselq_f32(vdupq_n_f32(0.0f), x, vcmpltq_n_f32(x, 0.0f)); }
static inline vf vf_round(vf x) { return vrndnq_f32(x); }
static inline vf vec_power(int32x4_t n) /* 2^n */
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_n_s32(n, 127), 23));
}
static inline vf vf_scale(vf x, vf n)
{
    const int32x4_t all = vcvtq_s32_f32(n), half = vshrq_n_s32(all, 1);
    return vmulq_f32(vmulq_f32(x, vec_power(half)), vec_power(vsubq_s32(all, half)));
}
static inline vf vf_scale_normal(vf x, vf n) { return vmulq_f32(x, vec_power(vcvtq_s32_f32(n))); }
static inline vmask vf_lt(vf a, vf b) { return vcmpltq_f32(a, b); }
static inline vf vf_select(vmask m, vf yes, vf no) { return vpselq_f32(yes, no, m); }
static inline bool vmask_any(vmask m) { return m != 0; }
static inline vu vu_load(const uint32_t *p) { return vld1q_u32(p); }
static inline vu vu_set(uint32_t x) { return vdupq_n_u32(x); }
static inline vu vu_dot(vu sum, vu a, vu b)
{
    const int16x8_t x = vreinterpretq_s16_u32(a), y = vreinterpretq_s16_u32(b);
    const int32x4_t low = vmullbq_int_s16(x, y), high = vmulltq_int_s16(x, y);
    return vaddq_u32(sum, vreinterpretq_u32_s32(vaddq_s32(low, high)));
}
static inline vf vf_from_int(vu x) { return vcvtq_f32_s32(vreinterpretq_s32_u32(x)); }
static inline vu vu_bits(vf x) { return vreinterpretq_u32_f32(x); }
static inline void vu_store_low(uint16_t *p, vu x) { vstrhq_u32(p, x); }
/* clang-format on */

/* ---- what kernels/mve needs besides ---- */

/* Stores the nearest integers of x within 0..255, or 0..65535, ties to even; 0 for NaN.  There are elements
 * where `there` says so. */
static inline void vec_store_u8(uint8_t *p, vf x, mve_pred16_t there)
{
    vstrbq_p_u32(p, vminq_u32(vcvtnq_u32_f32(x), vdupq_n_u32(255)), there);
}

static inline void vec_store_u16(uint16_t *p, vf x, mve_pred16_t there)
{
    vstrhq_p_u32(p, vminq_u32(vcvtnq_u32_f32(x), vdupq_n_u32(65535)), there);
}

#endif
