/* int8.c - the tile product of bytes, quantisation and the max pool of bytes in vectors, compiled once per
 * instruction set.  kernels/ref/int8.c specifies them.
 *
 * The tile is computed in blocks as in tile.c: R rows x V vectors of columns, whose sums stay in registers
 * while k runs.  A step takes a quad of each row, and adds its product with a quad of weights to each sum.
 * Integer sums are exact, so the order of the steps doesn't matter.  Where the instruction set can't multiply
 * the bytes as they lie in memory, rows are first brought into another form, a chunk of k at a time
 * (VEC_QUAD_CHUNK). */
#include <string.h>

#include "kernels/simd/simd.h"

enum {
    LINE = CPTK_PANEL * CPTK_QUAD, /* bytes of a quad of a panel: a cache line */
    MOST_VECTORS = 4,              /* V of any block */
    MOST_SUMS = 28,                /* R * V of any block, and of the sums that several chains have */
    MOST_CHAINS = 4,               /* chains of any block */
    NEAR = 24 * LINE,              /* bytes of a panel between a prefetch into the first cache and the use */
    FAR = 512 * LINE,              /* the same for the second cache */
    STREAM_ROWS = 7,               /* tiles of at most so many rows read their weights from memory */
    WIDE_COLUMNS = 6 * CPTK_PANEL, /* columns that tiles of several blocks of rows take at a time */
};

/* ---- sums ---- */

/* Where a block's weights and rows are, at a quad of k. */
typedef struct quad_place {
    const uint8_t *const *a; /* [R] pointers */
    size_t at;               /* bytes from there to the quad */
    const int8_t *b;         /* the first panel's quad */
    size_t b_panel;
} quad_place;

/* sum[r * V + v] += the quad of row r times vector v of the quad of weights. */
BODY_INLINE void add_quad(vu *sum, quad_place place, int R, int V)
{
    vq quad[MOST_VECTORS];
    BODY_UNROLL
    for (int v = 0; v < V; v += VEC_PANEL) {
        const int8_t *b = place.b + (size_t)(v / VEC_PANEL) * place.b_panel;
        quad[v / VEC_PANEL] = vq_load(b);
        BODY_PREFETCH(b + NEAR);
    }
    BODY_UNROLL
    for (int s = 0; s < VEC_QUAD_STEPS; s++) {
        vw w[MOST_VECTORS];
        BODY_UNROLL
        for (int v = 0; v < V; v++) {
            w[v] = vq_weights(quad[v / VEC_PANEL], v % VEC_PANEL, s);
            VEC_KEEP(w[v]);
        }
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            const va x = vq_row(place.a[r] + place.at, s);
            BODY_UNROLL
            for (int v = 0; v < V; v++) sum[r * V + v] = vq_dot(sum[r * V + v], x, w[v], s);
        }
    }
}

/* How many sums an output has, so that one step need not wait for the sum of the step before. */
BODY_INLINE int chains_of(int sums)
{
    int chains = MOST_CHAINS;
    while (chains > 1 && (chains / 2 * sums >= VEC_QUAD_SUMS || chains * sums > MOST_SUMS)) chains /= 2;
    return chains;
}

/* What the block fetches in passing, beyond what add_quad does. */
typedef struct ahead {
    uintptr_t at;
    size_t step; /* bytes a quad */
} ahead;

/* Adds `quads` quads. */
BODY_INLINE void add_quads(vu *sum, quad_place place, size_t quads, ahead *soon, int R, int V)
{
    const int chains = chains_of(R * V);
    size_t q = 0;
    for (; q + (size_t)chains <= quads; q += (size_t)chains) {
        BODY_UNROLL
        for (int i = 0; i < chains; i++) {
            add_quad(sum + i * R * V, place, R, V);
            place.at += VEC_QUAD_STRIDE;
            place.b += LINE;
            BODY_PREFETCH_FAR(soon->at);
            soon->at += soon->step;
        }
    }
    for (; q < quads; q++) {
        add_quad(sum, place, R, V);
        place.at += VEC_QUAD_STRIDE;
        place.b += LINE;
    }
}

/* ---- what becomes of the sums ---- */

/* The 16 outputs of one row and panel, and what they are computed with. */
typedef struct outputs {
    vf x[VEC_PANEL];
} outputs;

/* Scales, adds and stores a block that lies within the n columns, while its sums are in registers. */
BODY_INLINE void finish(const cptk_tile_int8 *t, const vu *sum, int row, int column, int R, int V)
{
    vf x[MOST_SUMS];
    {
        vf scale[MOST_VECTORS];
        BODY_UNROLL
        for (int v = 0; v < V; v++) scale[v] = vf_load(t->scale + column + v * VEC_W);
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) x[i] = vf_mul(vf_from_int(sum[i]), scale[i % V]);
    }
    if (t->bias) {
        vf bias[MOST_VECTORS];
        BODY_UNROLL
        for (int v = 0; v < V; v++) bias[v] = vf_load(t->bias + column + v * VEC_W);
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) x[i] = vf_add(x[i], bias[i % V]);
    }
    if (t->add) {
        const uint8_t *add = t->add + (size_t)row * t->add_stride + column;
        const vf scale = vf_set(t->add_scale);
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) {
            const vf more = vf_load_u8(add + (size_t)(i / V) * t->add_stride + i % V * VEC_W);
            x[i] = vf_add(x[i], vf_mul(more, scale));
        }
    }
    if (t->c_u8) {
        uint8_t *c = t->c_u8 + (size_t)row * t->c_stride + column;
        BODY_UNROLL
        for (int i = 0; i < R * V; i += VEC_PANEL) {
            vf_store_u8(c + (size_t)(i / V) * t->c_stride + i % V * VEC_W, x + i);
        }
    } else {
        float *c = t->c_f32 + (size_t)row * t->c_stride + column;
        BODY_UNROLL
        for (int i = 0; i < R * V; i++) vf_store(c + (size_t)(i / V) * t->c_stride + i % V * VEC_W, x[i]);
    }
}

/* The `n` outputs, at most 16, of row `row` from `column` on. */
static __attribute__((noinline)) void finish_row(const cptk_tile_int8 *t, const vu *sum, int row, int column,
                                                 int n)
{
    const size_t c_at = (size_t)row * t->c_stride + (size_t)column;
    float scale[CPTK_PANEL] = {0}, bias[CPTK_PANEL] = {0};
    uint8_t add[CPTK_PANEL] = {0}, bytes[CPTK_PANEL];
    vf x[VEC_PANEL];
    memcpy(scale, t->scale + column, (size_t)n * sizeof *scale);
    if (t->bias) memcpy(bias, t->bias + column, (size_t)n * sizeof *bias);
    if (t->add) memcpy(add, t->add + (size_t)row * t->add_stride + column, (size_t)n);
    for (int v = 0; v < VEC_PANEL; v++) {
        x[v] = vf_mul(vf_from_int(sum[v]), vf_load(scale + v * VEC_W));
        if (t->bias) x[v] = vf_add(x[v], vf_load(bias + v * VEC_W));
        if (t->add) x[v] = vf_add(x[v], vf_mul(vf_load_u8(add + v * VEC_W), vf_set(t->add_scale)));
        if (!t->c_u8 && v * VEC_W < n) vf_put(t->c_f32 + c_at + v * VEC_W, x[v], n - v * VEC_W);
    }
    if (!t->c_u8) return;
    vf_store_u8(bytes, x);
    memcpy(t->c_u8 + c_at, bytes, (size_t)n);
}

/* A block that reaches beyond column n: sum [R][V].  Rare, so the code is small, not fast. */
static __attribute__((noinline)) void finish_part(const cptk_tile_int8 *t, const vu *sum, int row, int column,
                                                  int R, int V)
{
    for (int i = 0; i < R * V; i += VEC_PANEL) {
        const int j = column + i % V * VEC_W, left = t->n - j;
        if (left > 0) finish_row(t, sum + i, row + i / V, j, left < CPTK_PANEL ? left : CPTK_PANEL);
    }
}

/* Writes the sums of rows row..row+R-1 and V vectors of columns from panel `panel` on. */
BODY_INLINE void write_block(const cptk_tile_int8 *t, vu *sum, int row, int panel, int R, int V)
{
    if (t->n - panel * CPTK_PANEL >= V * VEC_W) {
        finish(t, sum, row, panel * CPTK_PANEL, R, V);
        return;
    }
    vu all[MOST_SUMS]; /* a copy, so that the sums themselves need no address and stay in registers */
    BODY_UNROLL
    for (int i = 0; i < R * V; i++) all[i] = sum[i];
    finish_part(t, all, row, panel * CPTK_PANEL, R, V);
}

/* ---- blocks ---- */

/* Fetches, while k runs, what `finish` will read and write. */
BODY_INLINE void prefetch_output(const cptk_tile_int8 *t, int row, int column, int R)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        if (t->c_u8) BODY_PREFETCH_WRITE(t->c_u8 + (size_t)(row + r) * t->c_stride + column);
        if (t->add) BODY_PREFETCH(t->add + (size_t)(row + r) * t->add_stride + column);
    }
}

/* What a block of panel `panel` fetches while k runs.  `first` is its first quad of k. */
BODY_INLINE ahead look_ahead(const cptk_tile_int8 *t, int panel, int R, int V)
{
    const int8_t *b = t->b + (size_t)panel * t->b_panel;
    const size_t quads = (size_t)t->taps * (size_t)t->depth / CPTK_QUAD, step = (size_t)t->soon_step;
    if (t->soon_step) {
        return (ahead){.at = t->soon + (size_t)panel * quads * step, .step = step * (size_t)(V / VEC_PANEL)};
    }
    if (R <= STREAM_ROWS) return (ahead){.at = (uintptr_t)b + FAR, .step = LINE};
    return (ahead){.at = (uintptr_t)b, .step = 0}; /* a page that doesn't exist would take time */
}

#if !VEC_QUAD_CHUNK

/* Rows row..row+R-1, V vectors of columns from panel `panel` on. */
BODY_INLINE void block(const cptk_tile_int8 *t, int row, int panel, int R, int V)
{
    const size_t depth = (size_t)t->depth;
    quad_place place = {.b = t->b + (size_t)panel * t->b_panel, .b_panel = t->b_panel};
    ahead soon = look_ahead(t, panel, R, V);
    vu sum[MOST_SUMS];
    const int all = R * V * chains_of(R * V);
    BODY_UNROLL
    for (int i = 0; i < all; i++) sum[i] = vu_set(0);
    prefetch_output(t, row, panel * CPTK_PANEL, R);
    for (int tap = 0; tap < t->taps; tap++, place.b += depth * CPTK_PANEL) {
        const uint8_t *a[CPTK_MAX_ROWS];
        BODY_UNROLL
        for (int r = 0; r < R; r++) a[r] = t->a[tap * t->rows + row + r];
        place.a = a;
        add_quads(sum, place, depth / CPTK_QUAD, &soon, R, V);
    }
    BODY_UNROLL
    for (int i = R * V; i < all; i++) sum[i % (R * V)] = vu_add(sum[i % (R * V)], sum[i]);
    write_block(t, sum, row, panel, R, V);
}

/* rows_R(t, row): rows row..row+R-1, all columns.  Blocks are PANELS panels wide, the last ones narrower. */
#define ROWS_FUNCTION(R, PANELS)                                                                \
    _Static_assert((PANELS)*VEC_PANEL <= MOST_VECTORS && (R) * (PANELS)*VEC_PANEL <= MOST_SUMS, \
                   "too large");                                                                \
    static void rows_##R(const cptk_tile_int8 *t, int row)                                      \
    {                                                                                           \
        const int panels = (t->n + CPTK_PANEL - 1) / CPTK_PANEL;                                \
        int p = 0;                                                                              \
        for (; p + PANELS <= panels; p += PANELS) block(t, row, p, R, PANELS *VEC_PANEL);       \
        for (; PANELS > 2 && p + 2 <= panels; p += 2) {                                         \
            block(t, row, p, R, PANELS > 2 ? 2 * VEC_PANEL : VEC_PANEL);                        \
        }                                                                                       \
        for (; PANELS > 1 && p < panels; p++) block(t, row, p, R, VEC_PANEL);                   \
    }

#else

/* How far the rows of a tile have been prepared. */
typedef struct progress {
    int tap;
    size_t d;
} progress;

/* Brings the next part of rows row..row+R-1 into the form that vq_row reads: as many quads as a chunk has, or
 * as are left.  Returns their number. */
BODY_INLINE size_t prepare_rows(const cptk_tile_int8 *t, int row, progress *from, uint8_t *x, int R)
{
    const size_t depth = (size_t)t->depth / CPTK_QUAD;
    size_t done = 0;
    while (done < VEC_QUAD_CHUNK && from->tap < t->taps) {
        const size_t left = depth - from->d, room = VEC_QUAD_CHUNK - done, quads = left < room ? left : room;
        for (int r = 0; r < R; r++) {
            const uint8_t *a = t->a[from->tap * t->rows + row + r] + from->d * CPTK_QUAD;
            uint8_t *to = x + (size_t)r * VEC_QUAD_ROW_BYTES + done * VEC_QUAD_STRIDE;
            size_t q = 0;
            for (; q + VEC_QUAD_GROUP <= quads; q += VEC_QUAD_GROUP) {
                vq_prepare(a + q * CPTK_QUAD, to + q * VEC_QUAD_STRIDE);
            }
            if (q < quads) vq_prepare_n(a + q * CPTK_QUAD, to + q * VEC_QUAD_STRIDE, (int)(quads - q));
        }
        done += quads;
        from->d += quads;
        if (from->d == depth) *from = (progress){.tap = from->tap + 1};
    }
    return done;
}

enum { BLOCKS = 2, SUMS = BLOCKS * MOST_SUMS };

typedef void (*multiply_fn)(vu *sum, const uint8_t *x, const int8_t *b, size_t quads, ahead *soon);

/* rows_R(t, row): rows row..row+R-1, all columns. */
BODY_INLINE void rows(const cptk_tile_int8 *t, int row, multiply_fn multiply, int R)
{
    const int panels = (t->n + CPTK_PANEL - 1) / CPTK_PANEL;
    uint8_t x[VEC_QUAD_MOST_ROWS * VEC_QUAD_ROW_BYTES];
    vu sum[BLOCKS][VEC_QUAD_MOST_ROWS * VEC_PANEL];
    for (int panel = 0; panel < panels; panel += BLOCKS) {
        const int blocks = panels - panel < BLOCKS ? panels - panel : BLOCKS;
        ahead soon[BLOCKS];
        for (int i = 0; i < blocks; i++) {
            soon[i] = look_ahead(t, panel + i, R, VEC_PANEL);
            for (int j = 0; j < R * VEC_PANEL; j++) sum[i][j] = vu_set(0);
        }
        prefetch_output(t, row, panel * CPTK_PANEL, R);
        progress from = {.tap = 0};
        for (size_t k = 0, quads; (quads = prepare_rows(t, row, &from, x, R)) > 0; k += quads) {
            for (int i = 0; i < blocks; i++) {
                multiply(sum[i], x, t->b + (size_t)(panel + i) * t->b_panel + k * LINE, quads, &soon[i]);
            }
        }
        for (int i = 0; i < blocks; i++) write_block(t, sum[i], row, panel + i, R, VEC_PANEL);
    }
}

#define ROWS_FUNCTION(R, PANELS)                                                                       \
    static __attribute__((noinline)) void multiply_##R(vu *all, const uint8_t *x, const int8_t *b,     \
                                                       size_t quads, ahead *soon)                      \
    {                                                                                                  \
        const uint8_t *a[R];                                                                           \
        vu sum[(R)*VEC_PANEL];                                                                         \
        BODY_UNROLL                                                                                    \
        for (int r = 0; r < R; r++) a[r] = x + r * VEC_QUAD_ROW_BYTES;                                 \
        BODY_UNROLL                                                                                    \
        for (int i = 0; i < R * VEC_PANEL; i++) sum[i] = all[i];                                       \
        add_quads(sum, (quad_place){.a = a, .b = b}, quads, soon, R, VEC_PANEL);                       \
        BODY_UNROLL                                                                                    \
        for (int i = 0; i < R * VEC_PANEL; i++) all[i] = sum[i];                                       \
    }                                                                                                  \
    static void rows_##R(const cptk_tile_int8 *t, int row)                                             \
    {                                                                                                  \
        rows(t, row, multiply_##R, R);                                                                 \
    }

#endif

VEC_QUAD_BLOCKS(ROWS_FUNCTION)

#define ROWS_POINTER(R, PANELS) rows_##R,
static void (*const rows_functions[])(const cptk_tile_int8 *t, int row) = {VEC_QUAD_BLOCKS(ROWS_POINTER)};

enum { MOST_ROWS = sizeof rows_functions / sizeof rows_functions[0] };

/* The first `columns` columns of t, of all rows, in blocks of about the same number of rows. */
static void all_rows(cptk_tile_int8 t, int columns)
{
    int row = 0;
    t.n = columns;
    for (int parts = (t.rows + MOST_ROWS - 1) / MOST_ROWS; parts > 0; parts--) {
        const int rows = (t.rows - row + parts - 1) / parts;
        rows_functions[rows - 1](&t, row);
        row += rows;
    }
}

/* All blocks of rows take a few panels before any takes the next, so that only the first reads weights from
 * memory and the others find them in the cache. */
static void CPTK_NAME(cptk_tile_u8)(const cptk_tile_int8 *args)
{
    cptk_tile_int8 t = *args;
    if (t.rows <= MOST_ROWS) {
        rows_functions[t.rows - 1](&t, 0);
        return;
    }
    for (int left = t.n; left > 0; left -= WIDE_COLUMNS) {
        all_rows(t, left < WIDE_COLUMNS ? left : WIDE_COLUMNS);
        t.b += WIDE_COLUMNS / CPTK_PANEL * t.b_panel;
        t.scale += WIDE_COLUMNS;
        if (t.bias) t.bias += WIDE_COLUMNS;
        if (t.add) t.add += WIDE_COLUMNS;
        if (t.c_u8) {
            t.c_u8 += WIDE_COLUMNS;
        } else {
            t.c_f32 += WIDE_COLUMNS;
        }
    }
}

/* ---- quantisation ---- */

static void CPTK_NAME(cptk_quantize_u8)(const float *x, uint8_t *q, int n, float inverse, float zero)
{
    for (int i = 0; i < n; i += CPTK_PANEL) {
        const int left = n - i;
        vf y[VEC_PANEL];
        uint8_t last[CPTK_PANEL];
        BODY_UNROLL
        for (int v = 0; v < VEC_PANEL; v++) {
            const int from = i + v * VEC_W;
            y[v] = from < n ? vf_next(x + from, n - from, vf_set(0.0f)) : vf_set(0.0f);
            y[v] = vf_add(vf_mul(y[v], vf_set(inverse)), vf_set(zero));
        }
        if (left >= CPTK_PANEL) {
            vf_store_u8(q + i, y);
        } else {
            vf_store_u8(last, y);
            memcpy(q + i, last, (size_t)left);
        }
    }
}

/* ---- max pool ---- */

/* The part of a pool's 3x3 window that is inside the map. */
typedef struct pool_window {
    int top, bottom, left, right; /* rows top..bottom-1, columns left..right-1 */
} pool_window;

/* The maxima of `n` channels, at most VEC_BYTES, from `ch` on. */
BODY_INLINE void pool_channels(const cptk_maxpool *p, const pool_window *window, int ch, uint8_t *to, int n)
{
    vb best = vb_zero();
    for (int y = window->top; y < window->bottom; y++) {
        const uint8_t *from = p->in;
        from += ((size_t)y * (size_t)p->w + (size_t)window->left) * (size_t)p->pitch + (size_t)ch;
        for (int x = window->left; x < window->right; x++, from += p->pitch) {
            if (n == VEC_BYTES) {
                best = vb_max(best, vb_load(from));
            } else {
                uint8_t some[VEC_BYTES] = {0};
                memcpy(some, from, (size_t)n);
                best = vb_max(best, vb_load(some));
            }
        }
    }
    if (n == VEC_BYTES) {
        vb_store(to + ch, best);
    } else {
        uint8_t some[VEC_BYTES];
        vb_store(some, best);
        memcpy(to + ch, some, (size_t)n);
    }
}

static void CPTK_NAME(cptk_maxpool_u8)(const cptk_maxpool *p)
{
    const int out_w = (p->w + 1) / 2;
    for (int y = p->y0; y < p->y1; y++) {
        for (int x = 0; x < out_w; x++) {
            const pool_window window = {.top = y > 0 ? 2 * y - 1 : 0,
                                        .bottom = 2 * y + 2 < p->h ? 2 * y + 2 : p->h,
                                        .left = x > 0 ? 2 * x - 1 : 0,
                                        .right = 2 * x + 2 < p->w ? 2 * x + 2 : p->w};
            uint8_t *to = (uint8_t *)p->out + ((size_t)y * (size_t)out_w + (size_t)x) * (size_t)p->pitch;
            int ch = 0;
            for (; ch + VEC_BYTES <= p->c; ch += VEC_BYTES) pool_channels(p, &window, ch, to, VEC_BYTES);
            if (ch < p->c) pool_channels(p, &window, ch, to, p->c - ch);
        }
    }
}

void CPTK_NAME(cptk_int8_init)(cptk_kernels *kernels)
{
    kernels->tile_u8 = CPTK_NAME(cptk_tile_u8);
    kernels->tile_rows_u8 = VEC_QUAD_ROWS;
    kernels->quantize_u8 = CPTK_NAME(cptk_quantize_u8);
    kernels->maxpool_u8 = CPTK_NAME(cptk_maxpool_u8);
}
