/* real.c - exp, log and power of doubles.  Sums of two doubles, `high` and a much smaller `low`, carry what
 * one double has no room for. */
#include "kernels/real.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts.  The product of the first and an integer of at most 11 bits is exact. */
#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW 0x1.ef35793c7673p-45
#define INVERSE_LN2 0x1.71547652b82fep+0

/* high + low */
typedef struct real_pair {
    double high, low;
} real_pair;

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double power_of_two(int n) /* n of -1022..1023 */
{
    return from_bits((uint64_t)(n + 1023) << 52);
}

/* ---- exact sums and products ---- */

/* a + b without an error, for |a| >= |b| or a = 0 */
static real_pair add_exactly(double a, double b)
{
    const double sum = a + b;
    return (real_pair){sum, b - (sum - a)};
}

/* The upper half of x's 53 bits, by Veltkamp's method. */
static double upper_half(double x)
{
    const double far = x * 0x1.000002p+27;
    return far - (far - x);
}

/* a * b without an error, by Dekker's method. */
static real_pair multiply_exactly(double a, double b)
{
    const double a_high = upper_half(a), b_high = upper_half(b), a_low = a - a_high, b_low = b - b_high;
    const double product = a * b;
    const double low = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    return (real_pair){product, low};
}

/* ---- exp ---- */

/* e^(x + low), for a low that is far below x, or 0.  x = n ln 2 + r with an integer n and |r| <= ln 2 / 2.
 * e^r = 1 + r + r^2 q(r), where q is Taylor's series up to r^13 / 13!; what follows is below 2^-57. */
static double exp_of_sum(double x, double low)
{
    const double n = (x * INVERSE_LN2 + 0x1.8p+52) - 0x1.8p+52; /* rounds to the nearest integer */
    const double first = x - n * LN2_HIGH, second = n * LN2_LOW - low, r = first - second;
    const double lost = (first - r) - second;
    double q = 1.0 / 6227020800;
    q = q * r + 1.0 / 479001600;
    q = q * r + 1.0 / 39916800;
    q = q * r + 1.0 / 3628800;
    q = q * r + 1.0 / 362880;
    q = q * r + 1.0 / 40320;
    q = q * r + 1.0 / 5040;
    q = q * r + 1.0 / 720;
    q = q * r + 1.0 / 120;
    q = q * r + 1.0 / 24;
    q = q * r + 1.0 / 6;
    q = q * r + 0.5;
    const real_pair sum = add_exactly(1, r);
    const double e = sum.high + ((r * r) * q + (sum.low + lost));
    /* the first product is exact, so that a result below the range of normal doubles is rounded once */
    const int all = (int)n, half = all / 2;
    return e * power_of_two(half) * power_of_two(all - half);
}

/* Beyond these bounds e^x is 0 or infinite. */
static double exp_clamp(double x)
{
    return x < -746 ? -746 : x > 710 ? 710 : x;
}

double cptk_exp(double x)
{
    return isnan(x) ? x : exp_of_sum(exp_clamp(x), 0);
}

/* ---- log ---- */

/* Of a positive, finite x.  x = 2^k m with m in sqrt(1/2)..sqrt(2), and with f = m - 1 and s = f / (2 + f)
 *
 *     log(1 + f) = 2 s + 2 s^3 (1/3 + s^2 / 5 + s^4 / 7 + ...).
 *
 * The series ends with s^20 / 23; what follows is below 2^-60.  2 s and k ln 2 are pairs, so that the error
 * comes from the much smaller s^3 alone. */
static real_pair log_pair(double x)
{
    const bool tiny = x < 0x1p-1022;
    const uint64_t bits = bits_of(tiny ? x * 0x1p+54 : x), above = bits - bits_of(0x1.6a09e667f3bcdp-1);
    const int k = (int)((above + ((uint64_t)1023 << 52)) >> 52) - 1023;
    const double m = from_bits(bits - ((uint64_t)k << 52)), count = tiny ? k - 54 : k;

    const double f = m - 1;
    const real_pair below = add_exactly(2, f);
    const double s = f / below.high;
    const real_pair back = multiply_exactly(s, below.high);
    const double s_low = (((f - back.high) - back.low) - s * below.low) / below.high;

    const double z = s * s;
    double q = 1.0 / 23;
    q = q * z + 1.0 / 21;
    q = q * z + 1.0 / 19;
    q = q * z + 1.0 / 17;
    q = q * z + 1.0 / 15;
    q = q * z + 1.0 / 13;
    q = q * z + 1.0 / 11;
    q = q * z + 1.0 / 9;
    q = q * z + 1.0 / 7;
    q = q * z + 1.0 / 5;
    q = q * z + 1.0 / 3;
    const double rest = 2 * (s * z * q + s_low) + count * LN2_LOW;
    const real_pair sum = add_exactly(count * LN2_HIGH, 2 * s);
    return add_exactly(sum.high, sum.low + rest);
}

double cptk_log(double x)
{
    if (isnan(x) || x < 0) return NAN;
    if (x == 0) return -INFINITY;
    if (isinf(x)) return x;
    const real_pair log = log_pair(x);
    return log.high + log.low;
}

/* ---- power ---- */

double cptk_power(double x, double y)
{
    if (isnan(x) || isnan(y)) return NAN;
    const real_pair log = log_pair(x), product = multiply_exactly(log.high, y);
    const double clamped = exp_clamp(product.high);
    return exp_of_sum(clamped, clamped == product.high ? product.low + log.low * y : 0);
}
