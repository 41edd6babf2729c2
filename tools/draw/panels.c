/* Words and heat maps in one picture; see panels.h.  From top to bottom: the caption's lines, then strips of
 * up to MOST_COLUMNS panels.  Only one strip is in memory. */
#include "tools/draw/panels.h"

#include <stdlib.h>
#include <string.h>

#include "tools/draw/encode.h"
#include "tools/draw/font.h"

enum {
    MOST_COLUMNS = 5,
    GAP = 12,
    SCALE = 2, /* of the font */
    LINE = FONT_HEIGHT * SCALE,
    LABEL = LINE + 4, /* a word, above its panel */
    LEAST_SIDE = 192, /* of a panel: a smaller picture is enlarged by a whole number */
};

typedef struct drawing {
    const panels *panels;
    int columns, width;
    int zoom, side;   /* of the picture; of a panel, size * zoom */
    int title, strip; /* rows of all lines of the caption; of one strip */
    int drawn;        /* the strip in `rows`, counted from 0; -1: none */
    uint8_t *rows;    /* [max(title, strip), width, 3] */
    float *map;       /* [side, side] */
    float *values;    /* [side, side] */
} drawing;

static size_t row_bytes(const drawing *d)
{
    return (size_t)d->width * 3;
}

/* ---- the caption ---- */

static size_t cells_in_a_line(const drawing *d)
{
    return (size_t)((d->width - 2 * GAP) / (FONT_WIDTH * SCALE));
}

/* The bytes of the next line: as many words as fit, or of a longer word as much as fits. */
static size_t next_line(const char *text, size_t cells)
{
    const size_t most = font_bytes(text, cells);
    if (text[most] == '\0') return most;
    size_t end = most;
    while (end > 0 && text[end] != ' ') end--;
    return end > 0 ? end : most;
}

/* Draws the caption's lines if there is a canvas, and returns how many there are. */
static int draw_title(const drawing *d, const font_canvas *canvas)
{
    const char *text = d->panels->caption;
    int lines = 0;
    do {
        const size_t length = next_line(text, cells_in_a_line(d));
        if (canvas) font_draw(canvas, text, length, (const int[2]){GAP, GAP / 2 + lines * LINE}, SCALE);
        lines++;
        text += length;
        text += strspn(text, " ");
    } while (*text != '\0');
    return lines;
}

/* ---- panels ---- */

/* A word that is too long for its panel is drawn small, and cut if it is longer still. */
static void draw_word(const drawing *d, const font_canvas *canvas, const char *word, int left)
{
    const size_t cells = (size_t)d->side / FONT_WIDTH;
    const int scale = font_cells(word) <= cells / SCALE ? SCALE : 1;
    const int top = scale == SCALE ? 0 : LINE - FONT_HEIGHT;
    font_draw(canvas, word, font_bytes(word, cells / (size_t)scale), (const int[2]){left, top}, scale);
}

/* Panel 0 is the picture, panel n the word n - 1. */
static void draw_panel(const drawing *d, const font_canvas *canvas, int index, int left)
{
    const panels *p = d->panels;
    const size_t positions = (size_t)p->side * (size_t)p->side, bytes = (size_t)p->size * 3;
    if (index > 0) {
        memcpy(d->map, p->maps + (size_t)(index - 1) * positions, positions * sizeof *d->map);
        heatmap_normalise(d->map, positions);
        heatmap_enlarge(d->values, d->side, d->map, p->side);
        draw_word(d, canvas, p->words[index - 1], left);
    }
    for (int y = 0; y < d->side; y++) {
        uint8_t *to = canvas->rgb + (size_t)(LABEL + y) * row_bytes(d) + 3 * (size_t)left;
        const uint8_t *from = p->pixels + (size_t)(y / d->zoom) * bytes;
        for (int x = 0; x < d->side; x++) memcpy(to + 3 * x, from + 3 * (x / d->zoom), 3);
        if (index > 0) {
            const float *values = d->values + (size_t)y * (size_t)d->side;
            heatmap_blend(to, values, (size_t)d->side, p->colors, HEATMAP_WEIGHT);
        }
    }
}

static void draw_strip(drawing *d, int strip)
{
    const font_canvas canvas = {d->rows, d->width, d->strip};
    memset(d->rows, 0xff, (size_t)d->strip * row_bytes(d));
    for (int column = 0; column < d->columns; column++) {
        const int index = strip * d->columns + column;
        if (index > d->panels->count) break;
        draw_panel(d, &canvas, index, GAP + column * (d->side + GAP));
    }
    d->drawn = strip;
}

static const uint8_t *row_at(void *user, int index)
{
    drawing *d = user;
    if (index < d->title) {
        if (index == 0) {
            memset(d->rows, 0xff, (size_t)d->title * row_bytes(d));
            (void)draw_title(d, &(font_canvas){d->rows, d->width, d->title});
        }
        return d->rows + (size_t)index * row_bytes(d);
    }
    const int strip = (index - d->title) / d->strip;
    if (strip != d->drawn) draw_strip(d, strip);
    return d->rows + (size_t)((index - d->title) % d->strip) * row_bytes(d);
}

bool panels_write(FILE *stream, const panels *p, tool_error *err)
{
    const int all = p->count + 1;
    drawing d = {.panels = p, .drawn = -1};
    d.columns = all < MOST_COLUMNS ? all : MOST_COLUMNS;
    d.zoom = (LEAST_SIDE + p->size - 1) / p->size;
    d.side = p->size * d.zoom;
    d.width = GAP + d.columns * (d.side + GAP);
    d.strip = LABEL + d.side + GAP;
    d.title = draw_title(&d, NULL) * LINE + GAP;
    const int rows = d.title > d.strip ? d.title : d.strip;
    d.rows = malloc((size_t)rows * row_bytes(&d));
    d.map = malloc((size_t)p->side * (size_t)p->side * sizeof *d.map);
    d.values = malloc((size_t)d.side * (size_t)d.side * sizeof *d.values);
    const encode_picture picture = {.width = d.width,
                                    .height = d.title + (all + d.columns - 1) / d.columns * d.strip,
                                    .row = row_at,
                                    .user = &d,
                                    .description = p->caption};
    const bool ok =
        d.rows && d.map && d.values ? encode_png(stream, &picture, err) : tool_fail(err, "out of memory");
    free(d.rows);
    free(d.map);
    free(d.values);
    return ok;
}
