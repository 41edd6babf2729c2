/* check_support.h - what the kernel checks share: guarded buffers, random numbers, comparisons, timing.  It
 * needs nothing but the kernels and plain C, so that test_kernels also runs under an emulator of another
 * processor.
 *
 * Each check_X.c has check_X, which compares the slots of one family with exact values and with plain C, and
 * bench_X, which times them. */
#ifndef CHECK_SUPPORT_H
#define CHECK_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

#define EPS 1.1920929e-7 /* 2^-23 */

/* The families.  `k` is the table under test, `c` the plain C table; both may be the same. */
void check_tile(const cptk_kernels *k, const cptk_kernels *c);
void check_maps(const cptk_kernels *k, const cptk_kernels *c);
void check_cells(const cptk_kernels *k, const cptk_kernels *c);
void check_reduce(const cptk_kernels *k, const cptk_kernels *c);
void check_int16(const cptk_kernels *k, const cptk_kernels *c);
void check_int8(const cptk_kernels *k, const cptk_kernels *c);
void check_winograd_int8(const cptk_kernels *k, const cptk_kernels *c);
void check_golden(const cptk_kernels *k, const cptk_kernels *c);
void bench_tile(const cptk_kernels *k);
void bench_maps(const cptk_kernels *k);
void bench_cells(const cptk_kernels *k);
void bench_reduce(const cptk_kernels *k);
void bench_int16(const cptk_kernels *k);
void bench_int8(const cptk_kernels *k);
void bench_winograd_int8(const cptk_kernels *k);

/* cptk_exp, cptk_log and cptk_power, which have no levels. */
void check_real(void);

/* Starts the checks of one instruction set: failures name it, and the random numbers start again. */
void check_begin(const char *isa);

/* Records a failure and prints it (the first few of each run). */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(printf, 1, 2)))
#endif
void check_fail(const char *format, ...);
long check_failures(void);

/* n floats that start `offset` floats (0..15) after a 64-byte boundary, with canaries before and after.  They
 * are filled with NaN, so that reading what was not written shows.  check_release frees them. */
float *check_buffer(size_t n, size_t offset);

/* The same for bytes; `offset` in bytes, 0..63. */
void *check_bytes(size_t bytes, size_t offset);

/* A buffer of uniform random numbers from -1 to 1, at a random offset. */
float *check_random_buffer(size_t n);

/* Checks the canaries of all buffers since the last call and frees the buffers. */
void check_release(const char *what);

/* Random numbers: the same sequence in every run. */
uint32_t check_random(void);
int check_between(int low, int high);
float check_uniform(float low, float high);
void check_fill(float *x, size_t n, float low, float high);

/* Values that arithmetic trips over: zeros, denormals, huge values, infinities, NaN. */
#define CHECK_SPECIALS 27
extern const float check_specials[CHECK_SPECIALS];
float check_special(void); /* a random one of them */

/* Uniform random numbers from low to high, one in `every` replaced by a special value. */
void check_fill_special(float *x, size_t n, float low, float high, uint32_t every);

/* Functions of one number are checked at every n-th float, in the order of their bits (default 10007). */
void check_set_stride(unsigned long n);
uint64_t check_stride(void);

/* got and want agree in every bit (any NaN equals any NaN). */
bool check_same(const char *what, const float *got, const float *want, size_t n);

/* |got - want| <= bound, NaN only for NaN, infinities exactly. */
bool check_near(const char *what, size_t index, float got, double want, double bound);

/* Distance of got from the exact value in units of the last place of float at that value. */
double check_ulp(float got, double want);

/* Runs `work` repeatedly and prints the shortest time, and `amount` (flops, bytes, ...) per second if > 0. */
void check_time(const char *slot, const char *isa, void (*work)(void *user), void *user, double amount,
                const char *unit);

#endif
