/* vec_wasm.h - the vector operations of vec.h in WebAssembly's simd128: 4 floats a vector.  vec.h says what
 * each must do.  With relaxed SIMD, multiply-adds are fused where the engine's processor can. */
#ifndef CPTK_SIMD_VEC_WASM_H
#define CPTK_SIMD_VEC_WASM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wasm_simd128.h>

#define VEC_W 4
typedef v128_t vf;
typedef v128_t vu;
typedef v128_t vmask;

/* WebAssembly has any number of registers, but engines on x86-64 have 15 to put them in: 2 x 4 sums, the 4
 * weights of a step, a broadcast and a product.  With 3 rows of floats, sums go through memory in every step,
 * and that takes 1.6 times as long; bytes have more to do in between. */
/* clang-format off */
#define VEC_TILE_ROWS 8
#define VEC_TILE_GROUP 1 /* so that all blocks but the first find a panel's weights in the first cache */
#define VEC_TILE_BLOCKS(X) X(1, 1) X(2, 1)
#define VEC_PRODUCT_BLOCKS(X) X(1) X(2) X(3)
#define VEC_QUAD_ROWS 6
#define VEC_QUAD_BLOCKS(X) X(1, 1) X(2, 1) X(3, 1)
/* clang-format on */

#define VEC_KEEP(x) ((void)0)

/* one operation a line */
/* clang-format off */
static inline vf vf_set(float x) { return wasm_f32x4_splat(x); }
static inline vf vf_load(const float *p) { return wasm_v128_load(p); }
static inline void vf_store(float *p, vf x) { wasm_v128_store(p, x); }
static inline vf vf_load_n(const float *p, int n, vf rest)
{
    float all[4];
    wasm_v128_store(all, rest);
    for (int i = 0; i < n; i++) all[i] = p[i];
    return wasm_v128_load(all);
}
static inline void vf_store_n(float *p, vf x, int n)
{
    float all[4];
    wasm_v128_store(all, x);
    for (int i = 0; i < n; i++) p[i] = all[i];
}
static inline vf vf_add(vf a, vf b) { return wasm_f32x4_add(a, b); }
static inline vf vf_sub(vf a, vf b) { return wasm_f32x4_sub(a, b); }
static inline vf vf_mul(vf a, vf b) { return wasm_f32x4_mul(a, b); }
static inline vf vf_div(vf a, vf b) { return wasm_f32x4_div(a, b); }
#if defined(__wasm_relaxed_simd__)
static inline vf vf_fma(vf a, vf b, vf c) { return (vf)__builtin_wasm_relaxed_madd_f32x4((__f32x4)a, (__f32x4)b, (__f32x4)c); }
static inline vf vf_fnma(vf a, vf b, vf c) { return (vf)__builtin_wasm_relaxed_nmadd_f32x4((__f32x4)a, (__f32x4)b, (__f32x4)c); }
#else
static inline vf vf_fma(vf a, vf b, vf c) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }
static inline vf vf_fnma(vf a, vf b, vf c) { return wasm_f32x4_sub(c, wasm_f32x4_mul(a, b)); }
#endif
static inline vf vf_abs(vf x) { return wasm_f32x4_abs(x); }
static inline vf vf_copysign(vf x, vf sign) { return wasm_v128_bitselect(sign, x, wasm_f32x4_splat(-0.0f)); }
static inline vf vf_at_least(vf x, vf low) { return wasm_f32x4_pmax(x, low); } /* pmax(a, b) is a < b ? b : a */
static inline vf vf_at_most(vf x, vf high) { return wasm_f32x4_pmin(x, high); } /* pmin(a, b) is b < a ? b : a */
static inline vf vf_max_number(vf x, vf low) { return wasm_f32x4_pmax(low, x); }
static inline vf vf_relu(vf x) { return wasm_f32x4_pmax(x, wasm_f32x4_splat(0.0f)); }
static inline vf vf_round(vf x) { return wasm_f32x4_nearest(x); }
/* The integer of an n within +-2^22: it ends in the low bits of n + 1.5 * 2^23.  Engines take longer for a
 * conversion, which must not trap. */
static inline v128_t vec_integer(vf n)
{
    return wasm_i32x4_sub(wasm_f32x4_add(n, wasm_f32x4_splat(0x1.8p+23f)), wasm_f32x4_splat(0x1.8p+23f));
}
static inline vf vec_power(v128_t n) /* 2^n */
{
    return wasm_i32x4_shl(wasm_i32x4_add(n, wasm_i32x4_splat(127)), 23);
}
static inline vf vf_scale(vf x, vf n)
{
    v128_t all = vec_integer(n), half = wasm_i32x4_shr(all, 1);
    return wasm_f32x4_mul(wasm_f32x4_mul(x, vec_power(half)), vec_power(wasm_i32x4_sub(all, half)));
}
static inline vf vf_scale_normal(vf x, vf n) { return wasm_f32x4_mul(x, vec_power(vec_integer(n))); }
static inline vmask vf_lt(vf a, vf b) { return wasm_f32x4_lt(a, b); }
static inline vf vf_select(vmask m, vf yes, vf no) { return wasm_v128_bitselect(yes, no, m); }
static inline bool vmask_any(vmask m) { return wasm_v128_any_true(m); }
static inline vu vu_load(const uint32_t *p) { return wasm_v128_load(p); }
static inline vu vu_set(uint32_t x) { return wasm_i32x4_splat((int32_t)x); }
static inline vu vu_dot(vu sum, vu a, vu b) { return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(a, b)); }
static inline vf vf_from_int(vu x) { return wasm_f32x4_convert_i32x4(x); }
static inline vu vu_bits(vf x) { return x; }
static inline void vu_store_low(uint16_t *p, vu x)
{
    wasm_v128_store64_lane(p, wasm_i16x8_shuffle(x, x, 0, 2, 4, 6, 0, 2, 4, 6), 0);
}
static inline vu vu_add(vu a, vu b) { return wasm_i32x4_add(a, b); }
static inline vu vu_sub(vu a, vu b) { return wasm_i32x4_sub(a, b); }
static inline vu vu_quarter(vu x) { return wasm_i32x4_shr(x, 2); }
static inline void vu_store(uint32_t *p, vu x) { wasm_v128_store(p, x); }

#define VEC_HALVES 8
typedef v128_t vh;
static inline vh vh_zero(void) { return wasm_i16x8_splat(0); }
static inline void vh_store(int16_t *p, vh x) { wasm_v128_store(p, x); }
static inline vh vh_add(vh a, vh b) { return wasm_i16x8_add(a, b); }
static inline vh vh_sub(vh a, vh b) { return wasm_i16x8_sub(a, b); }
static inline vh vh_load_u8(const uint8_t *p) { return wasm_u16x8_load8x8(p); }
static inline void vh_load_quads(const int8_t *p, vh *pairs)
{
    v128_t quads = wasm_v128_load(p), apart = wasm_i16x8_shuffle(quads, quads, 0, 2, 4, 6, 1, 3, 5, 7);
    pairs[0] = wasm_i16x8_extend_low_i8x16(apart);
    pairs[1] = wasm_i16x8_extend_high_i8x16(apart);
}

/* Quads.  Bytes are widened to 16 bits: the even ones are multiplied in the first step, the odd ones in the
 * second.  A prepared row has the even bytes of its quads, then the odd ones. */
typedef const int8_t *vq;
typedef v128_t vw, va;
static inline vq vq_load(const int8_t *p) { return p; }
#define VEC_WINOGRAD_U8_PAYS true
#define VEC_QUAD_STEPS 2
#define VEC_QUAD_SUMS 1
#define VEC_QUAD_CHUNK 96
#define VEC_QUAD_PANELS 4
#define VEC_QUAD_MOST_ROWS 3
#define VEC_QUAD_GROUP 4
#define VEC_QUAD_STRIDE 4
#define VEC_QUAD_ROW_MORE 0
#define VEC_QUAD_PLANE (4 * VEC_QUAD_CHUNK)
#define VEC_QUAD_ROW_BYTES (2 * VEC_QUAD_PLANE)
static inline vw vq_weights(vq q, int v, int step)
{
    /* the even bytes of all vectors but the first are the odd ones of a byte before */
    const int8_t *p = q + 16 * v - (step == 0 && v > 0);
    v128_t w = wasm_v128_load(p);
    return wasm_i16x8_shr(step == 0 && v == 0 ? wasm_i16x8_shl(w, 8) : w, 8);
}
static inline va vq_row(const uint8_t *x, int step) { return wasm_v128_load32_splat(x + step * VEC_QUAD_PLANE); }
static inline vu vq_dot(vu sum, va x, vw w, int step) { (void)step; return vu_dot(sum, x, w); }
static inline void vq_prepare(const uint8_t *a, uint8_t *x)
{
    v128_t bytes = wasm_v128_load(a);
    wasm_v128_store(x, wasm_v128_and(bytes, wasm_i16x8_splat(0xFF)));
    wasm_v128_store(x + VEC_QUAD_PLANE, wasm_u16x8_shr(bytes, 8));
}
static inline void vq_prepare_n(const uint8_t *a, uint8_t *x, int n)
{
    for (int i = 0; i < 4 * n; i += 2) {
        x[i] = a[i], x[i + 1] = 0;
        x[i + VEC_QUAD_PLANE] = a[i + 1], x[i + 1 + VEC_QUAD_PLANE] = 0;
    }
}
static inline void vq_start(vu *sum, const int8_t *b, size_t quads)
{
    (void)b, (void)quads;
    for (int v = 0; v < 4; v++) sum[v] = wasm_i32x4_splat(0);
}

static inline vf vf_load_u16(const uint16_t *p) { return wasm_f32x4_convert_i32x4(wasm_u32x4_load16x4(p)); }
/* What is too small, or NaN, becomes 0; then the nearest integer is in the low bits of x + 2^23. */
static inline v128_t vec_nearest(vf x, float most)
{
    vf y = wasm_f32x4_pmax(wasm_f32x4_splat(0.0f), x); /* 0 < x ? x : 0 */
    y = wasm_f32x4_add(wasm_f32x4_pmin(y, wasm_f32x4_splat(most)), wasm_f32x4_splat(0x1p+23f));
    return wasm_v128_xor(y, wasm_f32x4_splat(0x1p+23f));
}
static inline void vf_store_u16(uint16_t *p, const vf *x)
{
    for (int v = 0; v < 4; v += 2) {
        v128_t low = vec_nearest(x[v], 65535.0f), high = vec_nearest(x[v + 1], 65535.0f);
        wasm_v128_store(p + 4 * v, wasm_u16x8_narrow_i32x4(low, high));
    }
}
static inline void vf_store_u8(uint8_t *p, const vf *x)
{
    v128_t low = wasm_i16x8_narrow_i32x4(vec_nearest(x[0], 255.0f), vec_nearest(x[1], 255.0f));
    v128_t high = wasm_i16x8_narrow_i32x4(vec_nearest(x[2], 255.0f), vec_nearest(x[3], 255.0f));
    wasm_v128_store(p, wasm_u8x16_narrow_i16x8(low, high));
}

#define VEC_BYTES 16
typedef v128_t vb;
static inline vb vb_zero(void) { return wasm_i8x16_splat(0); }
static inline vb vb_load(const uint8_t *p) { return wasm_v128_load(p); }
static inline void vb_store(uint8_t *p, vb x) { wasm_v128_store(p, x); }
static inline vb vb_max(vb a, vb b) { return wasm_u8x16_max(a, b); }
/* clang-format on */

#endif
