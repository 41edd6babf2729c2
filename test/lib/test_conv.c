/* Tests of the convolution driver: every algorithm, every instruction set, odd shapes, against sums in
 * double; and that the number of threads changes no bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/layers/conv.h"
#include "lib/platform/cpu.h"

static uint32_t seed = 1;

static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 8388608.0f - 1.0f;
}

static void *block(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    assert_non_null(p);
    return p;
}

static float *random_floats(size_t n)
{
    float *x = block(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = uniform();
    return x;
}

/* A layer with random weights, and its plain [k, k, in_c, out_c] form. */
typedef struct layer {
    cpt_conv conv;
    float *plain, *weight, *winograd, *bias;
    float *in, *add, *out, *want;
    double *bound; /* sum of |a b| per output */
    int batch;
    size_t outputs;
} layer;

static const double g2[4][3] = {
    {1, 0, 0}, {1.0 / 2, 1.0 / 2, 1.0 / 2}, {1.0 / 2, -1.0 / 2, 1.0 / 2}, {0, 0, 1}};
static const double g4[6][3] = {
    {1.0 / 4, 0, 0},
    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6},
    {1.0 / 24, -1.0 / 12, 1.0 / 6},
    {0, 0, 1},
};

static float plain_weight(const layer *l, int ky, int kx, int i, int o)
{
    const cpt_conv *c = &l->conv;
    return l
        ->plain[((size_t)(ky * c->kernel + kx) * (size_t)c->in_c + (size_t)i) * (size_t)c->out_c + (size_t)o];
}

/* The copy for tiles of size x size outputs, in the place of another. */
static void pack_winograd(layer *l, int size)
{
    cpt_conv *c = &l->conv;
    const double(*g)[3] = size == 2 ? g2 : g4;
    int panels = (c->out_c + 15) / 16, side = size + 2, count = side * side * panels * c->in_c * 16;
    free(l->winograd);
    l->winograd = block((size_t)count * sizeof(float));
    for (int p = 0; p < count; p++) {
        int e = p / 16 / c->in_c / panels, o = p / 16 / c->in_c % panels * 16 + p % 16, i = p / 16 % c->in_c;
        double sum = 0;
        for (int t = 0; t < 9 && o < c->out_c; t++) {
            sum += g[e / side][t / 3] * g[e % side][t % 3] * (double)plain_weight(l, t / 3, t % 3, i, o);
        }
        l->winograd[p] = (float)sum;
    }
    c->winograd = (cpt_matrix){
        .layout = size == 2 ? CAPW_WINOGRAD2 : CAPW_WINOGRAD,
        .out = c->out_c,
        .taps = 9,
        .in = c->in_c,
        .weight = l->winograd,
    };
}

static void pack(layer *l)
{
    cpt_conv *c = &l->conv;
    int panels = (c->out_c + 15) / 16, taps = c->kernel * c->kernel;
    l->weight = block((size_t)(panels * taps * c->in_c * 16) * sizeof(float));
    for (int p = 0; p < panels * taps * c->in_c * 16; p++) {
        int o = p / 16 / c->in_c / taps * 16 + p % 16, k = p / 16 % (taps * c->in_c);
        l->weight[p] = o < c->out_c ? l->plain[k * c->out_c + o] : 0;
    }
    c->filters = (cpt_matrix){.layout = CAPW_PANELS,
                              .out = c->out_c,
                              .taps = taps,
                              .in = c->in_c,
                              .weight = l->weight,
                              .bias = l->bias};
    l->winograd = NULL;
    if (c->kernel == 3) pack_winograd(l, 4);
}

static void expect(layer *l, size_t at)
{
    const cpt_conv *c = &l->conv;
    int o = (int)(at % (size_t)c->out_c), position = (int)(at / (size_t)c->out_c);
    int x = position % c->out_w, y = position / c->out_w % c->out_h, image = position / c->out_w / c->out_h;
    double sum = (double)l->bias[o] + (l->add ? (double)l->add[at] : 0), bound = fabs(sum);
    for (int t = 0; t < c->kernel * c->kernel; t++) {
        int iy = y * c->stride - c->pad + t / c->kernel, ix = x * c->stride - c->pad + t % c->kernel;
        if (iy < 0 || iy >= c->in_h || ix < 0 || ix >= c->in_w) continue;
        for (int i = 0; i < c->in_c; i++) {
            double product = (double)l->in[((image * c->in_h + iy) * c->in_w + ix) * c->in_c + i] *
                             (double)plain_weight(l, t / c->kernel, t % c->kernel, i, o);
            sum += product;
            bound += fabs(product);
        }
    }
    l->want[at] = (float)(c->relu && sum < 0 ? 0 : sum);
    l->bound[at] = bound;
}

/* shape: in_h, in_w, in_c, out_c, kernel, stride, pad */
static layer make_layer(const int shape[7], int batch, int add)
{
    layer l = {.batch = batch};
    cpt_conv *c = &l.conv;
    c->in_h = shape[0];
    c->in_w = shape[1];
    c->in_c = shape[2];
    c->out_c = shape[3];
    c->kernel = shape[4];
    c->stride = shape[5];
    c->pad = shape[6];
    c->out_h = (c->in_h + 2 * c->pad - c->kernel) / c->stride + 1;
    c->out_w = (c->in_w + 2 * c->pad - c->kernel) / c->stride + 1;
    c->relu = (shape[2] + shape[3]) % 2;
    l.outputs = (size_t)(batch * c->out_h * c->out_w * c->out_c);
    l.plain = random_floats((size_t)(c->kernel * c->kernel * c->in_c * c->out_c));
    l.bias = random_floats((size_t)c->out_c);
    l.in = random_floats((size_t)(batch * c->in_h * c->in_w * c->in_c));
    l.add = add ? random_floats(l.outputs) : NULL;
    l.out = block(l.outputs * sizeof(float) + 64);
    l.want = block(l.outputs * sizeof(float));
    l.bound = block(l.outputs * sizeof(double));
    pack(&l);
    for (size_t i = 0; i < l.outputs; i++) expect(&l, i);
    return l;
}

static void free_layer(layer *l)
{
    free(l->plain);
    free(l->weight);
    free(l->winograd);
    free(l->bias);
    free(l->in);
    free(l->add);
    free(l->out);
    free(l->want);
    free(l->bound);
}

/* Runs with guarded scratch; `in_place`: the result replaces what is added. */
static void run(layer *l, caption_conv algorithm, const cptk_kernels *kernels, int threads, int in_place)
{
    size_t bytes = cpt_conv_scratch(&l->conv, algorithm, l->batch, threads);
    unsigned char *scratch = block(bytes + 64);
    void *memory = block(cpt_pool_size(threads) + 1);
    bool failed;
    cpt_pool *pool = cpt_pool_init(memory, threads, &failed);
    const cpt_conv_run_args args = {
        .algorithm = algorithm,
        .batch = l->batch,
        .in = l->in,
        .add = in_place ? l->out : l->add,
        .out = l->out,
        .scratch = scratch,
    };
    assert_false(failed);
    memset(scratch, 0xFF, bytes + 64); /* NaN */
    memset(l->out, 0xFF, l->outputs * sizeof(float) + 64);
    if (in_place) memcpy(l->out, l->add, l->outputs * sizeof(float));
    cpt_conv_run(&l->conv, &args, kernels, pool);
    cpt_pool_close(pool);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(scratch[bytes + (size_t)i], 0xFF);
        assert_int_equal(((unsigned char *)(l->out + l->outputs))[i], 0xFF);
    }
    free(memory);
    free(scratch);
}

/* Copies n positions of c floats and puts gaps of NaN between them. */
static float *with_gaps(const float *x, size_t n, int c, int pitch)
{
    float *y = block(n * (size_t)pitch * sizeof *y);
    memset(y, 0xFF, n * (size_t)pitch * sizeof *y);
    for (size_t i = 0; i < n; i++) memcpy(y + i * (size_t)pitch, x + i * (size_t)c, (size_t)c * sizeof *y);
    return y;
}

/* The other way around.  Nothing may have been written to the gaps. */
static void without_gaps(float *x, const float *y, size_t n, int c, int pitch)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(x + i * (size_t)c, y + i * (size_t)pitch, (size_t)c * sizeof *y);
        for (int j = c; j < pitch; j++) assert_true(isnan(y[i * (size_t)pitch + (size_t)j]));
    }
}

/* Runs a layer whose maps have gaps, each map a gap of its own size. */
static void run_with_gaps(layer *l, caption_conv algorithm, const cptk_kernels *kernels)
{
    layer gaps = *l;
    cpt_conv *c = &gaps.conv;
    const size_t in = (size_t)(l->batch * c->in_h * c->in_w), out = (size_t)(l->batch * c->out_h * c->out_w);
    c->in_pitch = c->in_c + 1;
    c->add_pitch = c->out_c + 2;
    c->out_pitch = c->out_c + 16;
    gaps.in = with_gaps(l->in, in, c->in_c, c->in_pitch);
    gaps.add = l->add ? with_gaps(l->add, out, c->out_c, c->add_pitch) : NULL;
    gaps.outputs = out * (size_t)c->out_pitch;
    gaps.out = block(gaps.outputs * sizeof(float) + 64);
    run(&gaps, algorithm, kernels, 2, 0);
    without_gaps(l->out, gaps.out, out, c->out_c, c->out_pitch);
    free(gaps.in);
    free(gaps.add);
    free(gaps.out);
}

static void compare(const layer *l, caption_conv algorithm, const char *isa)
{
    int n = l->conv.kernel * l->conv.kernel * l->conv.in_c + 2;
    double scale = algorithm == CAPTION_CONV_WINOGRAD ? 0 : 1, most = 0;
    double mixing = l->conv.winograd.layout == CAPW_WINOGRAD2 ? 1e-6 : 4e-6;
    for (size_t i = 0; i < l->outputs; i++) most = l->bound[i] > most ? l->bound[i] : most;
    for (size_t i = 0; i < l->outputs; i++) {
        /* Winograd mixes the inputs of a tile: its error follows the largest sum, not each one's own */
        double bound = n * ldexp(1, -23) * (scale > 0 ? l->bound[i] : 0) + (scale > 0 ? 0 : mixing * most);
        double error = fabs((double)l->out[i] - (double)l->want[i]);
        if (!(error <= bound)) {
            fail_msg("%s algorithm %d in [%d,%d,%d,%d] out_c %d kernel %d: [%zu] is %g, not %g +- %g", isa,
                     (int)algorithm, l->batch, l->conv.in_h, l->conv.in_w, l->conv.in_c, l->conv.out_c,
                     l->conv.kernel, i, (double)l->out[i], (double)l->want[i], bound);
        }
    }
}

static void check_algorithm(layer *l, caption_conv algorithm, const cptk_kernels *kernels)
{
    float *first = block(l->outputs * sizeof(float));
    run(l, algorithm, kernels, 1, 0);
    compare(l, algorithm, kernels->name);
    memcpy(first, l->out, l->outputs * sizeof(float));
    for (int threads = 2; threads <= 3; threads++) {
        run(l, algorithm, kernels, threads, 0);
        assert_memory_equal(first, l->out, l->outputs * sizeof(float));
    }
    run_with_gaps(l, algorithm, kernels);
    assert_memory_equal(first, l->out, l->outputs * sizeof(float));
    if (l->add) {
        run(l, algorithm, kernels, 2, 1);
        assert_memory_equal(first, l->out, l->outputs * sizeof(float));
    }
    free(first);
}

static void check_layer(layer *l)
{
    static const uint32_t masks[] = {0, CAPTION_CPU_AVX2, CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512,
                                     CAPTION_CPU_NEON};
    for (size_t m = 0; m < sizeof masks / sizeof masks[0]; m++) {
        if ((masks[m] & cpt_cpu_detect()) != masks[m]) continue;
        cptk_kernels kernels;
        cptk_kernels_init(&kernels, masks[m]);
        check_algorithm(l, CAPTION_CONV_DIRECT, &kernels);
        check_algorithm(l, CAPTION_CONV_IM2COL, &kernels);
        if (cpt_conv_choose(&l->conv, CAPTION_CONV_WINOGRAD, &kernels) == CAPTION_CONV_WINOGRAD) {
            for (int size = 2; size <= 4; size += 2) {
                pack_winograd(l, size);
                check_algorithm(l, CAPTION_CONV_WINOGRAD, &kernels);
            }
        }
    }
}

static void shapes(void **state)
{
    static const int table[][7] = {
        {1, 1, 1, 1, 1, 1, 0},     {7, 7, 33, 70, 1, 1, 0},   {9, 8, 5, 17, 1, 2, 0},
        {5, 4, 16, 16, 3, 1, 1},   {4, 4, 3, 7, 3, 1, 1},     {9, 13, 17, 33, 3, 1, 1},
        {14, 14, 40, 40, 3, 1, 1}, {8, 9, 6, 20, 3, 2, 1},    {13, 12, 3, 19, 7, 2, 3},
        {19, 17, 3, 16, 7, 2, 0},  {6, 5, 4, 9, 3, 1, 0},     {1, 2, 8, 8, 3, 1, 1},
        {20, 20, 24, 40, 3, 1, 1}, {16, 31, 12, 64, 1, 1, 0}, {3, 3, 2, 5, 5, 1, 2},
        {7, 7, 200, 48, 3, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        layer l = make_layer(table[i], (int)(i % 3) + 1, i % 4 == 1);
        check_layer(&l);
        free_layer(&l);
    }
}

static void every_width(void **state)
{
    (void)state;
    for (int c = 1; c <= 40; c++) {
        int shape[7] = {5, 6, c, 41 - c, c % 2 ? 1 : 3, 1, c % 2 ? 0 : 1};
        layer l = make_layer(shape, 1, c % 3 == 0);
        check_layer(&l);
        free_layer(&l);
    }
}

/* Large enough for several blocks of every kind, weights above and below what is kept in cache. */
static void blocks(void **state)
{
    static const int table[][7] = {
        {56, 56, 16, 16, 3, 1, 1}, {14, 14, 128, 128, 3, 1, 1}, {40, 40, 300, 520, 1, 2, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        layer l = make_layer(table[i], 5, 0);
        check_layer(&l);
        free_layer(&l);
    }
}

static void choice(void **state)
{
    cptk_kernels kernels = {.has_tile = 1};
    float weight = 0;
    cpt_conv conv = {.in_h = 56, .in_w = 56, .in_c = 64, .out_h = 56, .out_w = 56, .out_c = 64};
    (void)state;
    conv.kernel = 3;
    conv.stride = conv.pad = 1;
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_AUTO, &kernels), CAPTION_CONV_DIRECT);
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_WINOGRAD, &kernels), CAPTION_CONV_DIRECT);
    conv.winograd = (cpt_matrix){.layout = CAPW_WINOGRAD, .weight = &weight};
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_AUTO, &kernels), CAPTION_CONV_WINOGRAD);
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_DIRECT, &kernels), CAPTION_CONV_DIRECT);
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_IM2COL, &kernels), CAPTION_CONV_IM2COL);
    conv.out_h = conv.out_w = conv.in_h = conv.in_w = 7;
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_AUTO, &kernels), CAPTION_CONV_DIRECT);
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_WINOGRAD, &kernels), CAPTION_CONV_WINOGRAD);
    conv.winograd.layout = CAPW_WINOGRAD2;
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_AUTO, &kernels), CAPTION_CONV_WINOGRAD);
    kernels.has_tile = 0;
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_AUTO, &kernels), CAPTION_CONV_DIRECT);
    kernels.has_gemm = 1;
    assert_int_equal(cpt_conv_choose(&conv, CAPTION_CONV_AUTO, &kernels), CAPTION_CONV_IM2COL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(every_width),
        cmocka_unit_test(blocks),
        cmocka_unit_test(choice),
    };
    return cmocka_run_group_tests_name("conv", tests, NULL, NULL);
}
