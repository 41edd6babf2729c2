/* Weights rearranged into the layouts of a model file (capw.h), converted from double at the very end.
 *
 * Called by convert.c.  Pure functions of their arguments: they cannot fail. */
#ifndef TOOLS_CONVERT_PACK_H
#define TOOLS_CONVERT_PACK_H

#include <stddef.h>
#include <stdint.h>

typedef struct convert_matrix {
    const float *values; /* [rows, columns, taps]: a Linear has one tap, a convolution KH x KW */
    size_t rows, columns, taps;
    size_t first, count; /* columns first .. first + count are wanted */
    const double *scale; /* [rows], or NULL for 1 */
} convert_matrix;

/* out: [ceil(rows/16), taps, count, 16], rows that do not exist zero */
void convert_pack_panels(const convert_matrix *matrix, float *out);

/* A Linear's weights as int16 multiples of a scale for each row, its largest weight / CAPW_PAIRS_MOST;
 * matrix->scale is not read.  Scales: out [rows].  Multiples: out [ceil(rows/16), ceil(count/2), 16, 2], what
 * does not exist zero. */
void convert_pack_scales(const convert_matrix *matrix, float *out);
void convert_pack_pairs(const convert_matrix *matrix, int16_t *out);

/* Two bounds for those multiples w' of the weights w of a row, in Euclidean lengths: out[0], the largest
 * |w' - w| + 2 (n + 4) 2^-24 |w|, how far w' x may be from w x, rounding while summing included, for every
 * |x| of 1; out[1], the largest |w'|. */
void convert_pack_bounds(const convert_matrix *matrix, float *out);

/* A 3x3 convolution for Winograd's F(2x2, 3x3), side 4, or F(4x4, 3x3), side 6: U = G g G^T of every 3x3
 * filter g.  out: [side^2, ceil(rows/16), columns, 16]; all columns are wanted. */
void convert_pack_winograd(const convert_matrix *matrix, size_t side, float *out);

#endif
