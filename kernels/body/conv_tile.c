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
/* panels that a block of so many rows has */
#define FOR_EACH_ROW_COUNT(X) \
    X(1, 8)                   \
    X(2, 8)                   \
    X(3, 8)                   \
    X(4, 6)                   \
    X(5, 5) X(6, 4) X(7, 3) X(8, 3) X(9, 3) X(10, 2) X(11, 2) X(12, 2) X(13, 2) X(14, 2) X(15, 1) X(16, 1)
#elif VEC_W == 8
#define TILE_ROWS 6
#define FOR_EACH_ROW_COUNT(X) X(1, 4) X(2, 2) X(3, 2) X(4, 1) X(5, 1) X(6, 1)
#else
#define TILE_ROWS 6
#define FOR_EACH_ROW_COUNT(X) X(1, 2) X(2, 2) X(3, 1) X(4, 1) X(5, 1) X(6, 1)
#endif

enum {
    MAX_VECTORS = 8,
    AHEAD = 32 * CPTK_PANEL, /* floats of a panel between its prefetch and its use */
    WIDE_COLUMNS = 6 * CPTK_PANEL,
};

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
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            vf x = vf_set(a[r][d]);

            BODY_UNROLL
            for (int v = 0; v < V; v++) sum[r][v] = vf_fma(x, w[v], sum[r][v]);
        }
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

/* The same for one vector, of which `left` columns exist. */
BODY_INLINE void finish_part(const cptk_tile *t, vf sum, int row, int column, int left)
{
    const vf zero = vf_set(0.0f);

    if (t->bias) sum = vf_add(sum, vf_next(t->bias + column, left, zero));
    if (t->add) {
        sum = vf_add(sum, vf_next(t->add + (size_t)row * t->add_stride + column, left, zero));
    }
    if (t->relu) sum = body_relu(sum);
    vf_put(t->c + (size_t)row * t->c_stride + column, sum, left);
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
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < V; v++) sum[r][v] = vf_set(0.0f);
    }
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
    if (t->n - panel * CPTK_PANEL >= V * VEC_W) {
        finish(t, sum, row, panel * CPTK_PANEL, R, V);
        return;
    }
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int v = 0; v < V; v++) {
            int column = panel * CPTK_PANEL + v * VEC_W, left = t->n - column;

            if (left > 0) finish_part(t, sum[r][v], row + r, column, left);
        }
    }
}

#define ROWS_FUNCTION(R, PANELS)                                                                     \
    static void rows_##R(const cptk_tile *t, int row)                                                \
    {                                                                                                \
        int panels = (t->n + CPTK_PANEL - 1) / CPTK_PANEL, p = 0;                                    \
                                                                                                     \
        for (; p + PANELS <= panels; p += PANELS) block(t, row, p, R, PANELS *VP);                   \
        for (; PANELS > 2 && p + 2 <= panels; p += 2) block(t, row, p, R, PANELS > 2 ? 2 * VP : VP); \
        for (; PANELS > 1 && p < panels; p++) block(t, row, p, R, VP);                               \
    }
FOR_EACH_ROW_COUNT(ROWS_FUNCTION)

#define ROWS_POINTER(R, PANELS) rows_##R,
static void (*const rows_functions[])(const cptk_tile *t, int row) = {FOR_EACH_ROW_COUNT(ROWS_POINTER)};

enum { MOST_ROWS = sizeof rows_functions / sizeof rows_functions[0] };

/* More rows than a block has: cut evenly, and a few panels at a time, so that the weights come from memory
 * once and from cache for the rest. */
static void tile(const cptk_tile *t)
{
    int parts = (t->rows + MOST_ROWS - 1) / MOST_ROWS;
    cptk_tile part = *t;

    if (parts == 1) {
        rows_functions[t->rows - 1](t, 0);
        return;
    }
    for (int column = 0; column < t->n; column += WIDE_COLUMNS) {
        int row = 0;

        part.n = t->n - column < WIDE_COLUMNS ? t->n - column : WIDE_COLUMNS;
        for (int i = parts; i > 0; i--) {
            int rows = (t->rows - row + i - 1) / i;

            rows_functions[rows - 1](&part, row);
            row += rows;
        }
        part.b += WIDE_COLUMNS / CPTK_PANEL * t->b_panel;
        part.c += WIDE_COLUMNS;
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
