/* conv_tile.c - the tile product for every instruction set: all convolutions, Linear layers and recurrent
 * products end here.  Compiled once per instruction set; called through the kernel table.
 *
 * A block is R rows x V vectors of columns, all of it in registers while k runs: per k V loads of weights and
 * R broadcasts feed R * V multiply-adds.  R and V are constants after inlining, so that the loops below
 * unroll completely.  Many rows take few panels, few rows take many, to keep enough independent sums going.
 */
#include "kernels/body/vec.h"

#include "kernels/kernels.h"
#include "kernels/body/conv_body.h"

#define VP (CPTK_PANEL / VEC_W) /* vectors in a panel */

#if VEC_W == 16
#define TILE_ROWS 14
/* X(rows, panels that a block of so many rows has); int16 weights take more registers, and few rows are usual
 */
#define FOR_EACH_ROW_COUNT(X) \
    X(1, 8)                   \
    X(2, 8)                   \
    X(3, 8)                   \
    X(4, 6)                   \
    X(5, 5) X(6, 4) X(7, 3) X(8, 3) X(9, 3) X(10, 2) X(11, 2) X(12, 2) X(13, 2) X(14, 2) X(15, 1) X(16, 1)
#define FOR_EACH_PAIRS_COUNT(X) X(1, 8) X(2, 6) X(3, 6) X(4, 5) X(5, 2) X(6, 3) X(7, 3) X(8, 3)
#elif VEC_W == 8
#define TILE_ROWS 6
#define FOR_EACH_ROW_COUNT(X) X(1, 4) X(2, 2) X(3, 2) X(4, 1) X(5, 1) X(6, 1)
#define FOR_EACH_PAIRS_COUNT(X) X(1, 2) X(2, 1) X(3, 1) X(4, 1) X(5, 1)
#else
#define TILE_ROWS 6
#define FOR_EACH_ROW_COUNT(X) X(1, 2) X(2, 2) X(3, 1) X(4, 1) X(5, 1) X(6, 1)
#define FOR_EACH_PAIRS_COUNT(X) X(1, 2) X(2, 1) X(3, 1) X(4, 1) X(5, 1)
#endif

enum {
    MAX_VECTORS = 8,
    MOST_SUMS = 28,          /* rows x vectors of any block */
    AHEAD = 32 * CPTK_PANEL, /* floats of a panel between its prefetch and its use */
    WIDE_COLUMNS = 6 * CPTK_PANEL,
};

/* sum[r][v] += a row r x one row of weights, which is in registers. */
BODY_INLINE void add_products(vf sum[][MAX_VECTORS], const float *const *a, size_t d, const vf *w, int R,
                              int V)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        vf x = vf_set(a[r][d]);

        BODY_UNROLL
        for (int v = 0; v < V; v++) sum[r][v] = vf_fma(x, w[v], sum[r][v]);
    }
}

/* sum[r][v] += a row r x one row of weights. */
BODY_INLINE void multiply_add(vf sum[][MAX_VECTORS], const float *const *a, size_t d, const float *b,
                              size_t b_panel, int R, int V)
{
    if (V <= R) {
        vf w[MAX_VECTORS];

        BODY_UNROLL
        for (int v = 0; v < V; v++) {
            w[v] = vf_load(b + (size_t)(v / VP) * b_panel + v % VP * VEC_W);
            BODY_KEEP(w[v]);
        }
        BODY_UNROLL
        for (int v = 0; v < V; v += VP) BODY_PREFETCH(b + (size_t)(v / VP) * b_panel + AHEAD);
        add_products(sum, a, d, w, R, V);
    } else {
        vf x[CPTK_MAX_ROWS];

        BODY_UNROLL
        for (int r = 0; r < R; r++) x[r] = vf_set(a[r][d]);
        BODY_UNROLL
        for (int v = 0; v < V; v++) {
            vf w = vf_load(b + (size_t)(v / VP) * b_panel + v % VP * VEC_W);

            if (v % VP == 0) BODY_PREFETCH(b + (size_t)(v / VP) * b_panel + AHEAD);
            BODY_KEEP(w);
            BODY_UNROLL
            for (int r = 0; r < R; r++) sum[r][v] = vf_fma(x[r], w, sum[r][v]);
        }
    }
}

/* sum[r][v] += a row r x two rows of int16 weights, the even one first. */
BODY_INLINE void multiply_add_pairs(vf sum[][MAX_VECTORS], const float *const *a, size_t d, const uint32_t *b,
                                    size_t b_panel, int R, int V)
{
    vu pair[MAX_VECTORS];
    vf w[MAX_VECTORS];

    BODY_UNROLL
    for (int v = 0; v < V; v++) {
        pair[v] = vu_load(b + (size_t)(v / VP) * b_panel + v % VP * VEC_W);
        BODY_KEEP(pair[v]);
        w[v] = vf_low_int(pair[v]);
    }
    BODY_UNROLL
    for (int v = 0; v < V; v += VP) BODY_PREFETCH(b + (size_t)(v / VP) * b_panel + AHEAD);
    add_products(sum, a, d, w, R, V);
    BODY_UNROLL
    for (int v = 0; v < V; v++) w[v] = vf_high_int(pair[v]);
    add_products(sum, a, d + 1, w, R, V);
}

/* The last row of an odd depth. */
BODY_INLINE void multiply_add_last(vf sum[][MAX_VECTORS], const float *const *a, size_t d, const uint32_t *b,
                                   size_t b_panel, int R, int V)
{
    vf w[MAX_VECTORS];

    BODY_UNROLL
    for (int v = 0; v < V; v++) w[v] = vf_low_int(vu_load(b + (size_t)(v / VP) * b_panel + v % VP * VEC_W));
    add_products(sum, a, d, w, R, V);
}

/* Bias, addition and ReLU for the whole block while it is in registers. */
BODY_INLINE void finish(const cptk_tile *t, vf sum[][MAX_VECTORS], int row, int column, int R, int V)
{
    float *c = t->c + (size_t)row * t->c_stride + column;
    const size_t c_stride = t->c_stride, add_stride = t->add_stride;
    const int relu = t->relu;

    if (t->bias) {
        BODY_UNROLL
        for (int v = 0; v < V; v++) {
            vf bias = vf_load(t->bias + column + v * VEC_W);

            BODY_UNROLL
            for (int r = 0; r < R; r++) sum[r][v] = vf_add(sum[r][v], bias);
        }
    }
    if (t->add) {
        const float *add = t->add + (size_t)row * add_stride + column;

        BODY_UNROLL
        for (int r = 0; r < R; r++, add += add_stride) {
            BODY_UNROLL
            for (int v = 0; v < V; v++) sum[r][v] = vf_add(sum[r][v], vf_load(add + v * VEC_W));
        }
    }
    if (relu) {
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            BODY_UNROLL
            for (int v = 0; v < V; v++) sum[r][v] = body_relu(sum[r][v]);
        }
    }
    BODY_UNROLL
    for (int r = 0; r < R; r++, c += c_stride) {
        BODY_UNROLL
        for (int v = 0; v < V; v++) vf_store(c + v * VEC_W, sum[r][v]);
    }
}

/* The same for blocks that reach beyond the last column; sum [R][V].  Rare, so small rather than fast. */
static __attribute__((noinline)) void finish_part(const cptk_tile *t, const vf *sum, int row, int column,
                                                  int R, int V)
{
    const vf zero = vf_set(0.0f);

    for (int i = 0; i < R * V; i++) {
        const int r = row + i / V, j = column + i % V * VEC_W, left = t->n - j;
        vf x = sum[i];

        if (left <= 0) continue;
        if (t->bias) x = vf_add(x, vf_next(t->bias + j, left, zero));
        if (t->add) x = vf_add(x, vf_next(t->add + (size_t)r * t->add_stride + j, left, zero));
        if (t->relu) x = body_relu(x);
        vf_put(t->c + (size_t)r * t->c_stride + j, x, left);
    }
}

/* What the epilogue will read and write is fetched while k runs. */
BODY_INLINE void prefetch_output(const cptk_tile *t, int row, int column, int R, int columns)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int j = 0; j < columns; j += CPTK_PANEL) {
            BODY_PREFETCH_WRITE(t->c + (size_t)(row + r) * t->c_stride + column + j);
            if (t->add) BODY_PREFETCH(t->add + (size_t)(row + r) * t->add_stride + column + j);
        }
    }
}

/* Writes the sums of rows row..row+R-1 and V vectors of columns from panel `panel` on. */
BODY_INLINE void write_block(const cptk_tile *t, vf sum[][MAX_VECTORS], int row, int panel, int R, int V)
{
    vf all[MOST_SUMS];

    if (t->n - panel * CPTK_PANEL >= V * VEC_W) {
        finish(t, sum, row, panel * CPTK_PANEL, R, V);
        return;
    }
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < V; v++) all[r * V + v] = sum[r][v];
    }
    finish_part(t, all, row, panel * CPTK_PANEL, R, V);
}

BODY_INLINE void clear(vf sum[][MAX_VECTORS], int R, int V)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < V; v++) sum[r][v] = vf_set(0.0f);
    }
}

/* Rows row..row+R-1, V vectors of columns from panel `panel` on. */
BODY_INLINE void block(const cptk_tile *t, int row, int panel, int R, int V)
{
    vf sum[CPTK_MAX_ROWS][MAX_VECTORS];
    const float *b = t->b + (size_t)panel * t->b_panel;
    const size_t b_panel = t->b_panel, b_step = t->b_step, depth = (size_t)t->depth;
    const size_t soon_step = (size_t)(t->soon_step * (V / VP));
    uintptr_t soon = (uintptr_t)b; /* looking for a page that doesn't exist would cost something */

    if (t->soon_step) soon = t->soon + (size_t)panel * (size_t)t->taps * depth * (size_t)t->soon_step;

    prefetch_output(t, row, panel * CPTK_PANEL, R, V * VEC_W);
    clear(sum, R, V);
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a[CPTK_MAX_ROWS];

        BODY_UNROLL
        for (int r = 0; r < R; r++) a[r] = t->a[tap * t->rows + row + r];
        for (size_t d = 0; d < depth; d++, b += b_step) {
            multiply_add(sum, a, d, b, b_panel, R, V);
            BODY_PREFETCH_FAR(soon);
            soon += soon_step;
        }
    }
    write_block(t, sum, row, panel, R, V);
}

/* The same with int16 weights, of which the sum is scaled in the end. */
BODY_INLINE void block_pairs(const cptk_tile *t, int row, int panel, int R, int V)
{
    vf sum[CPTK_MAX_ROWS][MAX_VECTORS];
    const float *a[CPTK_MAX_ROWS];
    const size_t depth = (size_t)t->depth, b_panel = (depth + 1) / 2 * CPTK_PANEL;
    const uint32_t *b = t->pairs + (size_t)panel * b_panel;
    size_t d = 0;

    clear(sum, R, V);
    BODY_UNROLL
    for (int r = 0; r < R; r++) a[r] = t->a[row + r];
    for (; d + 2 <= depth; d += 2, b += CPTK_PANEL) multiply_add_pairs(sum, a, d, b, b_panel, R, V);
    if (d < depth) multiply_add_last(sum, a, d, b, b_panel, R, V);
    BODY_UNROLL
    for (int v = 0; v < V; v++) {
        int column = panel * CPTK_PANEL + v * VEC_W;
        vf unit = vf_set(1.0f / 65536); /* of vf_low_int */
        vf scale = vf_mul(unit, column < t->n ? vf_next(t->scale + column, t->n - column, unit) : unit);

        BODY_UNROLL
        for (int r = 0; r < R; r++) sum[r][v] = vf_mul(sum[r][v], scale);
    }
    write_block(t, sum, row, panel, R, V);
}

#define ROWS_FUNCTION(NAME, BLOCK, R, PANELS)                                                        \
    static void NAME(const cptk_tile *t, int row)                                                    \
    {                                                                                                \
        int panels = (t->n + CPTK_PANEL - 1) / CPTK_PANEL, p = 0;                                    \
                                                                                                     \
        for (; p + PANELS <= panels; p += PANELS) BLOCK(t, row, p, R, PANELS *VP);                   \
        for (; PANELS > 2 && p + 2 <= panels; p += 2) BLOCK(t, row, p, R, PANELS > 2 ? 2 * VP : VP); \
        for (; PANELS > 1 && p < panels; p++) BLOCK(t, row, p, R, VP);                               \
    }
#define FLOATS_FUNCTION(R, PANELS) ROWS_FUNCTION(floats_##R, block, R, PANELS)
#define PAIRS_FUNCTION(R, PANELS) ROWS_FUNCTION(pairs_##R, block_pairs, R, PANELS)
FOR_EACH_ROW_COUNT(FLOATS_FUNCTION)
FOR_EACH_PAIRS_COUNT(PAIRS_FUNCTION)

#define FLOATS_POINTER(R, PANELS) floats_##R,
#define PAIRS_POINTER(R, PANELS) pairs_##R,
typedef void (*rows_function)(const cptk_tile *t, int row);
static const rows_function floats_functions[] = {FOR_EACH_ROW_COUNT(FLOATS_POINTER)};
static const rows_function pairs_functions[] = {FOR_EACH_PAIRS_COUNT(PAIRS_POINTER)};

enum {
    MOST_ROWS = sizeof floats_functions / sizeof floats_functions[0],
    MOST_PAIRS_ROWS = sizeof pairs_functions / sizeof pairs_functions[0],
};

/* More rows than a block has: cut evenly, and a few panels at a time, so that the weights come from memory
 * once and from cache for the rest. */
static void tile(const cptk_tile *t)
{
    const rows_function *functions = t->pairs ? pairs_functions : floats_functions;
    int most = t->pairs ? MOST_PAIRS_ROWS : MOST_ROWS, parts = (t->rows + most - 1) / most;
    cptk_tile part = *t;

    if (parts == 1) {
        functions[t->rows - 1](t, 0);
        return;
    }
    for (int column = 0; column < t->n; column += WIDE_COLUMNS) {
        int row = 0;

        part.n = t->n - column < WIDE_COLUMNS ? t->n - column : WIDE_COLUMNS;
        for (int i = parts; i > 0; i--) {
            int rows = (t->rows - row + i - 1) / i;

            functions[rows - 1](&part, row);
            row += rows;
        }
        if (t->pairs)
            part.pairs += (size_t)(WIDE_COLUMNS * ((t->depth + 1) / 2));
        else
            part.b += WIDE_COLUMNS / CPTK_PANEL * t->b_panel;
        part.c += WIDE_COLUMNS;
        if (part.scale) part.scale += WIDE_COLUMNS;
        if (part.bias) part.bias += WIDE_COLUMNS;
        if (part.add) part.add += WIDE_COLUMNS;
    }
}

void CPTK_NAME(cptk_conv_init)(cptk_kernels *kernels)
{
    kernels->tile = tile;
    kernels->tile_rows = TILE_ROWS;
    kernels->has_tile = 1;
    CPTK_NAME(cptk_conv_maps_init)(kernels);
}
