/* check_winograd_int8.c - checks and times Winograd's convolution of bytes: each of its steps against plain
 * C, and all of them together against sums of products.  Everything is exact and compared bit by bit. */
#include "test/kernels/check_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PLANES = 16, MOST_SIDE = 14 };

/* ---- numbers ---- */

/* What maps and filters are made of.  With LARGEST and SMALLEST some element of each transform, and some sum,
 * has the largest magnitude that there is; EXTREME has the largest and the smallest number, by chance. */
typedef enum contents { RANDOM, LARGEST, SMALLEST, EXTREME, CONTENTS } contents;

static uint8_t *random_bytes(size_t n, contents v)
{
    uint8_t *x = check_bytes(n, (size_t)check_between(0, 63));
    for (size_t i = 0; i < n; i++) {
        x[i] = v == RANDOM ? (uint8_t)check_random() : v == EXTREME && check_random() % 2 ? 0 : 255;
    }
    return x;
}

static int8_t *random_weights(size_t n, contents v)
{
    int8_t *x = check_bytes(n, (size_t)check_between(0, 63));
    for (size_t i = 0; i < n; i++) {
        const bool high = v == LARGEST || (v == EXTREME && check_random() % 2);
        x[i] = v == RANDOM ? (int8_t)check_between(-128, 127) : high ? 127 : -128;
    }
    return x;
}

static int16_t *halves(size_t n)
{
    return check_bytes(n * sizeof(int16_t), 2 * (size_t)check_between(0, 31));
}

static int32_t *words(size_t n)
{
    return check_bytes(n * sizeof(int32_t), 4 * (size_t)check_between(0, 15));
}

static uint16_t *random_words(size_t n)
{
    uint16_t *x = check_bytes(n * sizeof *x, 2 * (size_t)check_between(0, 31));
    for (size_t i = 0; i < n; i++) x[i] = (uint16_t)check_random();
    return x;
}

static float *random_scales(double most)
{
    float *x = check_buffer(CPTK_PANEL, (size_t)check_between(0, 15));
    check_fill(x, CPTK_PANEL, (float)-most, (float)most);
    return x;
}

/* ---- cases ---- */

/* Everything but `count`, `first` and what is computed. */
static cptk_winograd_int8 random_case(int i)
{
    const contents v = (contents)(i % 2 ? 0 : i / 2 % CONTENTS);
    const bool deep = i % 20 >= 16; /* all contents meet the largest depth */
    const int most = deep ? 3 : MOST_SIDE;
    cptk_winograd_int8 w = {
        .h = check_between(1, most),
        .w = check_between(1, most),
        .depth = deep ? CPTK_WINOGRAD_MOST_DEPTH : CPTK_PANEL * check_between(1, 5),
    };
    const size_t positions = (size_t)(w.h * w.w);
    w.in_pitch = w.depth + check_between(0, 70);
    w.u_plane = (size_t)(w.depth * CPTK_PANEL + (i % 3 ? check_between(0, 70) : 0));
    w.in = random_bytes((positions - 1) * (size_t)w.in_pitch + (size_t)w.depth, v);
    w.b = random_weights((size_t)(9 * w.depth * CPTK_PANEL), v);
    w.out = (cptk_out_int8){
        .scale = random_scales(2 * 255.0 / (64.0 * 64.0 * sqrt(9.0 * w.depth))),
        .bias = i % 3 ? random_scales(300) : NULL,
        .add_scale = check_uniform(-2.0f / 256, 2.0f / 256),
        .add_stride = (size_t)(CPTK_PANEL + check_between(0, 70)),
        .c_stride = (size_t)(CPTK_PANEL + check_between(0, 70)),
    };
    if (i % 4 == 1) w.out.add = random_words((positions - 1) * w.out.add_stride + CPTK_PANEL);
    return w;
}

static int tiles_of(const cptk_winograd_int8 *w)
{
    return (w->h + 1) / 2 * ((w->w + 1) / 2);
}

static void random_tiles(cptk_winograd_int8 *w)
{
    const int tiles = tiles_of(w);
    w->first = check_between(0, tiles - 1);
    const int left = tiles - w->first;
    w->count = check_between(1, left < CPTK_WINOGRAD_MOST_TILES ? left : CPTK_WINOGRAD_MOST_TILES);
}

static void expect_bytes(const cptk_winograd_int8 *w, const char *slot, const void *got, const void *want,
                         size_t bytes)
{
    if (memcmp(got, want, bytes) == 0) return;
    check_fail("%s %d x %d, %d channels, tiles %d and %d more: other bytes than plain C", slot, w->h, w->w,
               w->depth, w->first, w->count - 1);
}

/* ---- each step against plain C ---- */

static void check_input(const cptk_kernels *k, const cptk_kernels *c, cptk_winograd_int8 w)
{
    const size_t n = (size_t)(PLANES * w.count * w.depth);
    int16_t *got = halves(n), *want = w.v = halves(n);
    c->winograd_input_u8(&w);
    w.v = got;
    k->winograd_input_u8(&w);
    expect_bytes(&w, "winograd_input_u8", got, want, n * sizeof *got);
}

static void check_filters(const cptk_kernels *k, const cptk_kernels *c, cptk_winograd_int8 w)
{
    const size_t n = PLANES * w.u_plane;
    int16_t *got = halves(n), *want = w.u = halves(n);
    memset(got, 0, n * sizeof *got); /* what lies between the planes stays */
    memset(want, 0, n * sizeof *want);
    c->winograd_filters_i8(&w);
    w.u = got;
    k->winograd_filters_i8(&w);
    expect_bytes(&w, "winograd_filters_i8", got, want, n * sizeof *got);
}

/* Of numbers as large as the transforms make them, most of them random. */
static void check_product(const cptk_kernels *k, const cptk_kernels *c, cptk_winograd_int8 w)
{
    const size_t v = (size_t)(PLANES * w.count * w.depth), u = PLANES * w.u_plane;
    const size_t m = (size_t)(PLANES * w.count * CPTK_PANEL);
    const bool largest = check_random() % 4 == 0, negative = check_random() % 2;
    int32_t *got = words(m), *want = w.m = words(m);
    w.v = halves(v);
    w.u = halves(u);
    for (size_t i = 0; i < v; i++) w.v[i] = (int16_t)(largest ? 1020 : check_between(-1020, 1020));
    for (size_t i = 0; i < u; i++) {
        w.u[i] = (int16_t)(largest ? negative ? -1152 : 1152 : check_between(-1152, 1152));
    }
    c->winograd_product_i16(&w);
    w.m = got;
    k->winograd_product_i16(&w);
    expect_bytes(&w, "winograd_product_i16", got, want, m * sizeof *got);
}

/* Of any multiples of 4, which wrap around in the transform. */
static void check_output(const cptk_kernels *k, const cptk_kernels *c, cptk_winograd_int8 w)
{
    const size_t m = (size_t)(PLANES * w.count * CPTK_PANEL);
    const size_t size = (size_t)(w.h * w.w - 1) * w.out.c_stride + CPTK_PANEL;
    uint8_t *bytes[2] = {check_bytes(size, (size_t)check_between(0, 63)), check_bytes(size, 0)};
    uint16_t *wide[2] = {random_words(size), check_bytes(size * sizeof(uint16_t), 0)};
    w.m = words(m);
    for (size_t i = 0; i < m; i++) w.m[i] = (int32_t)(check_random() & ~3u);
    memcpy(wide[1], wide[0], size * sizeof *wide[0]);
    for (int i = 0; i < 2; i++) {
        w.out.c_u8 = bytes[i];
        w.out.c_u16 = wide[i];
        (i == 0 ? k : c)->winograd_output_u8(&w);
    }
    expect_bytes(&w, "winograd_output_u8", bytes[0], bytes[1], size);
    expect_bytes(&w, "winograd_output_u8, 16 bits", wide[0], wide[1], size * sizeof *wide[0]);
}

/* ---- all steps against sums of products ---- */

/* The sum of the 3 x 3 positions around y, x with the filters of output j. */
static int64_t direct_sum(const cptk_winograd_int8 *w, int y, int x, int j)
{
    int64_t sum = 0;
    for (int tap = 0; tap < 9; tap++) {
        const int row = y - 1 + tap / 3, column = x - 1 + tap % 3;
        if (row < 0 || row >= w->h || column < 0 || column >= w->w) continue;
        const uint8_t *in = w->in + (size_t)(row * w->w + column) * (size_t)w->in_pitch;
        const int8_t *b = w->b + (size_t)tap * (size_t)w->depth * CPTK_PANEL;
        for (int ch = 0; ch < w->depth; ch++) sum += in[ch] * b[ch / 4 * 64 + j * 4 + ch % 4];
    }
    return sum;
}

/* Each float operation in turn. */
static float expected(const cptk_winograd_int8 *w, int position, int j)
{
    const cptk_out_int8 *out = &w->out;
    const float sum = (float)direct_sum(w, position / w->w, position % w->w, j);
    volatile float x = sum * out->scale[j]; /* volatile: no operation is joined to the next */
    if (out->bias) x = x + out->bias[j];
    if (out->add) {
        const volatile float more =
            (float)out->add[(size_t)position * out->add_stride + (size_t)j] * out->add_scale;
        x = x + more;
    }
    return x;
}

/* The convolution, in blocks of tiles. */
static void run_all(const cptk_kernels *k, cptk_winograd_int8 w)
{
    k->winograd_filters_i8(&w);
    for (w.first = 0; w.first < tiles_of(&w); w.first += w.count) {
        const int left = tiles_of(&w) - w.first;
        w.count = check_between(1, left < CPTK_WINOGRAD_MOST_TILES ? left : CPTK_WINOGRAD_MOST_TILES);
        k->winograd_input_u8(&w);
        k->winograd_product_i16(&w);
        k->winograd_output_u8(&w);
    }
}

static void check_all(const cptk_kernels *k, cptk_winograd_int8 w)
{
    const size_t size = (size_t)(w.h * w.w - 1) * w.out.c_stride + CPTK_PANEL;
    const size_t most = PLANES * CPTK_WINOGRAD_MOST_TILES;
    float *want = check_buffer(size, 0);
    w.v = halves(most * (size_t)w.depth);
    w.u = halves(PLANES * w.u_plane);
    w.m = words(most * CPTK_PANEL);
    w.out.c_f32 = check_buffer(size, (size_t)check_between(0, 15));
    for (int p = 0; p < w.h * w.w; p++) {
        for (int j = 0; j < CPTK_PANEL; j++) {
            want[(size_t)p * w.out.c_stride + (size_t)j] = expected(&w, p, j);
        }
    }
    run_all(k, w);
    check_same("Winograd of bytes to float", w.out.c_f32, want, size);
}

/* By hand: where the map is all 1, B^T d B is 4 in the middle, element 5.  Filters of all 1 become the
 * products of (2 3 1 2) with itself.  So m is 0 but for element 5, and that is 36 for each channel; every
 * output is 9.
 */
static void check_by_hand(const cptk_kernels *k)
{
    static const int by_g[4] = {2, 3, 1, 2};
    enum { DEPTH = CPTK_PANEL, SIDE = 6, INNER = 4 }; /* tile 4 of 3 x 3 is the middle */
    uint8_t in[SIDE * SIDE * DEPTH];
    int8_t b[9 * DEPTH * CPTK_PANEL];
    int16_t v[PLANES * DEPTH], *u = halves((size_t)(PLANES * DEPTH * CPTK_PANEL));
    int32_t m[PLANES * CPTK_PANEL];
    float out[SIDE * SIDE * CPTK_PANEL] = {0}, scale[CPTK_PANEL];
    memset(in, 1, sizeof in);
    memset(b, 1, sizeof b);
    for (int j = 0; j < CPTK_PANEL; j++) scale[j] = 0.5f;
    const cptk_winograd_int8 w = {.in = in,
                                  .b = b,
                                  .v = v,
                                  .u = u,
                                  .u_plane = DEPTH * CPTK_PANEL,
                                  .m = m,
                                  .out = {.scale = scale, .c_f32 = out, .c_stride = CPTK_PANEL},
                                  .h = SIDE,
                                  .w = SIDE,
                                  .depth = DEPTH,
                                  .in_pitch = DEPTH,
                                  .first = INNER,
                                  .count = 1};
    k->winograd_input_u8(&w);
    k->winograd_filters_i8(&w);
    k->winograd_product_i16(&w);
    k->winograd_output_u8(&w);
    for (int e = 0; e < PLANES; e++) {
        const int input = v[e * DEPTH];
        if (input != (e == 5 ? 4 : 0)) check_fail("winograd_input_u8 by hand: [%d] is %d", e, input);
        const int filter = u[e * DEPTH * CPTK_PANEL], want = by_g[e / 4] * by_g[e % 4];
        if (filter != want) check_fail("winograd_filters_i8 by hand: [%d] is %d, not %d", e, filter, want);
        const int sum = m[e * CPTK_PANEL];
        if (sum != (e == 5 ? 36 * DEPTH : 0)) check_fail("winograd_product_i16 by hand: [%d] is %d", e, sum);
    }
    for (int p = 0; p < SIDE * SIDE; p++) {
        const bool made = p / SIDE / 2 == 1 && p % SIDE / 2 == 1;
        const float want = made ? 4.5f * DEPTH : 0;
        check_same("winograd_output_u8 by hand", &out[p * CPTK_PANEL], &want, 1);
    }
    check_release("Winograd of bytes, by hand");
}

void check_winograd_int8(const cptk_kernels *k, const cptk_kernels *c)
{
    check_by_hand(k);
    for (int i = 0; i < 200; i++) {
        cptk_winograd_int8 w = random_case(i);
        random_tiles(&w);
        check_input(k, c, w);
        check_filters(k, c, w);
        check_product(k, c, w);
        check_output(k, c, w);
        check_all(k, w);
        check_release("Winograd of bytes");
    }
}

/* ---- timing ---- */

typedef struct winograd_work {
    void (*slot)(const cptk_winograd_int8 *args);
    cptk_winograd_int8 args;
} winograd_work;

static void run_slot(void *user)
{
    const winograd_work *w = user;
    w->slot(&w->args);
}

/* The steps at a level's number of tiles, for the layers of ResNet-50. */
void bench_winograd_int8(const cptk_kernels *k)
{
    static const int depths[] = {64, 128, 256, 512}, sides[] = {56, 28, 14, 7};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        const int depth = depths[i], side = sides[i], count = k->winograd_tiles_u8;
        const size_t v = (size_t)(PLANES * count * depth), plane = (size_t)(depth * CPTK_PANEL + 32);
        const cptk_winograd_int8 args = {
            .in = random_bytes((size_t)(side * side * depth), RANDOM),
            .b = random_weights((size_t)(9 * depth * CPTK_PANEL), RANDOM),
            .v = memset(halves(v), 1, v * sizeof(int16_t)),
            .u = memset(halves(PLANES * plane), 1, PLANES * plane * sizeof(int16_t)),
            .u_plane = plane,
            .m = words((size_t)(PLANES * count * CPTK_PANEL)),
            .out = {.scale = random_scales(1),
                    .bias = random_scales(1),
                    .c_u8 = check_bytes((size_t)(side * side * CPTK_PANEL), 0),
                    .c_stride = CPTK_PANEL},
            .h = side,
            .w = side,
            .depth = depth,
            .in_pitch = depth,
            .count = count,
        };
        const struct {
            const char *name;
            void (*slot)(const cptk_winograd_int8 *args);
            double amount;
            const char *unit;
        } slots[] = {
            {"winograd_filters_i8", k->winograd_filters_i8, 9.0 * depth * CPTK_PANEL, "B"},
            {"winograd_input_u8", k->winograd_input_u8, (double)v, "half"},
            {"winograd_product_i16", k->winograd_product_i16, 2.0 * (double)v * CPTK_PANEL, "op"},
            {"winograd_output_u8", k->winograd_output_u8, 4.0 * count * CPTK_PANEL, "B"},
        };
        for (size_t s = 0; s < sizeof slots / sizeof *slots; s++) {
            winograd_work w = {slots[s].slot, args};
            char name[60];
            (void)snprintf(name, sizeof name, "%s %d tiles, depth %d", slots[s].name, count, depth);
            check_time(name, k->name, run_slot, &w, slots[s].amount, slots[s].unit);
        }
        check_release("bench");
    }
}
