/* finish_int8.h - what becomes of a block of sums of products of bytes (cptk_out_int8), while they are in
 * registers: for the bodies that make such sums. */
#ifndef CPTK_SIMD_FINISH_INT8_H
#define CPTK_SIMD_FINISH_INT8_H

#include "kernels/simd/simd.h"

enum {
    MOST_VECTORS = 4, /* V of any block */
    MOST_SUMS = 28,   /* R * V of any block, times the sums that an output has */
};

/* Scales, adds and stores R rows from `row` on and V vectors of columns from `column` on, all of them among
 * the n columns: sum [R][V]. */
BODY_INLINE void finish(const cptk_out_int8 *out, const vu *sum, int row, int column, int R, int V)
{
    vf x[MOST_SUMS], scale[MOST_VECTORS];
    BODY_UNROLL
    for (int v = 0; v < V; v++) scale[v] = vf_load(out->scale + column + v * VEC_W);
    BODY_UNROLL
    for (int i = 0; i < R * V; i++) x[i] = vf_mul(vf_from_int(sum[i]), scale[i % V]);
    if (out->bias) {
        vf bias[MOST_VECTORS];
        BODY_UNROLL
        for (int v = 0; v < V; v++) bias[v] = vf_load(out->bias + column + v * VEC_W);
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) x[i] = vf_add(x[i], bias[i % V]);
    }
    if (out->add) {
        const uint16_t *add = out->add + (size_t)row * out->add_stride + column;
        const vf factor = vf_set(out->add_scale);
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) {
            const vf more = vf_load_u16(add + (size_t)(i / V) * out->add_stride + i % V * VEC_W);
            x[i] = vf_add(x[i], vf_mul(more, factor));
        }
    }
    const size_t at = (size_t)row * out->c_stride + (size_t)column;
    if (out->c_f32) {
        float *c = out->c_f32 + at;
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) vf_store(c + (size_t)(i / V) * out->c_stride + i % V * VEC_W, x[i]);
    }
    if (out->c_u8) {
        uint8_t *c = out->c_u8 + at;
        BODY_UNROLL
        for (int i = 0; i < R * V; i += VEC_PANEL) {
            vf_store_u8(c + (size_t)(i / V) * out->c_stride + i % V * VEC_W, x + i);
        }
    }
    if (out->c_u16) {
        uint16_t *c = out->c_u16 + at;
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) x[i] = vf_mul(x[i], vf_set(256.0f));
        BODY_UNROLL
        for (int i = 0; i < R * V; i += VEC_PANEL) {
            vf_store_u16(c + (size_t)(i / V) * out->c_stride + i % V * VEC_W, x + i);
        }
    }
}

#endif
