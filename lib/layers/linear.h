/* linear.h - the product of a few rows with a weight matrix in panels: y = W x + b. */
#ifndef CPT_LINEAR_H
#define CPT_LINEAR_H

#include "kernels/kernels.h"
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

#endif
