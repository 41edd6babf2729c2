/* Monotonic time for tools and benches that report how long something took. */
#ifndef TOOLS_COMMON_CLOCK_H
#define TOOLS_COMMON_CLOCK_H

/* Milliseconds since an arbitrary start. */
double tool_now_ms(void);

/* Sorts `values` in place and returns their median; 0 when there are none. */
double tool_median(double *values, int count);

#endif
