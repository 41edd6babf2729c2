/* bench_layers - how fast each layer of the encoder is, and what one core can do at best.
 *
 * The layers' times are those of one image, between the calls of caption_progress.  The first layer's time
 * includes turning pixels into the encoder's input.  bench/roofline.sh draws what --roofs --json prints.
 * Never writes a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caption.h>

#include "kernels/kernels.h"
#include "lib/format/names.h"
#include "lib/model.h"
#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/options.h"
#include "tools/info/plan.h"

static const char tool[] = "bench_layers";

/* Two amounts of memory that are read again and again: one that stays in most last-level caches, and one that
 * stays in none. */
enum { NEAR_MB = 32, FAR_MB = 512 };

typedef struct bench_options {
    tool_options common;
    const char *model;
    int runs;
    bool roofs, json;
} bench_options;

/* What a layer executes and must move, for one image. */
typedef struct layer_work {
    bool adds;            /* another map is added to the result */
    double multiply_adds; /* those of its own algorithm, without transforms */
    double bytes;         /* of weights, input, added map and output, each counted once */
} layer_work;

typedef struct roofs {
    double peak;      /* GFLOP/s, or GOP/s, of the model's tile kernel on data in the first-level cache */
    double near, far; /* GB/s of reading NEAR_MB and FAR_MB */
} roofs;

typedef struct bench {
    const bench_options *options;
    caption_model *model;
    info_plan plan;
    layer_work *work; /* [plan.count] */
    roofs roofs;
} bench;

enum { OPTION_RUNS = TOOL_OPTION_OWN, OPTION_ROOFS, OPTION_JSON };

/* clang-format off */
static const tool_option own_options[] = {
    {.name = "model", .code = 'm', .argument = "FILE", .help = "the model file", .initial = "none, has to be given"},
    {.name = "runs", .code = OPTION_RUNS, .argument = "R", .help = "repetitions, 1 to 1000", .initial = "20"},
    {.name = "roofs", .code = OPTION_ROOFS, .help = "also what one core multiplies and reads at best"},
    {.name = "json", .code = OPTION_JSON, .help = "one JSON object, a line for each layer"},
    {.name = NULL},
};
/* clang-format on */

static const tool_group groups[] = {
    {"Options", own_options},
    {"Machine", tool_bench_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};

static void take(void *user, int code, const char *value, tool_error *err)
{
    bench_options *options = user;
    switch (code) {
    case 'm':
        options->model = value;
        break;
    case OPTION_RUNS:
        (void)tool_parse_int(&options->runs, "--runs", value, 1, 1000, err);
        break;
    case OPTION_ROOFS:
        options->roofs = true;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    default:
        (void)tool_options_take(&options->common, code, value, err);
    }
}

static const tool_command command = {
    .name = tool,
    .synopsis = "[options] -m MODEL.capw",
    .about = "Times every layer of the encoder on one image.  GFLOP/s are those of direct\n"
             "convolution, so that algorithms can be compared.  Of an int8 model they are GOP/s.\n",
    .groups = groups,
    .take = take,
};

/* ---- what a layer executes and moves ---- */

static size_t element_size(const caption_model *model)
{
    return model->encoder.int8 ? sizeof(uint8_t) : sizeof(float);
}

/* Winograd's F(m x m, 3 x 3) takes (m + 2)^2 products for m x m outputs, and as many numbers for 9 weights.
 */
static layer_work work_of(const caption_model *model, int index, const caption_layer_info *layer)
{
    const double outputs = (double)layer->out_height * layer->out_width;
    const double out_map = outputs * layer->out_channels;
    /* a convolution whose stride is larger than its kernel never reads what it skips */
    const double in_map =
        (layer->kernel < layer->stride ? outputs : (double)layer->in_height * layer->in_width) *
        layer->in_channels;
    layer_work work = {.adds = model->encoder.layers[index].add >= 0, .multiply_adds = layer->multiply_adds};
    double weights = layer->multiply_adds / outputs;
    if (strcmp(layer->algorithm, "winograd") == 0) {
        const int m = model->encoder.int8
                          ? 2
                          : cpt_layout_winograd_outputs(model->encoder.layers[index].conv.winograd.layout);
        const int tiles = (layer->out_height + m - 1) / m * ((layer->out_width + m - 1) / m);
        weights *= (m + 2) * (m + 2) / 9.0;
        work.multiply_adds = tiles * weights;
    }
    work.bytes = (double)element_size(model) * (weights + in_map + out_map + (work.adds ? out_map : 0));
    return work;
}

/* ---- what one core can do ---- */

static void *allocate(size_t bytes)
{
    void *block = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!block) {
        fprintf(stderr, "bench_layers: out of memory\n");
        exit(TOOL_EXIT_FAILED);
    }
    return block;
}

static float *random_floats(size_t count)
{
    static uint32_t state = 1;
    float *x = allocate(count * sizeof *x);
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
    return x;
}

/* Billions of operations a second of a kernel at its best: `call` has `operations` of them. */
static double measure_kernel(void (*call)(const void *kernel, const void *tile), const void *kernel,
                             const void *tile, double operations)
{
    enum { CALLS = 256, MILLISECONDS = 300 };
    const double begin = tool_now_ms();
    double best = 0;
    while (tool_now_ms() - begin < MILLISECONDS) {
        const double start = tool_now_ms();
        for (int i = 0; i < CALLS; i++) call(kernel, tile);
        const double speed = 1e-6 * CALLS * operations / (tool_now_ms() - start);
        if (speed > best) best = speed;
    }
    return best;
}

static void call_f32(const void *kernels, const void *tile)
{
    ((const cptk_kernels *)kernels)->tile_f32(tile);
}

static void call_u8(const void *kernels, const void *tile)
{
    ((const cptk_kernels *)kernels)->tile_u8(tile);
}

/* GOP/s of the tile kernel of int8, as measure_peak. */
static double measure_peak_u8(const cptk_kernels *kernels)
{
    enum { DEPTH = 512, COLUMNS = 2 * CPTK_PANEL };
    const int count = kernels->tile_rows_u8;
    const uint8_t *rows[CPTK_MAX_ROWS];
    float scale[COLUMNS];
    uint8_t *a = allocate((size_t)count * DEPTH), *c = allocate((size_t)count * COLUMNS);
    int8_t *b = allocate((size_t)DEPTH * COLUMNS);
    memset(a, 3, (size_t)count * DEPTH);
    memset(b, 5, (size_t)DEPTH * COLUMNS);
    for (int j = 0; j < COLUMNS; j++) scale[j] = 1e-3f;
    for (int r = 0; r < count; r++) rows[r] = a + (size_t)r * DEPTH;
    const cptk_tile_int8 tile = {.a = rows,
                                 .rows = count,
                                 .depth = DEPTH,
                                 .taps = 1,
                                 .b = b,
                                 .b_panel = DEPTH * CPTK_PANEL,
                                 .n = COLUMNS,
                                 .out = {.scale = scale, .c_u8 = c, .c_stride = COLUMNS}};
    const double best = measure_kernel(call_u8, kernels, &tile, 2.0 * count * DEPTH * COLUMNS);
    free(a);
    free(b);
    free(c);
    return best;
}

/* GFLOP/s of the tile kernel.  Two panels, so deep that the epilogue hardly counts; weights and rows together
 * stay below 32 KiB. */
static double measure_peak(const cptk_kernels *kernels)
{
    enum { DEPTH = 128, COLUMNS = 2 * CPTK_PANEL };
    const int count = kernels->tile_rows;
    const float *rows[CPTK_MAX_ROWS];
    float *a = random_floats((size_t)count * DEPTH), *b = random_floats((size_t)DEPTH * COLUMNS);
    float *c = random_floats((size_t)count * COLUMNS);
    for (int r = 0; r < count; r++) rows[r] = a + (size_t)r * DEPTH;
    const cptk_tile tile = {.a = rows,
                            .rows = count,
                            .depth = DEPTH,
                            .taps = 1,
                            .b = b,
                            .b_panel = DEPTH * CPTK_PANEL,
                            .n = COLUMNS,
                            .c = c,
                            .c_stride = COLUMNS};
    const double best = measure_kernel(call_f32, kernels, &tile, 2.0 * count * DEPTH * COLUMNS);
    free(a);
    free(b);
    free(c);
    return best;
}

/* GB/s.  One word of every line of 64 bytes, in four streams; loading whole vectors is no faster. */
static double measure_reading(const uint64_t *data, size_t megabytes)
{
    enum { STREAMS = 4, WORDS = 8, PASSES = 6 };
    const size_t part = (megabytes << 20) / (STREAMS * WORDS * sizeof *data);
    double best = 0;
    uint64_t seen = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        const double start = tool_now_ms();
        for (size_t i = 0; i < part; i++) {
            for (size_t s = 0; s < STREAMS; s++) seen ^= data[(s * part + i) * WORDS];
        }
        const double speed = 1e-6 * (double)(megabytes << 20) / (tool_now_ms() - start);
        if (pass > 0 && speed > best) best = speed;
    }
    const volatile uint64_t sink = seen; /* so that reading can't be left out */
    (void)sink;
    return best;
}

static roofs measure_roofs(uint32_t cpu, bool int8)
{
    cptk_kernels kernels;
    uint64_t *data = allocate((size_t)FAR_MB << 20);
    cptk_kernels_init(&kernels, cpu);
    memset(data, 1, (size_t)FAR_MB << 20); /* a page that was never written is not read from memory */
    const roofs found = {.peak = int8 ? measure_peak_u8(&kernels) : measure_peak(&kernels),
                         .near = measure_reading(data, NEAR_MB),
                         .far = measure_reading(data, FAR_MB)};
    free(data);
    return found;
}

/* ---- the report ---- */

static void print_text(const bench *b)
{
    const info_plan *plan = &b->plan;
    double all = 0;
    (void)printf("%-20s %-18s %-9s %9s %9s %7s\n", "layer", "shape", "algorithm", "ms", info_speed_unit(plan),
                 "share");
    for (int i = 0; i < plan->count; i++) {
        const caption_layer_info *l = &plan->layers[i];
        char shape[48];
        (void)snprintf(shape, sizeof shape, "%d,%d,%d %d/%d", l->out_height, l->in_channels, l->out_channels,
                       l->kernel, l->stride);
        (void)printf("%-20s %-18s %-9s %9.3f %9.1f %6.1f%%\n", l->name, shape, l->algorithm, plan->ms[i],
                     info_layer_speed(l, plan->ms[i]), 100 * plan->ms[i] / plan->total_ms);
        all += l->multiply_adds;
    }
    (void)printf("%-20s %-18s %-9s %9.3f %9.1f   (%s, %s, %d thread%s)\n", "all", "", "", plan->total_ms,
                 2e-6 * all / plan->total_ms, plan->cpu, cpt_name_of(cpt_precision_names, plan->precision),
                 plan->threads, plan->threads > 1 ? "s" : "");
    if (b->options->roofs) {
        (void)printf("one core at best: %.1f %s; reads %d MB at %.1f GB/s, %d MB at %.1f GB/s\n",
                     b->roofs.peak, info_speed_unit(plan), NEAR_MB, b->roofs.near, FAR_MB, b->roofs.far);
    }
}

/* The figures of an int8 model have the same keys, in operations instead of flop.  Every text in it is one of
 * our own and needs no escapes. */
static void print_json(const bench *b)
{
    const info_plan *plan = &b->plan;
    (void)printf("{\"cpu\": \"%s\", \"precision\": \"%s\", \"threads\": %d, \"ms\": %.4f,\n", plan->cpu,
                 cpt_name_of(cpt_precision_names, plan->precision), plan->threads, plan->total_ms);
    if (b->options->roofs) {
        (void)printf("\"peak_gflops\": %.2f, \"near_mb\": %d, \"near_gb_per_s\": %.2f, \"far_mb\": %d, "
                     "\"far_gb_per_s\": %.2f,\n",
                     b->roofs.peak, NEAR_MB, b->roofs.near, FAR_MB, b->roofs.far);
    }
    (void)printf("\"layers\": [\n");
    for (int i = 0; i < plan->count; i++) {
        const caption_layer_info *l = &plan->layers[i];
        const layer_work *work = &b->work[i];
        (void)printf("{\"name\": \"%s\", \"size\": %d, \"in\": %d, \"out\": %d, \"kernel\": %d, "
                     "\"stride\": %d, \"add\": %d, \"algorithm\": \"%s\", ",
                     l->name, l->out_height, l->in_channels, l->out_channels, l->kernel, l->stride,
                     (int)work->adds, l->algorithm);
        (void)printf(
            "\"ms\": %.4f, \"gflops\": %.2f, \"executed_gflops\": %.2f, \"flops_per_byte\": %.2f}%s\n",
            plan->ms[i], info_layer_speed(l, plan->ms[i]), 2e-6 * work->multiply_adds / plan->ms[i],
            2 * work->multiply_adds / work->bytes, i + 1 < plan->count ? "," : "");
    }
    (void)printf("]}\n");
}

static bool measure(bench *b, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    const caption_session_options *session = &b->options->common.session;
    if (caption_model_open_file(&b->model, b->options->model, NULL, &error) != CAPTION_OK) {
        return tool_fail_caption(err, b->options->model, &error);
    }
    /* before the layers, whose times must not depend on what this leaves in the caches */
    if (b->options->roofs) b->roofs = measure_roofs(session->cpu, b->model->encoder.int8);
    if (!info_measure_plan(&b->plan, b->model, session, b->options->runs, err)) return false;
    b->work = calloc((size_t)b->plan.count, sizeof *b->work);
    if (!b->work) return tool_fail(err, "out of memory");
    for (int i = 0; i < b->plan.count; i++) b->work[i] = work_of(b->model, i, &b->plan.layers[i]);
    return true;
}

int main(int argc, char **argv)
{
    tool_start(tool);
    bench_options options = {.runs = 20};
    bench b = {.options = &options};
    tool_error err = {{0}};
    tool_options_init(&options.common);
    options.common.session.threads = 1;
    const int code = tool_read_options(&command, &options, &argc, argv);
    if (code >= 0) return code;
    if (argc > 1) (void)tool_fail(&err, "%s: unexpected argument", argv[1]);
    if (!options.model) (void)tool_fail(&err, "no model named: -m MODEL.capw");
    if (err.message[0]) return tool_usage_error(tool, &err);
    if (measure(&b, &err)) {
        if (options.json) {
            print_json(&b);
        } else {
            print_text(&b);
        }
        (void)tool_flush_output(&err);
    }
    free(b.work);
    info_plan_free(&b.plan);
    caption_model_close(&b.model);
    return err.message[0] ? tool_failure(tool, &err) : TOOL_EXIT_OK;
}
