/* math.h - exp, tanh and sigmoid in vectors, and the join of a sum in 16 parts.
 *
 * kernels/ref/math.h specifies them.  Every operation here is one of that specification, so that the results
 * have the same bits; there is no fused multiply-add. */
#ifndef CPTK_SIMD_MATH_H
#define CPTK_SIMD_MATH_H

#include "kernels/coefficients.h"
#include "kernels/simd/simd.h"

/* ---- exp ---- */

/* a * b + c, rounded twice */
static inline vf v_mul_add(vf a, vf b, vf c)
{
    return vf_add(vf_mul(a, b), c);
}

static inline vf exp_n(vf x)
{
    return vf_round(vf_mul(x, vf_set(CPTK_INVERSE_LN2)));
}

static inline vf exp_q(vf r, vf square)
{
    const vf first = v_mul_add(vf_set(CPTK_EXP_Q1), r, vf_set(CPTK_EXP_Q0));
    const vf second = v_mul_add(vf_set(CPTK_EXP_Q3), r, vf_set(CPTK_EXP_Q2));
    return v_mul_add(v_mul_add(vf_set(CPTK_EXP_Q4), square, second), square, first);
}

static inline vf exp_rest(vf x, vf n)
{
    const vf first = vf_sub(x, vf_mul(n, vf_set(CPTK_LN2_HIGH)));
    const vf r = vf_sub(first, vf_mul(n, vf_set(CPTK_LN2_LOW))), square = vf_mul(r, r);
    return vf_add(v_mul_add(square, exp_q(r, square), r), vf_set(1.0f));
}

/* Keeps n within the range of vf_scale. */
static inline vf exp_clamp(vf x)
{
    return vf_at_least(vf_at_most(x, vf_set(CPTK_EXP_HIGHEST)), vf_set(CPTK_EXP_LOWEST));
}

static inline vf v_exp(vf any)
{
    const vf x = exp_clamp(any), n = exp_n(x);
    return vf_scale(exp_rest(x, n), n);
}

static inline vf v_exp_normal(vf x)
{
    const vf n = exp_n(x);
    return vf_scale_normal(exp_rest(x, n), n);
}

static inline vf v_exp_close(vf any)
{
    const vf one = vf_set(1.0f), x = exp_clamp(any), n = exp_n(x);
    const vf first = vf_sub(x, vf_mul(n, vf_set(CPTK_LN2_HIGH))), second = vf_mul(n, vf_set(CPTK_LN2_LOW));
    const vf r = vf_sub(first, second), sum = vf_add(one, r), square = vf_mul(r, r);
    const vf lost = vf_add(vf_sub(vf_sub(first, r), second), vf_sub(r, vf_sub(sum, one)));
    const vf low = v_mul_add(square, exp_q(r, square), lost);
    return vf_scale(vf_add(sum, low), n);
}

/* ---- tanh, sigmoid ---- */

static inline vf tanh_p(vf z)
{
    vf p = v_mul_add(vf_set(CPTK_TANH_P4), z, vf_set(CPTK_TANH_P3));
    p = v_mul_add(p, z, vf_set(CPTK_TANH_P2));
    p = v_mul_add(p, z, vf_set(CPTK_TANH_P1));
    return v_mul_add(p, z, vf_set(CPTK_TANH_P0));
}

static inline vf v_tanh(vf x)
{
    const vf a = vf_abs(x), z = vf_mul(a, a), one = vf_set(1.0f), two = vf_set(2.0f);
    const vf small = v_mul_add(vf_mul(a, z), tanh_p(z), a);
    const vf e = v_exp_normal(vf_mul(vf_at_most(a, vf_set(CPTK_TANH_ONE)), two));
    const vf large = vf_sub(one, vf_div(two, vf_add(e, one)));
    return vf_copysign(vf_select(vf_lt(a, vf_set(CPTK_TANH_SMALL)), small, large), x);
}

static inline vf v_sigmoid(vf x)
{
    const vf one = vf_set(1.0f), e = v_exp_close(vf_copysign(x, vf_set(-1.0f)));
    const vf d = vf_add(one, e), lost = vf_sub(e, vf_sub(d, one));
    const vf q = vf_div(vf_select(vf_lt(x, vf_set(0.0f)), e, one), d);
    const vf rough = vf_sub(vf_set(CPTK_SIGMOID_ROUGH), vf_mul(vf_set(0.5f), d));
    return vf_sub(q, vf_mul(q, vf_mul(lost, rough)));
}

/* ---- sums in parts ---- */

/* The sum of 16 parts, which it changes: part j is element j % VEC_W of vector j / VEC_W. */
static inline float v_join_parts(vf part[VEC_PANEL])
{
    float one[VEC_W];
    BODY_UNROLL
    for (int half = VEC_PANEL / 2; half > 0; half /= 2) {
        BODY_UNROLL
        for (int i = 0; i < half; i++) part[i] = vf_add(part[i], part[i + half]);
    }
    vf_store(one, part[0]);
    for (int half = VEC_W / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) one[i] += one[i + half];
    }
    return one[0];
}

#endif
