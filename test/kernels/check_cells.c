/* check_cells.c - checks and times tanh, the recurrent cells, attention and weighted sums of rows.  All have
 * the bits of plain C at every level.  The errors of exp, tanh and sigmoid are therefore those of plain C. */
#include "test/kernels/check_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHUNK 1021 /* odd, so that every call has a tail */

static float from_bits(uint64_t bits)
{
    const uint32_t u = (uint32_t)bits;
    float x = 0;
    memcpy(&x, &u, sizeof x);
    return x;
}

static double exact_sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

/* x[0..CHUNK-1] through the tanh slot. */
static void through_tanh(const cptk_kernels *k, float *x)
{
    k->tanh_f32(x, CHUNK);
}

/* Through an LSTM whose cell stays at 50, where tanh is 1: h' = sigmoid(o). */
static void through_sigmoid(const cptk_kernels *k, float *x)
{
    static float gates[4 * CHUNK], zeros[4 * CHUNK], cell[CHUNK];
    const cptk_gates args = {
        .x = gates, .h_in = zeros, .c = cell, .h_out = x, .c_out = cell, .rows = 1, .n = CHUNK};
    for (int i = 0; i < CHUNK; i++) {
        gates[i] = 0.0f;
        gates[CHUNK + i] = 100.0f;
        gates[2 * CHUNK + i] = 0.0f;
        gates[3 * CHUNK + i] = x[i];
        cell[i] = 50.0f;
    }
    k->lstm_f32(&args);
}

typedef struct unary {
    const char *name;
    void (*run)(const cptk_kernels *k, float *x);
    double (*exact)(double x);
} unary;

/* Whether k is plain C as well. */
static bool is_plain(const cptk_kernels *k, const cptk_kernels *c)
{
    return k->tanh_f32 == c->tanh_f32;
}

static void print_worst(const char *level, const char *name, double worst, uint64_t stride)
{
    printf("%-10s %-8s at most %.3f ulp off, every %lluth float\n", level, name, worst,
           (unsigned long long)stride);
}

/* The largest distance of y from f(x), at most `bound`. */
static double worst_ulp(const unary *f, const float *x, const float *y, double bound)
{
    double worst = 0;
    for (int i = 0; i < CHUNK; i++) {
        const double ulp = check_ulp(y[i], f->exact((double)x[i]));
        worst = fmax(worst, ulp);
        if (ulp <= bound) continue;
        check_fail("%s(%a) is %a, %.3f ulp off", f->name, (double)x[i], (double)y[i], ulp);
    }
    return worst;
}

/* A slice of all floats, every sign and exponent among them. */
static void check_unary(const cptk_kernels *k, const cptk_kernels *c, const unary *f, double bound)
{
    static float x[CHUNK], y[CHUNK], want[CHUNK];
    const uint64_t stride = check_stride();
    double worst = 0;
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32;) {
        for (int i = 0; i < CHUNK; i++, bits += stride) x[i] = from_bits(bits);
        memcpy(y, x, sizeof x);
        f->run(k, y);
        if (is_plain(k, c)) {
            worst = fmax(worst, worst_ulp(f, x, y, bound));
        } else {
            memcpy(want, x, sizeof x);
            f->run(c, want);
            check_same(f->name, y, want, CHUNK);
        }
    }
    if (is_plain(k, c)) print_worst(k->name, f->name, worst, stride);
}

/* softmax of two scores x and 0 is e^x / (1 + e^x); below -17.5 that is e^x itself. */
static float through_softmax(const cptk_kernels *k, float x)
{
    static const float enc[2] = {50.0f, 0.0f};
    const float zero = 0.0f;
    float alpha[2];
    const cptk_attention args = {
        .enc = enc, .dec = &zero, .v = &x, .bias = 0, .alpha = alpha, .positions = 2, .n = 1};
    k->attention_f32(&args);
    return alpha[0];
}

static void check_exp(const cptk_kernels *k, const cptk_kernels *c)
{
    const uint64_t stride = check_stride() < 1009 ? check_stride() : 1009;
    double worst = 0;
    for (uint64_t bits = 0xC18C0000u; bits <= 0xC2D00000u; bits += stride) { /* -17.5 .. -104 */
        const float x = from_bits(bits), y = through_softmax(k, x);
        if (is_plain(k, c)) {
            const double ulp = check_ulp(y, exp((double)x));
            worst = fmax(worst, ulp);
            if (!(ulp <= 2)) check_fail("exp(%a) is %a, %.3f ulp off", (double)x, (double)y, ulp);
        } else {
            const float want = through_softmax(c, x);
            check_same("exp", &y, &want, 1);
        }
    }
    if (is_plain(k, c)) print_worst(k->name, "exp", worst, stride);
}

/* Every length and alignment. */
static void check_tanh_tails(const cptk_kernels *k)
{
    for (int n = 1; n <= 70; n++) {
        float *x = check_buffer((size_t)n, (size_t)n % 16);
        for (int i = 0; i < n; i++) x[i] = check_specials[(size_t)i % CHECK_SPECIALS];
        k->tanh_f32(x, n);
        for (int i = 0; i < n; i++) {
            const double want = tanh((double)check_specials[(size_t)i % CHECK_SPECIALS]);
            const bool sign = isnan(want) || !signbit(x[i]) == !signbit(want);
            if (!(check_ulp(x[i], want) <= 2) || !sign) {
                check_fail("tanh [%d of %d] is %a", i, n, (double)x[i]);
            }
        }
        check_release("tanh");
    }
}

/* ---- cells ---- */

/* What gates get: x with special values among them if wanted, and smaller h. */
static void fill_gates(float *x, float *h, size_t n, bool with_specials)
{
    if (with_specials) {
        check_fill_special(x, n, -6, 6, 8);
    } else {
        check_fill(x, n, -6, 6);
    }
    check_fill(h, n, -2, 2);
}

/* The new state in double, and the sizes that its error may be proportional to. */
static void exact_gru(const cptk_gates *a, size_t row, size_t j, double *h, double *size)
{
    const size_t n = (size_t)a->n, g = row * 3 * n + j;
    const double r = exact_sigmoid((double)(a->x[g] + a->h_in[g]));
    const double z = exact_sigmoid((double)(a->x[g + n] + a->h_in[g + n]));
    const double x = a->x[g + 2 * n], hw = a->h_in[g + 2 * n], before = a->h[row * n + j];
    *h = (1 - z) * tanh(x + r * hw) + z * before;
    *size = 1 + fabs(before) + fabs(x) + fabs(hw);
}

static void exact_lstm(const cptk_gates *a, size_t row, size_t j, double *h, double *c)
{
    const size_t n = (size_t)a->n, g = row * 4 * n + j;
    const double i = exact_sigmoid((double)(a->x[g] + a->h_in[g]));
    const double f = exact_sigmoid((double)(a->x[g + n] + a->h_in[g + n]));
    const double t = tanh((double)(a->x[g + 2 * n] + a->h_in[g + 2 * n]));
    const double o = exact_sigmoid((double)(a->x[g + 3 * n] + a->h_in[g + 3 * n]));
    *c = f * (double)a->c[row * n + j] + i * t;
    *h = o * tanh(*c);
}

static void check_gru(const cptk_kernels *k, const cptk_kernels *c, int rows, int n, bool with_specials)
{
    const size_t count = (size_t)rows * (size_t)n;
    float *x = check_buffer(3 * count, 1), *hw = check_buffer(3 * count, 3);
    float *h = check_buffer(count, 5), *out = check_buffer(count, 7), *plain = check_buffer(count, 0);
    cptk_gates args = {.x = x, .h_in = hw, .h = h, .h_out = plain, .rows = rows, .n = n};
    fill_gates(x, hw, 3 * count, with_specials);
    check_fill(h, count, -1, 1);
    c->gru_f32(&args);
    args.h_out = out;
    k->gru_f32(&args);
    check_same("gru", out, plain, count);
    for (size_t i = 0; i < count; i++) {
        double want = 0, size = 0;
        exact_gru(&args, i / (size_t)n, i % (size_t)n, &want, &size);
        if (!check_near("gru", i, out[i], want, isfinite(size) ? 4 * EPS * fmin(size, 20) : 1e-6)) break;
    }
    args.h_out = h; /* in place */
    k->gru_f32(&args);
    check_same("gru in place", h, out, count);
    check_release("gru");
}

/* The same bits as plain C, beside each other and in place. */
static void check_lstm_bits(const cptk_kernels *k, const cptk_kernels *plain, const cptk_gates *args,
                            float *cell)
{
    const size_t count = (size_t)args->rows * (size_t)args->n;
    float *h = check_buffer(count, 11), *c = check_buffer(count, 1);
    cptk_gates other = *args;
    other.h_out = h;
    other.c_out = c;
    plain->lstm_f32(&other);
    check_same("lstm", args->h_out, h, count);
    check_same("lstm cell", args->c_out, c, count);
    other.c_out = cell;
    k->lstm_f32(&other);
    check_same("lstm in place", h, args->h_out, count);
    check_same("lstm cell in place", cell, args->c_out, count);
}

static void check_lstm(const cptk_kernels *k, const cptk_kernels *plain, int rows, int n, bool with_specials)
{
    const size_t count = (size_t)rows * (size_t)n;
    float *x = check_buffer(4 * count, 1), *hw = check_buffer(4 * count, 3);
    float *c = check_buffer(count, 5), *h_out = check_buffer(count, 7), *c_out = check_buffer(count, 9);
    const cptk_gates args = {
        .x = x, .h_in = hw, .c = c, .h_out = h_out, .c_out = c_out, .rows = rows, .n = n};
    fill_gates(x, hw, 4 * count, with_specials);
    check_fill(c, count, -3, 3);
    k->lstm_f32(&args);
    for (size_t i = 0; i < count; i++) {
        double want_h = 0, want_c = 0;
        exact_lstm(&args, i / (size_t)n, i % (size_t)n, &want_h, &want_c);
        if (!check_near("lstm cell", i, c_out[i], want_c, 16 * EPS)) break;
        if (!check_near("lstm", i, h_out[i], want_h, 20 * EPS)) break;
    }
    check_lstm_bits(k, plain, &args, c);
    check_release("lstm");
}

/* ---- attention ---- */

/* The softmax of the scores in double, at most 256 of them. */
static void exact_alpha(const cptk_attention *args, double *alpha)
{
    const size_t positions = (size_t)args->positions, n = (size_t)args->n;
    double sum = 0, max = -INFINITY;
    for (size_t p = 0; p < positions; p++) {
        alpha[p] = (double)args->bias;
        for (size_t a = 0; a < n; a++) {
            alpha[p] += (double)args->v[a] * tanh((double)(args->enc[p * n + a] + args->dec[a]));
        }
        max = fmax(max, alpha[p]);
    }
    for (size_t p = 0; p < positions; p++) {
        alpha[p] = exp(alpha[p] - max);
        sum += alpha[p];
    }
    for (size_t p = 0; p < positions; p++) alpha[p] /= sum;
}

static void check_attention(const cptk_kernels *k, const cptk_kernels *c, int positions, int n)
{
    const size_t count = (size_t)positions, width = (size_t)n;
    float *enc = check_buffer(count * width, 1), *dec = check_buffer(width, 2), *v = check_buffer(width, 3);
    float *alpha = check_buffer(count, 4), *plain = check_buffer(count, 0);
    cptk_attention args = {
        .enc = enc, .dec = dec, .v = v, .bias = 0.25f, .alpha = plain, .positions = positions, .n = n};
    check_fill(enc, count * width, -2, 2);
    check_fill(dec, width, -2, 2);
    check_fill(v, width, -0.5f, 0.5f);
    c->attention_f32(&args);
    args.alpha = alpha;
    k->attention_f32(&args);
    check_same("attention", alpha, plain, count);
    double want[256], size = 0.25;
    exact_alpha(&args, want);
    for (size_t a = 0; a < width; a++) size += fabs((double)v[a]);
    for (size_t p = 0; p < count; p++) {
        const double bound = want[p] * EPS * (2 * (n / 16.0 + 8) * size + positions + 8);
        if (!check_near("attention", p, alpha[p], want[p], bound)) break;
    }
    enc[0] = NAN; /* spreads to every position, as in any softmax */
    k->attention_f32(&args);
    for (size_t p = 0; p < count; p++) {
        if (!isnan(alpha[p])) check_fail("attention: NaN was lost at %zu", p);
    }
    check_release("attention");
}

/* ---- weighted rows ---- */

static void check_weighted(const cptk_kernels *k, const cptk_kernels *c, int rows, int n, bool with_specials)
{
    const int terms = check_between(1, 60);
    const size_t width = (size_t)(n + check_between(0, 20)), count = (size_t)rows * width;
    float *in = check_buffer((size_t)terms * width, (size_t)n % 16), *out = check_buffer(count, 3);
    float *before = check_buffer(count, 0), *plain = check_buffer(count, 0);
    const float *weight = check_random_buffer((size_t)rows * (size_t)terms);
    check_fill_special(in, (size_t)terms * width, -2, 2, with_specials ? 20 : UINT32_MAX);
    check_fill(before, count, -2, 2);
    memcpy(out, before, count * sizeof *out);
    memcpy(plain, before, count * sizeof *out);
    cptk_weighted_rows args = {
        .weight = weight, .in = in, .out = plain, .stride = width, .rows = rows, .terms = terms, .n = n};
    c->weighted_rows_f32(&args);
    args.out = out;
    k->weighted_rows_f32(&args);
    check_same("weighted_rows", out, plain, count);
    for (size_t i = 0; i < count && !with_specials; i++) {
        if (i % width >= (size_t)n) continue;
        double sum = (double)before[i], size = fabs(sum);
        for (size_t p = 0; p < (size_t)terms; p++) {
            const double product =
                (double)weight[i / width * (size_t)terms + p] * (double)in[p * width + i % width];
            sum += product;
            size += fabs(product);
        }
        if (!check_near("weighted_rows", i, out[i], sum, (terms + 1) * EPS * size)) break;
    }
    check_release("weighted_rows");
}

void check_cells(const cptk_kernels *k, const cptk_kernels *c)
{
    static const unary tanh_slot = {"tanh", through_tanh, tanh};
    static const unary sigmoid_slot = {"sigmoid", through_sigmoid, exact_sigmoid};
    static const int sizes[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 48, 100, 255};
    check_unary(k, c, &tanh_slot, 2);
    check_unary(k, c, &sigmoid_slot, 2);
    check_exp(k, c);
    check_tanh_tails(k);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int rows = 1; rows <= 5; rows += 2) {
            check_gru(k, c, rows, sizes[s], rows == 3);
            check_lstm(k, c, rows, sizes[s], rows == 3);
        }
        check_attention(k, c, 1, sizes[s]);
        check_attention(k, c, sizes[s], 1 + sizes[s] / 2);
        check_attention(k, c, 49, sizes[s]);
        for (int rows = 1; rows <= 20; rows++) check_weighted(k, c, rows, sizes[s], rows % 2 == 0);
    }
    check_attention(k, c, 49, 256);
}

/* ---- timing ---- */

enum { BEAMS = 5, UNITS = 1024 };

typedef struct cell_work {
    const cptk_kernels *k;
    float *x, *y, *z, *out;
} cell_work;

static void run_tanh(void *user)
{
    const cell_work *w = user;
    w->k->tanh_f32(w->out, UNITS);
}

static void run_gru(void *user)
{
    const cell_work *w = user;
    const cptk_gates args = {.x = w->x, .h_in = w->y, .h = w->z, .h_out = w->out, .rows = BEAMS, .n = UNITS};
    w->k->gru_f32(&args);
}

static void run_lstm(void *user)
{
    const cell_work *w = user;
    const cptk_gates args = {.x = w->x,
                             .h_in = w->y,
                             .c = w->z,
                             .h_out = w->out,
                             .c_out = w->out + BEAMS * UNITS,
                             .rows = BEAMS,
                             .n = UNITS};
    w->k->lstm_f32(&args);
}

static void run_attention(void *user)
{
    const cell_work *w = user;
    const cptk_attention args = {
        .enc = w->x, .dec = w->y, .v = w->z, .alpha = w->out, .positions = 49, .n = 256};
    w->k->attention_f32(&args);
}

static void run_weighted(void *user)
{
    const cell_work *w = user;
    const cptk_weighted_rows args = {
        .weight = w->z,
        .in = w->x,
        .out = w->out,
        .stride = 3 * UNITS,
        .rows = BEAMS,
        .terms = 49,
        .n = 3 * UNITS,
    };
    w->k->weighted_rows_f32(&args);
}

void bench_cells(const cptk_kernels *k)
{
    const size_t size = 49 * 3 * UNITS;
    cell_work w = {.k = k,
                   .x = check_buffer(size, 0),
                   .y = check_buffer(size, 0),
                   .z = check_buffer(size, 0),
                   .out = check_buffer(size, 0)};
    check_fill(w.x, size, -4, 4);
    check_fill(w.y, size, -4, 4);
    check_fill(w.z, size, -1, 1);
    check_fill(w.out, size, -4, 4);
    check_time("tanh_f32 1024", k->name, run_tanh, &w, UNITS, "tanh");
    check_time("gru_f32 5x1024", k->name, run_gru, &w, BEAMS * UNITS, "unit");
    check_time("lstm_f32 5x1024", k->name, run_lstm, &w, BEAMS * UNITS, "unit");
    check_time("attention_f32 49x256", k->name, run_attention, &w, 49 * 256, "tanh");
    check_fill(w.out, size, -4, 4); /* no denormals, whose sums would take longer */
    check_time("weighted_rows_f32 5x49x3072", k->name, run_weighted, &w, 2.0 * BEAMS * 49 * 3 * UNITS,
               "flop");
    check_release("bench");
}
