/* check_kernels_run.h - the part of check_kernels.c that only test_kernels' main needs. */
#ifndef CHECK_KERNELS_RUN_H
#define CHECK_KERNELS_RUN_H

/* Starts the checks of one instruction set: names it in failures, restarts the random numbers. */
void check_begin(const char *isa);

/* Functions of one number are checked at every n-th float (default 10007). */
void check_set_stride(unsigned long n);
long check_failures(void);

#endif
