/* check_kernels.h - what the kernel checks share: guarded buffers, comparisons, timing.  Plain C and nothing
 * but the kernels, so that test_kernels also runs under an emulator of another processor.
 *
 * test_kernels calls check_X for every instruction set the machine has, then (--bench) bench_X. */
#ifndef CHECK_KERNELS_H
#define CHECK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

/* The families.  `k` is the table under test, `c` the plain C table; both may be the same. */
void check_cell(const cptk_kernels *k, const cptk_kernels *c);
void check_conv(const cptk_kernels *k, const cptk_kernels *c);
void bench_cell(const cptk_kernels *k);
void bench_conv(const cptk_kernels *k);

/* Records a failure and prints it (the first few of each run).  Names the instruction set by itself. */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(printf, 1, 2)))
#endif
void check_fail(const char *format, ...);

/* n floats that start `offset` floats (0..15) after a 64-byte boundary, with canaries before and after.
 * Filled with NaN, so that reading what was not written shows.  Released by check_release. */
float *check_buffer(size_t n, size_t offset);
void *check_bytes(size_t bytes, size_t offset);

/* Checks the canaries of all buffers since the last call and frees the buffers. */
void check_release(const char *what);

/* Random numbers: the same sequence in every run. */
uint32_t check_random(void);
int check_between(int low, int high);
float check_uniform(float low, float high);
void check_fill(float *x, size_t n, float low, float high);

/* Of all floats, in the order of their bits, every how many-th to check. */
uint64_t check_stride(void);

/* got and want agree in every bit (any NaN equals any NaN). */
int check_same(const char *what, const float *got, const float *want, size_t n);

/* |got - want| <= bound, NaN only for NaN, infinities exactly. */
int check_near(const char *what, size_t index, float got, double want, double bound);

/* Distance of got from the exact value in units of the last place of float at that value. */
double check_ulp(float got, double want);

/* Runs `work` repeatedly and prints the shortest time, with `amount` per second (e.g. flops, bytes) if > 0.
 */
void check_time(const char *slot, const char *isa, void (*work)(void *user), void *user, double amount,
                const char *unit);

#endif
