/* real.h - exp, log and power of doubles, with the same bits on every machine.  The C library's differ in
 * their last bits from one system to the next.
 *
 * Only additions, subtractions, multiplications and divisions are used.  Each rounds once to double, and
 * their order is fixed.  One ulp is the distance between two neighbouring doubles at the exact result. */
#ifndef CPTK_REAL_H
#define CPTK_REAL_H

/* e^x, at most 1 ulp off.  Results may overflow, or lie below the range of normal doubles; NaN stays NaN. */
double cptk_exp(double x);

/* The natural logarithm, at most 1 ulp off: -infinity of 0, NaN of negative numbers and of NaN. */
double cptk_log(double x);

/* x^y for a positive, finite x, and for y within -16..16: at most 1 ulp off.  NaN where x or y is NaN.  The
 * result is exact where it is 1. */
double cptk_power(double x, double y);

#endif
