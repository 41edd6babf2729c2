/* vecmath.h - exp, tanh and sigmoid on vectors, for the bodies.  Errors, measured over every float, are in
 * docs/numerics.md.  Polynomials are minimax fits of their own in relative error, by Lawson's iteration in
 * double, then rounded. */
#ifndef CPTK_SIMD_MATH_H
#define CPTK_SIMD_MATH_H

#include "kernels/simd/vec.h"

/* x = n ln 2 + r, |r| <= ln 2 / 2; e^x = 2^n (1 + r + r^2 q(r)).  Beyond the bounds set here the result is 0
 * or infinity, and at the bounds it is too. */
static inline vf exp_clamp(vf x)
{
    return vf_clamp(x, vf_set(-104.0f), vf_set(89.0f));
}

/* ln 2 in two parts; the products with the first are exact. */
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f

static inline vf exp_q(vf r)
{
    vf q = vf_fma(r, vf_set(0x1.6a2434p-10f), vf_set(0x1.1239e2p-7f));
    q = vf_fma(r, q, vf_set(0x1.5558f2p-5f));
    q = vf_fma(r, q, vf_set(0x1.555492p-3f));
    return vf_fma(r, q, vf_set(0x1.fffffcp-2f));
}

/* Right for every x: overflow, results below the normal range, NaN. */
static inline vf v_exp(vf x)
{
    vf n, r;
    x = exp_clamp(x);
    n = vf_round(vf_mul(x, vf_set(0x1.715476p+0f)));
    r = vf_fnma(n, vf_set(LN2_LOW), vf_fnma(n, vf_set(LN2_HIGH), x));
    r = vf_fma(vf_mul(r, r), exp_q(r), r);
    return vf_scale(vf_add(r, vf_set(1.0f)), n);
}

/* The same with the roundings of r and of 1 + r made up for. */
static inline vf v_exp_close(vf x)
{
    vf n, first, r, low, sum, one = vf_set(1.0f);
    x = exp_clamp(x);
    n = vf_round(vf_mul(x, vf_set(0x1.715476p+0f)));
    first = vf_fnma(n, vf_set(LN2_HIGH), x);
    r = vf_fnma(n, vf_set(LN2_LOW), first);
    sum = vf_add(one, r);
    low = vf_add(vf_fnma(n, vf_set(LN2_LOW), vf_sub(first, r)), vf_sub(r, vf_sub(sum, one)));
    low = vf_fma(vf_mul(r, r), exp_q(r), low);
    return vf_scale(vf_add(sum, low), n);
}

/* Small x: x + x^3 p(x^2); otherwise 1 - 2 / (e^2x + 1), whose error shrinks with the quotient. */
static inline vf v_tanh(vf x)
{
    vf a = vf_abs(x), z = vf_mul(a, a), one = vf_set(1.0f), p, large;
    p = vf_fma(z, vf_set(-0.005704987f), vf_set(0.020639088f));
    p = vf_fma(z, p, vf_set(-0.053739715f));
    p = vf_fma(z, p, vf_set(0.13331442f));
    p = vf_fma(z, p, vf_set(-0.3333328f));
    p = vf_fma(vf_mul(a, z), p, a);
    large = vf_sub(one, vf_div(vf_set(2.0f), vf_add(v_exp(vf_add(a, a)), one)));
    return vf_copysign(vf_select(vf_lt(a, vf_set(0.625f)), p, large), x);
}

/* With e = e^-|x|: 1 / (1 + e), or e / (1 + e) for negative x, which keeps small results' digits.  What
 * rounding 1 + e lost is taken off the quotient, for which 1 / (1 + e) may be rough. */
static inline vf v_sigmoid(vf x)
{
    vf one = vf_set(1.0f), e = v_exp_close(vf_copysign(x, vf_set(-1.0f)));
    vf d = vf_add(one, e), lost = vf_sub(e, vf_sub(d, one));
    vf q = vf_div(vf_select(vf_lt(x, vf_set(0.0f)), e, one), d);
    return vf_fnma(q, vf_mul(lost, vf_fnma(vf_set(0.5f), d, vf_set(1.457f))), q);
}

#endif
