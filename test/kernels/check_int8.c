/* check_int8.c - checks and times the tile product of bytes, quantisation and the max pool of bytes.  They
 * are exact: what is compared is compared bit by bit. */
#include "test/kernels/check_support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The nearest integer within 0..most, ties to even, by another way than the kernels'. */
static int nearest(float x, int most)
{
    if (isnan(x) || x <= 0) return 0;
    if (x >= (float)most) return most;
    return (int)nearbyint((double)x);
}

/* ---- the tile ---- */

enum { MOST_TAPS = 9, MOST_DEPTH = 400, MOST_COLUMNS = 100 };

/* What the bytes of a tile are made of.  The extremes give the largest sums, and products of neighbours that
 * overflow 16 bits. */
typedef enum contents { RANDOM, LARGEST, SMALLEST, EXTREME, CONTENTS } contents;

static uint8_t activation(contents v)
{
    if (v == RANDOM) return (uint8_t)check_random();
    return v == EXTREME && check_random() % 2 ? 0 : 255;
}

static int8_t weight(contents v)
{
    if (v == RANDOM) return (int8_t)check_between(-128, 127);
    if (v == EXTREME) return check_random() % 2 ? -128 : 127;
    return v == LARGEST ? 127 : -128;
}

static uint8_t *random_row(size_t n, contents v)
{
    uint8_t *x = check_bytes(n, (size_t)check_between(0, 63));
    for (size_t i = 0; i < n; i++) x[i] = activation(v);
    return x;
}

/* B in panels, with zeros from column n on, and guard values between panels. */
static const int8_t *random_weights(const cptk_tile_int8 *t, contents v)
{
    const size_t panels = (size_t)((t->n + CPTK_PANEL - 1) / CPTK_PANEL);
    const size_t used = (size_t)(t->taps * t->depth * CPTK_PANEL);
    int8_t *b = check_bytes((panels - 1) * t->b_panel + used, (size_t)check_between(0, 63));
    for (size_t p = 0; p < panels; p++) {
        for (size_t i = 0; i < used; i++) {
            const size_t column = p * CPTK_PANEL + i / CPTK_QUAD % CPTK_PANEL;
            b[p * t->b_panel + i] = column < (size_t)t->n ? weight(v) : 0;
        }
    }
    return b;
}

/* Scales that spread x over 0..255 and beyond it, or now and then anything. */
static float *random_scales(int n, double most, bool special)
{
    float *x = check_buffer((size_t)n, (size_t)check_between(0, 15));
    const float size = (float)(most / (1 + check_random() % 4));
    check_fill_special(x, (size_t)n, -size, size, special ? 4 : 1u << 30);
    return x;
}

typedef struct tile_case {
    cptk_tile_int8 tile;
    const uint8_t *rows[MOST_TAPS * CPTK_MAX_ROWS];
} tile_case;

static void random_tile(tile_case *w, int i)
{
    const contents v = (contents)(i % 3 ? 0 : i / 3 % CONTENTS);
    const bool special = i % 5 == 0;
    cptk_tile_int8 *t = &w->tile;
    *t = (cptk_tile_int8){.rows = i % CPTK_MAX_ROWS + 1,
                          .taps = i % 4 ? 1 : check_between(1, MOST_TAPS),
                          .n = check_between(1, MOST_COLUMNS)};
    t->depth = CPTK_QUAD * check_between(1, (i % 7 ? 100 : MOST_DEPTH) / CPTK_QUAD);
    if (i % 50 == 49) t->depth = CPTK_QUAD * check_between(1, 2200 / CPTK_QUAD / t->taps);
    const size_t k = (size_t)(t->taps * t->depth);
    t->b_panel = k * CPTK_PANEL + (size_t)(i % 2 ? check_between(0, 200) : 0);
    const int shared = check_between(0, 3); /* 0: padding, one row of zero points for some pointers */
    uint8_t *all = random_row((size_t)t->depth, v);
    uint8_t *rest = random_row((size_t)(t->depth * t->taps * t->rows), v);
    for (int r = 0; r < t->taps * t->rows; r++) {
        w->rows[r] = shared == 0 && r % 3 == 0 ? all : rest + (size_t)(r * t->depth);
    }
    t->a = w->rows;
    t->b = random_weights(t, v);
    t->out.scale = random_scales(t->n, 2 * 255.0 / (64.0 * 64.0 * sqrt((double)k)), special);
    t->out.bias = i % 3 < 2 ? random_scales(t->n, 300, special) : NULL;
    t->out.add_scale = special ? check_special() : check_uniform(-2.0f / 256, 2.0f / 256);
    t->out.c_stride = (size_t)(t->n + check_between(0, 40));
    t->out.add_stride = (size_t)(t->n + check_between(0, 40));
    if (i % 6 == 1) t->soon_step = check_between(1, 64);
    if (i % 6 == 1) t->soon = (uintptr_t)check_random() << 16; /* need not exist */
}

/* Against int64, and each float operation in turn. */
static float expected(const cptk_tile_int8 *t, int m, int j)
{
    int64_t sum = 0;
    for (int k = 0; k < t->taps * t->depth; k++) {
        const int tap = k / t->depth, d = k % t->depth;
        const size_t at = (size_t)(j / 16) * t->b_panel + (size_t)(k / 4 * 64 + j % 16 * 4 + k % 4);
        sum += (int64_t)t->a[tap * t->rows + m][d] * t->b[at];
    }
    volatile float x = (float)sum * t->out.scale[j]; /* volatile: no operation is joined to the next */
    if (t->out.bias) x = x + t->out.bias[j];
    if (t->out.add) {
        const volatile float more =
            (float)t->out.add[(size_t)m * t->out.add_stride + (size_t)j] * t->out.add_scale;
        x = x + more;
    }
    return x;
}

/* Where a float or a byte of a row ends, in elements. */
static size_t extent(const cptk_tile_int8 *t, size_t stride)
{
    return (size_t)(t->rows - 1) * stride + (size_t)t->n;
}

/* What of [rows, n] lies between the rows too, in 16 bits. */
static void expect_words(const cptk_tile_int8 *t, const char *what, const uint16_t *got, const uint16_t *want,
                         size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (got[i] == want[i]) continue;
        check_fail("tile_u8 %d x %d, depth %d x %d%s: [%zu] is %d, not %d", t->rows, t->n, t->taps, t->depth,
                   what, i, got[i], want[i]);
        return;
    }
}

static uint16_t *random_words(size_t n)
{
    uint16_t *x = check_bytes(n * sizeof *x, 2 * (size_t)check_between(0, 31));
    for (size_t i = 0; i < n; i++) x[i] = (uint16_t)check_random();
    return x;
}

/* Bytes, 16 bits, or both; `in_place`: 16 bits over those that are added. */
static void check_bytes_out(const cptk_kernels *k, cptk_tile_int8 t, const uint16_t *add, bool in_place)
{
    const int forms = in_place ? check_between(2, 3) : check_between(1, 3);
    if (in_place) t.out.c_stride = t.out.add_stride;
    const size_t size = extent(&t, t.out.c_stride);
    uint8_t *bytes = check_bytes(size, (size_t)check_between(0, 63));
    uint16_t *words = random_words(size), *byte_words = random_words(size);
    uint16_t *want_bytes = random_words(size), *want_words = random_words(size);
    if (in_place) memcpy(words, add, size * sizeof *words);
    t.out.add = add;
    for (size_t i = 0; i < size; i++) want_bytes[i] = bytes[i];
    memcpy(want_words, words, size * sizeof *words);
    for (int m = 0; m < t.rows; m++) {
        for (int j = 0; j < t.n; j++) {
            const size_t at = (size_t)m * t.out.c_stride + (size_t)j;
            const float x = expected(&t, m, j);
            if (forms & 1) want_bytes[at] = (uint16_t)nearest(x, 255);
            if (forms & 2) want_words[at] = (uint16_t)nearest(x * 256, 65535);
        }
    }
    if (in_place) t.out.add = words;
    t.out.c_u8 = forms & 1 ? bytes : NULL;
    t.out.c_u16 = forms & 2 ? words : NULL;
    k->tile_u8(&t);
    for (size_t i = 0; i < size; i++) byte_words[i] = bytes[i];
    expect_words(&t, "", byte_words, want_bytes, size);
    expect_words(&t, in_place ? ", 16 bits in place" : ", 16 bits", words, want_words, size);
}

static void check_floats_out(const cptk_kernels *k, cptk_tile_int8 t, const uint16_t *add)
{
    const size_t size = extent(&t, t.out.c_stride);
    float *c = t.out.c_f32 = check_buffer(size, (size_t)check_between(0, 15)), *want = check_buffer(size, 0);
    t.out.add = add;
    for (int m = 0; m < t.rows; m++) {
        for (int j = 0; j < t.n; j++) want[(size_t)m * t.out.c_stride + (size_t)j] = expected(&t, m, j);
    }
    k->tile_u8(&t);
    check_same("tile_u8 to float", c, want, size);
}

static void check_tiles_u8(const cptk_kernels *k)
{
    for (int i = 0; i < 600; i++) {
        tile_case w;
        random_tile(&w, i);
        const uint16_t *add = random_words(extent(&w.tile, w.tile.out.add_stride));
        check_bytes_out(k, w.tile, i % 2 ? add : NULL, false);
        check_floats_out(k, w.tile, i % 3 ? add : NULL);
        if (i % 2) check_bytes_out(k, w.tile, add, true);
        check_release("tile_u8");
    }
}

/* By hand: two rows, two columns, two taps of one quad.  The sums are 25 and 97, 1325 and -32385. */
static void check_tile_by_hand(const cptk_kernels *k)
{
    static const uint8_t a[4][4] = {{1, 2, 3, 4}, {255, 0, 0, 255}, {0, 0, 0, 1}, {10, 0, 0, 0}};
    static const uint8_t *const rows[4] = {a[0], a[1], a[2], a[3]};
    static const int8_t columns[2][8] = {{1, 2, 3, 4, 5, 6, 7, -5}, {-128, 127, -1, 1, 0, 0, 0, -30}};
    static const uint16_t add[4] = {512, 1280, 768, 1024}, /* 2, 5, 3, 4 */
        want_words[4] = {4224, 6592, 65535, 0};            /* 256 times what floats have */
    static const uint8_t want[4] = {16, 26, 255, 0};       /* 16.5 goes to the even neighbour */
    static const float scale[2] = {0.5f, 0.25f}, bias[2] = {3, -1},
                       want_f32[4] = {16.5f, 25.75f, 667, -8095.25f};
    int8_t b[128] = {0};
    uint8_t bytes[4];
    uint16_t words[4];
    float floats[4];
    for (int i = 0; i < 16; i++) b[i % 8 / 4 * 64 + i / 8 * 4 + i % 4] = columns[i / 8][i % 8];
    cptk_tile_int8 t = {.a = rows,
                        .b = b,
                        .b_panel = sizeof b,
                        .out = {.scale = scale,
                                .bias = bias,
                                .add = add,
                                .add_scale = 0.5f / 256,
                                .c_f32 = floats,
                                .add_stride = 2,
                                .c_stride = 2},
                        .rows = 2,
                        .taps = 2,
                        .depth = 4,
                        .n = 2};
    k->tile_u8(&t);
    check_same("tile_u8 by hand", floats, want_f32, 4);
    t.out.c_f32 = NULL;
    t.out.c_u8 = bytes;
    t.out.c_u16 = words;
    k->tile_u8(&t);
    for (int i = 0; i < 4; i++) {
        if (bytes[i] != want[i]) check_fail("tile_u8 by hand: [%d] is %d, not %d", i, bytes[i], want[i]);
    }
    expect_words(&t, ", by hand", words, want_words, 4);
}

/* The largest sums that there are: CPTK_INT8_MOST_DEPTH products of 255 and -128 or 127. */
static void check_deepest_tile(const cptk_kernels *k)
{
    const size_t depth = CPTK_INT8_MOST_DEPTH;
    uint8_t *a = check_bytes(depth, 0);
    int8_t *b = check_bytes(depth * CPTK_PANEL, 0);
    const uint8_t *rows[2] = {a, a};
    static const float scale[2] = {1, 1};
    float c[4];
    memset(a, 255, depth);
    for (size_t i = 0; i < depth * CPTK_PANEL; i++) b[i] = i / CPTK_QUAD % CPTK_PANEL == 0 ? -128 : 127;
    const cptk_tile_int8 t = {.a = rows,
                              .b = b,
                              .b_panel = depth * CPTK_PANEL,
                              .out = {.scale = scale, .c_f32 = c, .c_stride = 2},
                              .rows = 2,
                              .taps = 1,
                              .depth = (int)depth,
                              .n = 2};
    k->tile_u8(&t);
    for (int i = 0; i < 4; i++) {
        const float want = (float)(65536.0 * 255 * (i % 2 ? 127 : -128));
        check_same("tile_u8: deepest", &c[i], &want, 1);
    }
    check_release("tile_u8: deepest");
}

/* ---- quantisation ---- */

static void check_quantize(const cptk_kernels *k)
{
    static const float edges[] = {0.5f,          1.5f,  2.5f,   254.5f, 255.5f, 255.4999f,
                                  256,           -0.0f, -0.5f,  -0.51f, 1e-45f, 2147483648.0f,
                                  4294967296.0f, 1e30f, -1e30f, 127.5f};
    for (int i = 0; i < 300; i++) {
        const int n = i < 100 ? i + 1 : check_between(1, 700);
        const float inverse = i % 3 ? check_uniform(-3, 3) : i % 2 ? 1 : check_special();
        const float zero = i % 4 ? check_uniform(-200, 200) : i % 8 ? 0 : check_special();
        float *x = check_buffer((size_t)n, (size_t)check_between(0, 15));
        uint8_t *q = check_bytes((size_t)n, (size_t)check_between(0, 63));
        check_fill_special(x, (size_t)n, -200, 400, i % 2 ? 5 : 1u << 30);
        for (int j = i % 7; j < n; j += 7) x[j] = edges[check_random() % (sizeof edges / sizeof *edges)];
        k->quantize_u8(x, q, n, inverse, zero);
        for (int j = 0; j < n; j++) {
            const volatile float product = x[j] * inverse;
            const int want = nearest(product + zero, 255);
            if (q[j] != want) {
                check_fail("quantize_u8: %.9g * %.9g + %.9g is %d, not %d", (double)x[j], (double)inverse,
                           (double)zero, q[j], want);
            }
        }
        check_release("quantize_u8");
    }
}

/* ---- max pool ---- */

static void check_maxpool(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 150; i++) {
        cptk_maxpool p = {.h = check_between(1, 11), .w = check_between(1, 11), .c = check_between(1, 150)};
        p.pitch = p.c + (i % 2 ? check_between(0, 20) : 0);
        const int out_h = (p.h + 1) / 2, out_w = (p.w + 1) / 2;
        const size_t in_size = (size_t)((p.h * p.w - 1) * p.pitch + p.c);
        const size_t out_size = (size_t)((out_h * out_w - 1) * p.pitch + p.c);
        uint8_t *got = check_bytes(out_size, (size_t)check_between(0, 63)), *want = check_bytes(out_size, 0);
        p.in = random_row(in_size, i % 5 ? RANDOM : EXTREME);
        p.y0 = check_between(0, out_h - 1);
        p.y1 = check_between(p.y0 + 1, out_h);
        p.out = want;
        c->maxpool_u8(&p);
        p.out = got;
        k->maxpool_u8(&p);
        if (memcmp(got, want, out_size) != 0) { /* what lies between positions and outside the rows too */
            check_fail("maxpool_u8: %d x %d x %d, pitch %d: other bytes than plain C", p.h, p.w, p.c,
                       p.pitch);
        }
        check_release("maxpool_u8");
    }
}

/* A row whose inputs are the only ones in memory: row y of the map at y % 3. */
static void check_maxpool_ring(const cptk_kernels *k)
{
    for (int i = 0; i < 100; i++) {
        cptk_maxpool p = {.h = check_between(1, 11), .w = check_between(1, 11), .c = check_between(1, 150)};
        p.pitch = p.c;
        const size_t row = (size_t)(p.w * p.c), out_row = (size_t)((p.w + 1) / 2 * p.c);
        uint8_t *in = random_row((size_t)p.h * row, RANDOM), *ring = check_bytes(3 * row, 0);
        uint8_t *got = check_bytes(2 * out_row, 0), *want = check_bytes((size_t)((p.h + 1) / 2) * out_row, 0);
        p.in = in;
        p.out = want;
        p.y0 = check_between(0, (p.h + 1) / 2 - 1);
        p.y1 = p.y0 + 1;
        k->maxpool_u8(&p);
        for (int y = 2 * p.y0 - 1; y <= 2 * p.y0 + 1; y++) {
            if (y >= 0 && y < p.h) memcpy(ring + (size_t)(y % 3) * row, in + (size_t)y * row, row);
        }
        p.in = ring;
        p.out = got;
        p.in_ring = 3;
        p.out_ring = 2;
        k->maxpool_u8(&p);
        if (memcmp(got + (size_t)(p.y0 % 2) * out_row, want + (size_t)p.y0 * out_row, out_row) != 0) {
            check_fail("maxpool_u8 of a ring: %d x %d x %d, row %d: other bytes", p.h, p.w, p.c, p.y0);
        }
        check_release("maxpool_u8 of a ring");
    }
}

/* By hand: 3 x 3 positions of one channel, three bytes apart.  What lies between is not looked at. */
static void check_maxpool_by_hand(const cptk_kernels *k)
{
    static const uint8_t map[9] = {1, 7, 0, 3, 2, 4, 9, 8, 250}, want[4] = {7, 7, 9, 250};
    uint8_t in[27], out[12];
    memset(in, 255, sizeof in);
    for (int i = 0; i < 9; i++) in[3 * i] = map[i];
    const cptk_maxpool p = {.in = in, .out = out, .h = 3, .w = 3, .c = 1, .pitch = 3, .y0 = 0, .y1 = 2};
    k->maxpool_u8(&p);
    for (int i = 0; i < 4; i++) {
        if (out[3 * i] != want[i]) check_fail("maxpool_u8 by hand: [%d] is %d", i, out[3 * i]);
    }
}

void check_int8(const cptk_kernels *k, const cptk_kernels *c)
{
    check_tile_by_hand(k);
    check_deepest_tile(k);
    check_tiles_u8(k);
    check_quantize(k);
    check_maxpool_by_hand(k);
    check_maxpool(k, c);
    check_maxpool_ring(k);
}

/* ---- timing ---- */

typedef struct int8_work {
    const cptk_kernels *k;
    cptk_tile_int8 tile;
    const uint8_t *rows[MOST_TAPS * CPTK_MAX_ROWS];
    cptk_maxpool pool;
    const float *x;
    uint8_t *q;
    int n;
} int8_work;

static void run_tile(void *user)
{
    const int8_work *w = user;
    w->k->tile_u8(&w->tile);
}

static void run_quantize(void *user)
{
    const int8_work *w = user;
    w->k->quantize_u8(w->x, w->q, w->n, 3.0f, 10.0f);
}

static void run_maxpool(void *user)
{
    const int8_work *w = user;
    w->k->maxpool_u8(&w->pool);
}

/* The tiles that ResNet-50 and its decoder are made of.  Rows lie a cache line further apart than they are
 * long, as in the encoder's maps. */
typedef struct bench_shape {
    int rows; /* 0 is the fastest number */
    int taps, depth, n;
    bool add; /* in 16 bits, which are written again */
} bench_shape;

static void bench_shape_u8(const cptk_kernels *k, const bench_shape *s)
{
    const int rows = s->rows ? s->rows : k->tile_rows_u8, pitch = s->depth + 64;
    const size_t outputs = (size_t)(rows * s->n), weights = (size_t)(s->taps * s->depth * s->n);
    int8_work w = {.k = k,
                   .tile = {.a = w.rows,
                            .b = check_bytes(weights, 0),
                            .b_panel = (size_t)(s->taps * s->depth * CPTK_PANEL),
                            .out = {.scale = random_scales(s->n, 1, false),
                                    .bias = random_scales(s->n, 1, false),
                                    .add_scale = 0.5f / 256,
                                    .c_u8 = check_bytes(outputs, 0),
                                    .add_stride = (size_t)s->n,
                                    .c_stride = (size_t)s->n},
                            .rows = rows,
                            .taps = s->taps,
                            .depth = s->depth,
                            .n = s->n}};
    const uint8_t *a = check_bytes((size_t)(s->taps * rows * pitch), 0);
    for (int r = 0; r < s->taps * rows; r++) w.rows[r] = a + (size_t)(r * pitch);
    if (s->add) w.tile.out.add = w.tile.out.c_u16 = random_words(outputs);
    char name[60];
    (void)snprintf(name, sizeof name, "tile_u8 %d x %d, depth %d x %d%s", rows, s->n, s->taps, s->depth,
                   s->add ? ", add" : "");
    check_time(name, k->name, run_tile, &w, 2.0 * rows * (double)weights, "op");
    check_release(name);
}

void bench_int8(const cptk_kernels *k)
{
    static const bench_shape shapes[] = {
        {0, 1, 64, 32, false},    {0, 1, 64, 32, true},     {0, 1, 128, 32, true},
        {0, 1, 256, 32, true},    {0, 1, 512, 32, false},   {0, 1, 1024, 32, false},
        {0, 1, 2048, 32, false},  {0, 9, 64, 32, false},    {0, 9, 128, 32, false},
        {0, 9, 256, 32, false},   {0, 9, 512, 32, false},   {0, 1, 1024, 64, false},
        {1, 1, 1024, 512, false}, {2, 1, 1024, 512, false}, {3, 1, 1024, 512, false},
        {5, 1, 1024, 512, false}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) bench_shape_u8(k, &shapes[i]);
    const size_t in = 112 * 112 * 64, out = 56 * 56 * 64;
    int8_work w = {.k = k,
                   .pool = {.in = check_bytes(in, 0),
                            .out = check_bytes(out, 0),
                            .h = 112,
                            .w = 112,
                            .c = 64,
                            .pitch = 64,
                            .y1 = 56},
                   .x = check_random_buffer(4096),
                   .q = check_bytes(4096, 0),
                   .n = 4096};
    check_time("maxpool_u8 112 x 112 x 64", k->name, run_maxpool, &w, (double)in, "B");
    check_time("quantize_u8 4096", k->name, run_quantize, &w, w.n, "float");
    check_release("bench");
}
