/* finish_int8.h - what becomes of a sum of products of bytes in plain C (cptk_out_int8). */
#ifndef CPTK_REF_FINISH_INT8_H
#define CPTK_REF_FINISH_INT8_H

#include "kernels/kernels.h"

/* The nearest integer of x within 0..most, ties to even; 0 for NaN.  most is below 2^22. */
static inline uint16_t cptk_nearest(float x, float most)
{
    const float rounder = 12582912.0f; /* 1.5 * 2^23: sums have no digits behind the point */
    if (!(x > 0)) return 0;
    return (uint16_t)((x < most ? x : most) + rounder - rounder);
}

/* The sum of row m, column j. */
static inline void cptk_finish_int8(const cptk_out_int8 *out, int32_t sum, int m, int j)
{
    const size_t c = (size_t)m * out->c_stride + (size_t)j, add = (size_t)m * out->add_stride + (size_t)j;
    float x = (float)sum * out->scale[j];
    if (out->bias) x += out->bias[j];
    if (out->add) x += (float)out->add[add] * out->add_scale;
    if (out->c_f32) out->c_f32[c] = x;
    if (out->c_u8) out->c_u8[c] = (uint8_t)cptk_nearest(x, 255);
    if (out->c_u16) out->c_u16[c] = cptk_nearest(x * 256, 65535);
}

#endif
