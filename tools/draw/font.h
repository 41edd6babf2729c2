/* Text in pixels: a font of fixed width that covers Latin-1.
 *
 * A cell is FONT_WIDTH x FONT_HEIGHT pixels: three rows for marks over capitals, seven for the letters, two
 * below the line; the last column stays empty.  Other characters are drawn as a box.  Nothing here allocates
 * or prints. */
#ifndef TOOLS_DRAW_FONT_H
#define TOOLS_DRAW_FONT_H

#include <stddef.h>
#include <stdint.h>

enum { FONT_WIDTH = 6, FONT_HEIGHT = 12 };

/* Pixels to draw on. */
typedef struct font_canvas {
    uint8_t *rgb; /* [height, width, 3] */
    int width, height;
} font_canvas;

/* How many cells a text takes: its characters.  `text` is UTF-8; what is not counts a cell a byte. */
size_t font_cells(const char *text);

/* The bytes of the first `cells` characters of a text, or of all where it has fewer. */
size_t font_bytes(const char *text, size_t cells);

/* Draws text [size bytes of UTF-8] in black, each pixel of the font a square of `scale` pixels; (x, y) is the
 * top left corner.  What lies outside the canvas is left out. */
void font_draw(const font_canvas *canvas, const char *text, size_t size, const int place[2], int scale);

#endif
