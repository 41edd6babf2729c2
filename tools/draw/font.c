/* Text in pixels; see font.h.  The shapes are in glyphs.c. */
#include "tools/draw/font.h"

#include <string.h>

#include "tools/common/text.h"
#include "tools/draw/glyphs.h"

/* Takes one character of UTF-8 off the text; `left` bytes are there, 1 at least.  Bytes that are no UTF-8 are
 * a character each, of which there is no shape. */
static uint32_t next_character(const char *text, size_t left, size_t *length)
{
    const unsigned char *s = (const unsigned char *)text;
    *length = tool_utf8_length(text, left);
    if (*length == 0) {
        *length = 1;
        return UINT32_MAX;
    }
    if (*length == 1) return s[0];
    return *length == 2 ? (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu) : UINT32_MAX;
}

size_t font_bytes(const char *text, size_t cells)
{
    const size_t size = strlen(text);
    size_t used = 0, length;
    while (cells-- > 0 && used < size) {
        (void)next_character(text + used, size - used, &length);
        used += length;
    }
    return used;
}

size_t font_cells(const char *text)
{
    const size_t size = strlen(text);
    size_t cells = 0, length;
    for (size_t used = 0; used < size; used += length) {
        (void)next_character(text + used, size - used, &length);
        cells++;
    }
    return cells;
}

static void draw_square(const font_canvas *canvas, int x, int y, int side)
{
    for (int row = y < 0 ? 0 : y; row < y + side && row < canvas->height; row++) {
        for (int column = x < 0 ? 0 : x; column < x + side && column < canvas->width; column++) {
            memset(canvas->rgb + 3 * ((size_t)row * (size_t)canvas->width + (size_t)column), 0, 3);
        }
    }
}

void font_draw(const font_canvas *canvas, const char *text, size_t size, const int place[2], int scale)
{
    int x = place[0];
    size_t length;
    for (size_t used = 0; used < size && x < canvas->width; used += length) {
        uint8_t rows[FONT_HEIGHT];
        font_glyph(rows, next_character(text + used, size - used, &length));
        for (int row = 0; row < FONT_HEIGHT; row++) {
            for (int column = 0; column < FONT_WIDTH; column++) {
                if (!(rows[row] >> (FONT_WIDTH - 1 - column) & 1)) continue;
                draw_square(canvas, x + column * scale, place[1] + row * scale, scale);
            }
        }
        x += FONT_WIDTH * scale;
    }
}
