/* check_support.c - see check_support.h. */
#include "test/kernels/check_support.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GUARD 256 /* bytes of canary on either side */
#define CANARY 0x5Au
#define MAX_BUFFERS 64
#define MAX_PRINTED 20

typedef struct buffer {
    unsigned char *block; /* canary, data, canary */
    size_t offset, bytes; /* the data */
} buffer;

static buffer buffers[MAX_BUFFERS];
static int buffer_count;
static const char *current = "";
static long failures;
static uint64_t seed, stride = 10007;

void check_begin(const char *isa)
{
    current = isa;
    seed = 0x9E3779B97F4A7C15u;
}

void check_set_stride(unsigned long n)
{
    stride = n;
}

uint64_t check_stride(void)
{
    return stride;
}

long check_failures(void)
{
    return failures;
}

void check_fail(const char *format, ...)
{
    va_list args;
    if (failures++ >= MAX_PRINTED) return;
    va_start(args, format);
    printf("FAILED %s: ", current);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

void *check_bytes(size_t bytes, size_t offset)
{
    const size_t size = (GUARD + offset + bytes + GUARD + 63) / 64 * 64;
    buffer *b = &buffers[buffer_count];
    if (buffer_count == MAX_BUFFERS || !(b->block = aligned_alloc(64, size))) {
        fprintf(stderr, "test_kernels: out of buffers\n");
        exit(1);
    }
    buffer_count++;
    b->offset = GUARD + offset;
    b->bytes = bytes;
    memset(b->block, (int)CANARY, size);
    memset(b->block + b->offset, 0xFF, bytes);
    return b->block + b->offset;
}

float *check_buffer(size_t n, size_t offset)
{
    return check_bytes(n * sizeof(float), offset * sizeof(float));
}

float *check_random_buffer(size_t n)
{
    float *x = check_buffer(n, (size_t)check_between(0, 15));
    check_fill(x, n, -1, 1);
    return x;
}

void check_release(const char *what)
{
    for (int i = 0; i < buffer_count; i++) {
        const buffer *b = &buffers[i];
        const unsigned char *after = b->block + b->offset + b->bytes;
        size_t before = 0, behind = 0;
        while (before < b->offset && b->block[before] == CANARY) before++;
        while (behind < GUARD && after[behind] == CANARY) behind++;
        if (before < b->offset) {
            check_fail("%s: wrote %zu bytes before buffer %d", what, b->offset - before, i);
        }
        if (behind < GUARD) check_fail("%s: wrote %zu bytes after buffer %d", what, behind, i);
        free(b->block);
    }
    buffer_count = 0;
}

/* xorshift64* */
uint32_t check_random(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545F4914F6CDD1Du) >> 32);
}

int check_between(int low, int high)
{
    return low + (int)(check_random() % (uint32_t)(high - low + 1));
}

float check_uniform(float low, float high)
{
    return low + (high - low) * ((float)(check_random() >> 8) / 16777216.0f);
}

void check_fill(float *x, size_t n, float low, float high)
{
    for (size_t i = 0; i < n; i++) x[i] = check_uniform(low, high);
}

const float check_specials[CHECK_SPECIALS] = {
    0.0f,     -0.0f,     1.0f,    -1.0f,     1e-45f, -1e-45f, 1e-39f, -1e-39f,  1e-20f,
    88.0f,    -88.0f,    -103.5f, 1e30f,     -1e30f, 3.4e38f, 3e38f,  -3.4e38f, -3e38f,
    INFINITY, -INFINITY, NAN,     0.624999f, 0.625f, 2.5f,    9.0f,   -9.02f,   20.0f};

float check_special(void)
{
    return check_specials[check_random() % CHECK_SPECIALS];
}

void check_fill_special(float *x, size_t n, float low, float high, uint32_t every)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = check_random() % every ? check_uniform(low, high) : check_special();
    }
}

bool check_same(const char *what, const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(got[i]) && isnan(want[i])) continue;
        if (memcmp(&got[i], &want[i], sizeof *got) != 0) {
            check_fail("%s: [%zu] is %.9g (%a), not %.9g (%a)", what, i, (double)got[i], (double)got[i],
                       (double)want[i], (double)want[i]);
            return false;
        }
    }
    return true;
}

bool check_near(const char *what, size_t index, float got, double want, double bound)
{
    bool good = fabs((double)got - want) <= bound; /* false for NaN */
    if (isnan(want)) {
        good = isnan(got);
    } else if (isinf(want) || isinf(got)) {
        good = (double)got == want;
    }
    if (!good) check_fail("%s: [%zu] is %.9g, not %.9g +- %.3g", what, index, (double)got, want, bound);
    return good;
}

double check_ulp(float got, double want)
{
    if (isnan(want)) return isnan(got) ? 0 : INFINITY;
    if (fabs(want) >= ldexp(1.0, FLT_MAX_EXP) * (1 - ldexp(1.0, -25))) { /* rounds to infinity */
        return isinf(got) && (got > 0) == (want > 0) ? 0 : INFINITY;
    }
    if (!isfinite(got)) return INFINITY;
    int exponent = 0;
    (void)frexp(want, &exponent);
    if (want == 0 || exponent < FLT_MIN_EXP) exponent = FLT_MIN_EXP;
    return fabs((double)got - want) / ldexp(1.0, exponent - FLT_MANT_DIG);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* How long `repeat` calls take. */
static double seconds(void (*work)(void *user), void *user, long repeat)
{
    const double start = now();
    for (long i = 0; i < repeat; i++) work(user);
    return now() - start;
}

/* The shortest of several runs, each of enough repetitions to be seen by the clock. */
void check_time(const char *slot, const char *isa, void (*work)(void *user), void *user, double amount,
                const char *unit)
{
    const double begin = now();
    long repeat = 1;
    while (seconds(work, user, repeat) < 1e-3) repeat *= 2;
    double best = INFINITY;
    while (now() - begin < 0.15 || isinf(best)) {
        best = fmin(best, seconds(work, user, repeat) / (double)repeat);
    }
    printf("%-36s %-7s %12.3f us", slot, isa, best * 1e6);
    if (amount > 0) printf("  %9.3f G%s/s", amount / best * 1e-9, unit);
    printf("\n");
}
