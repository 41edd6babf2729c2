/* check_cells.c - checks and times tanh, the recurrent cells and attention. */
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

/* A slice of all floats, every sign and exponent among them. */
static void check_unary(const cptk_kernels *k, const unary *f, uint64_t stride, double bound)
{
    static float x[CHUNK], y[CHUNK];
    double worst = 0;
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32;) {
        for (int i = 0; i < CHUNK; i++, bits += stride) x[i] = from_bits(bits);
        memcpy(y, x, sizeof x);
        f->run(k, y);
        for (int i = 0; i < CHUNK; i++) {
            const double ulp = check_ulp(y[i], f->exact((double)x[i]));
            worst = fmax(worst, ulp);
            if (ulp <= bound) continue;
            check_fail("%s(%a) is %a, %.3f ulp off", f->name, (double)x[i], (double)y[i], ulp);
        }
    }
    printf("%-8s %-8s at most %.3f ulp off, every %lluth float\n", k->name, f->name, worst,
           (unsigned long long)stride);
}

/* softmax of two scores x and 0 is e^x / (1 + e^x); below -17.5 that is e^x itself. */
static void check_exp(const cptk_kernels *k, uint64_t stride)
{
    static const float enc[2] = {50.0f, 0.0f};
    const float zero = 0.0f;
    double worst = 0;
    for (uint64_t bits = 0xC18C0000u; bits <= 0xC2D00000u; bits += stride) { /* -17.5 .. -104 */
        const float x = from_bits(bits);
        float alpha[2];
        const cptk_attention args = {
            .enc = enc, .dec = &zero, .v = &x, .bias = 0, .alpha = alpha, .positions = 2, .n = 1};
        k->attention_f32(&args);
        const double ulp = check_ulp(alpha[0], exp((double)x));
        worst = fmax(worst, ulp);
        if (!(ulp <= 2)) check_fail("exp(%a) is %a, %.3f ulp off", (double)x, (double)alpha[0], ulp);
    }
    printf("%-8s %-8s at most %.3f ulp off, -104 to -17.5\n", k->name, "exp", worst);
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

static void check_gru(const cptk_kernels *k, int rows, int n, bool with_specials)
{
    const size_t count = (size_t)rows * (size_t)n;
    float *x = check_buffer(3 * count, 1), *hw = check_buffer(3 * count, 3);
    float *h = check_buffer(count, 5), *out = check_buffer(count, 7);
    cptk_gates args = {.x = x, .h_in = hw, .h = h, .h_out = out, .rows = rows, .n = n};
    fill_gates(x, hw, 3 * count, with_specials);
    check_fill(h, count, -1, 1);
    k->gru_f32(&args);
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

static void check_lstm(const cptk_kernels *k, int rows, int n, bool with_specials)
{
    const size_t count = (size_t)rows * (size_t)n;
    float *x = check_buffer(4 * count, 1), *hw = check_buffer(4 * count, 3);
    float *c = check_buffer(count, 5), *h_out = check_buffer(count, 7), *c_out = check_buffer(count, 9);
    float *h2 = check_buffer(count, 11);
    cptk_gates args = {.x = x, .h_in = hw, .c = c, .h_out = h_out, .c_out = c_out, .rows = rows, .n = n};
    fill_gates(x, hw, 4 * count, with_specials);
    check_fill(c, count, -3, 3);
    k->lstm_f32(&args);
    for (size_t i = 0; i < count; i++) {
        double want_h = 0, want_c = 0;
        exact_lstm(&args, i / (size_t)n, i % (size_t)n, &want_h, &want_c);
        if (!check_near("lstm cell", i, c_out[i], want_c, 16 * EPS)) break;
        if (!check_near("lstm", i, h_out[i], want_h, 20 * EPS)) break;
    }
    args.c_out = c; /* in place */
    args.h_out = h2;
    k->lstm_f32(&args);
    check_same("lstm in place", c, c_out, count);
    check_same("lstm in place", h2, h_out, count);
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

static void check_attention(const cptk_kernels *k, int positions, int n)
{
    const size_t count = (size_t)positions, width = (size_t)n;
    float *enc = check_buffer(count * width, 1), *dec = check_buffer(width, 2), *v = check_buffer(width, 3);
    float *alpha = check_buffer(count, 4);
    const cptk_attention args = {
        .enc = enc, .dec = dec, .v = v, .bias = 0.25f, .alpha = alpha, .positions = positions, .n = n};
    check_fill(enc, count * width, -2, 2);
    check_fill(dec, width, -2, 2);
    check_fill(v, width, -0.5f, 0.5f);
    k->attention_f32(&args);
    double want[256], size = 0.25;
    exact_alpha(&args, want);
    for (size_t a = 0; a < width; a++) size += fabs((double)v[a]);
    for (size_t p = 0; p < count; p++) {
        const double bound = want[p] * EPS * (2 * (n + 3) * size + positions + 8);
        if (!check_near("attention", p, alpha[p], want[p], bound)) break;
    }
    enc[0] = NAN; /* spreads to every position, as in any softmax */
    k->attention_f32(&args);
    for (size_t p = 0; p < count; p++) {
        if (!isnan(alpha[p])) check_fail("attention: NaN was lost at %zu", p);
    }
    check_release("attention");
}

void check_cells(const cptk_kernels *k, const cptk_kernels *c)
{
    static const unary tanh_slot = {"tanh", through_tanh, tanh};
    static const unary sigmoid_slot = {"sigmoid", through_sigmoid, exact_sigmoid};
    static const int sizes[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 48, 100, 255};
    (void)c;
    check_unary(k, &tanh_slot, check_stride(), 2);
    check_unary(k, &sigmoid_slot, check_stride(), 2);
    check_exp(k, check_stride() < 1009 ? check_stride() : 1009);
    check_tanh_tails(k);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int rows = 1; rows <= 5; rows += 2) {
            check_gru(k, rows, sizes[s], rows == 3);
            check_lstm(k, rows, sizes[s], rows == 3);
        }
        check_attention(k, 1, sizes[s]);
        check_attention(k, sizes[s], 1 + sizes[s] / 2);
        check_attention(k, 49, sizes[s]);
    }
    check_attention(k, 49, 256);
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

void bench_cells(const cptk_kernels *k)
{
    const size_t size = 4 * BEAMS * UNITS;
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
    check_release("bench");
}
