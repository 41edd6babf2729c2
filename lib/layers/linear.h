/* linear.h - Linear layers, y = W x + b: for a few rows, in float32 or from integers, and for all positions
 * of a map.
 *
 * No result depends on the number of threads or on how the work is cut. */
#ifndef CPT_LINEAR_H
#define CPT_LINEAR_H

#include "kernels/kernels.h"
#include "lib/layers/map.h"
#include "lib/layers/matrix.h"
#include "lib/platform/threads.h"

/* A Linear layer is a matrix with one tap and, most often, a bias.  Where nothing else is said, it is float32
 * in panels or int8 in quads. */
typedef cpt_matrix cpt_linear;

static inline bool cpt_linear_is_int8(const cpt_linear *linear)
{
    return linear->dtype == CAPW_INT8;
}

/* Bytes of a row of n inputs of an int8 layer: whole quads. */
static inline size_t cpt_quad_bytes(int n)
{
    return ((size_t)n + CPTK_QUAD - 1) / CPTK_QUAD * CPTK_QUAD;
}

/* ---- a few rows ---- */

/* out [rows, linear->out] = linear(x[r]); x [rows] pointers to [linear->in].  Each weight is read once for up
 * to CPTK_MAX_ROWS rows.  The pool shares the columns.  The layer is float32. */
void cpt_linear_rows(const cpt_linear *linear, const float *const *x, int rows, float *out,
                     const cptk_kernels *kernels, cpt_pool *pool);

/* bytes [cpt_quad_bytes(n)] = x [n] as kernels->quantize_u8 makes it, and zeros up to the last whole quad. */
void cpt_quantise_row(const float *x, int n, float inverse, float zero, uint8_t *bytes,
                      const cptk_kernels *kernels);

/* The same for an int8 layer, whose scales and bias turn the sums of integers into floats: x [rows] pointers
 * to [cpt_quad_bytes(linear->in)] bytes. */
void cpt_linear_rows_u8(const cpt_linear *linear, const uint8_t *const *x, int rows, float *out,
                        const cptk_kernels *kernels, cpt_pool *pool);

/* out [linear->out] = linear(x) for one row x [linear->in] of numbers that are not negative.  An int8 layer
 * takes x as bytes of which 255 is the largest number; its scale is what the weights are worth.  bytes
 * [cpt_quad_bytes(linear->in)] is scratch for that, and NULL for a float32 layer. */
void cpt_linear_positive(const cpt_linear *linear, const float *x, uint8_t *bytes, float *out,
                         const cptk_kernels *kernels, cpt_pool *pool);

typedef struct cpt_linear_args {
    const float *const *x; /* [rows] pointers to [linear->in] */
    float *out;            /* [rows, linear->out] */
    int rows;              /* any number */
} cpt_linear_args;

/* Columns first..first+count-1 of the float32 product, on the calling thread.  `first` is a multiple of
 * CPTK_PANEL, and first + count <= linear->out. */
void cpt_linear_columns(const cpt_linear *linear, const cpt_linear_args *args, int first, int count,
                        const cptk_kernels *kernels);

/* ---- a few rows of int16 ---- */

/* Rows of int16 elements with scales, as kernels->round_i16 makes them.  Row r is about scale[r] times its
 * elements.  The caller owns the memory. */
typedef struct cpt_rows_i16 {
    const uint32_t *pairs; /* [rows, cpt_words_i16(linear->in)] two elements a word */
    const float *scale;    /* [rows] */
    int rows;              /* any number */
} cpt_rows_i16;

/* Words of a row of n elements. */
static inline size_t cpt_words_i16(int n)
{
    return ((size_t)n + 1) / 2;
}

/* out [rows, linear->out] = linear(x).  The layer is int16 in pairs (CPT_MATRIX_PAIRS) and has scales and a
 * bias.  The sums are those of kernels->product_i16: the same bits with every instruction set.  The pool
 * shares the columns. */
void cpt_linear_rows_i16(const cpt_linear *linear, const cpt_rows_i16 *x, float *out,
                         const cptk_kernels *kernels, cpt_pool *pool);

/* ---- all positions of a map: many rows, for which the algorithms of convolutions pay ---- */

typedef struct cpt_linear_map_args {
    const void *in; /* [positions, cpt_map_pitch(linear->in)] floats, or [positions,
                       cpt_map_pitch_u8(linear->in)] bytes for an int8 layer */
    float *out;     /* [positions, linear->out]; does not overlap `in` */
    int positions;
    void *scratch; /* 64-byte aligned, cpt_linear_map_scratch bytes */
} cpt_linear_map_args;

/* Bytes of scratch that cpt_linear_map needs; 0 is a valid answer, SIZE_MAX means overflow. */
size_t cpt_linear_map_scratch(const cpt_linear *linear, int positions, int threads,
                              const cptk_kernels *kernels);

void cpt_linear_map(const cpt_linear *linear, const cpt_linear_map_args *args, const cptk_kernels *kernels,
                    cpt_pool *pool);

#endif
