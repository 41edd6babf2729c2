/* tiles.h - walks the rows of a matrix product in tiles, as the tile kernels take them (kernels.h). */
#ifndef CPT_TILES_H
#define CPT_TILES_H

#include "kernels/kernels.h"

/* What the tiles ask the processor to fetch in passing, for later. */
typedef enum cpt_ahead {
    CPT_AHEAD_AS_SET,  /* first.soon and first.soon_step, the same for every tile */
    CPT_AHEAD_WEIGHTS, /* the weights behind those of these columns, spread over the tiles */
    CPT_AHEAD_ROWS     /* the rows of the next tile; they must be row_pitch elements apart */
} cpt_ahead;

/* A product of many rows with the same columns of weights.
 *
 * `first` describes it as the tile kernel does, with c and add at row 0.  Its a has the row pointers of all
 * tiles, tile after tile: [tiles][taps][rows of the tile].  With one tap that is one pointer a row. */
typedef struct cpt_tiles {
    cptk_tile first; /* rows is ignored */
    int rows;
    int tile_rows; /* most rows of a tile, 1..CPTK_MAX_ROWS */
    cpt_ahead ahead;
    size_t row_pitch; /* for CPT_AHEAD_ROWS */
} cpt_tiles;

/* Rows are cut into cpt_ceil_div(rows, tile_rows) tiles by cpt_part (parts.h).  How they are cut changes no
 * bit of the result. */
void cpt_tiles_run(const cpt_tiles *w, const cptk_kernels *kernels);

/* The same for bytes. */
typedef struct cpt_tiles_int8 {
    cptk_tile_int8 first;
    int rows;
    int tile_rows;
    cpt_ahead ahead;
    size_t row_pitch;
} cpt_tiles_int8;

void cpt_tiles_int8_run(const cpt_tiles_int8 *w, const cptk_kernels *kernels);

#endif
