/* check_real.c - checks exp, log and power of doubles against the C library's functions of long double. */
#include "kernels/real.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "test/kernels/check_support.h"

/* Whether long double is precise enough to tell how far a double is off. */
#define MEASURABLE (LDBL_MANT_DIG >= DBL_MANT_DIG + 10)

static double between(double low, double high)
{
    const double high_half = check_random(), low_half = check_random();
    return low + (high - low) * (high_half * 0x1p-32 + low_half * 0x1p-64);
}

static double ulp_off(double got, long double want)
{
    int exponent = 0;
    (void)frexpl(want, &exponent);
    if (exponent < DBL_MIN_EXP) exponent = DBL_MIN_EXP;
    return (double)(fabsl((long double)got - want) / ldexpl(1, exponent - DBL_MANT_DIG));
}

typedef struct worst {
    const char *name;
    double ulp, x, y;
} worst;

static void note(worst *w, double x, double y, double got, long double want)
{
    const double ulp = ulp_off(got, want);
    if (ulp <= w->ulp) return;
    *w = (worst){w->name, ulp, x, y};
}

static void report(const worst *w)
{
    printf("%-10s %-8s at most %.3f ulp off, at %a, %a\n", "double", w->name, w->ulp, w->x, w->y);
    if (!(w->ulp <= 1)) check_fail("%s(%a, %a) is %.3f ulp off", w->name, w->x, w->y, w->ulp);
}

static void check_errors(int count)
{
    worst of_exp = {"exp", 0, 0, 0}, of_log = {"log", 0, 0, 0}, of_power = {"power", 0, 0, 0};
    for (int i = 0; i < count; i++) {
        /* the first: results below the range of normal doubles too */
        const double exponents[] = {between(-745, 709.7), between(-3, 3), between(-1e-3, 1e-3)};
        const double numbers[] = {exp(between(-744, 709)), between(0.5, 2), 1 + between(-1e-6, 1e-6)};
        const double bases[] = {check_between(1, 1024), exp(between(-40, 40)), between(0.9, 1.1)};
        const double y = i % 2 ? between(0, 10) : between(-16, 16);
        for (int j = 0; j < 3; j++) {
            note(&of_exp, exponents[j], 0, cptk_exp(exponents[j]), expl((long double)exponents[j]));
            note(&of_log, numbers[j], 0, cptk_log(numbers[j]), logl((long double)numbers[j]));
            note(&of_power, bases[j], y, cptk_power(bases[j], y),
                 powl((long double)bases[j], (long double)y));
        }
    }
    report(&of_exp);
    report(&of_log);
    report(&of_power);
}

static void expect(const char *what, double got, double want)
{
    if (got == want || (isnan(got) && isnan(want))) return;
    check_fail("%s is %.17g, not %.17g", what, got, want);
}

void check_real(void)
{
    check_begin("double");
    expect("exp(0)", cptk_exp(0), 1);
    expect("exp(-0)", cptk_exp(-0.0), 1);
    expect("exp(710)", cptk_exp(710), INFINITY);
    expect("exp(-746)", cptk_exp(-746), 0);
    expect("exp(1e300)", cptk_exp(1e300), INFINITY);
    expect("exp(-1e300)", cptk_exp(-1e300), 0);
    expect("exp(inf)", cptk_exp(INFINITY), INFINITY);
    expect("exp(-inf)", cptk_exp(-INFINITY), 0);
    expect("exp(NaN)", cptk_exp(NAN), NAN);
    expect("log(1)", cptk_log(1), 0);
    expect("log(0)", cptk_log(0), -INFINITY);
    expect("log(inf)", cptk_log(INFINITY), INFINITY);
    expect("log(-1)", cptk_log(-1), NAN);
    expect("log(-inf)", cptk_log(-INFINITY), NAN);
    expect("log(NaN)", cptk_log(NAN), NAN);
    expect("power(1, 7.5)", cptk_power(1, 7.5), 1);
    expect("power(5, 0)", cptk_power(5, 0), 1);
    expect("power(NaN, 1)", cptk_power(NAN, 1), NAN);
    expect("power(2, NaN)", cptk_power(2, NAN), NAN);
    expect("power(1e300, 16)", cptk_power(1e300, 16), INFINITY);
    expect("power(1e300, -16)", cptk_power(1e300, -16), 0);
    if (MEASURABLE) check_errors(20000);
}
