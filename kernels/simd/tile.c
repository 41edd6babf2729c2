/* tile.c - the tile product in vectors, compiled once per instruction set.  All convolutions, Linear layers
 * and recurrent products are made of it.  kernels/ref/tile.c specifies it.
 *
 * A tile is computed in blocks of R rows x V vectors of columns.  A block's sums stay in registers while k
 * runs.  For each k, V loads of weights and R broadcasts of elements of a feed R * V multiply-adds.  R and V
 * are constants after inlining, so that the loops below unroll completely.  Blocks of few rows are one panel
 * wide: the time goes into reading their weights, and memory is fastest with a single stream. */
#include "kernels/simd/simd.h"

enum {
    MOST_VECTORS = 4,        /* V of any block */
    MOST_SUMS = 28,          /* R * V of any block */
    AHEAD = 32 * CPTK_PANEL, /* how many floats of a panel lie between a prefetch and the use */
    WIDE_COLUMNS =
        VEC_TILE_GROUP * CPTK_PANEL, /* columns that tiles of several blocks of rows take at a time */
};

/* One row of the weights of a block's columns. */
typedef struct weight_row {
    const float *b; /* the first panel's */
    size_t b_panel; /* floats from one panel to the next */
} weight_row;

/* sum[r * V + v] += a[r][d] * vector v of the weights. */
BODY_INLINE void multiply_add(vf *sum, const float *const *a, size_t d, weight_row row, int R, int V)
{
    vf w[MOST_VECTORS];
    BODY_UNROLL
    for (int v = 0; v < V; v++) {
        w[v] = vf_load(row.b + (size_t)(v / VEC_PANEL) * row.b_panel + v % VEC_PANEL * VEC_W);
        VEC_KEEP(w[v]);
    }
    BODY_UNROLL
    for (int v = 0; v < V; v += VEC_PANEL) {
        BODY_PREFETCH(row.b + (size_t)(v / VEC_PANEL) * row.b_panel + AHEAD);
    }
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        const vf x = vf_set(a[r][d]);
        BODY_UNROLL
        for (int v = 0; v < V; v++) sum[r * V + v] = vf_fma(x, w[v], sum[r * V + v]);
    }
}

/* Adds and stores a block that lies within the n columns, while its sums are in registers. */
BODY_INLINE void finish(const cptk_tile *t, vf *sum, int row, int column, int R, int V)
{
    const size_t c_stride = t->c_stride, add_stride = t->add_stride;
    float *c = t->c + (size_t)row * c_stride + column;
    if (t->bias) {
        vf bias[MOST_VECTORS];
        BODY_UNROLL
        for (int v = 0; v < V; v++) bias[v] = vf_load(t->bias + column + v * VEC_W);
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) sum[i] = vf_add(sum[i], bias[i % V]);
    }
    if (t->add) {
        const float *add = t->add + (size_t)row * add_stride + column;
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) {
            sum[i] = vf_add(sum[i], vf_load(add + (size_t)(i / V) * add_stride + i % V * VEC_W));
        }
    }
    if (t->relu) {
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) sum[i] = vf_relu(sum[i]);
    }
    BODY_UNROLL
    for (int i = 0; i < R * V; i++) vf_store(c + (size_t)(i / V) * c_stride + i % V * VEC_W, sum[i]);
}

/* The same for a block that reaches beyond column n: sum [R][V].  Rare, so the code is small, not fast. */
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
        if (t->relu) x = vf_relu(x);
        vf_put(t->c + (size_t)r * t->c_stride + j, x, left);
    }
}

/* Fetches, while k runs, what `finish` will read and write.  What it will write for the next columns is
 * fetched too, but not as near. */
BODY_INLINE void prefetch_output(const cptk_tile *t, int row, int column, int R, int columns)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        BODY_UNROLL
        for (int j = 0; j < columns; j += CPTK_PANEL) {
            BODY_PREFETCH_WRITE(t->c + (size_t)(row + r) * t->c_stride + column + j);
            BODY_PREFETCH_FAR(t->c + (size_t)(row + r) * t->c_stride + column + j + columns);
            if (t->add) BODY_PREFETCH(t->add + (size_t)(row + r) * t->add_stride + column + j);
        }
    }
}

/* Writes the sums of rows row..row+R-1 and V vectors of columns from panel `panel` on. */
BODY_INLINE void write_block(const cptk_tile *t, vf *sum, int row, int panel, int R, int V)
{
    if (t->n - panel * CPTK_PANEL >= V * VEC_W) {
        finish(t, sum, row, panel * CPTK_PANEL, R, V);
        return;
    }
    vf all[MOST_SUMS]; /* a copy, so that the sums themselves need no address and stay in registers */
    BODY_UNROLL
    for (int i = 0; i < R * V; i++) all[i] = sum[i];
    finish_part(t, all, row, panel * CPTK_PANEL, R, V);
}

BODY_INLINE void clear(vf *sum, int R, int V)
{
    BODY_UNROLL
    for (int i = 0; i < R * V; i++) sum[i] = vf_set(0.0f);
}

/* Rows row..row+R-1, V vectors of columns from panel `panel` on. */
BODY_INLINE void block(const cptk_tile *t, int row, int panel, int R, int V)
{
    vf sum[MOST_SUMS];
    const float *b = t->b + (size_t)panel * t->b_panel;
    /* read once here, so that compilers need no vector register to hold them while k runs */
    const size_t b_panel = t->b_panel, depth = (size_t)t->depth;
    const size_t soon_step = (size_t)(t->soon_step * (V / VEC_PANEL));
    uintptr_t soon = (uintptr_t)b; /* prefetching from a page that does not exist would take time */
    if (t->soon_step) soon = t->soon + (size_t)panel * (size_t)t->taps * depth * (size_t)t->soon_step;

    prefetch_output(t, row, panel * CPTK_PANEL, R, V * VEC_W);
    clear(sum, R, V);
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a[CPTK_MAX_ROWS];
        BODY_UNROLL
        for (int r = 0; r < R; r++) a[r] = t->a[tap * t->rows + row + r];
        for (size_t d = 0; d < depth; d++, b += CPTK_PANEL) {
            multiply_add(sum, a, d, (weight_row){.b = b, .b_panel = b_panel}, R, V);
            BODY_PREFETCH_FAR(soon);
            soon += soon_step;
        }
    }
    write_block(t, sum, row, panel, R, V);
}

/* rows_R(t, row): rows row..row+R-1, all columns.  Blocks are PANELS panels wide, the last ones narrower. */
#define ROWS_FUNCTION(R, PANELS)                                                                \
    _Static_assert((PANELS)*VEC_PANEL <= MOST_VECTORS && (R) * (PANELS)*VEC_PANEL <= MOST_SUMS, \
                   "too large");                                                                \
    static void rows_##R(const cptk_tile *t, int row)                                           \
    {                                                                                           \
        const int panels = (t->n + CPTK_PANEL - 1) / CPTK_PANEL;                                \
        int p = 0;                                                                              \
        for (; p + PANELS <= panels; p += PANELS) block(t, row, p, R, PANELS *VEC_PANEL);       \
        for (; PANELS > 2 && p + 2 <= panels; p += 2) {                                         \
            block(t, row, p, R, PANELS > 2 ? 2 * VEC_PANEL : VEC_PANEL);                        \
        }                                                                                       \
        for (; PANELS > 1 && p < panels; p++) block(t, row, p, R, VEC_PANEL);                   \
    }
VEC_TILE_BLOCKS(ROWS_FUNCTION)

#define ROWS_POINTER(R, PANELS) rows_##R,
static void (*const rows_functions[])(const cptk_tile *t, int row) = {VEC_TILE_BLOCKS(ROWS_POINTER)};

enum { MOST_ROWS = sizeof rows_functions / sizeof rows_functions[0] };

/* A tile of more rows than a block may have is cut into parts of about the same number of rows.  All parts
 * take a few panels before any takes the next, so that only the first reads weights from memory and the
 * others find them in the cache. */
static void CPTK_NAME(cptk_tile_f32)(const cptk_tile *t)
{
    const int parts = (t->rows + MOST_ROWS - 1) / MOST_ROWS;
    cptk_tile part = *t;
    if (parts == 1) {
        rows_functions[t->rows - 1](t, 0);
        return;
    }
    for (int column = 0; column < t->n; column += WIDE_COLUMNS) {
        int row = 0;
        part.n = t->n - column < WIDE_COLUMNS ? t->n - column : WIDE_COLUMNS;
        for (int i = parts; i > 0; i--) {
            const int rows = (t->rows - row + i - 1) / i;
            rows_functions[rows - 1](&part, row);
            row += rows;
        }
        part.b += WIDE_COLUMNS / CPTK_PANEL * t->b_panel;
        part.c += WIDE_COLUMNS;
        if (part.bias) part.bias += WIDE_COLUMNS;
        if (part.add) part.add += WIDE_COLUMNS;
    }
}

void CPTK_NAME(cptk_tile_init)(cptk_kernels *kernels)
{
    kernels->tile_f32 = CPTK_NAME(cptk_tile_f32);
    kernels->tile_rows = VEC_TILE_ROWS;
    kernels->has_tile = true;
}
