/* The shapes of the font.  Only font.c includes this. */
#ifndef TOOLS_DRAW_GLYPHS_H
#define TOOLS_DRAW_GLYPHS_H

#include <stdint.h>

#include "tools/draw/font.h"

/* The rows of a cell, top first: bit FONT_WIDTH - 1 is the left column, bit 0 the right one.  A character
 * without a shape is a box. */
void font_glyph(uint8_t rows[FONT_HEIGHT], uint32_t character);

#endif
