/* bench_layers.c - times the 53 convolutions of the full ResNet-50 one by one, in network order and with
 * weights of their own (random: the time doesn't depend on values), and prints each layer's algorithm, speed
 * and share.
 *
 *     bench_layers [--cpu c|avx2|avx512|neon] [--conv auto|direct|winograd|im2col] [--threads N] [--batch N]
 *                  [--runs N] [--json]
 *
 * The max pool is timed too. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/encoder/conv.h"
#include "lib/platform/cpu.h"

enum { LAYERS = 54, MAPS = 4, MAX_RUNS = 1000 };

typedef struct layer {
    char name[24];
    cpt_conv conv;
    caption_conv algorithm;
    int in, add, out; /* maps; add -1: none */
    int is_pool;
    double ms, multiply_adds, bytes; /* bytes: input, weights and output once each */
} layer;

typedef struct bench {
    uint32_t mask;
    caption_conv wish;
    int threads, batch, runs, json;
    layer layers[LAYERS];
    int count;
    float *maps[MAPS];
    void *scratch;
    cptk_kernels kernels;
    cpt_pool *pool;
    double times[LAYERS + 1][MAX_RUNS]; /* the last: all layers */
    double total;
} bench;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void *block(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);

    if (!p) {
        fprintf(stderr, "bench_layers: out of memory\n");
        exit(1);
    }
    return p;
}

static float *random_block(size_t n, float scale)
{
    static uint32_t seed = 1;
    float *x = block(n * sizeof *x);

    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = scale * ((float)(seed >> 8) / 8388608.0f - 1.0f);
    }
    return x;
}

/* ---- the network -------------------------------------------------------------------------------------- */

/* shape: size in, in_c, out_c, kernel, stride, pad; maps: in, add, out */
static layer *add_layer(bench *b, const char *name, const int shape[6], const int maps[3])
{
    layer *l = &b->layers[b->count++];
    cpt_conv *c = &l->conv;
    size_t weights, panels = (size_t)(shape[2] + 15) / 16;

    snprintf(l->name, sizeof l->name, "%s", name);
    c->in_h = c->in_w = shape[0];
    c->in_c = shape[1];
    c->out_c = shape[2];
    c->kernel = shape[3];
    c->stride = shape[4];
    c->pad = shape[5];
    c->out_h = c->out_w = (shape[0] + 2 * shape[5] - shape[3]) / shape[4] + 1;
    c->relu = 1;
    weights = (size_t)(c->kernel * c->kernel) * (size_t)c->in_c;
    c->weight = random_block(panels * weights * 16, 1.7f / (float)weights);
    c->bias = random_block((size_t)c->out_c, 0.1f);
    if (c->kernel == 3 && c->stride == 1 && c->out_w > 7) {
        c->winograd = random_block(36 * panels * (size_t)c->in_c * 16, 0.01f);
    }
    l->in = maps[0];
    l->add = maps[1];
    l->out = maps[2];
    l->multiply_adds = (double)(c->out_h * c->out_w) * (double)weights * (double)c->out_c;
    l->bytes =
        4.0 * (double)weights * (double)c->out_c +
        4.0 * b->batch * ((double)(c->in_h * c->in_w) * c->in_c + (double)(c->out_h * c->out_w) * c->out_c);
    return l;
}

/* Maps 0 and 3 hold a stage's input and the results of its blocks, 1 and 2 what is inside a block. */
static void add_stage(bench *b, int stage, int blocks, int *size, int *channels)
{
    int width = 32 << stage, in = stage % 2 ? 0 : 3, out = 3 - in;

    for (int i = 0; i < blocks; i++) {
        int stride = stage > 1 && i == 0 ? 2 : 1, after = *size / stride;
        char name[24];

        snprintf(name, sizeof name, "layer%d.%d.conv1", stage, i);
        add_layer(b, name, (int[]){*size, *channels, width, 1, 1, 0}, (int[]){i == 0 ? in : out, -1, 1});
        snprintf(name, sizeof name, "layer%d.%d.conv2", stage, i);
        add_layer(b, name, (int[]){*size, width, width, 3, stride, 1}, (int[]){1, -1, 2});
        if (i == 0) {
            snprintf(name, sizeof name, "layer%d.%d.downsample", stage, i);
            add_layer(b, name, (int[]){*size, *channels, 4 * width, 1, stride, 0}, (int[]){in, -1, out});
        }
        snprintf(name, sizeof name, "layer%d.%d.conv3", stage, i);
        add_layer(b, name, (int[]){after, width, 4 * width, 1, 1, 0}, (int[]){2, out, out});
        *size = after;
        *channels = 4 * width;
    }
}

static void make_network(bench *b)
{
    static const int blocks[4] = {3, 4, 6, 3};
    int size = 56, channels = 64;
    size_t most = 0, scratch = 0;
    layer *l;

    add_layer(b, "stem", (int[]){230, 3, 64, 7, 2, 0}, (int[]){1, -1, 2});
    l = add_layer(b, "maxpool", (int[]){112, 64, 64, 3, 2, 1}, (int[]){2, -1, 0});
    l->is_pool = 1;
    l->multiply_adds = 0;
    for (int stage = 1; stage <= 4; stage++) add_stage(b, stage, blocks[stage - 1], &size, &channels);
    for (int i = 0; i < b->count; i++) {
        const cpt_conv *c = &b->layers[i].conv;
        size_t in = (size_t)(b->batch * c->in_h * c->in_w * c->in_c), bytes;
        size_t out = (size_t)(b->batch * c->out_h * c->out_w * c->out_c);

        b->layers[i].algorithm = cpt_conv_choose(c, b->wish, &b->kernels);
        bytes = cpt_conv_scratch(c, b->layers[i].algorithm, b->batch, b->threads);
        if (bytes > scratch) scratch = bytes;
        if (in > most) most = in;
        if (out > most) most = out;
    }
    for (int i = 0; i < MAPS; i++) b->maps[i] = random_block(most, 1.0f);
    b->scratch = block(scratch);
    memset(b->scratch, 0, scratch);
}

/* ---- running ------------------------------------------------------------------------------------------ */

static void run_layer(bench *b, const layer *l)
{
    cpt_conv_run_args args = {.algorithm = l->algorithm, .batch = b->batch, .scratch = b->scratch};

    args.in = b->maps[l->in];
    args.add = l->add < 0 ? NULL : b->maps[l->add];
    args.out = b->maps[l->out];
    if (!l->is_pool) {
        cpt_conv_run(&l->conv, &args, &b->kernels, b->pool);
        return;
    }
    for (int i = 0; i < b->batch; i++) {
        size_t in = (size_t)(l->conv.in_h * l->conv.in_w), out = (size_t)(l->conv.out_h * l->conv.out_w);

        b->kernels.maxpool(args.in + (size_t)i * in * 64, args.out + (size_t)i * out * 64, l->conv.in_h,
                           l->conv.in_w, 64, 0, l->conv.out_h);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

static void run(bench *b)
{
    for (int r = -2; r < b->runs; r++) { /* two to warm up */
        double begin = now_ms(), last = begin;

        for (int i = 0; i < b->count; i++) {
            double end;

            run_layer(b, &b->layers[i]);
            end = now_ms();
            if (r >= 0) b->times[i][r] = end - last;
            last = end;
        }
        if (r >= 0) b->times[LAYERS][r] = last - begin;
    }
    for (int i = 0; i < b->count; i++) b->layers[i].ms = median(b->times[i], b->runs);
    b->total = median(b->times[LAYERS], b->runs);
}

/* ---- printing ----------------------------------------------------------------------------------------- */

static const char *algorithm_name(const layer *l)
{
    if (l->is_pool) return "maxpool";
    switch (l->algorithm) {
    case CAPTION_CONV_WINOGRAD:
        return "winograd";
    case CAPTION_CONV_IM2COL:
        return "im2col";
    case CAPTION_CONV_AUTO:
    case CAPTION_CONV_DIRECT:
        break;
    }
    return "direct";
}

static void print(const bench *b)
{
    double all = 0;

    printf("%-20s %-16s %-9s %9s %9s %7s\n", "layer", "shape", "algorithm", "ms", "GFLOP/s", "share");
    for (int i = 0; i < b->count; i++) {
        const layer *l = &b->layers[i];
        const cpt_conv *c = &l->conv;
        char shape[40];

        snprintf(shape, sizeof shape, "%d,%d,%d %d/%d", c->out_h, c->in_c, c->out_c, c->kernel, c->stride);
        printf("%-20s %-16s %-9s %9.3f %9.1f %6.1f%%\n", l->name, shape, algorithm_name(l), l->ms,
               2e-6 * b->batch * l->multiply_adds / l->ms, 100 * l->ms / b->total);
        all += l->multiply_adds;
    }
    printf("%-20s %-16s %-9s %9.3f %9.1f   (%s, %d thread%s, batch %d: %.1f images/s)\n", "all", "", "",
           b->total, 2e-6 * b->batch * all / b->total, b->kernels.name, b->threads, b->threads > 1 ? "s" : "",
           b->batch, 1e3 * b->batch / b->total);
}

static void print_json(const bench *b)
{
    printf("{\"cpu\": \"%s\", \"threads\": %d, \"batch\": %d, \"ms\": %.4f, \"layers\": [\n", b->kernels.name,
           b->threads, b->batch, b->total);
    for (int i = 0; i < b->count; i++) {
        const layer *l = &b->layers[i];

        printf("{\"name\": \"%s\", \"algorithm\": \"%s\", \"ms\": %.4f, \"gflops\": %.2f, "
               "\"flops_per_byte\": %.2f}%s\n",
               l->name, algorithm_name(l), l->ms, 2e-6 * b->batch * l->multiply_adds / l->ms,
               2 * b->batch * l->multiply_adds / l->bytes, i + 1 < b->count ? "," : "");
    }
    printf("]}\n");
}

static int option_index(const char *value, const char *const names[], int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(value, names[i]) == 0) return i;
    }
    fprintf(stderr, "bench_layers: %s: unknown value\n", value);
    exit(2);
}

static int number(const char *value, int most)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (*end || n < 1 || n > most) {
        fprintf(stderr, "bench_layers: %s: not a number of 1..%d\n", value, most);
        exit(2);
    }
    return (int)n;
}

static void parse(bench *b, int argc, char **argv)
{
    static const struct option options[] = {
        {"cpu", required_argument, NULL, 'c'},
        {"conv", required_argument, NULL, 'a'},
        {"threads", required_argument, NULL, 't'},
        {"batch", required_argument, NULL, 'b'},
        {"runs", required_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    static const char *const cpus[] = {"c", "avx2", "avx512", "neon"};
    static const uint32_t masks[] = {0, CAPTION_CPU_AVX2, CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512,
                                     CAPTION_CPU_NEON};
    static const char *const convs[] = {"auto", "direct", "winograd", "im2col"};
    static const caption_conv wishes[] = {CAPTION_CONV_AUTO, CAPTION_CONV_DIRECT, CAPTION_CONV_WINOGRAD,
                                          CAPTION_CONV_IM2COL};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'c')
            b->mask = masks[option_index(optarg, cpus, 4)];
        else if (c == 'a')
            b->wish = wishes[option_index(optarg, convs, 4)];
        else if (c == 't')
            b->threads = number(optarg, 64);
        else if (c == 'b')
            b->batch = number(optarg, 64);
        else if (c == 'r')
            b->runs = number(optarg, MAX_RUNS);
        else if (c == 'j')
            b->json = 1;
        else
            exit(2);
    }
}

int main(int argc, char **argv)
{
    static bench b = {.mask = CAPTION_CPU_ALL, .threads = 1, .batch = 1, .runs = 20};
    int failed;

    parse(&b, argc, argv);
    cptk_kernels_init(&b.kernels, b.mask);
    b.pool = cpt_pool_init(block(cpt_pool_size(b.threads)), b.threads, &failed);
    if (failed) {
        fprintf(stderr, "bench_layers: cannot start %d threads\n", b.threads);
        return 1;
    }
    make_network(&b);
    run(&b);
    if (b.json)
        print_json(&b);
    else
        print(&b);
    cpt_pool_close(b.pool);
    return 0; /* the process ends: its blocks go with it */
}
