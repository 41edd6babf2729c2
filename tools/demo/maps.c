/* Attention maps in a terminal; see maps.h. */
#include "tools/demo/maps.h"

#include <stddef.h>

#include "tools/common/clean.h"

/* A map is `side` cells wide, a cell two characters where there is space, and "|" stands behind each map. */
enum { WIDE_CELL = 2, MAP_GAP = 2, SHADES = 5, WORD_BYTES = 256 };

static const char *const blocks[SHADES] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
static const char *const letters[SHADES] = {" ", ".", ":", "+", "#"};

typedef struct drawing {
    const demo_maps *maps;
    FILE *stream;
    const char *const *shades;
    int side, cell, per_row; /* cells of a map's side, characters of a cell, maps side by side */
} drawing;

/* Rows and columns of a square map of `positions` cells; 0 where it is no square. */
static int map_side(int positions)
{
    int side = 1;
    while (side * side < positions) side++;
    return side * side == positions ? side : 0;
}

/* The word, cut to `columns` characters and, unless it is the last of its line, padded to them. */
static void print_word(const drawing *d, const char *word, bool last)
{
    char clean[WORD_BYTES];
    int left = d->side * d->cell;
    tool_clean(clean, sizeof clean, word);
    for (const char *p = clean; *p; p++) {
        const bool starts = ((unsigned char)*p & 0xC0) != 0x80; /* a character, not a later byte of one */
        if (starts && left == 0) break;
        left -= starts;
        (void)fputc(*p, d->stream);
    }
    if (!last) (void)fprintf(d->stream, "%*s", left + MAP_GAP, "");
}

/* map: [side, side] */
static void print_map_row(const drawing *d, const float *map, int row)
{
    float peak = 0;
    for (int i = 0; i < d->side * d->side; i++) peak = map[i] > peak ? map[i] : peak;
    for (int column = 0; column < d->side; column++) {
        const float part = peak > 0 ? map[row * d->side + column] / peak : 0;
        const int shade = part < 0.1f ? 0 : part < 0.3f ? 1 : part < 0.55f ? 2 : part < 0.8f ? 3 : 4;
        for (int i = 0; i < d->cell; i++) (void)fputs(d->shades[shade], d->stream);
    }
}

/* Maps first to last - 1, side by side. */
static void print_row_of_maps(const drawing *d, int first, int last)
{
    const size_t positions = (size_t)d->maps->positions;
    (void)fputc('\n', d->stream);
    for (int i = first; i < last; i++) print_word(d, d->maps->words[i], i + 1 == last);
    (void)fputc('\n', d->stream);
    for (int row = 0; row < d->side; row++) {
        for (int i = first; i < last; i++) {
            print_map_row(d, d->maps->alpha + (size_t)i * positions, row);
            (void)fputs(i + 1 < last ? "| " : "|\n", d->stream);
        }
    }
}

/* The longest explanation that fits. */
static void print_legend(const drawing *d)
{
    static const char long_text[] = "more ink = more weight:", short_text[] = "ink = weight";
    enum { SAMPLES = 2 * (SHADES - 1) };
    if (d->maps->columns >= (int)sizeof long_text - 1 + SAMPLES) {
        (void)fprintf(d->stream, "\n%s %s %s %s %s\n", long_text, d->shades[1], d->shades[2], d->shades[3],
                      d->shades[4]);
    } else {
        (void)fprintf(d->stream, "\n%s\n", short_text);
    }
}

void demo_draw_maps(FILE *stream, const demo_maps *maps)
{
    drawing d = {.maps = maps,
                 .stream = stream,
                 .shades = maps->utf8 ? blocks : letters,
                 .side = map_side(maps->positions),
                 .cell = WIDE_CELL};
    if (!d.side || maps->count < 1) return;
    if (d.side * d.cell + 1 > maps->columns) d.cell = 1;
    d.per_row = (maps->columns - 1 + MAP_GAP) / (d.side * d.cell + MAP_GAP);
    if (d.per_row < 1) d.per_row = 1;
    for (int first = 0; first < maps->count; first += d.per_row) {
        print_row_of_maps(&d, first, first + d.per_row < maps->count ? first + d.per_row : maps->count);
    }
    print_legend(&d);
}
