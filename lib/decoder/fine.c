/* fine.c - see fine.h. */
#include "lib/decoder/fine.h"

enum {
    LINE = CPTK_PANEL * CPTK_QUAD, /* bytes: for each output of a panel those of 8 inputs, two in a byte */
    LINE_INPUTS = 2 * CPTK_QUAD,
};

/* Brings lines of pairs into the form of the tile product.  The lower half of byte i belongs to the line's
 * first quad, the upper half to its second.  Each half is a number of -8..7; with its sign flipped it is the
 * number plus 8. */
static void unpack(const uint8_t *restrict halves, int lines, int8_t *restrict quads)
{
    for (int l = 0; l < lines; l++, halves += LINE, quads += 2 * LINE) {
        for (int i = 0; i < LINE; i++) {
            const uint8_t flipped = halves[i] ^ 0x88;
            quads[i] = (int8_t)((flipped & 15) - 8);
            quads[LINE + i] = (int8_t)((flipped >> 4) - 8);
        }
    }
}

/* Adds c [rows, 16], of which the tile has just filled the first n columns, to the logits of a panel. */
static void add_part(const cpt_fine_args *args, const cptk_tile_int8 *tile, int panel, int first)
{
    const size_t words = (size_t)args->decoder->fc.out;
    for (int r = 0; r < tile->rows; r++) {
        float *logits = args->logits + (size_t)(first + r) * words + panel * CPTK_PANEL;
        for (int j = 0; j < tile->n; j++) logits[j] += tile->out.c_f32[r * CPTK_PANEL + j];
    }
}

/* What the states lack, times the 8 bits of the weights.  The fine part's bias takes the 128 away again. */
static void add_rests(const cpt_fine_args *args, int panel, int first, int rows)
{
    const cpt_linear *fc = &args->decoder->fc;
    const int column = panel * CPTK_PANEL, left = fc->out - column;
    const size_t depth = cpt_quad_bytes(fc->in);
    float scale[CPTK_PANEL] = {0};
    const cptk_tile_int8 tile = {
        .a = args->rests + first,
        .b = fc->quads + (size_t)panel * depth * CPTK_PANEL,
        .b_panel = depth * CPTK_PANEL,
        .out = {.scale = scale, .c_f32 = args->scratch->part, .c_stride = CPTK_PANEL},
        .rows = rows,
        .taps = 1,
        .depth = (int)depth,
        .n = left < CPTK_PANEL ? left : CPTK_PANEL,
    };
    for (int j = 0; j < tile.n; j++) scale[j] = fc->scale[column + j] * (1 / CPT_REST_STEPS);
    args->kernels->tile_u8(&tile);
    add_part(args, &tile, panel, first);
}

/* Rows first..first+rows-1; at most CPTK_MAX_ROWS. */
static void add_rows(const cpt_fine_args *args, int panel, int next, int first, int rows)
{
    const cpt_linear *fine = &args->decoder->fine;
    const int column = panel * CPTK_PANEL, lines = (fine->in + CPTK_QUAD - 1) / CPTK_QUAD;
    const uint8_t *halves = fine->halves + (size_t)panel * (size_t)lines * LINE, *a[CPTK_MAX_ROWS];
    const uint8_t *soon = fine->halves + (size_t)next * (size_t)lines * LINE;
    int8_t *quads = args->scratch->quads;
    cptk_tile_int8 tile = {
        .a = a,
        .b = quads,
        .b_panel = sizeof args->scratch->quads,
        .out = {.scale = fine->scale + column,
                .bias = fine->bias + column, /* once, with the first chunk */
                .c_f32 = args->scratch->part,
                .c_stride = CPTK_PANEL},
        .rows = rows,
        .taps = 1,
        .n = fine->out - column < CPTK_PANEL ? fine->out - column : CPTK_PANEL,
        .soon_step = LINE / 2, /* a line of halves for each two quads */
    };
    for (int at = 0; at < lines; at += CPT_FINE_LINES) {
        const int count = lines - at < CPT_FINE_LINES ? lines - at : CPT_FINE_LINES;
        unpack(halves + (size_t)at * LINE, count, quads);
        for (int r = 0; r < rows; r++) a[r] = args->states[first + r] + (size_t)at * LINE_INPUTS;
        tile.depth = count * LINE_INPUTS;
        tile.soon = (uintptr_t)(soon + (size_t)at * LINE);
        args->kernels->tile_u8(&tile);
        tile.out.bias = NULL;
        add_part(args, &tile, panel, first);
    }
}

void cpt_fine_add(const cpt_fine_args *args, int panel, int next)
{
    for (int r = 0; r < args->rows; r += CPTK_MAX_ROWS) {
        const int rows = args->rows - r < CPTK_MAX_ROWS ? args->rows - r : CPTK_MAX_ROWS;
        add_rests(args, panel, r, rows);
        add_rows(args, panel, next, r, rows);
    }
}
