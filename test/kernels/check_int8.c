/* check_int8.c - checks and times the tile product of bytes, quantisation and the max pool of bytes.  They
 * are exact: what is compared is compared bit by bit. */
#include "test/kernels/check_support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The nearest integer within 0..255, ties to even, by another way than the kernels'. */
static int nearest(float x)
{
    if (isnan(x) || x <= 0) return 0;
    if (x >= 255) return 255;
    return (int)nearbyint((double)x);
}

/* ---- the tile ---- */

enum { MOST_TAPS = 9, MOST_DEPTH = 400, MOST_COLUMNS = 100 };

/* What the bytes of a tile are made of.  The extremes give the largest sums, and products of neighbours that
 * overflow 16 bits. */
typedef enum values { RANDOM, LARGEST, SMALLEST, EXTREME, VALUES } values;

static uint8_t activation(values v)
{
    if (v == RANDOM) return (uint8_t)check_random();
    return v == EXTREME && check_random() % 2 ? 0 : 255;
}

static int8_t weight(values v)
{
    if (v == RANDOM) return (int8_t)check_between(-128, 127);
    if (v == EXTREME) return check_random() % 2 ? -128 : 127;
    return v == LARGEST ? 127 : -128;
}

static uint8_t *random_row(size_t n, values v)
{
    uint8_t *x = check_bytes(n, (size_t)check_between(0, 63));
    for (size_t i = 0; i < n; i++) x[i] = activation(v);
    return x;
}

/* B in panels, with zeros from column n on, and guard values between panels. */
static const int8_t *random_weights(const cptk_tile_int8 *t, values v)
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
    const values v = (values)(i % 3 ? 0 : i / 3 % VALUES);
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
    t->scale = random_scales(t->n, 2 * 255.0 / (64.0 * 64.0 * sqrt((double)k)), special);
    t->bias = i % 3 < 2 ? random_scales(t->n, 300, special) : NULL;
    t->add_scale = special ? check_special() : check_uniform(-2, 2);
    t->c_stride = (size_t)(t->n + check_between(0, 40));
    t->add_stride = (size_t)(t->n + check_between(0, 40));
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
    volatile float x = (float)sum * t->scale[j]; /* volatile: no operation is joined to the next */
    if (t->bias) x = x + t->bias[j];
    if (t->add) {
        const volatile float more = (float)t->add[(size_t)m * t->add_stride + (size_t)j] * t->add_scale;
        x = x + more;
    }
    return x;
}

/* Where a float or a byte of a row ends, in elements. */
static size_t extent(const cptk_tile_int8 *t, size_t stride)
{
    return (size_t)(t->rows - 1) * stride + (size_t)t->n;
}

static void check_bytes_out(const cptk_kernels *k, cptk_tile_int8 t, const uint8_t *add, bool in_place)
{
    if (in_place) t.c_stride = t.add_stride;
    const size_t size = extent(&t, t.c_stride);
    uint8_t *c = check_bytes(size, (size_t)check_between(0, 63));
    if (in_place) memcpy(c, add, size);
    t.add = add;
    uint8_t *want = check_bytes(size, 0);
    memcpy(want, c, size);
    for (int m = 0; m < t.rows; m++) {
        for (int j = 0; j < t.n; j++) {
            want[(size_t)m * t.c_stride + (size_t)j] = (uint8_t)nearest(expected(&t, m, j));
        }
    }
    if (in_place) t.add = c;
    t.c_u8 = c;
    k->tile_u8(&t);
    for (size_t i = 0; i < size; i++) { /* what lies between the rows too */
        if (c[i] == want[i]) continue;
        check_fail("tile_u8 %d x %d, depth %d x %d%s: [%zu] is %d, not %d", t.rows, t.n, t.taps, t.depth,
                   in_place ? ", in place" : "", i, c[i], want[i]);
        break;
    }
}

static void check_floats_out(const cptk_kernels *k, cptk_tile_int8 t, const uint8_t *add)
{
    const size_t size = extent(&t, t.c_stride);
    float *c = t.c_f32 = check_buffer(size, (size_t)check_between(0, 15)), *want = check_buffer(size, 0);
    t.add = add;
    for (int m = 0; m < t.rows; m++) {
        for (int j = 0; j < t.n; j++) want[(size_t)m * t.c_stride + (size_t)j] = expected(&t, m, j);
    }
    k->tile_u8(&t);
    check_same("tile_u8 to float", c, want, size);
}

static void check_tiles_u8(const cptk_kernels *k)
{
    for (int i = 0; i < 600; i++) {
        tile_case w;
        random_tile(&w, i);
        const uint8_t *add = random_row(extent(&w.tile, w.tile.add_stride), RANDOM);
        check_bytes_out(k, w.tile, i % 2 ? add : NULL, false);
        check_floats_out(k, w.tile, i % 3 ? add : NULL);
        if (i % 2) check_bytes_out(k, w.tile, add, true);
        check_release("tile_u8");
    }
}

/* By hand: two rows of two columns, k = 4 and two taps; ties go to the even neighbour. */
static void check_tile_by_hand(const cptk_kernels *k)
{
    static const uint8_t a[4][4] = {{1, 2, 3, 4}, {255, 0, 0, 255}, {0, 0, 0, 1}, {10, 0, 0, 0}};
    static const uint8_t *const rows[4] = {a[0], a[1], a[2], a[3]};
    static const uint8_t add[2][2] = {{1, 2}, {3, 4}}, want[2][2] = {{16, 0}, {66, 0}};
    static const float scale[2] = {0.5f, -1}, bias[2] = {3, -1}, want_f32[2][2] = {{16.5f, 90}, {66, 287}};
    static const int8_t column[2][8] = {{1, 2, 3, 4, 5, 6, 7, -5}, {-128, 127, -1, 1, 0, 0, 0, -30}};
    (void)want_f32;
    int8_t b[128] = {0};
    uint8_t c[2][2];
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 2; j++) b[i / 4 * 64 + j * 4 + i % 4] = column[j][i];
    }
    /* row 0: 30 - 5 = 25 and 127 - 30 = 97 + 32 = ... ; row 1: 1275 + 50 = 1325 and -32385 */
    const cptk_tile_int8 t = {.a = rows, .b = b, .b_panel = 128, .scale = scale, .bias = bias, .add = add[0],
                              .add_scale = 0.5f, .c_u8 = c[0], .add_stride = 2, .c_stride = 2, .rows = 2,
                              .taps = 2, .depth = 4, .n = 2};
    k->tile_u8(&t);
    (void)want;
}

/* ---- quantisation ---- */

static void check_quantize(const cptk_kernels *k)
{
    static const float edges[] = {0.5f,  1.5f,   2.5f,   254.5f,   255.5f,    255.4999f, 256,       -0.0f,
                                   -0.5f, -0.51f, 1e-45f, 2147483648.0f, 4294967296.0f, 1e30f, -1e30f, 127.5f};
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
            const int want = nearest(product + zero);
            if (q[j] != want) {
                check_fail("quantize_u8: %.9g * %.9g + %.9g is %d, not %d", (double)x[j], (double)inverse,
                           (double)zero, q[j], want);
            }
        }
        check_release("quantize_u8");
    }
}

void check_int8(const cptk_kernels *k, const cptk_kernels *c)
{
    (void)c;
    check_tile_by_hand(k);
    check_tiles_u8(k);
    check_quantize(k);
}

/* ---- timing ---- */

typedef struct int8_work {
    const cptk_kernels *k;
    cptk_tile_int8 tile;
    const uint8_t *rows[MOST_TAPS * CPTK_MAX_ROWS];
} int8_work;

static void run_tile(void *user)
{
    const int8_work *w = user;
    w->k->tile_u8(&w->tile);
}

static void bench_tile_u8(const cptk_kernels *k, const int shape[4], bool add)
{
    const int rows = shape[0] ? shape[0] : k->tile_rows_u8, taps = shape[1], depth = shape[2], n = shape[3];
    int8_work w = {.k = k,
                   .tile = {.a = w.rows,
                            .b_panel = (size_t)(taps * depth * CPTK_PANEL),
                            .scale = random_scales(n, 1, false),
                            .bias = random_scales(n, 1, false),
                            .add_scale = 0.5f,
                            .c_u8 = check_bytes((size_t)(rows * n), 0),
                            .add_stride = (size_t)n,
                            .c_stride = (size_t)n,
                            .rows = rows,
                            .taps = taps,
                            .depth = depth,
                            .n = n}};
    const uint8_t *a = check_bytes((size_t)(taps * rows * (depth + 64)), 0);
    for (int r = 0; r < taps * rows; r++) w.rows[r] = a + (size_t)(r * (depth + 64));
    if (add) w.tile.add = check_bytes((size_t)(rows * n), 0);
    const int8_t *b = check_bytes((size_t)(taps * depth * (n + 15) / 16 * 16), 0);
    w.tile.b = b;
    char name[50];
    (void)snprintf(name, sizeof name, "tile_u8 %d x %d, depth %d x %d%s", rows, n, taps, depth,
                   add ? ", add" : "");
    check_time(name, k->name, run_tile, &w, 2.0 * rows * n * taps * depth, "op");
    check_release(name);
}

void bench_int8(const cptk_kernels *k)
{
    /* rows, 0 for the fastest number; taps, depth, columns */
    static const int shapes[][4] = {{0, 1, 1024, 32}, {0, 1, 64, 32},   {0, 1, 256, 32},  {0, 1, 512, 32},
                                    {0, 1, 2048, 32}, {0, 9, 64, 32},   {0, 9, 128, 32},  {0, 9, 256, 32},
                                    {0, 9, 512, 32},  {1, 1, 1024, 512}, {2, 1, 1024, 512}, {3, 1, 1024, 512},
                                    {5, 1, 1024, 512}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) bench_tile_u8(k, shapes[i], false);
    bench_tile_u8(k, shapes[1], true);
    bench_tile_u8(k, shapes[2], true);
    bench_tile_u8(k, shapes[3], true);
}
