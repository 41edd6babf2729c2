/* linear.h - Linear layers, y = W x + b: for a few rows, and for all positions of a map. */
#ifndef CPT_LINEAR_H
#define CPT_LINEAR_H

#include <stddef.h>

#include "kernels/kernels.h"
#include "lib/layers/map.h"
#include "lib/platform/threads.h"

/* y = W x + b.  weight [ceil(out / 16), in, 16] panels, bias [out] */
typedef struct cpt_linear {
    const float *weight, *bias;
    int in, out;
} cpt_linear;

/* out [rows, linear->out] = linear(x[r]) + add; add [rows, out] may be NULL or equal out.  Divided over the
 * pool. */
void cpt_linear_rows(const cpt_linear *linear, const float *const *x, int rows, float *out, const float *add,
                     const cptk_kernels *kernels, cpt_pool *pool);

/* The same for every position of a map, which are many rows: the algorithms of convolutions pay. */
typedef struct cpt_linear_map_args {
    const float *in; /* [positions, cpt_map_pitch(linear->in)] */
    float *out;      /* [positions, linear->out]; does not overlap `in` */
    int positions;
    void *scratch; /* 64-byte aligned, cpt_linear_map_scratch bytes */
} cpt_linear_map_args;

/* Bytes of scratch that cpt_linear_map needs; 0 is a valid answer, SIZE_MAX means overflow. */
size_t cpt_linear_map_scratch(const cpt_linear *linear, int positions, int threads,
                              const cptk_kernels *kernels);

/* The result does not depend on the number of threads. */
void cpt_linear_map(const cpt_linear *linear, const cpt_linear_map_args *args, const cptk_kernels *kernels,
                    cpt_pool *pool);

#endif
