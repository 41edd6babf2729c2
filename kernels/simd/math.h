/* math.h - exp, tanh and sigmoid in vectors.
 *
 * docs/numerics.md has the errors, measured over every float.  The polynomials are minimax fits in relative
 * error, found by Lawson's iteration in double and then rounded to float. */
#ifndef CPTK_SIMD_MATH_H
#define CPTK_SIMD_MATH_H

#include "kernels/simd/vec.h"

/* ---- exp ---- */

/* x = n ln 2 + r with an integer n and |r| <= ln 2 / 2, so that e^x = 2^n e^r, and e^r = 1 + r + r^2 q(r)
 * with a polynomial q. */

/* Keeps n within the range of vf_scale.  At and beyond these bounds e^x is 0 or infinite as a float. */
static inline vf exp_clamp(vf x)
{
    return vf_clamp(x, vf_set(-104.0f), vf_set(89.0f));
}

/* n, by 1 / ln 2 */
static inline vf exp_n(vf x)
{
    return vf_round(vf_mul(x, vf_set(0x1.715476p+0f)));
}

/* ln 2 in two parts.  The product of n and the first is exact. */
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f

static inline vf exp_q(vf r)
{
    vf q = vf_fma(r, vf_set(0x1.6a2434p-10f), vf_set(0x1.1239e2p-7f));
    q = vf_fma(r, q, vf_set(0x1.5558f2p-5f));
    q = vf_fma(r, q, vf_set(0x1.555492p-3f));
    return vf_fma(r, q, vf_set(0x1.fffffcp-2f));
}

/* e^x for every x.  Results may overflow, or lie below the range of normal floats; NaN stays NaN. */
static inline vf v_exp(vf any)
{
    const vf x = exp_clamp(any), n = exp_n(x);
    const vf r = vf_fnma(n, vf_set(LN2_LOW), vf_fnma(n, vf_set(LN2_HIGH), x));
    const vf more = vf_fma(vf_mul(r, r), exp_q(r), r); /* e^r - 1 */
    return vf_scale(vf_add(more, vf_set(1.0f)), n);
}

/* The same, more precisely: `low` collects what rounding r and 1 + r lost. */
static inline vf v_exp_close(vf any)
{
    const vf one = vf_set(1.0f), x = exp_clamp(any), n = exp_n(x);
    const vf first = vf_fnma(n, vf_set(LN2_HIGH), x), r = vf_fnma(n, vf_set(LN2_LOW), first);
    const vf sum = vf_add(one, r);
    const vf lost = vf_add(vf_fnma(n, vf_set(LN2_LOW), vf_sub(first, r)), vf_sub(r, vf_sub(sum, one)));
    const vf low = vf_fma(vf_mul(r, r), exp_q(r), lost);
    return vf_scale(vf_add(sum, low), n);
}

/* ---- tanh, sigmoid ---- */

/* tanh |x| = |x| + |x|^3 p(x^2) where |x| is small, with a polynomial p; otherwise 1 - 2 / (e^2|x| + 1),
 * whose error shrinks with the quotient. */
static inline vf v_tanh(vf x)
{
    const vf a = vf_abs(x), z = vf_mul(a, a), one = vf_set(1.0f);
    vf p = vf_fma(z, vf_set(-0.005704987f), vf_set(0.020639088f));
    p = vf_fma(z, p, vf_set(-0.053739715f));
    p = vf_fma(z, p, vf_set(0.13331442f));
    p = vf_fma(z, p, vf_set(-0.3333328f));
    const vf small = vf_fma(vf_mul(a, z), p, a);
    const vf large = vf_sub(one, vf_div(vf_set(2.0f), vf_add(v_exp(vf_add(a, a)), one)));
    return vf_copysign(vf_select(vf_lt(a, vf_set(0.625f)), small, large), x);
}

/* With e = e^-|x| and d = 1 + e, sigmoid(x) is 1 / d, or e / d for negative x; the latter keeps the digits of
 * small results.  Rounding d loses `lost`, so the quotient q is corrected by -q lost / d.  There 1 / d may be
 * rough: the linear 1.457 - d / 2 is close enough for d in 1..2. */
static inline vf v_sigmoid(vf x)
{
    const vf one = vf_set(1.0f), e = v_exp_close(vf_copysign(x, vf_set(-1.0f)));
    const vf d = vf_add(one, e), lost = vf_sub(e, vf_sub(d, one));
    const vf q = vf_div(vf_select(vf_lt(x, vf_set(0.0f)), e, one), d);
    return vf_fnma(q, vf_mul(lost, vf_fnma(vf_set(0.5f), d, vf_set(1.457f))), q);
}

#endif
