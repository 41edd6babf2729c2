/* resize.h - Pillow's 8-bit antialiased bilinear resize, bit for bit, over rows as they arrive.  Keeps only
 * as many rows as a filter's window is high.
 *
 * Each output of an axis is a weighted sum of neighbouring inputs, its window.  The axis within a stored row
 * is called `along`, the axis from row to row `across`.  For an image that is stored on its side, the rows
 * are columns of the result. */
#ifndef CPT_RESIZE_H
#define CPT_RESIZE_H

#include "lib/image/image.h"

/* One output of an axis, in the order in which its inputs arrive. */
typedef struct cpt_window {
    int out;          /* index of the output */
    int first, count; /* the inputs it needs */
} cpt_window;

typedef struct cpt_axis {
    int in, out, taps;   /* numbers of inputs and outputs; the most inputs that a window can have */
    cpt_window *windows; /* [out], ordered by first + count */
    uint32_t *weights;   /* [out, taps], 22 fraction bits */
} cpt_axis;

typedef struct cpt_resizer {
    cpt_axis along;  /* within a stored row */
    cpt_axis across; /* over stored rows */
    bool transposed; /* stored rows become columns of the result */
    int row, window; /* rows taken, windows of `across` done */
    size_t row_bytes;
    uint8_t *ring; /* [across.taps, row_bytes] the latest rows, for windows that need more */
    uint8_t *line; /* [row_bytes] when transposed: a column of the result before the pass along it */
    uint8_t *out;  /* [out_size, out_size, 3] */
} cpt_resizer;

/* Prepares for a stored image of size {width, height} with an EXIF orientation 1..8.  Memory comes from
 * `arena`, which may be a dry run; arena->failed says whether there was enough. */
void cpt_resizer_init(cpt_resizer *resizer, cpt_arena *arena, const int size[2], int orientation,
                      int out_size, uint8_t *out);

/* Takes the next stored row [width, 3]; after the last one `out` is complete. */
void cpt_resizer_push(cpt_resizer *resizer, const uint8_t *rgb);

#endif
