/* check_kernels_conv.c - checks and times the slots of convolution.  Used by test_kernels only. */
#include "check_kernels.h"

void check_conv(const cptk_kernels *k, const cptk_kernels *c)
{
    (void)k;
    (void)c;
}

void bench_conv(const cptk_kernels *k)
{
    (void)k;
}
