/* check_int16.c - checks and times rounding to int16 and the product of int16. */
#include "test/kernels/check_support.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Element k of a row of words that hold two each. */
static int element(const uint32_t *words, int k)
{
    return (int16_t)(k % 2 ? words[k / 2] >> 16 : words[k / 2] & 0xFFFFu);
}

/* ---- rounding ---- */

static bool same_rounded(const cptk_rounded *a, const cptk_rounded *b)
{
    return check_same("round_i16: scale", &a->scale, &b->scale, 1) &&
           check_same("round_i16: length", &a->length, &b->length, 1) &&
           check_same("round_i16: moved", &a->moved, &b->moved, 1);
}

/* By hand: the scale is 1, and ties go to the even neighbour. */
static void check_round_by_hand(const cptk_kernels *k)
{
    static const float x[] = {0.5f, -1.5f, CPTK_INT16_MOST, 2.5f, -0.5f, 3.25f, -7.0f};
    static const int want[] = {0, -2, CPTK_INT16_MOST, 2, 0, 3, -7, 0};
    uint32_t pairs[4];
    cptk_rounded rounded;
    k->round_i16(x, 7, pairs, &rounded);
    for (int i = 0; i < 8; i++) {
        if (element(pairs, i) != want[i]) {
            check_fail("round_i16: element %d is %d, not %d", i, element(pairs, i), want[i]);
        }
    }
    check_near("round_i16: scale", 0, rounded.scale, 1, 0);
    check_near("round_i16: length", 0, rounded.length, 16383.0021, 0.001); /* sqrt(16383^2 + 68.5625) */
    check_near("round_i16: moved", 0, rounded.moved, sqrt(1.0625), 1e-6);  /* sqrt(4 / 4 + 1 / 16) */
}

/* What has no scale: zeros, values that are too small, NaN, infinities, a length that overflows. */
static void check_round_special(const cptk_kernels *k, int n)
{
    static const struct {
        float value;
        double length; /* of a vector in which only the last element is not zero */
    } cases[] = {
        {0, 0},     {-0.0f, 0},           {1e-45f, 0},           {FLT_MIN, 0},      {1e-35f, 0},
        {NAN, NAN}, {INFINITY, INFINITY}, {-INFINITY, INFINITY}, {1e20f, INFINITY}, {FLT_MAX, INFINITY}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float *x = check_buffer((size_t)n, i);
        const size_t words = ((size_t)n + 1) / 2;
        uint32_t *pairs = check_bytes(words * sizeof *pairs, 4 * (i % 16));
        memset(x, 0, (size_t)n * sizeof *x);
        x[n - 1] = cases[i].value;
        cptk_rounded rounded;
        k->round_i16(x, n, pairs, &rounded);
        for (size_t w = 0; w < words; w++) {
            if (pairs[w] != 0) check_fail("round_i16 of %g: word %zu is not 0", (double)cases[i].value, w);
        }
        check_near("round_i16: no scale", i, rounded.scale, 0, 0);
        check_near("round_i16: length", i, rounded.length, cases[i].length, 0);
        check_near("round_i16: moved", i, rounded.moved, cases[i].length, 0);
        check_release("round_i16");
    }
}

/* Against double: every element is as near as its scale allows, and the lengths are those of what it gave. */
static void expect_rounded(const float *x, int n, const uint32_t *pairs, const cptk_rounded *r)
{
    double most = 0, squares = 0, moved = 0;
    for (int i = 0; i < n; i++) {
        const double off = element(pairs, i) * (double)r->scale - (double)x[i];
        most = fmax(most, fabs((double)x[i]));
        squares += (double)x[i] * (double)x[i];
        moved += off * off;
        if (!(fabs(off) <= 0.502 * (double)r->scale)) check_fail("round_i16: [%d] is off by %g", i, off);
    }
    const double slack = (n / 32.0 + 20) * EPS / 2, lost = sqrt(n) * ldexp(1, -74);
    const double length = sqrt(squares), far = sqrt(moved);
    check_near("round_i16: scale", 0, r->scale, most / CPTK_INT16_MOST, EPS * most / CPTK_INT16_MOST);
    check_near("round_i16: length", 0, r->length, length, slack * length + lost);
    check_near("round_i16: moved", 0, r->moved, far, slack * far + EPS / 2 * length + lost);
}

/* Every tail, magnitudes of almost the whole range, denormals among the elements; the same bits as plain C.
 */
static void check_round(const cptk_kernels *k, const cptk_kernels *c)
{
    static const float sizes[] = {1, 1e-25f, 3e-16f, 1e-3f, 1e15f};
    for (int i = 0; i < 400; i++) {
        const int n = i < 70 ? i + 1 : check_between(1, 1100);
        const float size = sizes[i % 5];
        float *x = check_buffer((size_t)n, (size_t)check_between(0, 15));
        const size_t bytes = ((size_t)n + 1) / 2 * sizeof(uint32_t);
        uint32_t *got = check_bytes(bytes, 4 * (size_t)check_between(0, 15)), *want = check_bytes(bytes, 0);
        check_fill(x, (size_t)n, -size, size);
        if (i % 7 == 0) x[n / 2] = 1e-45f;
        cptk_rounded rounded;
        k->round_i16(x, n, got, &rounded);
        cptk_rounded plain;
        c->round_i16(x, n, want, &plain);
        if (same_rounded(&rounded, &plain) && memcmp(got, want, bytes) != 0) {
            check_fail("round_i16: n %d: other bits than plain C", n);
        }
        if (n % 2 && got[n / 2] >> 16) check_fail("round_i16: n %d: the last upper half is not 0", n);
        if (rounded.scale > 0) expect_rounded(x, n, got, &rounded);
        check_release("round_i16");
    }
}

/* ---- product ---- */

/* Words of two elements of at most `most` in magnitude; in every fourth both are as large as that. */
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

static cptk_product random_product(int i)
{
    cptk_product g = {.rows = check_between(1, i % 10 ? 9 : 40),
                      .depth = i % 3 ? check_between(1, 40) : check_between(1, 300),
                      .n = check_between(1, 70)};
    const size_t words = (size_t)(g.depth + 1) / 2;
    uint32_t *a = random_words((size_t)g.rows * words, CPTK_INT16_MOST);
    for (int m = 0; g.depth % 2 && m < g.rows; m++) a[(size_t)(m + 1) * words - 1] &= 0xFFFFu;
    g.a = a;
    g.b = random_words((size_t)((g.n + 15) / 16) * words * 16, CPTK_INT16_MOST);
    g.a_scale = check_random_buffer((size_t)g.rows);
    g.b_scale = check_random_buffer((size_t)g.n);
    g.bias = check_random_buffer((size_t)g.n);
    g.c_stride = (size_t)(g.n + check_between(0, 9));
    return g;
}

/* Against int64. */
static void expect_product(const cptk_product *g, int m, int j)
{
    const size_t words = (size_t)(g->depth + 1) / 2;
    const double scale = (double)g->a_scale[m] * (double)g->b_scale[j], bias = (double)g->bias[j];
    double size = 0;
    int64_t sum = 0;
    for (int d = 0; d < g->depth; d++) {
        const uint32_t *b = g->b + ((size_t)(j / 16) * words + (size_t)(d / 2)) * 16 + j % 16;
        const int64_t product = (int64_t)element(g->a + (size_t)m * words, d) * element(b, d % 2);
        sum += product;
        size += fabs((double)product);
    }
    check_near("product_i16", (size_t)(m * g->n + j), g->c[(size_t)m * g->c_stride + (size_t)j],
               (double)sum * scale + bias,
               EPS * ((g->depth / CPTK_INT16_BLOCK + 5) * size * fabs(scale) + fabs(bias)));
}

/* Against int64, and bit by bit against plain C. */
static void check_product(const cptk_kernels *k, const cptk_kernels *c)
{
    for (int i = 0; i < 300; i++) {
        cptk_product g = random_product(i);
        const size_t outputs = (size_t)(g.rows - 1) * g.c_stride + (size_t)g.n;
        const float *want = g.c = check_buffer(outputs, 0);
        c->product_i16(&g);
        g.c = check_buffer(outputs, (size_t)check_between(0, 15));
        k->product_i16(&g);
        check_same("product_i16", g.c, want, outputs); /* what lies between the rows too */
        for (int m = 0; m < g.rows; m++) {
            for (int j = 0; j < g.n; j++) expect_product(&g, m, j);
        }
        check_release("product_i16");
    }
}

void check_int16(const cptk_kernels *k, const cptk_kernels *c)
{
    check_round_by_hand(k);
    for (int n = 1; n <= 40; n++) check_round_special(k, n);
    check_round(k, c);
    check_product(k, c);
}

/* ---- timing ---- */

typedef struct int16_work {
    const cptk_kernels *k;
    cptk_product product;
    const float *x;
    uint32_t *pairs;
} int16_work;

static void run_product(void *user)
{
    const int16_work *w = user;
    w->k->product_i16(&w->product);
}

static void run_round(void *user)
{
    const int16_work *w = user;
    cptk_rounded rounded;
    w->k->round_i16(w->x, 1024, w->pairs, &rounded);
}

void bench_int16(const cptk_kernels *k)
{
    int16_work w = {.k = k,
                    .product = {.a = random_words(5 * 128, CPTK_INT16_MOST),
                                .b = random_words(96 * 128, CPTK_INT16_MOST),
                                .a_scale = check_random_buffer(5),
                                .b_scale = check_random_buffer(96),
                                .bias = check_random_buffer(96),
                                .c = check_buffer(5 * 96, 0),
                                .c_stride = 96,
                                .rows = 5,
                                .depth = 256,
                                .n = 96},
                    .x = check_random_buffer(1024),
                    .pairs = check_bytes(512 * sizeof(uint32_t), 0)};
    check_time("product_i16 5 x 96, depth 256", k->name, run_product, &w, 2.0 * 5 * 96 * 256, "op");
    check_time("round_i16 1024", k->name, run_round, &w, 1024, "float");
    check_release("bench");
}
