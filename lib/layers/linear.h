/* linear.h - Linear layers, y = W x + b: for a few rows, and for all positions of a map.
 *
 * No result depends on the number of threads or on how the work is cut. */
#ifndef CPT_LINEAR_H
#define CPT_LINEAR_H

#include "kernels/kernels.h"
#include "lib/layers/map.h"
#include "lib/layers/matrix.h"
#include "lib/platform/threads.h"

/* A Linear layer is a matrix with one tap and, most often, a bias.  Below it must be float32 in panels. */
typedef cpt_matrix cpt_linear;

/* out [rows, linear->out] = linear(x[r]); x [rows] pointers to [linear->in].  Each weight is read once for up
 * to CPTK_MAX_ROWS rows.  The pool shares the columns. */
void cpt_linear_rows(const cpt_linear *linear, const float *const *x, int rows, float *out,
                     const cptk_kernels *kernels, cpt_pool *pool);

typedef struct cpt_linear_args {
    const float *const *x; /* [rows] pointers to [linear->in] */
    float *out;            /* [rows, linear->out] */
    int rows;              /* any number */
} cpt_linear_args;

/* Columns first..first+count-1 of the same product, on the calling thread.  `first` is a multiple of
 * CPTK_PANEL, and first + count <= linear->out. */
void cpt_linear_columns(const cpt_linear *linear, const cpt_linear_args *args, int first, int count,
                        const cptk_kernels *kernels);

/* ---- all positions of a map: many rows, for which the algorithms of convolutions pay ---- */

typedef struct cpt_linear_map_args {
    const float *in; /* [positions, cpt_map_pitch(linear->in)] */
    float *out;      /* [positions, linear->out]; does not overlap `in` */
    int positions;
    void *scratch; /* 64-byte aligned, cpt_linear_map_scratch bytes */
} cpt_linear_map_args;

/* Bytes of scratch that cpt_linear_map needs; 0 is a valid answer, SIZE_MAX means overflow. */
size_t cpt_linear_map_scratch(const cpt_linear *linear, int positions, int threads,
                              const cptk_kernels *kernels);

void cpt_linear_map(const cpt_linear *linear, const cpt_linear_map_args *args, const cptk_kernels *kernels,
                    cpt_pool *pool);

#endif
