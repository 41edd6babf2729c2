/* check_kernels_conv.c - checks and times the slots of convolution.  Used by test_kernels only. */
#include "test/kernels/check_kernels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EPS 1.1920929e-7 /* 2^-23 */

static const float specials[] = {0.0f,  -0.0f, 1.0f,     -1.0f,     1e-45f, -1e-45f, 1e-39f,
                                 1e30f, 3e38f, INFINITY, -INFINITY, NAN,    -3e38f,  2.5f};
#define SPECIALS (sizeof specials / sizeof *specials)

static void fill_special(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = check_random() % 4 ? check_uniform(-2, 2) : specials[check_random() % SPECIALS];
    }
}

static float *random_buffer(size_t n)
{
    float *x = check_buffer(n, (size_t)check_between(0, 15));

    check_fill(x, n, -1, 1);
    return x;
}

/* ---- tile ---- */

typedef struct tile_case {
    cptk_tile t;
    const float *rows[4 * CPTK_MAX_ROWS]; /* [taps][rows] */
    float *c;
} tile_case;

/* The weight in row k and column j. */
static double weight(const cptk_tile *t, size_t k, int j)
{
    return (double)t->b[(size_t)(j / 16) * t->b_panel + k * t->b_step + (size_t)(j % 16)];
}

/* A random product; weights in panels, or row-major as the decoder's folded context. */
static void make_tile(tile_case *x, int rows, int n, int depth)
{
    cptk_tile *t = &x->t;
    size_t panels = (size_t)(n + 15) / 16;
    float *a;

    memset(t, 0, sizeof *t);
    t->rows = rows;
    t->taps = check_between(1, 4);
    t->depth = depth;
    t->n = n;
    if (n % 16 == 0 && check_random() % 2) {
        t->b = random_buffer((size_t)(t->taps * depth * n));
        t->b_step = (size_t)n;
        t->b_panel = 16;
    } else {
        float *b = random_buffer(panels * (size_t)(t->taps * depth) * 16);

        t->b = b;
        t->b_step = 16;
        t->b_panel = (size_t)(t->taps * depth) * 16;
        for (size_t i = 0; i < (size_t)(t->taps * depth); i++) {
            for (size_t j = (size_t)n % 16; j > 0 && j < 16; j++)
                b[(panels - 1) * t->b_panel + 16 * i + j] = 0;
        }
    }
    a = random_buffer((size_t)(t->taps * rows * depth));
    for (int i = 0; i < t->taps * rows; i++) {
        /* some rows are shared, as the zeros of a convolution's padding are */
        x->rows[i] = i > 0 && i % 5 == 0 ? x->rows[i - 1] : a + i * depth;
    }
    t->a = x->rows;
    t->c_stride = (size_t)(n + check_between(0, 9));
    t->add_stride = (size_t)(n + check_between(0, 9));
    x->c = check_buffer((size_t)(rows - 1) * t->c_stride + (size_t)n, (size_t)check_between(0, 15));
    t->c = x->c;
    if (check_random() % 2) t->bias = random_buffer((size_t)n);
    if (check_random() % 2) t->add = random_buffer((size_t)(rows - 1) * t->add_stride + (size_t)n);
    t->relu = check_random() % 2;
    t->soon_step = check_between(0, 64);
}

static void expect_tile(const tile_case *x, int m, int j)
{
    const cptk_tile *t = &x->t;
    double sum = 0, size = 0;

    for (int tap = 0; tap < t->taps; tap++) {
        for (int d = 0; d < t->depth; d++) {
            size_t k = (size_t)(tap * t->depth + d);
            double product = (double)t->a[tap * t->rows + m][d] * weight(t, k, j);

            sum += product;
            size += fabs(product);
        }
    }
    if (t->bias) {
        sum += (double)t->bias[j];
        size += fabs((double)t->bias[j]);
    }
    if (t->add) {
        sum += (double)t->add[(size_t)m * t->add_stride + (size_t)j];
        size += fabs((double)t->add[(size_t)m * t->add_stride + (size_t)j]);
    }
    if (t->relu && sum < 0) sum = 0;
    check_near("tile", (size_t)(m * t->n + j), t->c[(size_t)m * t->c_stride + (size_t)j], sum,
               (t->taps * t->depth + 4) * EPS * size + 1e-44);
}

/* Every output is the same in a tile of its own row and panel, and the gaps between rows are left alone. */
static void check_cut(const cptk_kernels *k, const tile_case *x)
{
    const cptk_tile *t = &x->t;
    int m = check_between(0, t->rows - 1), j = check_between(0, t->n - 1) / 16 * 16;
    const float *rows[4];
    float alone[16];
    cptk_tile part = *t;

    for (int tap = 0; tap < t->taps; tap++) rows[tap] = t->a[tap * t->rows + m];
    part.a = rows;
    part.rows = 1;
    part.n = t->n - j < 16 ? t->n - j : 16;
    part.b += (size_t)(j / 16) * t->b_panel;
    if (t->bias) part.bias += j;
    if (t->add) part.add += (size_t)m * t->add_stride + (size_t)j;
    part.c = alone;
    k->tile(&part);
    check_same("tile cut", x->c + (size_t)m * t->c_stride + j, alone, (size_t)part.n);
    for (int r = 0; r + 1 < t->rows; r++) {
        for (size_t g = (size_t)t->n; g < t->c_stride; g++) {
            if (!isnan(x->c[(size_t)r * t->c_stride + g])) check_fail("tile: wrote between rows");
        }
    }
}

static void check_tiles(const cptk_kernels *k)
{
    static const int depths[] = {1, 2, 3, 7, 21, 64, 130};
    tile_case x;

    for (int rows = 1; rows <= CPTK_MAX_ROWS; rows++) {
        for (int i = 0; i < 60; i++) {
            int n = i < 20 ? check_between(1, 40) : i < 30 ? 16 * check_between(1, 9) : check_between(1, 200);

            make_tile(&x, rows, n, depths[check_random() % 7]);
            k->tile(&x.t);
            for (int m = 0; m < rows; m++) {
                for (int j = 0; j < n; j++) expect_tile(&x, m, j);
            }
            check_cut(k, &x);
            check_release("tile");
        }
    }
}

/* ---- int16 ---- */

/* Words of two elements of at most `most`, every fourth of them as large as that. */
static uint32_t *random_words(size_t words, int most)
{
    uint32_t *out = check_bytes(words * sizeof *out, (size_t)check_between(0, 15) * sizeof *out);

    for (size_t i = 0; i < words; i++) {
        int low = check_between(-most, most), high = check_between(-most, most);

        if (check_random() % 4 == 0) low = high = check_random() % 2 ? most : -most;
        out[i] = ((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16;
    }
    return out;
}

static int element(const uint32_t *words, int k)
{
    return (int16_t)(k % 2 ? words[k / 2] >> 16 : words[k / 2] & 0xFFFFu);
}

/* Against int64, and bit by bit against plain C. */
static void check_int16(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 300; i++) {
        cptk_int16 g = {0};
        size_t words, outputs;
        uint32_t *a;
        float *out, *want;

        g.rows = check_between(1, i % 10 ? 9 : 40);
        g.depth = i % 3 ? check_between(1, 40) : check_between(1, 300);
        g.n = check_between(1, 70);
        g.c_stride = (size_t)(g.n + check_between(0, 9));
        words = (size_t)(g.depth + 1) / 2;
        outputs = (size_t)(g.rows - 1) * g.c_stride + (size_t)g.n;
        g.a = a = random_words((size_t)g.rows * words, CPTK_INT16_MOST);
        for (int m = 0; g.depth % 2 && m < g.rows; m++) a[(size_t)(m + 1) * words - 1] &= 0xFFFFu;
        g.b = random_words((size_t)((g.n + 15) / 16) * words * 16, CPTK_INT16_MOST);
        g.a_scale = random_buffer((size_t)g.rows);
        g.b_scale = random_buffer((size_t)g.n);
        g.bias = random_buffer((size_t)g.n);
        g.c = out = check_buffer(outputs, (size_t)check_between(0, 15));
        k->int16(&g);
        g.c = want = check_buffer(outputs, 0);
        c->int16(&g);
        check_same("int16", out, want, outputs); /* what lies between the rows too */
        for (int m = 0; m < g.rows; m++) {
            for (int j = 0; j < g.n; j++) {
                double scale = (double)g.a_scale[m] * (double)g.b_scale[j], size = 0;
                int64_t sum = 0;

                for (int d = 0; d < g.depth; d++) {
                    const uint32_t *b = g.b + ((size_t)(j / 16) * words + (size_t)(d / 2)) * 16 + j % 16;
                    int64_t product = (int64_t)element(g.a + (size_t)m * words, d) *
                                      (int16_t)(d % 2 ? *b >> 16 : *b & 0xFFFFu);

                    sum += product;
                    size += fabs((double)product);
                }
                check_near(
                    "int16", (size_t)(m * g.n + j), out[(size_t)m * g.c_stride + (size_t)j],
                    (double)sum * scale + (double)g.bias[j],
                    EPS * ((g.depth / CPTK_INT16_BLOCK + 5) * size * fabs(scale) + fabs((double)g.bias[j])));
            }
        }
        check_release("int16");
    }
}

/* The result may replace what is added; NaN, infinities and denormals go where arithmetic takes them. */
static void check_tile_values(const cptk_kernels *k)
{
    for (int i = 0; i < 200; i++) {
        int n = check_between(1, 40);
        float *c = check_buffer((size_t)n, 3), *b = check_buffer((size_t)((n + 15) / 16 * 16), 1), add[40];
        float a = i < 150 ? specials[check_random() % SPECIALS] : 0.75f;
        const float *row = &a;
        cptk_tile t = {
            .a = &row, .b = b, .b_panel = 16, .b_step = 16, .add = c, .c = c, .rows = 1, .taps = 1};

        t.depth = 1;
        t.n = n;
        t.relu = i % 2;
        memset(b, 0, (size_t)((n + 15) / 16 * 16) * sizeof *b);
        fill_special(b, (size_t)n);
        fill_special(c, (size_t)n);
        memcpy(add, c, (size_t)n * sizeof *add);
        k->tile(&t);
        for (int j = 0; j < n; j++) {
            double product = (double)a * (double)b[j], want = product + (double)add[j], bound;

            if (fabs(product) > 3.4e38 && isfinite(product)) continue; /* overflows before or after the sum */
            if (fabs(want) > 3.4e38 && isfinite(want)) continue;
            if (t.relu && want < 0) want = 0;
            bound = 2 * EPS * (fabs(product) + fabs((double)add[j])) + 1e-44;
            check_near("tile value", (size_t)j, c[j], want, bound);
        }
        check_release("tile value");
    }
}

/* ---- passes over maps ---- */

static void check_bias_act(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 150; i++) {
        size_t rows = (size_t)check_between(1, 5), n = (size_t)check_between(1, 70);
        float *got = check_buffer(rows * n, (size_t)check_between(0, 15)), *want = check_buffer(rows * n, 0);
        float *bias = i % 7 < 5 ? random_buffer(n) : NULL, *add = i % 3 ? random_buffer(rows * n) : NULL;

        fill_special(got, rows * n);
        if (bias && i % 5 == 0) fill_special(bias, n);
        memcpy(want, got, rows * n * sizeof *want);
        k->bias_act(got, bias, add, rows, (int)n, i % 2);
        c->bias_act(want, bias, add, rows, (int)n, i % 2);
        check_same("bias_act", got, want, rows * n);
        check_release("bias_act");
    }
}

static void check_maxpool(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 150; i++) {
        int h = check_between(1, 11), w = check_between(1, 11), ch = check_between(1, 40);
        int out_h = (h + 1) / 2, y0 = check_between(0, out_h - 1), y1 = check_between(y0 + 1, out_h);
        size_t in_n = (size_t)(h * w * ch), row = (size_t)((w + 1) / 2 * ch), out_n = (size_t)out_h * row;
        float *in = check_buffer(in_n, (size_t)check_between(0, 15));
        float *got = check_buffer(out_n, (size_t)check_between(0, 15)), *want = check_buffer(out_n, 0);

        fill_special(in, in_n);
        k->maxpool(in, got, h, w, ch, y0, y1);
        c->maxpool(in, want, h, w, ch, 0, out_h);
        for (size_t j = 0; j < (size_t)y0 * row; j++) {
            if (!isnan(got[j])) check_fail("maxpool: wrote above y0");
        }
        for (size_t j = (size_t)y1 * row; j < out_n; j++) {
            if (!isnan(got[j])) check_fail("maxpool: wrote below y1");
        }
        check_same("maxpool", got + (size_t)y0 * row, want + (size_t)y0 * row, (size_t)(y1 - y0) * row);
        check_release("maxpool");
    }
}

/* Input and output transform against plain C: sums of at most 36 values with factors of up to 25 and 64. */
static void check_winograd(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 120; i++) {
        cptk_winograd g = {0};
        int tiles;
        size_t n, planes, map;
        float *v, *v_want, *out, *out_want;

        g.h = check_between(1, 14);
        g.w = check_between(1, 14);
        g.c = check_between(1, 40);
        g.pitch = g.c + (i % 2 ? check_between(0, 20) : 0);
        g.size = i % 3 ? 4 : 2;
        n = (size_t)(g.size + 2);
        tiles = (g.h + g.size - 1) / g.size * ((g.w + g.size - 1) / g.size);
        g.first = check_between(0, tiles - 1);
        g.count = check_between(1, tiles - g.first);
        g.relu = i % 2;
        g.plane = (size_t)(g.count * g.c + check_between(0, 5));
        planes = (n * n - 1) * g.plane + (size_t)(g.count * g.c);
        map = (size_t)((g.h * g.w - 1) * g.pitch + g.c);
        g.in = random_buffer(map);
        v = check_buffer(planes, (size_t)check_between(0, 15));
        v_want = check_buffer(planes, 0);
        g.out = v;
        k->winograd_input(&g);
        g.out = v_want;
        c->winograd_input(&g);
        for (size_t j = 0; j < planes; j++)
            check_near("winograd_input", j, v[j], (double)v_want[j], 700 * EPS);

        g.in = random_buffer(planes);
        g.bias = random_buffer((size_t)g.c);
        out = check_buffer(map, (size_t)check_between(0, 15));
        out_want = check_buffer(map, 0);
        g.out = out;
        k->winograd_output(&g);
        g.out = out_want;
        c->winograd_output(&g);
        for (size_t j = 0; j < map; j++) {
            check_near("winograd_output", j, out[j], (double)out_want[j], 2500 * EPS);
        }
        check_release("winograd");
    }
}

static void check_gemm(const cptk_kernels *k)
{
    for (int i = 0; i < 40; i++) {
        int m = check_between(1, 20), n = check_between(1, 80), depth = check_between(1, 90);
        int lda = depth + check_between(0, 3), ldb = n + check_between(0, 3), ldc = n + check_between(0, 3);
        float *a = random_buffer((size_t)(m * lda)), *b = random_buffer((size_t)(depth * ldb));
        float *c = check_buffer((size_t)(m * ldc), 0);

        k->gemm(m, n, depth, a, lda, b, ldb, c, ldc);
        for (int at = 0; at < m * n; at++) {
            double sum = 0, size = 0;

            for (int p = 0; p < depth; p++) {
                double product = (double)a[at / n * lda + p] * (double)b[p * ldb + at % n];

                sum += product;
                size += fabs(product);
            }
            check_near("gemm", (size_t)at, c[at / n * ldc + at % n], sum, depth * EPS * size);
        }
        check_release("gemm");
    }
}

void check_conv(const cptk_kernels *k, const cptk_kernels *c)
{
    check_tiles(k);
    check_tile_values(k);
    check_int16(k, c);
    check_bias_act(k, c);
    check_maxpool(k, c);
    check_winograd(k, c);
    check_gemm(k);
}

/* ---- timing ---- */

typedef struct bench_case {
    const cptk_kernels *k;
    cptk_tile t;
    cptk_int16 p;
    cptk_winograd g;
    const float *in;
    float *out;
} bench_case;

static void run_tile(void *user)
{
    const bench_case *b = user;

    b->k->tile(&b->t);
}

static void run_int16(void *user)
{
    const bench_case *b = user;

    b->k->int16(&b->p);
}

static void run_input(void *user)
{
    const bench_case *b = user;

    b->k->winograd_input(&b->g);
}

static void run_output(void *user)
{
    const bench_case *b = user;

    b->k->winograd_output(&b->g);
}

static void run_maxpool(void *user)
{
    const bench_case *b = user;

    b->k->maxpool(b->in, b->out, 112, 112, 64, 0, 56);
}

void bench_conv(const cptk_kernels *k)
{
    static const int counts[] = {1, 3, 5, 8, 10, 14};
    const float *rows[CPTK_MAX_ROWS];
    bench_case b = {.k = k};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char name[40];

        for (int r = 0; r < counts[i]; r++) rows[r] = random_buffer(256);
        b.t = (cptk_tile){.a = rows, .b_panel = 256 * 16, .b_step = 16, .rows = counts[i], .taps = 1};
        b.t.depth = 256;
        b.t.c_stride = 96;
        b.t.n = 96;
        b.t.b = random_buffer(256 * 96);
        b.t.c = check_buffer((size_t)counts[i] * 96, 0);
        (void)snprintf(name, sizeof name, "tile %d x 96, depth 256", counts[i]);
        check_time(name, k->name, run_tile, &b, 2.0 * counts[i] * 96 * 256, "flop");
        check_release(name);
    }
    b.p = (cptk_int16){.c_stride = 96, .rows = 5, .depth = 256, .n = 96};
    b.p.a = random_words(5 * 128, CPTK_INT16_MOST);
    b.p.b = random_words(96 * 128, CPTK_INT16_MOST);
    b.p.a_scale = random_buffer(5);
    b.p.b_scale = random_buffer(96);
    b.p.bias = random_buffer(96);
    b.p.c = check_buffer(5 * 96, 0);
    check_time("int16 5 x 96, depth 256", k->name, run_int16, &b, 2.0 * 5 * 96 * 256, "op");
    b.g = (cptk_winograd){.size = 4, .h = 56, .w = 56, .c = 64, .pitch = 64, .count = 14, .plane = 14 * 64};
    b.g.in = random_buffer(56 * 56 * 64);
    b.g.out = check_buffer(36 * 14 * 64, 0);
    check_time("winograd_input 14 x 64", k->name, run_input, &b, 36 * 14 * 64 * 4.0, "B");
    b.g.in = random_buffer(36 * 14 * 64);
    b.g.out = check_buffer(56 * 56 * 64, 0);
    b.g.bias = random_buffer(64);
    check_time("winograd_output 14 x 64", k->name, run_output, &b, 36 * 14 * 64 * 4.0, "B");
    b.in = random_buffer(112 * 112 * 64);
    b.out = check_buffer(56 * 56 * 64, 0);
    check_time("maxpool 112 x 112 x 64", k->name, run_maxpool, &b, 112 * 112 * 64 * 4.0, "B");
    check_release("bench");
}
