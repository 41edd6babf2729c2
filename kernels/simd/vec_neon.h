/* vec_neon.h - the vector operations of vec.h in AArch64 NEON: 4 floats a vector.  vec.h says what each
 * must do. */
#ifndef CPTK_SIMD_VEC_NEON_H
#define CPTK_SIMD_VEC_NEON_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VEC_W 4
typedef float32x4_t vf;
typedef uint32x4_t vu;
typedef uint32x4_t vmask;

/* 32 registers: 6 x 4 sums, the 4 weights of a step and a broadcast. */
/* clang-format off */
#define VEC_TILE_ROWS 6
#define VEC_TILE_BLOCKS(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1)
#define VEC_PRODUCT_BLOCKS(X) X(1) X(2) X(3) X(4) X(5)
#if defined(__ARM_FEATURE_DOTPROD)
#define VEC_QUAD_ROWS 12
#define VEC_QUAD_BLOCKS(X) VEC_TILE_BLOCKS(X)
#else /* besides the sums: the weights of a quad as they are stored, and some widened */
#define VEC_QUAD_ROWS 10
#define VEC_QUAD_BLOCKS(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1)
#endif
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
static inline vu vu_add(vu a, vu b) { return vaddq_u32(a, b); }
static inline vu vu_sub(vu a, vu b) { return vsubq_u32(a, b); }
static inline vu vu_quarter(vu x) { return vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(x), 2)); }
static inline void vu_store(uint32_t *p, vu x) { vst1q_u32(p, x); }

#define VEC_HALVES 8
typedef int16x8_t vh;
static inline vh vh_zero(void) { return vdupq_n_s16(0); }
static inline void vh_store(int16_t *p, vh x) { vst1q_s16(p, x); }
static inline vh vh_add(vh a, vh b) { return vaddq_s16(a, b); }
static inline vh vh_sub(vh a, vh b) { return vsubq_s16(a, b); }
static inline vh vh_load_u8(const uint8_t *p) { return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p))); }
static inline void vh_load_quads(const int8_t *p, vh *pairs)
{
    int16x8_t quads = vreinterpretq_s16_s8(vld1q_s8(p));
    pairs[0] = vmovl_s8(vget_low_s8(vreinterpretq_s8_s16(vuzp1q_s16(quads, quads))));
    pairs[1] = vmovl_s8(vget_low_s8(vreinterpretq_s8_s16(vuzp2q_s16(quads, quads))));
}

#define VEC_WINOGRAD_U8_PAYS false /* without a dot product: not measured */
#define VEC_QUAD_SUMS 1
#define VEC_QUAD_CHUNK 96
#define VEC_QUAD_PANELS 4
#define VEC_QUAD_MOST_ROWS 6
#define VEC_QUAD_GROUP 4
#define VEC_QUAD_ROW_MORE 8
#define VEC_QUAD_ROW_BYTES (VEC_QUAD_STRIDE * VEC_QUAD_CHUNK)
#if defined(__ARM_FEATURE_DOTPROD)
/* The dot product takes two signed bytes.  So rows hold a - 128, and the sums start from 128 times the sum of
 * the weights. */
#define VEC_QUAD_STEPS 1
#define VEC_QUAD_STRIDE 4
typedef const int8_t *vq;
typedef int8x16_t vw;
typedef int8x8_t va;
static inline vq vq_load(const int8_t *p) { return p; }
static inline vw vq_weights(vq q, int v, int step) { (void)step; return vld1q_s8(q + 16 * v); }
/* Two quads, of which the first is used: a load of one takes a second instruction. */
static inline va vq_row(const uint8_t *x, int step) { (void)step; return vreinterpret_s8_u8(vld1_u8(x)); }
static inline vu vq_dot(vu sum, va x, vw w, int step)
{
    (void)step;
    return vreinterpretq_u32_s32(vdotq_lane_s32(vreinterpretq_s32_u32(sum), w, x, 0));
}
static inline void vq_prepare(const uint8_t *a, uint8_t *x)
{
    vst1q_u8(x, veorq_u8(vld1q_u8(a), vdupq_n_u8(0x80)));
}
static inline void vq_prepare_n(const uint8_t *a, uint8_t *x, int n)
{
    for (int i = 0; i < 4 * n; i++) x[i] = a[i] ^ 0x80;
}
static inline void vq_start(vu *sum, const int8_t *b, size_t quads)
{
    int32x4_t minus[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t q = 0; q < quads; q++, b += 64) {
        for (int v = 0; v < 4; v++) minus[v] = vdotq_s32(minus[v], vld1q_s8(b + 16 * v), vdupq_n_s8(-128));
    }
    for (int v = 0; v < 4; v++) sum[v] = vreinterpretq_u32_s32(vnegq_s32(minus[v]));
}
#else
/* Rows hold 16 bits an element.  Step i multiplies element i of each quad. */
#define VEC_QUAD_STEPS 4
#define VEC_QUAD_STRIDE 8
typedef int8x16x4_t vq; /* element i of 16 columns */
typedef int16x4_t vw, va;
static inline vq vq_load(const int8_t *p) { return vld4q_s8(p); }
static inline vw vq_weights(vq q, int v, int step)
{
    int16x8_t half = vmovl_s8(v < 2 ? vget_low_s8(q.val[step]) : vget_high_s8(q.val[step]));
    return v % 2 == 0 ? vget_low_s16(half) : vget_high_s16(half);
}
static inline va vq_row(const uint8_t *x, int step) { (void)step; return vreinterpret_s16_u8(vld1_u8(x)); }
static inline vu vq_dot(vu sum, va x, vw w, int step)
{
    int32x4_t s = vreinterpretq_s32_u32(sum);
    switch (step) {
    case 0: return vreinterpretq_u32_s32(vmlal_lane_s16(s, w, x, 0));
    case 1: return vreinterpretq_u32_s32(vmlal_lane_s16(s, w, x, 1));
    case 2: return vreinterpretq_u32_s32(vmlal_lane_s16(s, w, x, 2));
    default: return vreinterpretq_u32_s32(vmlal_lane_s16(s, w, x, 3));
    }
}
static inline void vq_prepare(const uint8_t *a, uint8_t *x)
{
    uint8x16_t bytes = vld1q_u8(a);
    vst1q_u8(x, vreinterpretq_u8_u16(vmovl_u8(vget_low_u8(bytes))));
    vst1q_u8(x + 16, vreinterpretq_u8_u16(vmovl_u8(vget_high_u8(bytes))));
}
static inline void vq_prepare_n(const uint8_t *a, uint8_t *x, int n)
{
    for (int i = 0; i < 4 * n; i++) x[2 * i] = a[i], x[2 * i + 1] = 0;
}
static inline void vq_start(vu *sum, const int8_t *b, size_t quads)
{
    (void)b, (void)quads;
    for (int v = 0; v < 4; v++) sum[v] = vdupq_n_u32(0);
}
#endif

static inline uint16x4_t vec_nearest(vf x) { return vqmovn_u32(vcvtnq_u32_f32(x)); } /* NaN becomes 0 */
static inline vf vf_load_u16(const uint16_t *p) { return vcvtq_f32_u32(vmovl_u16(vld1_u16(p))); }
static inline void vf_store_u16(uint16_t *p, const vf *x)
{
    for (int v = 0; v < 4; v++) vst1_u16(p + 4 * v, vec_nearest(x[v]));
}
static inline void vf_store_u8(uint8_t *p, const vf *x)
{
    uint16x8_t low = vcombine_u16(vec_nearest(x[0]), vec_nearest(x[1]));
    uint16x8_t high = vcombine_u16(vec_nearest(x[2]), vec_nearest(x[3]));
    vst1q_u8(p, vcombine_u8(vqmovn_u16(low), vqmovn_u16(high)));
}

#define VEC_BYTES 16
typedef uint8x16_t vb;
static inline vb vb_zero(void) { return vdupq_n_u8(0); }
static inline vb vb_load(const uint8_t *p) { return vld1q_u8(p); }
static inline void vb_store(uint8_t *p, vb x) { vst1q_u8(p, x); }
static inline vb vb_max(vb a, vb b) { return vmaxq_u8(a, b); }
/* clang-format on */

#endif
