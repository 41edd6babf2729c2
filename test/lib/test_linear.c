/* Tests of Linear layers against sums in double: a few rows, some columns, all positions of a map, and that
 * threads and cuts change no bit.  Those of int16 against sums in int64_t, and that instruction sets change
 * no bit either. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/layers/linear.h"
#include "lib/platform/cpu.h"

enum { MAX_ROWS = 40, CANARY = 16 };

static const uint32_t masks[] = {
    0,
    CAPTION_CPU_AVX2,
    CAPTION_CPU_AVX2 | CAPTION_CPU_AVX2_VNNI,
    CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512,
    CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512 | CAPTION_CPU_AVX512_VNNI,
    CAPTION_CPU_NEON,
    CAPTION_CPU_NEON | CAPTION_CPU_NEON_DOT,
};

typedef struct layer {
    cpt_linear linear;
    float *plain;  /* [out, in] */
    float *weight; /* the same in panels */
    float *bias;   /* [out], or NULL */
    float *x;      /* [MAX_ROWS, pitch of in], NaN in the gaps */
    int pitch;
} layer;

static uint32_t seed = 7;

static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 8388608.0f - 1.0f;
}

static float *block(size_t floats)
{
    float *p = aligned_alloc(64, (floats * sizeof *p + 127) / 64 * 64);
    assert_non_null(p);
    return p;
}

static layer make_layer(int out, int in, bool has_bias)
{
    const size_t panels = (size_t)(out + 15) / 16, pitch = (size_t)cpt_map_pitch(in);
    layer l = {
        .plain = block((size_t)out * (size_t)in),
        .weight = block(panels * (size_t)in * 16),
        .bias = has_bias ? block((size_t)out) : NULL,
        .x = block(MAX_ROWS * pitch),
        .pitch = (int)pitch,
    };
    memset(l.weight, 0, panels * (size_t)in * 16 * sizeof(float));
    memset(l.x, 0xFF, MAX_ROWS * pitch * sizeof(float));
    for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
            l.plain[o * in + i] = uniform();
            l.weight[(o / 16 * in + i) * 16 + o % 16] = l.plain[o * in + i];
        }
        if (has_bias) l.bias[o] = uniform();
    }
    for (size_t r = 0; r < MAX_ROWS; r++) {
        for (size_t i = 0; i < (size_t)in; i++) l.x[r * pitch + i] = uniform();
    }
    l.linear = (cpt_linear){
        .layout = CAPW_PANELS, .out = out, .taps = 1, .in = in, .weight = l.weight, .bias = l.bias};
    return l;
}

static void free_layer(layer *l)
{
    free(l->plain);
    free(l->weight);
    free(l->bias);
    free(l->x);
}

static void check_sums(const layer *l, const float *out, int rows, const char *isa)
{
    const int n = l->linear.in, width = l->linear.out;
    for (int r = 0; r < rows; r++) {
        for (int o = 0; o < width; o++) {
            const float *x = l->x + r * l->pitch, *w = l->plain + o * n;
            double sum = l->bias ? (double)l->bias[o] : 0, size = fabs(sum);
            for (int i = 0; i < n; i++) {
                sum += (double)w[i] * (double)x[i];
                size += fabs((double)w[i] * (double)x[i]);
            }
            const double got = (double)out[r * width + o];
            if (!(fabs(got - sum) <= (n + 1) * ldexp(size, -23))) {
                fail_msg("%s: %d rows, %d -> %d: [%d][%d] is %g, not %g", isa, rows, n, width, r, o, got,
                         sum);
            }
        }
    }
}

static cpt_pool *start_pool(int threads, void **memory)
{
    bool failed = false;
    *memory = block(cpt_pool_size(threads) / sizeof(float) + 1);
    cpt_pool *pool = cpt_pool_init(*memory, threads, &failed);
    assert_false(failed);
    return pool;
}

static float *guarded(size_t floats)
{
    float *out = block(floats + CANARY);
    memset(out, 0xFF, (floats + CANARY) * sizeof *out);
    return out;
}

static void check_guard(const float *out, size_t floats)
{
    for (size_t i = 0; i < CANARY; i++) assert_true(isnan(out[floats + i]));
}

/* Rows, the same columns by columns, and with three threads. */
static void check_rows(const layer *l, int rows, const cptk_kernels *kernels)
{
    const size_t width = (size_t)l->linear.out, floats = (size_t)rows * width;
    const float *x[MAX_ROWS];
    float *out = guarded(floats), *other = guarded(floats);
    const cpt_linear_args args = {.x = x, .out = other, .rows = rows};
    void *memory;
    cpt_pool *pool = start_pool(3, &memory);
    for (int r = 0; r < rows; r++) x[r] = l->x + r * l->pitch;
    cpt_linear_rows(&l->linear, x, rows, out, kernels, NULL);
    check_guard(out, floats);
    check_sums(l, out, rows, kernels->name);
    for (int first = 0; first < l->linear.out; first += 48) {
        const int left = l->linear.out - first;
        cpt_linear_columns(&l->linear, &args, first, left < 48 ? left : 48, kernels);
    }
    assert_memory_equal(out, other, floats * sizeof *out);
    check_guard(other, floats);
    memset(other, 0xFF, floats * sizeof *other);
    cpt_linear_rows(&l->linear, x, rows, other, kernels, pool);
    assert_memory_equal(out, other, floats * sizeof *out);
    check_guard(other, floats);
    cpt_pool_close(pool);
    free(memory);
    free(out);
    free(other);
}

static void check_map(const layer *l, int positions, const cptk_kernels *kernels)
{
    const size_t floats = (size_t)positions * (size_t)l->linear.out;
    float *first = guarded(floats), *out = guarded(floats);
    for (int threads = 1; threads <= 3; threads++) {
        const size_t bytes = cpt_linear_map_scratch(&l->linear, positions, threads, kernels);
        float *scratch = guarded(bytes / sizeof(float) + 1);
        const cpt_linear_map_args args = {
            .in = l->x, .out = threads == 1 ? first : out, .positions = positions, .scratch = scratch};
        void *memory;
        cpt_pool *pool = start_pool(threads, &memory);
        cpt_linear_map(&l->linear, &args, kernels, pool);
        check_guard(scratch, bytes / sizeof(float) + 1);
        check_guard(args.out, floats);
        if (threads > 1) assert_memory_equal(first, out, floats * sizeof *out);
        cpt_pool_close(pool);
        free(memory);
        free(scratch);
    }
    check_sums(l, first, positions, kernels->name);
    free(first);
    free(out);
}

static void all_sizes(void **state)
{
    /* out, in: one chunk of columns and several; rows with and without gaps */
    static const int sizes[][2] = {{1, 1}, {16, 3}, {17, 8}, {37, 12}, {530, 5}, {1100, 33}, {48, 512}};
    static const int rows[] = {1, 2, 5, 6, 7, 14, 16, 17, 33, MAX_ROWS};
    (void)state;
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        if ((masks[m] & cpt_cpu_detect()) != masks[m]) continue;
        cptk_kernels kernels;
        cptk_kernels_init(&kernels, masks[m]);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            layer l = make_layer(sizes[s][0], sizes[s][1], s % 2 == 0);
            for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
                check_rows(&l, rows[r], &kernels);
                check_map(&l, rows[r], &kernels);
            }
            free_layer(&l);
        }
    }
}

/* ---- int16 ---- */

typedef struct i16_layer {
    cpt_linear linear;
    cpt_rows_i16 x;
    int most;                /* largest magnitude of an element */
    int16_t *plain, *states; /* [out, in] and [MAX_ROWS, in] */
    uint32_t *pairs, *state_pairs;
    float *scale, *bias, *state_scale;
} i16_layer;

static void put_element(uint32_t *word, int k, int16_t element)
{
    *word |= (uint32_t)(uint16_t)element << (k % 2 * 16);
}

/* An integer of -most..most; one in ten is an end of that range. */
static int16_t element(int most)
{
    const float u = uniform(), v = uniform();
    return (int16_t)(v > 0.8f ? (u < 0 ? -most : most) : (int)(u * (float)most));
}

/* Scales are powers of two.  Biases are multiples of 1 / 8. */
static i16_layer make_i16_layer(int out, int in, int most)
{
    const size_t words = ((size_t)in + 1) / 2, panels = ((size_t)out + 15) / 16;
    i16_layer l = {
        .most = most,
        .plain = calloc((size_t)out * (size_t)in, sizeof(int16_t)),
        .states = calloc(MAX_ROWS * (size_t)in, sizeof(int16_t)),
        .pairs = calloc(panels * words * 16, sizeof(uint32_t)),
        .state_pairs = calloc(MAX_ROWS * words, sizeof(uint32_t)),
        .scale = block((size_t)out),
        .bias = block((size_t)out),
        .state_scale = block(MAX_ROWS),
    };
    assert_true(l.plain && l.states && l.pairs && l.state_pairs);
    for (int o = 0; o < out; o++) {
        l.scale[o] = ldexpf(1, -3 - o % 5);
        l.bias[o] = (float)(o % 23 - 11) / 8;
        for (int i = 0; i < in; i++) {
            l.plain[o * in + i] = element(most);
            put_element(&l.pairs[((size_t)(o / 16) * words + (size_t)i / 2) * 16 + (size_t)o % 16], i,
                        l.plain[o * in + i]);
        }
    }
    for (int r = 0; r < MAX_ROWS; r++) {
        l.state_scale[r] = ldexpf(1, -r % 7);
        for (int i = 0; i < in; i++) {
            l.states[r * in + i] = element(most);
            put_element(&l.state_pairs[(size_t)r * words + (size_t)i / 2], i, l.states[r * in + i]);
        }
    }
    l.linear = (cpt_linear){
        .dtype = CAPW_INT16,
        .layout = CAPW_PAIRS,
        .out = out,
        .taps = 1,
        .in = in,
        .pairs = l.pairs,
        .scale = l.scale,
        .bias = l.bias,
    };
    l.x = (cpt_rows_i16){.pairs = l.state_pairs, .scale = l.state_scale, .rows = MAX_ROWS};
    return l;
}

static void free_i16_layer(i16_layer *l)
{
    free(l->plain);
    free(l->states);
    free(l->pairs);
    free(l->state_pairs);
    free(l->scale);
    free(l->bias);
    free(l->state_scale);
}

/* Where all sums are below 2^24, floats hold them, and only the last addition rounds. */
static void check_i16_sums(const i16_layer *l, const float *out, int rows)
{
    const int n = l->linear.in, width = l->linear.out;
    const bool exact = (int64_t)n * l->most * l->most < 1 << 24;
    for (int r = 0; r < rows; r++) {
        for (int o = 0; o < width; o++) {
            const double scale = (double)l->state_scale[r] * (double)l->scale[o], bias = (double)l->bias[o];
            int64_t sum = 0, size = 0;
            for (int i = 0; i < n; i++) {
                const int64_t term = (int64_t)l->plain[o * n + i] * l->states[r * n + i];
                sum += term;
                size += term < 0 ? -term : term;
            }
            const float got = out[r * width + o], want = (float)((double)sum * scale + bias);
            const double off = fabs((double)got - (double)want);
            if (!(off <= (exact ? 0 : (n / 8 + 4) * ldexp((double)size * scale + fabs(bias), -24)))) {
                fail_msg("%d rows, %d -> %d: [%d][%d] is %g, not %g", rows, n, width, r, o, (double)got,
                         (double)want);
            }
        }
    }
}

/* One thread with plain C against the definition; then three threads and every instruction set against that.
 */
static void check_i16_rows(i16_layer *l, int rows)
{
    const size_t floats = (size_t)rows * (size_t)l->linear.out;
    float *out = guarded(floats), *other = guarded(floats);
    void *memory;
    cpt_pool *pool = start_pool(3, &memory);
    cptk_kernels kernels;
    l->x.rows = rows;
    cptk_kernels_init(&kernels, 0);
    cpt_linear_rows_i16(&l->linear, &l->x, out, &kernels, NULL);
    check_guard(out, floats);
    check_i16_sums(l, out, rows);
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        if ((masks[m] & cpt_cpu_detect()) != masks[m]) continue;
        cptk_kernels_init(&kernels, masks[m]);
        for (int threads = 1; threads <= 3; threads += 2) {
            memset(other, 0xFF, floats * sizeof *other);
            cpt_linear_rows_i16(&l->linear, &l->x, other, &kernels, threads == 1 ? NULL : pool);
            assert_memory_equal(out, other, floats * sizeof *out);
            check_guard(other, floats);
        }
    }
    cpt_pool_close(pool);
    free(memory);
    free(out);
    free(other);
}

static void int16_rows(void **state)
{
    /* out, in: one chunk of columns and several, with and without a last part; odd and even depths */
    static const int sizes[][2] = {{1, 1}, {16, 2}, {17, 9}, {37, 64}, {512, 7}, {529, 33}, {1100, 131}};
    static const int most[] = {100, CPTK_INT16_MOST};
    static const int rows[] = {1, 2, 5, 7, 17, MAX_ROWS};
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
            i16_layer l = make_i16_layer(sizes[s][0], sizes[s][1], most[i]);
            for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) check_i16_rows(&l, rows[r]);
            free_i16_layer(&l);
        }
    }
}

/* ---- pitches ---- */

/* 512 floats are 2 KiB: a multiple of it gets a line of 16 more. */
static void pitches(void **state)
{
    (void)state;
    assert_int_equal(cpt_map_pitch(1), 1);
    assert_int_equal(cpt_map_pitch(511), 511);
    assert_int_equal(cpt_map_pitch(512), 528);
    assert_int_equal(cpt_map_pitch(768), 768);
    assert_int_equal(cpt_map_pitch(2048), 2064);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_sizes), cmocka_unit_test(int16_rows),
                                       cmocka_unit_test(pitches)};
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
