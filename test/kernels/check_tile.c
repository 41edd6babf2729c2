/* check_tile.c - checks and times the tile product and gemm. */
#include "test/kernels/check_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- tile ---- */

typedef struct tile_case {
    cptk_tile t;
    const float *rows[4 * CPTK_MAX_ROWS]; /* [taps][rows] */
    float *c;
} tile_case;

/* The weight in row k and column j. */
static double weight(const cptk_tile *t, size_t k, int j)
{
    return (double)t->b[(size_t)(j / 16) * t->b_panel + k * 16 + (size_t)(j % 16)];
}

/* Random weights in panels, the last of which is filled up with zeros. */
static void make_panels(cptk_tile *t)
{
    const size_t panels = (size_t)(t->n + 15) / 16, k_count = (size_t)(t->taps * t->depth);
    float *b = check_random_buffer(panels * k_count * 16);
    t->b = b;
    t->b_panel = k_count * 16;
    for (size_t k = 0; k < k_count; k++) {
        for (size_t j = (size_t)t->n % 16; j > 0 && j < 16; j++) {
            b[(panels - 1) * t->b_panel + 16 * k + j] = 0;
        }
    }
}

/* A random product. */
static void make_tile(tile_case *x, int rows, int n, int depth)
{
    cptk_tile *t = &x->t;
    *t = (cptk_tile){.rows = rows, .taps = check_between(1, 4), .depth = depth, .n = n};
    make_panels(t);
    const float *a = check_random_buffer((size_t)(t->taps * rows * depth));
    for (int i = 0; i < t->taps * rows; i++) {
        /* some rows are shared, as the zeros of a convolution's padding are */
        x->rows[i] = i > 0 && i % 5 == 0 ? x->rows[i - 1] : a + i * depth;
    }
    t->a = x->rows;
    t->c_stride = (size_t)(n + check_between(0, 9));
    t->add_stride = (size_t)(n + check_between(0, 9));
    x->c = check_buffer((size_t)(rows - 1) * t->c_stride + (size_t)n, (size_t)check_between(0, 15));
    t->c = x->c;
    if (check_random() % 2) t->bias = check_random_buffer((size_t)n);
    if (check_random() % 2) t->add = check_random_buffer((size_t)(rows - 1) * t->add_stride + (size_t)n);
    t->relu = check_random() % 2;
    t->soon_step = check_between(0, 64);
}

static void expect_tile(const tile_case *x, int m, int j)
{
    const cptk_tile *t = &x->t;
    double sum = 0, size = 0;
    for (int tap = 0; tap < t->taps; tap++) {
        for (int d = 0; d < t->depth; d++) {
            const size_t k = (size_t)(tap * t->depth + d);
            const double product = (double)t->a[tap * t->rows + m][d] * weight(t, k, j);
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
    check_near("tile_f32", (size_t)(m * t->n + j), t->c[(size_t)m * t->c_stride + (size_t)j], sum,
               (t->taps * t->depth + 4) * EPS * size + 1e-44);
}

/* Every output is the same in a tile of its own row and panel, and the gaps between rows are left alone. */
static void check_cut(const cptk_kernels *k, const tile_case *x)
{
    const cptk_tile *t = &x->t;
    const int m = check_between(0, t->rows - 1), j = check_between(0, t->n - 1) / 16 * 16;
    const float *rows[4];
    for (int tap = 0; tap < t->taps; tap++) rows[tap] = t->a[tap * t->rows + m];
    cptk_tile part = *t;
    part.a = rows;
    part.rows = 1;
    part.n = t->n - j < 16 ? t->n - j : 16;
    part.b += (size_t)(j / 16) * t->b_panel;
    if (t->bias) part.bias += j;
    if (t->add) part.add += (size_t)m * t->add_stride + (size_t)j;
    float alone[16];
    part.c = alone;
    k->tile_f32(&part);
    check_same("tile_f32 cut", x->c + (size_t)m * t->c_stride + j, alone, (size_t)part.n);
    for (int r = 0; r + 1 < t->rows; r++) {
        for (size_t g = (size_t)t->n; g < t->c_stride; g++) {
            if (!isnan(x->c[(size_t)r * t->c_stride + g])) check_fail("tile: wrote between rows");
        }
    }
}

/* Every number of rows that a tile may have, with random sizes. */
static void check_tiles(const cptk_kernels *k)
{
    static const int depths[] = {1, 2, 3, 7, 21, 64, 130};
    for (int rows = 1; rows <= CPTK_MAX_ROWS; rows++) {
        for (int i = 0; i < 60; i++) {
            int n = check_between(1, 200);
            if (i < 20) n = check_between(1, 40);
            if (i >= 20 && i < 30) n = 16 * check_between(1, 9);
            tile_case x;
            make_tile(&x, rows, n, depths[check_random() % 7]);
            k->tile_f32(&x.t);
            for (int m = 0; m < rows; m++) {
                for (int j = 0; j < n; j++) expect_tile(&x, m, j);
            }
            check_cut(k, &x);
            check_release("tile_f32");
        }
    }
}

/* One row whose products and sums are special values: a NaN, an infinity or a denormal goes where arithmetic
 * takes it.  The result replaces what is added. */
static void check_tile_values(const cptk_kernels *k)
{
    for (int i = 0; i < 200; i++) {
        const int n = check_between(1, 40), padded = (n + 15) / 16 * 16;
        float *c = check_buffer((size_t)n, 3), *b = check_buffer((size_t)padded, 1);
        const float a = i < 150 ? check_special() : 0.75f, *row = &a;
        memset(b, 0, (size_t)padded * sizeof *b);
        check_fill_special(b, (size_t)n, -2, 2, 4);
        check_fill_special(c, (size_t)n, -2, 2, 4);
        float add[40];
        memcpy(add, c, (size_t)n * sizeof *add);
        const cptk_tile t = {.a = &row,
                             .b = b,
                             .b_panel = 16,
                             .add = c,
                             .c = c,
                             .rows = 1,
                             .taps = 1,
                             .depth = 1,
                             .n = n,
                             .relu = i % 2};
        k->tile_f32(&t);
        for (int j = 0; j < n; j++) {
            const double product = (double)a * (double)b[j];
            double want = product + (double)add[j];
            /* the product alone may overflow, or only the sum, depending on where rounding happens */
            if (fabs(product) > 3.4e38 && isfinite(product)) continue;
            if (fabs(want) > 3.4e38 && isfinite(want)) continue;
            if (t.relu && want < 0) want = 0;
            const double bound = 2 * EPS * (fabs(product) + fabs((double)add[j])) + 1e-44;
            check_near("tile_f32 value", (size_t)j, c[j], want, bound);
        }
        check_release("tile_f32 value");
    }
}

/* ---- gemm ---- */

static void expect_gemm(const cptk_gemm *g, int row, int column)
{
    double sum = 0, size = 0;
    for (int p = 0; p < g->k; p++) {
        const double product = (double)g->a[row * g->lda + p] * (double)g->b[p * g->ldb + column];
        sum += product;
        size += fabs(product);
    }
    check_near("gemm_f32", (size_t)(row * g->n + column), g->c[row * g->ldc + column], sum,
               g->k * EPS * size);
}

static void check_gemm(const cptk_kernels *k)
{
    for (int i = 0; i < 40; i++) {
        cptk_gemm g = {.sgemm = k->sgemm,
                       .m = check_between(1, 20),
                       .n = check_between(1, 80),
                       .k = check_between(1, 90)};
        g.lda = g.k + check_between(0, 3);
        g.ldb = g.n + check_between(0, 3);
        g.ldc = g.n + check_between(0, 3);
        g.a = check_random_buffer((size_t)(g.m * g.lda));
        g.b = check_random_buffer((size_t)(g.k * g.ldb));
        g.c = check_buffer((size_t)(g.m * g.ldc), 0);
        k->gemm_f32(&g);
        for (int row = 0; row < g.m; row++) {
            for (int column = 0; column < g.n; column++) expect_gemm(&g, row, column);
            for (int gap = g.n; gap < g.ldc; gap++) {
                if (!isnan(g.c[row * g.ldc + gap])) check_fail("gemm: wrote between rows");
            }
        }
        check_release("gemm_f32");
    }
}

void check_tile(const cptk_kernels *k, const cptk_kernels *c)
{
    (void)c;
    check_tiles(k);
    check_tile_values(k);
    check_gemm(k);
}

/* ---- timing ---- */

typedef struct tile_work {
    const cptk_kernels *k;
    cptk_tile tile;
    cptk_gemm gemm;
} tile_work;

static void run_tile(void *user)
{
    const tile_work *w = user;
    w->k->tile_f32(&w->tile);
}

static void run_gemm(void *user)
{
    const tile_work *w = user;
    w->k->gemm_f32(&w->gemm);
}

void bench_tile(const cptk_kernels *k)
{
    static const int counts[] = {1, 3, 5, 8, 10, 14};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const float *rows[CPTK_MAX_ROWS];
        for (int r = 0; r < counts[i]; r++) rows[r] = check_random_buffer(256);
        tile_work w = {.k = k,
                       .tile = {.a = rows,
                                .b = check_random_buffer(256 * 96),
                                .b_panel = 256 * 16,
                                .c = check_buffer((size_t)counts[i] * 96, 0),
                                .c_stride = 96,
                                .rows = counts[i],
                                .taps = 1,
                                .depth = 256,
                                .n = 96}};
        char name[40];
        (void)snprintf(name, sizeof name, "tile_f32 %d x 96, depth 256", counts[i]);
        check_time(name, k->name, run_tile, &w, 2.0 * counts[i] * 96 * 256, "flop");
        check_release(name);
    }
    tile_work w = {.k = k,
                   .gemm = {.sgemm = k->sgemm,
                            .a = check_random_buffer(49 * 256),
                            .b = check_random_buffer(256 * 96),
                            .c = check_buffer(49 * 96, 0),
                            .m = 49,
                            .n = 96,
                            .k = 256,
                            .lda = 256,
                            .ldb = 96,
                            .ldc = 96}};
    check_time("gemm_f32 49 x 96, depth 256", k->name, run_gemm, &w, 2.0 * 49 * 96 * 256, "flop");
    check_release("gemm_f32");
}
