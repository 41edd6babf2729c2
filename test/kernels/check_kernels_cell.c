/* check_kernels_cell.c - checks and times the slots that are not convolution.  Used by test_kernels only. */
#include "test/kernels/check_kernels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EPS 1.1920929e-7 /* 2^-23 */
#define CHUNK 1021       /* odd, so that every call has a tail */

/* Values that arithmetic trips over. */
static const float specials[] = {0.0f,     -0.0f,     1.0f,   -1.0f,     1e-45f, -1e-45f, 1e-39f,  -1e-39f,
                                 1e-20f,   88.0f,     -88.0f, -103.5f,   1e30f,  -1e30f,  3.4e38f, -3.4e38f,
                                 INFINITY, -INFINITY, NAN,    0.624999f, 0.625f, 9.0f,    -9.02f,  20.0f};
#define SPECIALS (sizeof specials / sizeof *specials)

static float from_bits(uint64_t bits)
{
    uint32_t u = (uint32_t)bits;
    float x;
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
    k->tanh(x, CHUNK);
}

/* Through an LSTM whose cell stays at 50, where tanh is 1: h' = sigmoid(o). */
static void through_sigmoid(const cptk_kernels *k, float *x)
{
    static float gates[4 * CHUNK], zeros[4 * CHUNK], cell[CHUNK];
    cptk_gates args = {gates, zeros, NULL, cell, x, cell, 1, CHUNK};
    for (int i = 0; i < CHUNK; i++) {
        gates[i] = 0.0f;
        gates[CHUNK + i] = 100.0f;
        gates[2 * CHUNK + i] = 0.0f;
        gates[3 * CHUNK + i] = x[i];
        cell[i] = 50.0f;
    }
    k->lstm(&args);
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
            double ulp = check_ulp(y[i], f->exact((double)x[i]));
            if (ulp > worst) worst = ulp;
            if (!(ulp <= bound))
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
        float x = from_bits(bits), alpha[2];
        cptk_attention args = {enc, &zero, &x, 0.0f, alpha, 2, 1};
        double ulp;
        k->attention(&args);
        ulp = check_ulp(alpha[0], exp((double)x));
        if (ulp > worst) worst = ulp;
        if (!(ulp <= 2)) check_fail("exp(%a) is %a, %.3f ulp off", (double)x, (double)alpha[0], ulp);
    }
    printf("%-8s %-8s at most %.3f ulp off, -104 to -17.5\n", k->name, "exp", worst);
}

/* Every length and alignment, values beyond the end untouched; the same result as in a full vector. */
static void check_tanh_tails(const cptk_kernels *k)
{
    for (int n = 1; n <= 70; n++) {
        float *x = check_buffer((size_t)n, (size_t)n % 16);
        for (int i = 0; i < n; i++) x[i] = specials[(size_t)i % SPECIALS];
        k->tanh(x, n);
        for (int i = 0; i < n; i++) {
            double want = tanh((double)specials[(size_t)i % SPECIALS]);
            if (!(check_ulp(x[i], want) <= 2) || signbit(x[i]) != signbit((float)want))
                if (!isnan(want)) check_fail("tanh [%d of %d] is %a", i, n, (double)x[i]);
        }
        check_release("tanh");
    }
}

/* ---- cells ---- */

static float gate_value(int with_specials)
{
    if (with_specials && check_random() % 8 == 0) return specials[check_random() % SPECIALS];
    return check_uniform(-6, 6);
}

static void exact_gru(const cptk_gates *a, size_t row, size_t j, double *h, double *size)
{
    size_t n = (size_t)a->n, g = row * 3 * n + j;
    double r = exact_sigmoid((double)(a->x[g] + a->h_in[g]));
    double z = exact_sigmoid((double)(a->x[g + n] + a->h_in[g + n]));
    double x = a->x[g + 2 * n], hw = a->h_in[g + 2 * n], before = a->h[row * n + j];
    *h = (1 - z) * tanh(x + r * hw) + z * before;
    *size = 1 + fabs(before) + fabs(x) + fabs(hw);
}

static void exact_lstm(const cptk_gates *a, size_t row, size_t j, double *h, double *c)
{
    size_t n = (size_t)a->n, g = row * 4 * n + j;
    double i = exact_sigmoid((double)(a->x[g] + a->h_in[g]));
    double f = exact_sigmoid((double)(a->x[g + n] + a->h_in[g + n]));
    double t = tanh((double)(a->x[g + 2 * n] + a->h_in[g + 2 * n]));
    double o = exact_sigmoid((double)(a->x[g + 3 * n] + a->h_in[g + 3 * n]));
    *c = f * (double)a->c[row * n + j] + i * t;
    *h = o * tanh(*c);
}

static void check_gru(const cptk_kernels *k, int rows, int n, int with_specials)
{
    size_t count = (size_t)rows * (size_t)n;
    float *x = check_buffer(3 * count, 1), *hw = check_buffer(3 * count, 3);
    float *h = check_buffer(count, 5), *out = check_buffer(count, 7);
    cptk_gates args = {x, hw, h, NULL, out, NULL, rows, n};
    for (size_t i = 0; i < 3 * count; i++) {
        x[i] = gate_value(with_specials);
        hw[i] = check_uniform(-2, 2);
    }
    check_fill(h, count, -1, 1);
    k->gru(&args);
    for (size_t i = 0; i < count; i++) {
        double want, size;
        exact_gru(&args, i / (size_t)n, i % (size_t)n, &want, &size);
        if (!check_near("gru", i, out[i], want, isfinite(size) ? 4 * EPS * fmin(size, 20) : 1e-6)) break;
    }
    args.h_out = h; /* in place */
    k->gru(&args);
    (void)check_same("gru in place", h, out, count);
    check_release("gru");
}

static void check_lstm(const cptk_kernels *k, int rows, int n, int with_specials)
{
    size_t count = (size_t)rows * (size_t)n;
    float *x = check_buffer(4 * count, 1), *hw = check_buffer(4 * count, 3);
    float *c = check_buffer(count, 5), *h_out = check_buffer(count, 7), *c_out = check_buffer(count, 9);
    float *h2 = check_buffer(count, 11);
    cptk_gates args = {x, hw, NULL, c, h_out, c_out, rows, n};
    for (size_t i = 0; i < 4 * count; i++) {
        x[i] = gate_value(with_specials);
        hw[i] = check_uniform(-2, 2);
    }
    check_fill(c, count, -3, 3);
    k->lstm(&args);
    for (size_t i = 0; i < count; i++) {
        double want_h, want_c;
        exact_lstm(&args, i / (size_t)n, i % (size_t)n, &want_h, &want_c);
        if (!check_near("lstm cell", i, c_out[i], want_c, 16 * EPS)) break;
        if (!check_near("lstm", i, h_out[i], want_h, 20 * EPS)) break;
    }
    args.c_out = c; /* in place */
    args.h_out = h2;
    k->lstm(&args);
    (void)check_same("lstm in place", c, c_out, count);
    (void)check_same("lstm in place", h2, h_out, count);
    check_release("lstm");
}

/* ---- attention ---- */

static void check_attention(const cptk_kernels *k, int positions, int n)
{
    size_t p_count = (size_t)positions, width = (size_t)n;
    float *enc = check_buffer(p_count * width, 1), *dec = check_buffer(width, 2);
    float *v = check_buffer(width, 3), *alpha = check_buffer(p_count, 4);
    cptk_attention args = {enc, dec, v, 0.25f, alpha, positions, n};
    double scores[256], sum = 0, size = 0.25, max = -INFINITY;
    check_fill(enc, p_count * width, -2, 2);
    check_fill(dec, width, -2, 2);
    check_fill(v, width, -0.5f, 0.5f);
    k->attention(&args);
    for (size_t a = 0; a < width; a++) size += fabs((double)v[a]);
    for (size_t p = 0; p < p_count; p++) {
        scores[p] = 0.25;
        for (size_t a = 0; a < width; a++)
            scores[p] += (double)v[a] * tanh((double)(enc[p * width + a] + dec[a]));
        max = fmax(max, scores[p]);
    }
    for (size_t p = 0; p < p_count; p++) sum += exp(scores[p] - max);
    for (size_t p = 0; p < p_count; p++) {
        double want = exp(scores[p] - max) / sum;
        double bound = want * EPS * (2 * (n + 3) * size + positions + 8);
        if (!check_near("attention", p, alpha[p], want, bound)) break;
    }
    enc[0] = NAN; /* spreads to every position, as in any softmax */
    k->attention(&args);
    for (size_t p = 0; p < p_count; p++)
        if (!isnan(alpha[p])) check_fail("attention: NaN was lost at %zu", p);
    check_release("attention");
}

/* ---- top k and log-sum-exp ---- */

/* By definition: k times the first of the largest that are left. */
static void exact_top(const float *x, int n, int k, int *index, float *value)
{
    static unsigned char taken[20000];
    memset(taken, 0, sizeof taken);
    for (int j = 0; j < k; j++) {
        int best = -1;
        float high = 0;
        for (int i = 0; i < n; i++) {
            float v = isnan(x[i]) ? -INFINITY : x[i];
            if (!taken[i] && (best < 0 || v > high)) {
                best = i;
                high = v;
            }
        }
        taken[best] = 1;
        index[j] = best;
        value[j] = high;
    }
}

static void check_top_case(const cptk_kernels *kernels, const float *x, int n, int k)
{
    int *index = check_bytes((size_t)k * sizeof(int), 4), want_index[64];
    float *value = check_buffer((size_t)k, 3), want_value[64], *lse = check_buffer(1, 1);
    double sum = 0, want;
    exact_top(x, n, k, want_index, want_value);
    kernels->top_lse(x, n, k, index, value, lse);
    (void)check_same("top_lse", value, want_value, (size_t)k);
    for (int j = 0; j < k; j++)
        if (index[j] != want_index[j])
            check_fail("top_lse n %d k %d: index[%d] is %d, not %d", n, k, j, index[j], want_index[j]);
    for (int i = 0; i < n; i++)
        if (!isnan(x[i])) sum += exp((double)x[i] - (double)want_value[0]);
    want = isinf(want_value[0]) ? (double)want_value[0] : (double)want_value[0] + log(sum);
    (void)check_near("top_lse: lse", 0, *lse, want, EPS * (n / 4.0 + 4 + fabs(want)));
}

static void fill_logits(float *x, int n, int kind)
{
    for (int i = 0; i < n; i++) switch (kind) {
        case 0:
            x[i] = check_uniform(-10, 10);
            break;
        case 1:
            x[i] = (float)check_between(-2, 2);
            break; /* many ties */
        case 2:
            x[i] = 0.01f * (float)i;
            break; /* a new maximum each time */
        case 3:
            x[i] = -0.01f * (float)i;
            break;
        case 4:
            x[i] = check_random() % 4 ? check_uniform(-90, 90) : NAN;
            break;
        case 5:
            x[i] = check_random() % 4 ? -INFINITY : check_uniform(-1, 1);
            break;
        case 6:
            x[i] = check_random() % 2 ? -INFINITY : NAN;
            break;
        case 7:
            x[i] = check_random() % 50 ? check_uniform(-1, 1) : INFINITY;
            break;
        default:
            x[i] = i < n / 2 ? -3e38f : 3e38f;
            break;
        }
}

static void check_top_lse(const cptk_kernels *kernels)
{
    static const int sizes[] = {1, 2, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257, 1000, 10111};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int kind = 0; kind <= 8; kind++) {
            int n = sizes[s], ks[] = {1, 5, 10, 64, n};
            float *x = check_buffer((size_t)n, (size_t)kind);
            fill_logits(x, n, kind);
            for (size_t i = 0; i < sizeof ks / sizeof *ks; i++)
                if (ks[i] <= n && ks[i] <= 64) check_top_case(kernels, x, n, ks[i]);
            check_release("top_lse");
        }
}

/* ---- copies and means ---- */

static void check_mean_rows(const cptk_kernels *k, const cptk_kernels *c, int rows, int n)
{
    size_t count = (size_t)rows * (size_t)n;
    float *in = check_buffer(count, 1), *got = check_buffer((size_t)n, 2), *want = check_buffer((size_t)n, 0);
    for (size_t i = 0; i < count; i++) in[i] = gate_value(i % 3 == 0);
    k->mean_rows(in, got, rows, n);
    c->mean_rows(in, want, rows, n);
    (void)check_same("mean_rows", got, want, (size_t)n);
    for (size_t j = 0; j < (size_t)n; j++) {
        double sum = 0, size = 0;
        for (size_t i = j; i < count; i += (size_t)n) {
            sum += (double)in[i];
            size += fabs((double)in[i]);
        }
        if (size < 3e38) (void)check_near("mean_rows", j, got[j], sum / rows, EPS * size + 1e-44);
    }
    check_release("mean_rows");
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
    k->normalize(in, got, n, mean, std);
    (void)check_same("normalize", got, want, (size_t)n * 3);
    check_release("normalize");
}

void check_cell(const cptk_kernels *k, const cptk_kernels *c)
{
    static const unary tanh_slot = {"tanh", through_tanh, tanh};
    static const unary sigmoid_slot = {"sigmoid", through_sigmoid, exact_sigmoid};
    static const int sizes[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 48, 100, 255};
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
        check_mean_rows(k, c, 1 + (int)s, sizes[s]);
        check_normalize(k, sizes[s]);
    }
    check_attention(k, 49, 256);
    check_normalize(k, 1000);
    check_top_lse(k);
}

/* ---- timing ---- */

typedef struct work {
    const cptk_kernels *k;
    float *x, *y, *z, *out;
    uint8_t *bytes;
} work;

static void work_tanh(void *user)
{
    const work *w = user;
    w->k->tanh(w->x, 1024);
}

static void work_gru(void *user)
{
    const work *w = user;
    cptk_gates args = {w->x, w->y, w->z, NULL, w->out, NULL, 5, 1024};
    w->k->gru(&args);
}

static void work_lstm(void *user)
{
    const work *w = user;
    cptk_gates args = {w->x, w->y, NULL, w->z, w->out, w->out + 5 * 1024, 5, 1024};
    w->k->lstm(&args);
}

static void work_attention(void *user)
{
    const work *w = user;
    cptk_attention args = {w->x, w->y, w->z, 0, w->out, 49, 256};
    w->k->attention(&args);
}

static void work_top_lse(void *user)
{
    const work *w = user;
    int index[5];
    float value[5], lse;
    w->k->top_lse(w->x, 10111, 5, index, value, &lse);
}

static void work_mean_rows(void *user)
{
    const work *w = user;
    w->k->mean_rows(w->x, w->out, 49, 2048);
}

static void work_normalize(void *user)
{
    static const float mean[3] = {0.5f, 0.5f, 0.5f}, std[3] = {0.25f, 0.25f, 0.25f};
    const work *w = user;
    w->k->normalize(w->bytes, w->out, 224 * 224, mean, std);
}

void bench_cell(const cptk_kernels *k)
{
    const size_t size = 224 * 224 * 3;
    work w = {k,
              check_buffer(size, 0),
              check_buffer(size, 0),
              check_buffer(size, 0),
              check_buffer(size, 0),
              check_bytes(size, 0)};
    check_fill(w.x, size, -4, 4);
    check_fill(w.y, size, -4, 4);
    check_fill(w.z, size, -1, 1);
    check_time("tanh 1024", k->name, work_tanh, &w, 1024, "tanh");
    check_fill(w.x, size, -4, 4);
    check_time("gru 5x1024", k->name, work_gru, &w, 5 * 1024, "unit");
    check_time("lstm 5x1024", k->name, work_lstm, &w, 5 * 1024, "unit");
    check_time("attention 49x256", k->name, work_attention, &w, 49 * 256, "tanh");
    check_time("top_lse 10111 k 5", k->name, work_top_lse, &w, 10111, "logit");
    check_time("mean_rows 49x2048", k->name, work_mean_rows, &w, 49.0 * 2048 * 4, "B");
    check_time("normalize 224x224", k->name, work_normalize, &w, 224.0 * 224 * 3, "B");
    check_release("bench");
}
