/* check_kernels_cell.c - checks and times the slots that are not convolution.  Used by test_kernels only. */
#include "check_kernels.h"

void check_cell(const cptk_kernels *k, const cptk_kernels *c)
{
    (void)k;
    (void)c;
}

void bench_cell(const cptk_kernels *k)
{
    (void)k;
}
