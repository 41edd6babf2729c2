/* stream.h - the first layers of the encoder, row by row.
 *
 * The first stages have the largest maps.  A layer needs only a few rows of its input to make a row of its
 * output, so the maps between the pixels and the last of these layers need not be in memory as a whole.  Each
 * is a ring of its latest rows (cptk_row_at).  Always the last layer that has what it needs makes its next
 * row, so a row is used up as soon as it can be. */
#ifndef CPT_STREAM_H
#define CPT_STREAM_H

#include "lib/encoder/resnet.h"

/* How many rows of each map have been made. */
typedef struct cpt_stream_rows {
    int made[CPT_RESNET_LAYERS + 1];
} cpt_stream_rows;

/* Finds out how many rows of each map must be in memory when layers 0..layers-1 run row by row, and map
 * `layers` is kept as a whole. */
void cpt_stream_plan(cpt_stream *stream, const cpt_resnet *net, int layers);

/* The layer that makes the next row; -1: the input map gets it. */
int cpt_stream_next(const cpt_resnet *net, int layers, const cpt_stream_rows *rows);

/* One row of a convolution, as a layer of its own. */
cpt_conv cpt_stream_conv(const cpt_layer *layer);

#endif
