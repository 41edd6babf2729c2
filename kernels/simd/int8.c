/* int8.c - the tile product of bytes, quantisation and the max pool of bytes in vectors, compiled once per
 * instruction set.  kernels/ref/int8.c specifies them.
 *
 * The tile is computed in blocks of R rows x V vectors of columns.  A block's sums stay in registers while k
 * runs.  A step adds the product of a quad of each row with a quad of each column.  Integer sums are exact,
 * so their order doesn't matter, and an output may have several.
 *
 * Where rows can be multiplied as they lie in memory, a block runs over all of k.  Where they can't
 * (VEC_QUAD_CHUNK), a chunk of them is brought into another form first, which several panels then use. */
#include <string.h>

#include "kernels/simd/finish_int8.h"
#include "kernels/simd/pool.h"
#include "kernels/simd/simd.h"

enum {
    LINE = CPTK_PANEL * CPTK_QUAD, /* bytes of a quad of a panel */
    NEAR = 24 * LINE,              /* bytes of a panel between a prefetch into the first cache and the use */
    FAR = 512 * LINE,              /* the same for the second cache */
    STREAM_ROWS = 7,               /* blocks of at most so many rows are taken to read weights from memory */
    GROUP = 6,                     /* panels that tiles of several blocks of rows take at a time */
};

/* ---- sums ---- */

/* Where the quads of a block's rows and weights are. */
typedef struct quad_place {
    const uint8_t *const *a; /* [R] rows */
    size_t at;               /* bytes from there to the quads */
    const int8_t *b;         /* the first panel's */
    size_t b_panel;
} quad_place;

/* What is fetched in passing, for later. */
typedef struct ahead {
    uintptr_t at;
    size_t step; /* bytes a quad */
} ahead;

/* sum[r * V + v] += the quad of row r times vector v of the quad of weights.  Goes on to the next quad. */
BODY_INLINE void add_quad(vu *sum, quad_place *place, ahead *soon, int R, int V)
{
    vq quad[MOST_VECTORS];
    BODY_UNROLL
    for (int v = 0; v < V; v += VEC_PANEL) {
        const int8_t *b = place->b + (size_t)(v / VEC_PANEL) * place->b_panel;
        quad[v / VEC_PANEL] = vq_load(b);
        BODY_PREFETCH(b + NEAR);
    }
    BODY_UNROLL
    for (int step = 0; step < VEC_QUAD_STEPS; step++) {
        vw w[MOST_VECTORS];
        BODY_UNROLL
        for (int v = 0; v < V; v++) w[v] = vq_weights(quad[v / VEC_PANEL], v % VEC_PANEL, step);
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            const va x = vq_row(place->a[r] + place->at, step);
#if defined(VEC_QUAD_DOT2)
            BODY_UNROLL
            for (int v = 0; v < V; v += 2) vq_dot2(&sum[r * V + v], x, &w[v]);
#else
            BODY_UNROLL
            for (int v = 0; v < V; v++) sum[r * V + v] = vq_dot(sum[r * V + v], x, w[v], step);
#endif
        }
    }
    BODY_PREFETCH_FAR(soon->at);
    soon->at += soon->step;
    place->at += VEC_QUAD_STRIDE;
    place->b += LINE;
}

/* How many sums an output has in a block of `sums` outputs: 1, 2 or 4, so that a step need not wait for the
 * one before.  (No loop: compilers know the number before they unroll others.) */
BODY_INLINE int chains_of(int sums)
{
    if (sums >= VEC_QUAD_SUMS || 2 * sums > MOST_SUMS) return 1;
    return 2 * sums >= VEC_QUAD_SUMS || 4 * sums > MOST_SUMS ? 2 : 4;
}

/* Adds `quads` quads.  Sums that an output has besides the first lie R * V further. */
BODY_INLINE void add_quads(vu *sum, quad_place place, size_t quads, ahead *soon, int R, int V)
{
    const size_t chains = (size_t)chains_of(R * V);
    if (chains > 1) {
        for (; quads >= chains; quads -= chains) {
            BODY_UNROLL
            for (size_t i = 0; i < chains; i++) add_quad(sum + i * (size_t)(R * V), &place, soon, R, V);
        }
    }
    for (; quads > 0; quads--) add_quad(sum, &place, soon, R, V);
}

/* ---- what becomes of the sums ---- */

/* The `n` outputs, at most 16, of row `row` from `column` on. */
static __attribute__((noinline)) void finish_row(const cptk_out_int8 *out, const vu *sum, int row, int column,
                                                 int n)
{
    const size_t c_at = (size_t)row * out->c_stride + (size_t)column;
    float scale[CPTK_PANEL] = {0}, bias[CPTK_PANEL] = {0};
    uint16_t add[CPTK_PANEL] = {0}, words[CPTK_PANEL];
    uint8_t bytes[CPTK_PANEL];
    vf x[VEC_PANEL];
    memcpy(scale, out->scale + column, (size_t)n * sizeof *scale);
    if (out->bias) memcpy(bias, out->bias + column, (size_t)n * sizeof *bias);
    if (out->add) memcpy(add, out->add + (size_t)row * out->add_stride + column, (size_t)n * sizeof *add);
    for (int v = 0; v < VEC_PANEL; v++) {
        x[v] = vf_mul(vf_from_int(sum[v]), vf_load(scale + v * VEC_W));
        if (out->bias) x[v] = vf_add(x[v], vf_load(bias + v * VEC_W));
        if (out->add) x[v] = vf_add(x[v], vf_mul(vf_load_u16(add + v * VEC_W), vf_set(out->add_scale)));
        if (out->c_f32 && v * VEC_W < n) vf_put(out->c_f32 + c_at + v * VEC_W, x[v], n - v * VEC_W);
    }
    if (out->c_u8) {
        vf_store_u8(bytes, x);
        memcpy(out->c_u8 + c_at, bytes, (size_t)n);
    }
    if (out->c_u16) {
        for (int v = 0; v < VEC_PANEL; v++) x[v] = vf_mul(x[v], vf_set(256.0f));
        vf_store_u16(words, x);
        memcpy(out->c_u16 + c_at, words, (size_t)n * sizeof *words);
    }
}

/* A block that reaches beyond column n: sum [R][V].  Rare, so the code is small, not fast. */
static __attribute__((noinline)) void finish_part(const cptk_tile_int8 *t, const vu *sum, int row, int column,
                                                  int R, int V)
{
    for (int i = 0; i < R * V; i += VEC_PANEL) {
        const int j = column + i % V * VEC_W, left = t->n - j;
        if (left > 0) finish_row(&t->out, sum + i, row + i / V, j, left < CPTK_PANEL ? left : CPTK_PANEL);
    }
}

/* Do V vectors from panel `panel` on lie within the n columns? */
BODY_INLINE bool whole(const cptk_tile_int8 *t, int panel, int V)
{
    return t->n - panel * CPTK_PANEL >= V * VEC_W;
}

/* ---- blocks ---- */

/* Some panels, which all blocks of rows take before any takes the next, so that only the first reads weights
 * from memory and the others find them in the cache. */
typedef struct panel_group {
    int first, end;
#if VEC_QUAD_CHUNK
    vu start[VEC_QUAD_PANELS][VEC_PANEL]; /* what the sums start from */
#endif
} panel_group;

/* Fetches, while k runs, what `finish` will read and write. */
BODY_INLINE void prefetch_output(const cptk_out_int8 *out, int row, int column, int R)
{
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        const size_t at = (size_t)(row + r) * out->c_stride + (size_t)column;
        if (out->c_u8) BODY_PREFETCH_WRITE(out->c_u8 + at);
        if (out->c_u16 && out->c_u16 != out->add) BODY_PREFETCH_WRITE(out->c_u16 + at);
        if (out->add) BODY_PREFETCH(out->add + (size_t)(row + r) * out->add_stride + column);
    }
}

/* What a block of R rows and V vectors from panel `panel` on fetches while k runs. */
BODY_INLINE ahead look_ahead(const cptk_tile_int8 *t, int panel, int R, int V)
{
    const uintptr_t b = (uintptr_t)(t->b + (size_t)panel * t->b_panel);
    const size_t quads = (size_t)t->taps * (size_t)t->depth / CPTK_QUAD, step = (size_t)t->soon_step;
    if (step) {
        const uintptr_t soon = t->soon + (size_t)panel * quads * step;
        return (ahead){.at = soon, .step = step * (size_t)(V / VEC_PANEL)};
    }
    if (R <= STREAM_ROWS) return (ahead){.at = b + FAR, .step = LINE};
    return (ahead){.at = b, .step = 0}; /* prefetching from a page that does not exist would take time */
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
    prefetch_output(&t->out, row, panel * CPTK_PANEL, R);
    for (int tap = 0; tap < t->taps; tap++, place.b += depth * CPTK_PANEL) {
        const uint8_t *a[CPTK_MAX_ROWS];
        BODY_UNROLL
        for (int r = 0; r < R; r++) a[r] = t->a[tap * t->rows + row + r];
        place.a = a;
        add_quads(sum, place, depth / CPTK_QUAD, &soon, R, V);
    }
    BODY_UNROLL
    for (int i = R * V; i < all; i++) sum[i % (R * V)] = vu_add(sum[i % (R * V)], sum[i]);
    if (whole(t, panel, V)) {
        finish(&t->out, sum, row, panel * CPTK_PANEL, R, V);
        return;
    }
    vu some[MOST_SUMS]; /* a copy, so that the sums themselves need no address and stay in registers */
    BODY_UNROLL
    for (int i = 0; i < R * V; i++) some[i] = sum[i];
    finish_part(t, some, row, panel * CPTK_PANEL, R, V);
}

/* rows_R(t, row, group): rows row..row+R-1.  Blocks are PANELS panels wide, the last ones narrower. */
#define ROWS_FUNCTION(R, PANELS)                                                                \
    _Static_assert((PANELS)*VEC_PANEL <= MOST_VECTORS && (R) * (PANELS)*VEC_PANEL <= MOST_SUMS, \
                   "too large");                                                                \
    static void rows_##R(const cptk_tile_int8 *t, int row, const panel_group *group)            \
    {                                                                                           \
        const int end = group->end;                                                             \
        int p = group->first;                                                                   \
        for (; p + PANELS <= end; p += PANELS) block(t, row, p, R, PANELS *VEC_PANEL);          \
        for (; PANELS > 2 && p + 2 <= end; p += 2) {                                            \
            block(t, row, p, R, PANELS > 2 ? 2 * VEC_PANEL : VEC_PANEL);                        \
        }                                                                                       \
        for (; PANELS > 1 && p < end; p++) block(t, row, p, R, VEC_PANEL);                      \
    }

#else

/* How much of k has been prepared. */
typedef struct progress {
    int tap;
    size_t quads; /* of this tap */
} progress;

/* Brings `quads` quads of a row into the form that vq_row reads. */
BODY_INLINE void prepare_row(const uint8_t *a, size_t quads, uint8_t *x)
{
    size_t q = 0;
    for (; q + VEC_QUAD_GROUP <= quads; q += VEC_QUAD_GROUP) {
        vq_prepare(a + q * CPTK_QUAD, x + q * VEC_QUAD_STRIDE);
    }
    if (q < quads) vq_prepare_n(a + q * CPTK_QUAD, x + q * VEC_QUAD_STRIDE, (int)(quads - q));
}

/* The same for the next chunk of rows row..row+R-1.  Returns its number of quads, 0 at the end. */
BODY_INLINE size_t prepare_chunk(const cptk_tile_int8 *t, int row, progress *from, uint8_t *x, int R)
{
    const size_t depth = (size_t)t->depth / CPTK_QUAD;
    size_t done = 0;
    while (done < VEC_QUAD_CHUNK && from->tap < t->taps) {
        const size_t left = depth - from->quads, room = VEC_QUAD_CHUNK - done,
                     quads = left < room ? left : room;
        const uint8_t *const *a = t->a + from->tap * t->rows + row;
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            uint8_t *to = x + (size_t)r * VEC_QUAD_ROW_BYTES + done * VEC_QUAD_STRIDE;
            prepare_row(a[r] + from->quads * CPTK_QUAD, quads, to);
        }
        done += quads;
        from->quads += quads;
        if (from->quads == depth) *from = (progress){.tap = from->tap + 1};
    }
    return done;
}

/* Adds a chunk to a panel's sums. */
typedef void (*chunk_fn)(vu *sum, const uint8_t *x, const int8_t *b, size_t quads, ahead *soon);

/* Rows row..row+R-1 of a group of panels.  Sums are in memory from one chunk to the next. */
BODY_INLINE void group_rows(const cptk_tile_int8 *t, int row, const panel_group *group, chunk_fn add_chunk,
                            int R)
{
    const int panels = group->end - group->first;
    uint8_t x[VEC_QUAD_MOST_ROWS * VEC_QUAD_ROW_BYTES + VEC_QUAD_ROW_MORE];
    vu sum[VEC_QUAD_PANELS][VEC_QUAD_MOST_ROWS * VEC_PANEL];
    ahead soon[VEC_QUAD_PANELS];
    for (int i = 0; i < panels; i++) {
        soon[i] = look_ahead(t, group->first + i, R, VEC_PANEL);
        BODY_UNROLL
        for (int j = 0; j < R * VEC_PANEL; j++) sum[i][j] = group->start[i][j % VEC_PANEL];
    }
    prefetch_output(&t->out, row, group->first * CPTK_PANEL, R);
    if (t->out.add && panels > 2) prefetch_output(&t->out, row, (group->first + 2) * CPTK_PANEL, R);
    const int8_t *b = t->b + (size_t)group->first * t->b_panel;
    progress from = {.tap = 0};
    for (size_t quads; (quads = prepare_chunk(t, row, &from, x, R)) > 0; b += quads * LINE) {
        for (int i = 0; i < panels; i++) add_chunk(sum[i], x, b + (size_t)i * t->b_panel, quads, &soon[i]);
    }
    for (int i = 0, panel = group->first; i < panels; i++, panel++) {
        if (whole(t, panel, VEC_PANEL)) {
            finish(&t->out, sum[i], row, panel * CPTK_PANEL, R, VEC_PANEL);
        } else {
            finish_part(t, sum[i], row, panel * CPTK_PANEL, R, VEC_PANEL);
        }
    }
}

/* add_chunk_R is a function of its own, so that nothing else is in registers while its sums are.
 * rows_R(t, row, group): rows row..row+R-1. */
#define ROWS_FUNCTION(R, PANELS)                                                                    \
    static __attribute__((noinline)) void add_chunk_##R(vu *all, const uint8_t *x, const int8_t *b, \
                                                        size_t quads, ahead *soon)                  \
    {                                                                                               \
        const uint8_t *a[R];                                                                        \
        vu sum[(R)*VEC_PANEL];                                                                      \
        ahead here = *soon;                                                                         \
        BODY_UNROLL                                                                                 \
        for (int r = 0; r < R; r++) a[r] = x + r * VEC_QUAD_ROW_BYTES;                              \
        BODY_UNROLL                                                                                 \
        for (int i = 0; i < R * VEC_PANEL; i++) sum[i] = all[i];                                    \
        add_quads(sum, (quad_place){.a = a, .b = b}, quads, &here, R, VEC_PANEL);                   \
        BODY_UNROLL                                                                                 \
        for (int i = 0; i < R * VEC_PANEL; i++) all[i] = sum[i];                                    \
        *soon = here;                                                                               \
    }                                                                                               \
    static void rows_##R(const cptk_tile_int8 *t, int row, const panel_group *group)                \
    {                                                                                               \
        group_rows(t, row, group, add_chunk_##R, R);                                                \
    }

#endif

VEC_QUAD_BLOCKS(ROWS_FUNCTION)

#define ROWS_POINTER(R, PANELS) rows_##R,
static void (*const rows_functions[])(const cptk_tile_int8 *t, int row,
                                      const panel_group *group) = {VEC_QUAD_BLOCKS(ROWS_POINTER)};

enum { MOST_ROWS = sizeof rows_functions / sizeof rows_functions[0] };

static void CPTK_NAME(cptk_tile_u8)(const cptk_tile_int8 *t)
{
    const int panels = (t->n + CPTK_PANEL - 1) / CPTK_PANEL, parts = (t->rows + MOST_ROWS - 1) / MOST_ROWS;
#if VEC_QUAD_CHUNK
    const int most = VEC_QUAD_PANELS;
#else
    const int most = parts > 1 ? GROUP : panels;
#endif
    for (int panel = 0; panel < panels; panel += most) {
        panel_group group; /* without an initializer: setting all of `start` to 0 first takes long */
        group.first = panel;
        group.end = panel + most < panels ? panel + most : panels;
#if VEC_QUAD_CHUNK
        const size_t quads = (size_t)t->taps * (size_t)t->depth / CPTK_QUAD;
        for (int p = panel; p < group.end; p++) {
            vq_start(group.start[p - panel], t->b + (size_t)p * t->b_panel, quads);
        }
#endif
        for (int i = parts, row = 0; i > 0; i--) {
            const int rows = (t->rows - row + i - 1) / i;
            rows_functions[rows - 1](t, row, &group);
            row += rows;
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

enum { POOL_VECTORS = 4 }; /* vectors of channels that are pooled at once */

/* The position at the window's left edge in row y, at channel ch. */
BODY_INLINE const uint8_t *pool_row(const cptk_maxpool *p, const pool_window *window, int y, int ch)
{
    const size_t position = cptk_row_at(y, p->in_ring) * (size_t)p->w + (size_t)window->left;
    return (const uint8_t *)p->in + position * (size_t)p->pitch + (size_t)ch;
}

/* The maxima of V vectors of channels from ch on. */
BODY_INLINE void pool_vectors(const cptk_maxpool *p, const pool_window *window, int ch, uint8_t *to, int V)
{
    vb best[POOL_VECTORS];
    BODY_UNROLL
    for (int v = 0; v < V; v++) best[v] = vb_zero();
    for (int y = window->top; y < window->bottom; y++) {
        const uint8_t *from = pool_row(p, window, y, ch);
        for (int x = window->left; x < window->right; x++, from += p->pitch) {
            BODY_UNROLL
            for (int v = 0; v < V; v++) best[v] = vb_max(best[v], vb_load(from + v * VEC_BYTES));
        }
    }
    BODY_UNROLL
    for (int v = 0; v < V; v++) vb_store(to + ch + v * VEC_BYTES, best[v]);
}

/* The maximum of channel ch. */
static void pool_channel(const cptk_maxpool *p, const pool_window *window, int ch, uint8_t *to)
{
    uint8_t best = 0;
    for (int y = window->top; y < window->bottom; y++) {
        const uint8_t *from = pool_row(p, window, y, ch);
        for (int x = window->left; x < window->right; x++, from += p->pitch) {
            if (*from > best) best = *from;
        }
    }
    to[ch] = best;
}

static void CPTK_NAME(cptk_maxpool_u8)(const cptk_maxpool *p)
{
    const int out_w = (p->w + 1) / 2, wide = POOL_VECTORS * VEC_BYTES;
    for (int y = p->y0; y < p->y1; y++) {
        const size_t row = cptk_row_at(y, p->out_ring) * (size_t)out_w;
        for (int x = 0; x < out_w; x++) {
            const pool_window window = pool_window_of(p, y, x);
            uint8_t *to = (uint8_t *)p->out + (row + (size_t)x) * (size_t)p->pitch;
            int ch = 0;
            for (; ch + wide <= p->c; ch += wide) pool_vectors(p, &window, ch, to, POOL_VECTORS);
            for (; ch + VEC_BYTES <= p->c; ch += VEC_BYTES) pool_vectors(p, &window, ch, to, 1);
            for (; ch < p->c; ch++) pool_channel(p, &window, ch, to);
        }
    }
}

void CPTK_NAME(cptk_int8_init)(cptk_kernels *kernels)
{
    kernels->tile_u8 = CPTK_NAME(cptk_tile_u8);
    kernels->tile_rows_u8 = VEC_QUAD_ROWS;
    kernels->quantize_u8 = CPTK_NAME(cptk_quantize_u8);
    kernels->maxpool_u8 = CPTK_NAME(cptk_maxpool_u8);
    kernels->winograd_u8_pays = VEC_WINOGRAD_U8_PAYS;
}
