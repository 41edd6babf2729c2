/* check_reduce.c - checks and times the mean over rows and the top k with log-sum-exp. */
#include "test/kernels/check_support.h"

#include <math.h>
#include <string.h>

/* ---- top k and log-sum-exp ---- */

/* By definition: k times the first of the largest that are left. */
static void exact_top(const float *x, int n, int k, int *index, float *value)
{
    static bool taken[20000];
    memset(taken, 0, sizeof taken);
    for (int j = 0; j < k; j++) {
        int best = -1;
        float high = 0;
        for (int i = 0; i < n; i++) {
            const float v = isnan(x[i]) ? -INFINITY : x[i];
            if (!taken[i] && (best < 0 || v > high)) {
                best = i;
                high = v;
            }
        }
        taken[best] = true;
        index[j] = best;
        value[j] = high;
    }
}

static void check_list(const int *index, const float *value, const int *want_index, const float *want_value,
                       int k)
{
    check_same("top_lse", value, want_value, (size_t)k);
    for (int j = 0; j < k; j++) {
        if (index[j] == want_index[j]) continue;
        check_fail("top_lse k %d: index[%d] is %d, not %d", k, j, index[j], want_index[j]);
    }
}

static void check_top_case(const cptk_kernels *kernels, const cptk_kernels *c, const float *x, int n, int k)
{
    int *index = check_bytes((size_t)k * sizeof(int), 4), want_index[64];
    float *value = check_buffer((size_t)k, 3), want_value[64], *lse = check_buffer(1, 1), plain = 0;
    c->top_lse_f32(x, n, k, want_index, want_value, &plain);
    exact_top(x, n, k, want_index, want_value);
    kernels->top_lse_f32(x, n, k, index, value, NULL); /* the list alone */
    check_list(index, value, want_index, want_value, k);
    memset(index, 0, (size_t)k * sizeof *index);
    memset(value, 0, (size_t)k * sizeof *value);
    kernels->top_lse_f32(x, n, k, index, value, lse);
    check_same("top_lse: lse", lse, &plain, 1);
    check_list(index, value, want_index, want_value, k);
    const double max = (double)want_value[0];
    double sum = 0;
    for (int i = 0; i < n; i++) {
        if (!isnan(x[i])) sum += exp((double)x[i] - max);
    }
    const double want = isinf(max) ? max : max + log(sum);
    check_near("top_lse: lse", 0, *lse, want, EPS * (n / 32.0 + 12 + fabs(want)));
}

enum { LOGIT_KINDS = 9 };

static float logit(int kind, int i, int n)
{
    switch (kind) {
    case 0:
        return check_uniform(-10, 10);
    case 1: /* many ties */
        return (float)check_between(-2, 2);
    case 2: /* a new maximum each time */
        return 0.01f * (float)i;
    case 3:
        return -0.01f * (float)i;
    case 4:
        return check_random() % 4 ? check_uniform(-90, 90) : NAN;
    case 5:
        return check_random() % 4 ? -INFINITY : check_uniform(-1, 1);
    case 6:
        return check_random() % 2 ? -INFINITY : NAN;
    case 7:
        return check_random() % 50 ? check_uniform(-1, 1) : INFINITY;
    default:
        return i < n / 2 ? -3e38f : 3e38f;
    }
}

static void check_top_lse(const cptk_kernels *kernels, const cptk_kernels *c, int n, int kind)
{
    const int counts[] = {1, 5, 10, 64, n};
    float *x = check_buffer((size_t)n, (size_t)kind);
    for (int i = 0; i < n; i++) x[i] = logit(kind, i, n);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i] <= n && counts[i] <= 64) check_top_case(kernels, c, x, n, counts[i]);
    }
    check_release("top_lse");
}

/* ---- means ---- */

static void check_mean_rows(const cptk_kernels *k, const cptk_kernels *c, int rows, int n)
{
    const size_t width = (size_t)n, count = (size_t)rows * width;
    float *in = check_buffer(count, 1), *got = check_buffer(width, 2), *want = check_buffer(width, 0);
    check_fill_special(in, count, -6, 6, 24);
    k->mean_rows_f32(in, got, rows, n);
    c->mean_rows_f32(in, want, rows, n);
    check_same("mean_rows", got, want, width);
    for (size_t j = 0; j < width; j++) {
        double sum = 0, size = 0;
        for (size_t i = j; i < count; i += width) {
            sum += (double)in[i];
            size += fabs((double)in[i]);
        }
        if (size < 3e38) check_near("mean_rows", j, got[j], sum / rows, EPS * size + 1e-44);
    }
    check_release("mean_rows");
}

void check_reduce(const cptk_kernels *k, const cptk_kernels *c)
{
    static const int logits[] = {1, 2, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257, 1000, 10111};
    static const int widths[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 48, 100, 255};
    for (size_t s = 0; s < sizeof logits / sizeof *logits; s++) {
        for (int kind = 0; kind < LOGIT_KINDS; kind++) check_top_lse(k, c, logits[s], kind);
    }
    for (size_t s = 0; s < sizeof widths / sizeof *widths; s++) check_mean_rows(k, c, 1 + (int)s, widths[s]);
}

/* ---- timing ---- */

typedef struct reduce_work {
    const cptk_kernels *k;
    float *x, *out;
} reduce_work;

static void run_top_lse(void *user)
{
    const reduce_work *w = user;
    int index[5];
    float value[5], lse = 0;
    w->k->top_lse_f32(w->x, 10111, 5, index, value, &lse);
}

static void run_mean_rows(void *user)
{
    const reduce_work *w = user;
    w->k->mean_rows_f32(w->x, w->out, 49, 2048);
}

void bench_reduce(const cptk_kernels *k)
{
    reduce_work w = {.k = k, .x = check_buffer(49 * 2048, 0), .out = check_buffer(2048, 0)};
    check_fill(w.x, 49 * 2048, -4, 4);
    check_time("top_lse_f32 10111 k 5", k->name, run_top_lse, &w, 10111, "logit");
    check_time("mean_rows_f32 49x2048", k->name, run_mean_rows, &w, 49.0 * 2048 * 4, "B");
    check_release("bench");
}
