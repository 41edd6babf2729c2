/* pool.h - which positions of a map a max pool reads for an output, for floats and bytes alike. */
#ifndef CPTK_SIMD_POOL_H
#define CPTK_SIMD_POOL_H

#include "kernels/simd/simd.h"

/* The part of a pool's 3x3 window that is inside the map. */
typedef struct pool_window {
    int top, bottom, left, right; /* rows top..bottom-1, columns left..right-1 */
} pool_window;

/* That of the output in row y, column x. */
BODY_INLINE pool_window pool_window_of(const cptk_maxpool *p, int y, int x)
{
    return (pool_window){.top = y > 0 ? 2 * y - 1 : 0,
                         .bottom = 2 * y + 2 < p->h ? 2 * y + 2 : p->h,
                         .left = x > 0 ? 2 * x - 1 : 0,
                         .right = 2 * x + 2 < p->w ? 2 * x + 2 : p->w};
}

#endif
