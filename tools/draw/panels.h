/* A caption's words and where the model looked for each, as one PNG picture in the manner of Xu et al.,
 * "Show, Attend and Tell" (2015), figure 3: the picture itself, then a panel for each word with its heat map.
 */
#ifndef TOOLS_DRAW_PANELS_H
#define TOOLS_DRAW_PANELS_H

#include <stdint.h>
#include <stdio.h>

#include "tools/common/error.h"
#include "tools/draw/heatmap.h"

typedef struct panels {
    const uint8_t *pixels; /* [size, size, 3], the picture as the model sees it */
    int size;
    const char *caption;
    const char *const *words; /* [count] */
    const float *maps;        /* [count, side, side]; each panel shows a map relative to its own extremes */
    int count, side;
    heatmap_colors colors;
} panels;

/* Writes the picture to a stream, a strip of panels at a time.  What the stream could not take is the
 * stream's error. */
bool panels_write(FILE *stream, const panels *p, tool_error *err);

#endif
