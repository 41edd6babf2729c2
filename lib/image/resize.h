/* resize.h - Pillow's 8-bit antialiased bilinear resize, bit-exact, over rows as they arrive.  Called by
 * image.c (pixels), jpeg.c and png.c (decoded rows).  Keeps only as many rows as a filter window is high. */
#ifndef CPT_RESIZE_H
#define CPT_RESIZE_H

#include "lib/image/image.h"

/* One output of an axis, in the order in which its inputs arrive. */
typedef struct cpt_window {
    int out;          /* index of the output */
    int first, count; /* the inputs it needs */
} cpt_window;

typedef struct cpt_axis {
    int in, out, taps;   /* taps: the most inputs a window can have */
    cpt_window *windows; /* [out], by rising first + count */
    uint32_t *weights;   /* [out, taps], 22 fraction bits */
} cpt_axis;

typedef struct cpt_resizer {
    cpt_axis along;  /* within a stored row */
    cpt_axis across; /* over stored rows */
    int transposed;  /* stored rows become columns of the result */
    int row, window; /* rows taken, windows of `across` done */
    size_t row_bytes;
    uint8_t *ring; /* [across.taps, row_bytes] rows waiting for their windows to fill */
    uint8_t *line; /* [row_bytes] transposed only: one output column before the pass along it */
    uint8_t *out;  /* [out_size, out_size, 3] */
} cpt_resizer;

/* For a stored image of width x height with EXIF orientation 1..8.  Memory comes from `arena` (dry run
 * allowed, to count it); arena->failed tells. */
void cpt_resizer_init(cpt_resizer *resizer, cpt_arena *arena, const int size[2], int orientation,
                      int out_size, uint8_t *out);

/* Takes the next stored row [width, 3]; after the last one `out` is complete. */
void cpt_resizer_push(cpt_resizer *resizer, const uint8_t *rgb);

#endif
