/* bench_layers.c - times the 53 convolutions of the full ResNet-50 one by one, in network order and with
 * weights of their own (random: the time doesn't depend on values), and prints each layer's algorithm, speed
 * and share.
 *
 *     bench_layers [--cpu c|avx2|avx512|neon] [--conv auto|direct|winograd|im2col] [--threads N] [--batch N]
 *                  [--runs N] [--roofs] [--json]
 *
 * The max pool is timed too.  --roofs also measures what one core can do at best: the tile kernel on data
 * that stay in the first-level cache, and plain reading.  bench/roofline.sh draws both. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/layers/conv.h"
#include "lib/platform/cpu.h"

enum { LAYERS = 54, MAPS = 4, MAX_RUNS = 1000, NEAR_MB = 32, FAR_MB = 512 };

typedef struct layer {
    char name[24];
    cpt_conv conv;
    caption_conv algorithm;
    int in, add, out; /* maps; add -1: none */
    int is_pool;
    double multiply_adds;   /* of direct convolution, one image */
    double executed, bytes; /* by its algorithm and of a batch: multiply-adds; input, weights, output */
    double ms;
} layer;

typedef struct bench {
    uint32_t mask;
    caption_conv wish;
    int threads, batch, runs, json, roofs;
    layer layers[LAYERS];
    int count;
    float *maps[MAPS];
    void *scratch;
    cptk_kernels kernels;
    cpt_pool *pool;
    double times[LAYERS + 1][MAX_RUNS]; /* the last: all layers */
    double total;
    double peak;                /* GFLOP/s of one core */
    double read_near, read_far; /* GB/s of one core, NEAR_MB and FAR_MB read again and again */
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

/* ---- the network ---- */

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
    if (c->kernel == 3 && c->stride == 1) {
        int side = c->out_w > 7 ? 6 : 4; /* as capconvert chooses */
        c->winograd_size = side - 2;
        c->winograd = random_block((size_t)(side * side) * panels * (size_t)c->in_c * 16, 0.01f);
    }
    if (b->count > 2) { /* as in resnet.c: the max pool knows no gaps */
        c->in_pitch = cpt_conv_pitch(c->in_c);
        c->add_pitch = c->out_pitch = cpt_conv_pitch(c->out_c);
    }
    l->in = maps[0];
    l->add = maps[1];
    l->out = maps[2];
    l->multiply_adds = (double)(c->out_h * c->out_w) * (double)weights * (double)c->out_c;
    return l;
}

/* Winograd does 36 products for a tile of 4 x 4 outputs and keeps 36 numbers for 9 weights, or 16 for 2 x 2
 * outputs; its transforms aren't counted, nor what im2col writes in between. */
static void count_work(const bench *b, layer *l)
{
    const cpt_conv *c = &l->conv;
    int in_size = c->kernel < c->stride ? c->out_h : c->in_h; /* what a stride skips needs no reading */
    double in = (double)(in_size * in_size) * c->in_c, out = (double)(c->out_h * c->out_w) * c->out_c;
    double per_weight = (double)(c->out_h * c->out_w), weights = l->multiply_adds / per_weight;
    if (l->is_pool) weights = 0;
    if (l->algorithm == CAPTION_CONV_WINOGRAD) {
        int s = c->winograd_size;
        per_weight = (double)((c->out_h + s - 1) / s * ((c->out_w + s - 1) / s));
        weights *= (s + 2) * (s + 2) / 9.0;
    }
    l->executed = b->batch * per_weight * weights;
    l->bytes = 4 * (weights + b->batch * (in + out + (l->add < 0 ? 0 : out)));
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
        size_t in = (size_t)(b->batch * c->in_h * c->in_w * cpt_conv_pitch(c->in_c)), bytes;
        size_t out = (size_t)(b->batch * c->out_h * c->out_w * cpt_conv_pitch(c->out_c));
        b->layers[i].algorithm = cpt_conv_choose(c, b->wish, &b->kernels);
        bytes = cpt_conv_scratch(c, b->layers[i].algorithm, b->batch, b->threads);
        count_work(b, &b->layers[i]);
        if (bytes > scratch) scratch = bytes;
        if (in > most) most = in;
        if (out > most) most = out;
    }
    for (int i = 0; i < MAPS; i++) b->maps[i] = random_block(most, 1.0f);
    b->scratch = block(scratch);
    memset(b->scratch, 0, scratch);
}

/* ---- running ---- */

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

/* ---- what one core can do ---- */

/* Two panels, as the encoder's blocks have on wide vectors, so deep that the epilogue hardly counts; weights
 * and rows together stay below 32 KiB. */
static double peak_gflops(const cptk_kernels *kernels)
{
    enum { DEPTH = 128, COLUMNS = 2 * CPTK_PANEL, CALLS = 256 };
    const float *rows[CPTK_MAX_ROWS];
    cptk_tile tile = {.a = rows, .b_panel = DEPTH * CPTK_PANEL, .b_step = CPTK_PANEL, .taps = 1};
    double begin = now_ms(), flop, best = 0;
    tile.rows = kernels->tile_rows;
    tile.depth = DEPTH;
    tile.n = COLUMNS;
    tile.c_stride = COLUMNS;
    tile.b = random_block(DEPTH * COLUMNS, 0.1f);
    tile.c = random_block((size_t)tile.rows * COLUMNS, 1);
    for (int r = 0; r < tile.rows; r++) rows[r] = random_block(DEPTH, 1);
    flop = 2.0 * CALLS * tile.rows * DEPTH * COLUMNS;
    while (now_ms() - begin < 300) {
        double start = now_ms(), speed;
        for (int i = 0; i < CALLS; i++) kernels->tile(&tile);
        speed = 1e-6 * flop / (now_ms() - start);
        if (speed > best) best = speed;
    }
    return best;
}

/* A word of every line of 64 bytes, in four streams: loads of whole vectors come out the same. */
static double read_gb_per_s(const uint64_t *data, size_t megabytes)
{
    enum { STREAMS = 4, WORDS = 8 };
    size_t part = (megabytes << 20) / (STREAMS * WORDS * sizeof *data);
    double best = 0;
    uint64_t seen = 0;
    volatile uint64_t sink;

    for (int pass = 0; pass < 6; pass++) {
        double start = now_ms(), speed;
        for (size_t i = 0; i < part; i++) {
            for (size_t s = 0; s < STREAMS; s++) seen ^= data[(s * part + i) * WORDS];
        }
        speed = 1e-6 * (double)(megabytes << 20) / (now_ms() - start);
        if (pass > 0 && speed > best) best = speed;
    }
    sink = seen;
    (void)sink;
    return best;
}

static void find_roofs(bench *b)
{
    uint64_t *data = block((size_t)FAR_MB << 20);
    memset(data, 1, (size_t)FAR_MB << 20); /* pages that are there */
    b->peak = peak_gflops(&b->kernels);
    b->read_near = read_gb_per_s(data, NEAR_MB);
    b->read_far = read_gb_per_s(data, FAR_MB);
    free(data);
}

/* ---- printing ---- */

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
    if (b->roofs) {
        printf("one core at best: %.1f GFLOP/s; reads %d MB at %.1f GB/s, %d MB at %.1f GB/s\n", b->peak,
               NEAR_MB, b->read_near, FAR_MB, b->read_far);
    }
}

static void print_json(const bench *b)
{
    printf("{\"cpu\": \"%s\", \"threads\": %d, \"batch\": %d, \"ms\": %.4f,\n", b->kernels.name, b->threads,
           b->batch, b->total);
    if (b->roofs) {
        printf("\"peak_gflops\": %.2f, \"near_mb\": %d, \"near_gb_per_s\": %.2f, \"far_mb\": %d, "
               "\"far_gb_per_s\": %.2f,\n",
               b->peak, NEAR_MB, b->read_near, FAR_MB, b->read_far);
    }
    printf("\"layers\": [\n");
    for (int i = 0; i < b->count; i++) {
        const layer *l = &b->layers[i];
        const cpt_conv *c = &l->conv;
        printf("{\"name\": \"%s\", \"size\": %d, \"in\": %d, \"out\": %d, \"kernel\": %d, \"stride\": %d, "
               "\"add\": %d, \"algorithm\": \"%s\", \"ms\": %.4f, \"gflops\": %.2f, "
               "\"executed_gflops\": %.2f, \"flops_per_byte\": %.2f}%s\n",
               l->name, c->out_h, c->in_c, c->out_c, c->kernel, c->stride, l->add >= 0, algorithm_name(l),
               l->ms, 2e-6 * b->batch * l->multiply_adds / l->ms, 2e-6 * l->executed / l->ms,
               2 * l->executed / l->bytes, i + 1 < b->count ? "," : "");
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
        {"cpu", required_argument, NULL, 'c'},     {"conv", required_argument, NULL, 'a'},
        {"threads", required_argument, NULL, 't'}, {"batch", required_argument, NULL, 'b'},
        {"runs", required_argument, NULL, 'r'},    {"roofs", no_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},          {NULL, 0, NULL, 0},
    };
    static const char *const cpus[] = {"c", "avx2", "avx512", "neon"};
    static const uint32_t masks[] = {0, CAPTION_CPU_AVX2, CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512,
                                     CAPTION_CPU_NEON};
    static const char *const convs[] = {"auto", "direct", "winograd", "im2col"};
    static const caption_conv wishes[] = {CAPTION_CONV_AUTO, CAPTION_CONV_DIRECT, CAPTION_CONV_WINOGRAD,
                                          CAPTION_CONV_IM2COL};
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'c') {
            b->mask = masks[option_index(optarg, cpus, 4)];
        } else if (c == 'a') {
            b->wish = wishes[option_index(optarg, convs, 4)];
        } else if (c == 't') {
            b->threads = number(optarg, 64);
        } else if (c == 'b') {
            b->batch = number(optarg, 64);
        } else if (c == 'r') {
            b->runs = number(optarg, MAX_RUNS);
        } else if (c == 'o') {
            b->roofs = 1;
        } else if (c == 'j') {
            b->json = 1;
        } else {
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    static bench b = {.mask = CAPTION_CPU_ALL, .threads = 1, .batch = 1, .runs = 20};
    bool failed;
    parse(&b, argc, argv);
    cptk_kernels_init(&b.kernels, b.mask);
    b.pool = cpt_pool_init(block(cpt_pool_size(b.threads)), b.threads, &failed);
    if (failed) {
        fprintf(stderr, "bench_layers: cannot start %d threads\n", b.threads);
        return 1;
    }
    make_network(&b);
    if (b.roofs) find_roofs(&b); /* first: what the layers have of the caches is theirs */
    run(&b);
    if (b.json) {
        print_json(&b);
    } else {
        print(&b);
    }
    cpt_pool_close(b.pool);
    return 0; /* the process ends: its blocks go with it */
}
