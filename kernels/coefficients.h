/* coefficients.h - the numbers in exp, tanh and sigmoid, for plain C and vector code alike.
 *
 * exp: x = n ln 2 + r with an integer n and |r| <= ln 2 / 2.  So e^x = 2^n e^r, and e^r = 1 + r + r^2 q(r)
 * with a polynomial q.
 *
 * tanh: tanh a = a + a^3 p(a^2) where |a| is small, with a polynomial p.
 *
 * The polynomials are minimax fits in relative error, found by Lawson's iteration in double and then rounded
 * to float.  docs/numerics.md has the errors of the functions. */
#ifndef CPTK_COEFFICIENTS_H
#define CPTK_COEFFICIENTS_H

#define CPTK_INVERSE_LN2 0x1.715476p+0f

/* ln 2 in two parts.  The product of n and the first is exact. */
#define CPTK_LN2_HIGH 0x1.62e4p-1f
#define CPTK_LN2_LOW 0x1.7f7d1cp-20f

/* q(r) = (Q4 r^2 + (Q3 r + Q2)) r^2 + (Q1 r + Q0) */
#define CPTK_EXP_Q0 0x1.fffffcp-2f
#define CPTK_EXP_Q1 0x1.555492p-3f
#define CPTK_EXP_Q2 0x1.5558f2p-5f
#define CPTK_EXP_Q3 0x1.1239e2p-7f
#define CPTK_EXP_Q4 0x1.6a2434p-10f

/* From here on to both sides e^x is 0 or infinite as a float; between NORMAL and 88 it is a normal float. */
#define CPTK_EXP_LOWEST -104.0f
#define CPTK_EXP_HIGHEST 89.0f
#define CPTK_EXP_NORMAL -87.0f

/* p(z) = (((P4 z + P3) z + P2) z + P1) z + P0, for a below SMALL */
#define CPTK_TANH_P0 -0.3333328f
#define CPTK_TANH_P1 0.13331442f
#define CPTK_TANH_P2 -0.053739715f
#define CPTK_TANH_P3 0.020639088f
#define CPTK_TANH_P4 -0.005704987f
#define CPTK_TANH_SMALL 0.625f

/* From here on 1 - 2 / (e^2a + 1) is 1 as a float. */
#define CPTK_TANH_ONE 20.0f

/* 1 / d is about 1.457 - d / 2 for d in 1..2. */
#define CPTK_SIGMOID_ROUGH 1.457f

#endif
