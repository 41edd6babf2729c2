/* Weights rearranged into the layouts of a model file (capw.h).  Sums and scales are computed in double and
 * rounded once, at the end.
 *
 * These functions depend on nothing but their arguments and cannot fail. */
#ifndef TOOLS_CONVERT_PACK_H
#define TOOLS_CONVERT_PACK_H

#include <stddef.h>
#include <stdint.h>

typedef struct convert_matrix {
    const float *values; /* [rows, columns, taps]: a Linear has one tap, a convolution KH x KW */
    size_t rows, columns, taps;
    size_t first, count; /* the columns that are wanted: first .. first + count - 1 */
    const double *scale; /* [rows] what each row is multiplied by, or NULL for 1 */
} convert_matrix;

/* out: [ceil(rows/16), taps, count, 16]; rows that do not exist are zero */
void convert_pack_panels(const convert_matrix *matrix, float *out);

/* A Linear's weights as int16 multiples of a scale.  Each row has its own: its largest weight divided by
 * CAPW_PAIRS_MOST.  matrix->scale is not read.  Scales: out [rows].  Multiples (pairs): out [ceil(rows/16),
 * ceil(count/2), 16, 2]; rows and columns that do not exist are zero. */
void convert_pack_scales(const convert_matrix *matrix, float *out);
void convert_pack_pairs(const convert_matrix *matrix, int16_t *out);

/* Two bounds on what that rounding of a row's weights w [n] to w' does, as Euclidean lengths.
 * out[0] is the largest |w' - w| + 2 (n + 4) 2^-24 |w| of any row: for any x of length 1 it bounds how far
 * the products w' x and w x, both summed in float, are apart. out[1] is the largest |w'| of any row. */
void convert_pack_bounds(const convert_matrix *matrix, float *out);

/* The filters g of a 3x3 convolution transformed to U = G g G^T, for Winograd's F(2x2, 3x3), side 4, or
 * F(4x4, 3x3), side 6.  out: [side^2, ceil(rows/16), columns, 16].  All columns are taken: first and count
 * are not read. */
void convert_pack_winograd(const convert_matrix *matrix, size_t side, float *out);

/* Weights as they lie in a float32 model file. */
typedef struct convert_panels {
    const float *values; /* [ceil(rows/16), taps, columns, 16] */
    size_t rows, taps, columns;
    const double *factors; /* [columns] what the weights of each input are multiplied by, or NULL for 1 */
} convert_panels;

/* The step of each row: its largest weight divided by 127; 1 where a row is all zero.  steps: [rows] */
void convert_pack_steps(const convert_panels *panels, double *steps);

/* The weights as int8 multiples of their row's step, ties to even: out [ceil(rows/16), taps, ceil(columns/4),
 * 16, 4]; rows and columns that do not exist are zero. */
void convert_pack_quads(const convert_panels *panels, const double *steps, int8_t *out);

#endif
