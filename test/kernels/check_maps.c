/* check_maps.c - checks and times the passes over maps: Winograd transforms, bias and ReLU, max pool,
 * normalize.
 */
#include "test/kernels/check_support.h"

#include <math.h>
#include <string.h>

/* ---- Winograd ---- */

/* Random sizes, a range of tiles, and map positions that lie `pitch` floats apart. */
static cptk_winograd random_winograd(int i)
{
    cptk_winograd g = {.size = i % 3 ? 4 : 2,
                       .h = check_between(1, 14),
                       .w = check_between(1, 14),
                       .c = check_between(1, 40),
                       .relu = i % 2};
    const int tiles = (g.h + g.size - 1) / g.size * ((g.w + g.size - 1) / g.size);
    g.pitch = g.c + (i % 2 ? check_between(0, 20) : 0);
    g.first = check_between(0, tiles - 1);
    g.count = check_between(1, tiles - g.first);
    g.plane = (size_t)(g.count * g.c + check_between(0, 5));
    return g;
}

/* Runs a transform of both tables.  The bound is that of sums of at most 36 values with factors of up to 25
 * in the input transform and 64 in the output transform. */
static void compare_winograd(const cptk_winograd *args, void (*run)(const cptk_winograd *),
                             void (*plain)(const cptk_winograd *), size_t floats, double bound)
{
    cptk_winograd g = *args;
    float *got = check_buffer(floats, (size_t)check_between(0, 15)), *want = check_buffer(floats, 0);
    g.out = got;
    run(&g);
    g.out = want;
    plain(&g);
    for (size_t j = 0; j < floats; j++) check_near("winograd", j, got[j], (double)want[j], bound);
}

static void check_winograd(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 120; i++) {
        cptk_winograd g = random_winograd(i);
        const size_t n = (size_t)(g.size + 2);
        const size_t planes = (n * n - 1) * g.plane + (size_t)(g.count * g.c);
        const size_t map = (size_t)((g.h * g.w - 1) * g.pitch + g.c);
        g.in = check_random_buffer(map);
        compare_winograd(&g, k->winograd_input_f32, c->winograd_input_f32, planes, 700 * EPS);
        g.in = check_random_buffer(planes);
        g.bias = check_random_buffer((size_t)g.c);
        compare_winograd(&g, k->winograd_output_f32, c->winograd_output_f32, map, 2500 * EPS);
        check_release("winograd");
    }
}

/* Two positions of one channel, a and b, worked out by hand.  The rows and columns around them are padding,
 * so of F(2x2, 3x3)'s B^T d B only row 1 of d is not zero: 0 a b 0.  Across, B^T makes (0 - b, a + b, b - a,
 * a) of it; down, B^T makes (0, 1, -1, 1) of row 1. */
static void check_winograd_by_hand(const cptk_kernels *k)
{
    static const float map[2] = {3, 5}, across[4] = {-5, 8, 2, 3}, down[4] = {0, 1, -1, 1};
    float v[16];
    const cptk_winograd g = {
        .in = map, .out = v, .plane = 1, .size = 2, .h = 1, .w = 2, .c = 1, .pitch = 1, .count = 1};
    k->winograd_input_f32(&g);
    for (size_t e = 0; e < 16; e++) {
        check_near("winograd by hand", e, v[e], (double)(down[e / 4] * across[e % 4]), 0);
    }
}

/* ---- bias, max pool, normalize ---- */

static void check_bias_act(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 150; i++) {
        const size_t rows = (size_t)check_between(1, 5), n = (size_t)check_between(1, 70);
        float *got = check_buffer(rows * n, (size_t)check_between(0, 15)), *want = check_buffer(rows * n, 0);
        float *bias = i % 7 < 5 ? check_random_buffer(n) : NULL;
        const float *add = i % 3 ? check_random_buffer(rows * n) : NULL;
        check_fill_special(got, rows * n, -2, 2, 4);
        if (bias && i % 5 == 0) check_fill_special(bias, n, -2, 2, 4);
        memcpy(want, got, rows * n * sizeof *want);
        k->bias_act_f32(got, bias, add, rows, (int)n, i % 2);
        c->bias_act_f32(want, bias, add, rows, (int)n, i % 2);
        check_same("bias_act", got, want, rows * n);
        check_release("bias_act");
    }
}

static void expect_untouched(const float *x, size_t from, size_t to)
{
    for (size_t j = from; j < to; j++) {
        if (!isnan(x[j])) check_fail("maxpool: wrote outside rows y0..y1-1");
    }
}

static void check_maxpool(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 150; i++) {
        cptk_maxpool p = {.h = check_between(1, 11), .w = check_between(1, 11), .c = check_between(1, 40)};
        p.pitch = p.c;
        const int out_h = (p.h + 1) / 2;
        const size_t in_n = (size_t)(p.h * p.w * p.c), row = (size_t)((p.w + 1) / 2 * p.c);
        const size_t out_n = (size_t)out_h * row;
        float *in = check_buffer(in_n, (size_t)check_between(0, 15));
        float *got = check_buffer(out_n, (size_t)check_between(0, 15)), *want = check_buffer(out_n, 0);
        check_fill_special(in, in_n, -2, 2, 4);
        p.in = in;
        p.out = want;
        p.y1 = out_h;
        c->maxpool_f32(&p);
        p.out = got;
        p.y0 = check_between(0, out_h - 1);
        p.y1 = check_between(p.y0 + 1, out_h);
        k->maxpool_f32(&p);
        const size_t first = (size_t)p.y0 * row, end = (size_t)p.y1 * row;
        expect_untouched(got, 0, first);
        expect_untouched(got, end, out_n);
        check_same("maxpool", got + first, want + first, end - first);
        check_release("maxpool");
    }
}

/* A row whose inputs are the only ones in memory: row y of the map at y % 3. */
static void check_maxpool_ring(const cptk_kernels *k)
{
    for (int i = 0; i < 100; i++) {
        cptk_maxpool p = {.h = check_between(1, 11), .w = check_between(1, 11), .c = check_between(1, 40)};
        p.pitch = p.c;
        const size_t row = (size_t)(p.w * p.c), out_row = (size_t)((p.w + 1) / 2 * p.c);
        float *in = check_buffer((size_t)p.h * row, 0), *ring = check_buffer(3 * row, 0);
        float *got = check_buffer(2 * out_row, 0), *want = check_buffer((size_t)((p.h + 1) / 2) * out_row, 0);
        check_fill_special(in, (size_t)p.h * row, -2, 2, 4);
        p.in = in;
        p.out = want;
        p.y0 = check_between(0, (p.h + 1) / 2 - 1);
        p.y1 = p.y0 + 1;
        k->maxpool_f32(&p);
        for (int y = 2 * p.y0 - 1; y <= 2 * p.y0 + 1; y++) {
            if (y < 0 || y >= p.h) continue;
            memcpy(ring + (size_t)(y % 3) * row, in + (size_t)y * row, row * sizeof *in);
        }
        p.in = ring;
        p.out = got;
        p.in_ring = 3;
        p.out_ring = 2;
        k->maxpool_f32(&p);
        check_same("maxpool of a ring", got + (size_t)(p.y0 % 2) * out_row, want + (size_t)p.y0 * out_row,
                   out_row);
        check_release("maxpool of a ring");
    }
}

/* By hand: 3x3 positions, stride 2, so each output sees the four positions of a corner. */
static void check_maxpool_by_hand(const cptk_kernels *k)
{
    static const float in[9] = {-1, 7, -2, -3, NAN, -4, -9, -8, -6}, want[4] = {7, 7, -3, -4};
    float out[4];
    const cptk_maxpool p = {.in = in, .out = out, .h = 3, .w = 3, .c = 1, .pitch = 1, .y0 = 0, .y1 = 2};
    k->maxpool_f32(&p);
    check_same("maxpool by hand", out, want, 4);
}

static void check_normalize(const cptk_kernels *k, int n)
{
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    uint8_t *in = check_bytes((size_t)n * 3, 1);
    float *got = check_buffer((size_t)n * 3, 1), *want = check_buffer((size_t)n * 3, 0);
    for (size_t i = 0; i < (size_t)n * 3; i++) {
        in[i] = (uint8_t)(n > 300 ? i / 3 : check_random());
        want[i] = ((float)in[i] / 255.0f - mean[i % 3]) / std[i % 3];
    }
    k->normalize_u8(in, got, n, mean, std);
    check_same("normalize", got, want, (size_t)n * 3);
    check_release("normalize");
}

void check_maps(const cptk_kernels *k, const cptk_kernels *c)
{
    static const int sizes[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 48, 100, 255, 1000};
    check_winograd_by_hand(k);
    check_winograd(k, c);
    check_bias_act(k, c);
    check_maxpool_by_hand(k);
    check_maxpool(k, c);
    check_maxpool_ring(k);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) check_normalize(k, sizes[s]);
}

/* ---- timing ---- */

typedef struct map_work {
    const cptk_kernels *k;
    cptk_winograd winograd;
    cptk_maxpool pool;
    uint8_t *bytes;
    float *pixels;
} map_work;

static void run_input(void *user)
{
    const map_work *w = user;
    w->k->winograd_input_f32(&w->winograd);
}

static void run_output(void *user)
{
    const map_work *w = user;
    w->k->winograd_output_f32(&w->winograd);
}

static void run_maxpool(void *user)
{
    const map_work *w = user;
    w->k->maxpool_f32(&w->pool);
}

static void run_normalize(void *user)
{
    static const float mean[3] = {0.5f, 0.5f, 0.5f}, std[3] = {0.25f, 0.25f, 0.25f};
    const map_work *w = user;
    w->k->normalize_u8(w->bytes, w->pixels, 224 * 224, mean, std);
}

/* Aligned, unlike check_random_buffer's, so that times can be compared. */
static float *bench_buffer(size_t n)
{
    float *x = check_buffer(n, 0);
    check_fill(x, n, -1, 1);
    return x;
}

void bench_maps(const cptk_kernels *k)
{
    const size_t planes = 36 * 14 * 64, map = 56 * 56 * 64, pixels = 224 * 224 * 3;
    map_work w = {.k = k,
                  .winograd = {.bias = bench_buffer(64),
                               .plane = 14 * 64,
                               .size = 4,
                               .h = 56,
                               .w = 56,
                               .c = 64,
                               .pitch = 64,
                               .count = 14},
                  .pool = {.in = bench_buffer(112 * 112 * 64),
                           .out = check_buffer(map, 0),
                           .h = 112,
                           .w = 112,
                           .c = 64,
                           .pitch = 64,
                           .y1 = 56},
                  .bytes = check_bytes(pixels, 0),
                  .pixels = check_buffer(pixels, 0)};
    w.winograd.in = bench_buffer(map);
    w.winograd.out = check_buffer(planes, 0);
    check_time("winograd_input_f32 14 x 64", k->name, run_input, &w, 4.0 * (double)planes, "B");
    w.winograd.in = bench_buffer(planes);
    w.winograd.out = check_buffer(map, 0);
    check_time("winograd_output_f32 14 x 64", k->name, run_output, &w, 4.0 * (double)planes, "B");
    check_time("maxpool_f32 112 x 112 x 64", k->name, run_maxpool, &w, 112 * 112 * 64 * 4.0, "B");
    check_time("normalize_u8 224x224", k->name, run_normalize, &w, (double)pixels, "B");
    check_release("bench");
}
