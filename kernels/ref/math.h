/* math.h - exp, tanh and sigmoid of floats and the join of a sum in 16 parts, in plain C: the specification
 * of kernels/simd/math.h.
 *
 * Only operations that round once are used, and no compiler may change their order or fuse them.  So the
 * results have the same bits on every machine whose floats are those of IEEE 754. */
#ifndef CPTK_REF_MATH_H
#define CPTK_REF_MATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/coefficients.h"
#include "kernels/kernels.h"

#if (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16) || defined(__FAST_MATH__)
#error "every operation must round to its type: no -ffast-math; on 32-bit x86 -msse2 -mfpmath=sse"
#endif

/* ---- exp ---- */

/* x within low..high; NaN stays NaN */
static inline float clamp(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static inline float power_of_two(int n) /* n of -126..127 */
{
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x * 2^n for integers n of -152..128 and x of 0.5..2.  The first product is exact, so the result is rounded
 * once, even where it is below the range of normal floats. */
static inline float scale(float x, float n)
{
    if (isnan(n)) return x; /* then x is NaN too, and n has no integer */
    const int all = (int)n, half = all / 2;
    return x * power_of_two(half) * power_of_two(all - half);
}

/* The nearest integer, ties to even, of an x within +-2^22: the sum has no room for a fraction. */
static inline float nearest(float x)
{
    return (x + 0x1.8p+23f) - 0x1.8p+23f;
}

static inline float exp_q(float r, float square) /* r and r^2 */
{
    const float high = CPTK_EXP_Q4 * square + (CPTK_EXP_Q3 * r + CPTK_EXP_Q2);
    return high * square + (CPTK_EXP_Q1 * r + CPTK_EXP_Q0);
}

/* e^(x - n ln 2) */
static inline float exp_rest(float x, float n)
{
    const float r = (x - n * CPTK_LN2_HIGH) - n * CPTK_LN2_LOW, square = r * r;
    return (square * exp_q(r, square) + r) + 1;
}

/* e^x for every x.  Results may overflow, or lie below the range of normal floats; NaN stays NaN. */
static inline float exp_float(float any)
{
    const float x = clamp(any, CPTK_EXP_LOWEST, CPTK_EXP_HIGHEST), n = nearest(x * CPTK_INVERSE_LN2);
    return scale(exp_rest(x, n), n);
}

/* The same, for x of -87..88. */
static inline float exp_normal(float x)
{
    const float n = nearest(x * CPTK_INVERSE_LN2);
    return exp_rest(x, n) * power_of_two((int)n);
}

/* The same, more precisely: `low` collects what rounding r and 1 + r lost. */
static inline float exp_close(float any)
{
    const float x = clamp(any, CPTK_EXP_LOWEST, CPTK_EXP_HIGHEST), n = nearest(x * CPTK_INVERSE_LN2);
    const float first = x - n * CPTK_LN2_HIGH, second = n * CPTK_LN2_LOW, r = first - second;
    const float sum = 1 + r, square = r * r;
    const float lost = ((first - r) - second) + (r - (sum - 1));
    const float low = square * exp_q(r, square) + lost;
    return scale(sum + low, n);
}

/* ---- tanh, sigmoid ---- */

static inline float tanh_p(float z)
{
    float p = CPTK_TANH_P4 * z + CPTK_TANH_P3;
    p = p * z + CPTK_TANH_P2;
    p = p * z + CPTK_TANH_P1;
    return p * z + CPTK_TANH_P0;
}

/* The error of 1 - 2 / (e^2|x| + 1) shrinks with the quotient.  Where |x| is small a polynomial takes over.
 */
static inline float tanh_float(float x)
{
    const float a = fabsf(x), z = a * a;
    if (a < CPTK_TANH_SMALL) return copysignf((a * z) * tanh_p(z) + a, x);
    if (isnan(x)) return x;
    return copysignf(1 - 2 / (exp_normal((a < CPTK_TANH_ONE ? a : CPTK_TANH_ONE) * 2) + 1), x);
}

/* With e = e^-|x| and d = 1 + e, sigmoid(x) is 1 / d, or e / d for negative x; the latter keeps the digits of
 * small results.  Rounding d loses `lost`, so the quotient q is corrected by -q lost / d, where 1 / d may be
 * rough. */
static inline float sigmoid_float(float x)
{
    const float e = exp_close(-fabsf(x)), d = 1 + e, lost = e - (d - 1);
    const float q = (x < 0 ? e : 1) / d;
    return q - q * (lost * (CPTK_SIGMOID_ROUGH - 0.5f * d));
}

/* ---- sums in parts ---- */

/* The sum of the parts, which it changes. */
static inline float join_parts(float part[CPTK_PARTS])
{
    for (int half = CPTK_PARTS / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    }
    return part[0];
}

#endif
