/* Tests of lib/platform/format.h: what it writes is what snprintf writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/platform/format.h"

/* Compares with snprintf. */
#define SAME(...)                                         \
    do {                                                  \
        char own[200], other[200];                        \
        cpt_format(own, sizeof own, __VA_ARGS__);         \
        (void)snprintf(other, sizeof other, __VA_ARGS__); \
        assert_string_equal(own, other);                  \
    } while (0)

static void texts(void **state)
{
    (void)state;
    SAME("plain");
    SAME("100%%");
    SAME("%s", "");
    SAME("%s: tensor %s", "model file", "decoder.fc.weight");
    SAME("%.3s|%.9s|%.0s|", "abcdef", "abcdef", "abcdef");
    SAME("%.*s...%s", 4, "a long path", "its end");
    const char open[3] = {'a', 'b', 'c'}; /* no NUL within the precision */
    SAME("%.3s", open);
}

static void integers(void **state)
{
    (void)state;
    SAME("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
    SAME("%u %u", 0u, UINT_MAX);
    SAME("%zu %zu", (size_t)0, SIZE_MAX);
    SAME("%td %td", PTRDIFF_MAX, PTRDIFF_MIN);
    SAME("%lu %ld %ld", ULONG_MAX, LONG_MIN, LONG_MAX);
    SAME("%llu %lld", ULLONG_MAX, LLONG_MIN);
    SAME("%" PRIu32 " of %" PRIu64, UINT32_MAX, UINT64_MAX);
}

static void reals(void **state)
{
    static const double xs[] = {0,          1,
                                -1,         0.5,
                                0.7,        1.2,
                                10,         99999.96,
                                999999.6,   123456789,
                                1e-4,       9.9999e-5,
                                0.00012345, 1e5,
                                1e6,        1e10,
                                1e-10,      1.5e300,
                                DBL_MAX,    DBL_MIN,
                                5e-324,     INFINITY,
                                -INFINITY,  1.0 / 3,
                                2.0 / 3,    1.8446744073709552e19};
    (void)state;
    for (size_t i = 0; i < sizeof xs / sizeof *xs; i++) {
        SAME("%g", xs[i]);
        SAME("%.10g", xs[i]);
        SAME("%.1g", xs[i]);
    }
    SAME("%g", (double)NAN < 0 ? 0.0 : (double)NAN);
}

static void random_reals(void **state)
{
    uint64_t x = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        const double number = ldexp((double)(int64_t)x, (int)(x % 401) - 263);
        SAME("%.10g", number);
        SAME("%g", number);
    }
}

static void cut_off(void **state)
{
    char text[8] = "1234567";
    (void)state;
    cpt_format(text, 4, "%s%d", "ab", 123);
    assert_string_equal(text, "ab1");
    assert_int_equal(text[4], '5'); /* behind the size nothing is written */
    cpt_format(text, 1, "%d", 7);
    assert_string_equal(text, "");
}

static void list_of(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cpt_format_list(to, size, format, args);
    va_end(args);
}

static void unknown_conversions_end_the_text(void **state)
{
    char text[20];
    (void)state;
    list_of(text, sizeof text, "a%xb%s", 1, "c");
    assert_string_equal(text, "a");
    list_of(text, sizeof text, "50%");
    assert_string_equal(text, "50");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),   cmocka_unit_test(integers),
        cmocka_unit_test(reals),   cmocka_unit_test(random_reals),
        cmocka_unit_test(cut_off), cmocka_unit_test(unknown_conversions_end_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
