/* bench_caption - how long a caption takes, stage by stage, on this machine.
 *
 * Every stage is repeated and reported as median and minimum.  Never writes a file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <jpeglib.h>

#include <caption.h>

#include "lib/format/names.h"
#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/images.h"
#include "tools/common/json.h"
#include "tools/common/options.h"
#include "tools/common/session.h"

static const char tool[] = "bench_caption";

enum { WIDTH = 500, HEIGHT = 375, QUALITY = 90, MAX_RUNS = 10000, WARM_UP = 2 };

typedef enum bench_stage {
    STAGE_OPEN,
    STAGE_DECODE_IMAGE,
    STAGE_RESIZE,
    STAGE_ENCODER,
    STAGE_DECODER,
    STAGE_GRADCAM,
    STAGE_TOTAL,
    STAGES
} bench_stage;

static const char *const stage_names[STAGES] = {"open",    "decode_image", "resize", "encoder",
                                                "decoder", "gradcam",      "total"};

typedef struct bench_options {
    tool_options common;
    const char *model, *image;
    int runs, steps, batch;
    bool explain, json;
} bench_options;

typedef struct bench {
    const bench_options *options;
    caption_decode_options decode;
    caption_model *model;
    caption_session *session;
    const caption_result *result; /* of the decoder, until the session's next call */
    const unsigned char *image;   /* encoded */
    size_t image_size;
    uint8_t *pixels; /* [height, width, 3], of the image's size */
    int width, height;
    double *times[STAGES]; /* [runs] each */
    double median[STAGES], least[STAGES];
    double encoder_rate, decoder_rate, caption_rate; /* images per second in batches */
    size_t session_bytes;
    long peak_kb;
    double encoder_speed; /* billions of operations a second: 2 for each multiply-add of direct convolution */
    const char *precision;
    int tokens; /* decoder steps that the caption took */
} bench;

enum { OPTION_IMAGE = TOOL_OPTION_OWN, OPTION_RUNS, OPTION_STEPS, OPTION_BATCH, OPTION_EXPLAIN, OPTION_JSON };

/* clang-format off */
static const tool_option own_options[] = {
    {.name = "model", .code = 'm', .argument = "FILE", .help = "the model file", .initial = "none, has to be given"},
    {.name = "image", .code = OPTION_IMAGE, .argument = "FILE", .help = "a JPEG or PNG",
     .initial = "a made-up JPEG of 500 x 375"},
    {.name = "runs", .code = OPTION_RUNS, .argument = "R", .help = "repetitions, 1 to 10000", .initial = "12"},
    {.name = "steps", .code = OPTION_STEPS, .argument = "N",
     .help = "decode exactly N tokens, 1 to " CAPTION_QUOTE(CAPTION_MAX_LENGTH), .initial = "until the caption ends"},
    {.name = "batch", .code = OPTION_BATCH, .argument = "N",
     .help = "images encoded and searched together, 1 to " CAPTION_QUOTE(CAPTION_MAX_BATCH), .initial = "1"},
    {.name = "explain", .code = OPTION_EXPLAIN, .help = "time Grad-CAM too; the session gets memory for it"},
    {.name = "json", .code = OPTION_JSON, .help = "one JSON object"},
    TOOL_ENTRY_GREEDY,
    {.name = NULL},
};
/* clang-format on */

static const tool_group groups[] = {
    {"Options", own_options},
    {"Search", tool_search_options},
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
    case OPTION_IMAGE:
        options->image = value;
        break;
    case OPTION_RUNS:
        (void)tool_parse_int(&options->runs, "--runs", value, 1, MAX_RUNS, err);
        break;
    case OPTION_STEPS:
        (void)tool_parse_int(&options->steps, "--steps", value, 1, CAPTION_MAX_LENGTH, err);
        break;
    case OPTION_BATCH:
        (void)tool_parse_int(&options->batch, "--batch", value, 1, CAPTION_MAX_BATCH, err);
        break;
    case OPTION_EXPLAIN:
        options->explain = true;
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
    .about = "Times, in milliseconds, as median and minimum over the runs:\n"
             "  open          the model's file and a session for it\n"
             "  decode_image  an encoded image into the encoder's input: decoding and resize\n"
             "  resize        the resize alone, from pixels of the same size\n"
             "  encoder       the features of one image\n"
             "  decoder       the search for its captions\n"
             "  gradcam       the maps of the best caption's tokens, with --explain\n"
             "  total         encoded image to caption in one call\n"
             "encoder_gops are the encoder's billions of operations a second, two for each\n"
             "multiply-add of direct convolution.  images_per_second is the encoder's, for --batch images at "
             "a time;\n"
             "searches_per_second is the decoder's and captions_per_second that of whole captions, in the "
             "same batches.\n",
    .groups = groups,
    .take = take,
};

/* Returns -1 to go on, or the exit code. */
static int parse(bench_options *options, int argc, char **argv)
{
    tool_error err = {{0}};
    *options = (bench_options){.runs = 12, .batch = 1};
    tool_options_init(&options->common);
    options->common.session.threads = 1;
    const int code = tool_read_options(&command, options, &argc, argv);
    if (code >= 0) return code;
    if (argc > 1) (void)tool_fail(&err, "%s: unexpected argument", argv[1]);
    if (!options->model) (void)tool_fail(&err, "no model named: -m MODEL.capw");
    return err.message[0] ? tool_usage_error(tool, &err) : -1;
}

/* ---- the image ---- */

/* Soft colour ramps with noise: about as many bytes as a photo of this size. */
static void draw(uint8_t *rgb, int width, int height)
{
    uint32_t state = 1;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < 3; c++) {
                state = state * 1664525u + 1013904223u;
                *rgb++ = (uint8_t)(((x * (c + 1) + y * (3 - c)) / 6 + (int)(state >> 27)) & 255);
            }
        }
    }
}

/* libjpeg's own error handler ends the program, which suits a bench: nothing but memory can fail here. */
static unsigned char *make_jpeg(const uint8_t *rgb, size_t *size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long bytes = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &bytes);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, QUALITY, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    unsigned char *row = malloc((size_t)WIDTH * 3);
    for (int y = 0; row && y < HEIGHT; y++) {
        memcpy(row, rgb + (size_t)y * WIDTH * 3, (size_t)WIDTH * 3);
        (void)jpeg_write_scanlines(&jpeg, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *size = bytes;
    return data;
}

/* Fills image, pixels and their sizes.  *owned is the encoded image, which the caller frees. */
static bool prepare_image(bench *b, caption_session_options *session, unsigned char **owned, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_image_info info = {.width = WIDTH, .height = HEIGHT};
    const char *name = b->options->image ? b->options->image : "made-up image";
    const caption_session_options limits = *session;
    session->decode_memory = CAPTION_DEFAULT_DECODE_MEMORY; /* as a tool's session starts */
    if (b->options->image) {
        tool_text data;
        if (!tool_image_read(&data, b->options->image, err)) return false;
        *owned = (unsigned char *)data.data;
        b->image_size = data.size;
        if (caption_image_probe(*owned, b->image_size, &info, &error) != CAPTION_OK) {
            return tool_fail_caption(err, name, &error);
        }
        if (!tool_session_allows(&limits, name, &info, err)) return false;
        if (info.decode_memory > session->decode_memory) session->decode_memory = info.decode_memory;
    }
    b->width = info.width;
    b->height = info.height;
    b->pixels = calloc((size_t)info.width * 3, (size_t)info.height);
    if (!b->pixels) return tool_fail(err, "out of memory");
    draw(b->pixels, info.width, info.height);
    if (!b->options->image) *owned = make_jpeg(b->pixels, &b->image_size);
    if (!*owned) return tool_fail(err, "out of memory");
    b->image = *owned;
    return true;
}

/* ---- the stages ---- */

static caption_status open_all(const bench *b, const caption_session_options *options, caption_model **model,
                               caption_session **session, caption_error *error)
{
    caption_status status = caption_model_open_file(model, b->options->model, NULL, error);
    if (status == CAPTION_OK) status = caption_session_create(session, *model, options, error);
    return status;
}

static bool has_stage(const bench *b, int stage)
{
    return stage != STAGE_GRADCAM || b->options->explain;
}

static caption_status run_stage(bench *b, bench_stage stage, const caption_session_options *options,
                                caption_error *error)
{
    const caption_result *result = NULL;
    const caption_explanation *explanation = NULL;
    caption_pixel_view view = {.rgb = b->pixels, .width = b->width, .height = b->height};
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_status status = CAPTION_OK;
    switch (stage) {
    case STAGE_OPEN:
        status = open_all(b, options, &model, &session, error);
        caption_session_close(&session);
        caption_model_close(&model);
        return status;
    case STAGE_DECODE_IMAGE:
        return caption_load_image(b->session, 0, b->image, b->image_size, error);
    case STAGE_RESIZE:
        return caption_load_pixels(b->session, 0, &view, error);
    case STAGE_ENCODER:
        return caption_encode(b->session, 1, NULL, error);
    case STAGE_DECODER:
        return caption_decode(b->session, 0, &b->decode, &b->result, error);
    case STAGE_GRADCAM: /* comes right behind the decoder's stage */
        return caption_explain(b->session, 0, &b->result->captions[0], NULL, &explanation, error);
    case STAGE_TOTAL:
        status = caption_image(b->session, b->image, b->image_size, &b->decode, &result, error);
        if (status == CAPTION_OK) b->tokens = result->captions[0].length;
        return status;
    case STAGES:
        break;
    }
    return status;
}

/* One after the other in every run, so that a slow spell of the machine touches all stages alike. */
static bool run_stages(bench *b, const caption_session_options *options, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    for (int run = -WARM_UP; run < b->options->runs; run++) {
        for (int s = 0; s < STAGES; s++) {
            if (!has_stage(b, s)) continue;
            const double start = tool_now_ms();
            if (run_stage(b, (bench_stage)s, options, &error) != CAPTION_OK) {
                return tool_fail_caption(err, stage_names[s], &error);
            }
            const double took = tool_now_ms() - start;
            if (run >= 0) b->times[s][run] = took;
        }
    }
    for (int s = 0; s < STAGES; s++) {
        if (!has_stage(b, s)) continue;
        b->median[s] = tool_median(b->times[s], b->options->runs);
        b->least[s] = b->times[s][0]; /* the median sorted them */
    }
    return true;
}

/* Times of one batch: loading, encoding and decoding `count` images. */
typedef struct batch_times {
    double encoder, decoder, whole;
} batch_times;

static caption_status run_batch(bench *b, int count, batch_times *times, caption_error *error)
{
    const caption_result *results[CAPTION_MAX_BATCH];
    const double start = tool_now_ms();
    caption_status status = CAPTION_OK;
    for (int i = 0; i < count && status == CAPTION_OK; i++) {
        status = caption_load_image(b->session, i, b->image, b->image_size, error);
    }
    const double loaded = tool_now_ms();
    if (status == CAPTION_OK) status = caption_encode(b->session, count, NULL, error);
    const double encoded = tool_now_ms();
    if (status == CAPTION_OK) status = caption_decode_batch(b->session, count, &b->decode, results, error);
    const double end = tool_now_ms();
    *times = (batch_times){encoded - loaded, end - encoded, end - start};
    return status;
}

static bool run_batches(bench *b, const caption_session_options *single, tool_error *err)
{
    caption_session_options options = *single;
    caption_error error = {CAPTION_OK, ""};
    const int runs = b->options->runs, count = b->options->batch;
    double *encoder = b->times[STAGE_ENCODER], *decoder = b->times[STAGE_DECODER];
    double *whole = b->times[STAGE_TOTAL];
    batch_times times;
    caption_session_close(&b->session);
    options.max_batch = count;
    options.explain = 0;
    if (caption_session_create(&b->session, b->model, &options, &error) != CAPTION_OK) goto fail;
    if (run_batch(b, count, &times, &error) != CAPTION_OK) goto fail;
    for (int run = 0; run < runs; run++) {
        if (run_batch(b, count, &times, &error) != CAPTION_OK) goto fail;
        encoder[run] = times.encoder;
        decoder[run] = times.decoder;
        whole[run] = times.whole;
    }
    b->encoder_rate = 1e3 * count / tool_median(encoder, runs);
    b->decoder_rate = 1e3 * count / tool_median(decoder, runs);
    b->caption_rate = 1e3 * count / tool_median(whole, runs);
    return true;
fail:
    return tool_fail_caption(err, "--batch", &error);
}

/* ---- the report ---- */

static void machine_name(char *name, size_t size)
{
    struct utsname host;
    FILE *cpus = fopen("/proc/cpuinfo", "r");
    (void)snprintf(name, size, "%s", uname(&host) == 0 ? host.machine : "unknown");
    char line[256];
    while (cpus && fgets(line, (int)sizeof line, cpus)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        colon[1 + strcspn(colon + 1, "\n")] = '\0';
        (void)snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (cpus) (void)fclose(cpus);
}

static bool report_json(const bench *b, const char *machine)
{
    json_t *root = json_object();
    int bad = 0;
    for (int s = 0; s < STAGES; s++) {
        if (!has_stage(b, s)) continue;
        bad += json_object_set_new(root, stage_names[s],
                                   json_pack("{s:f, s:f}", "median", b->median[s], "min", b->least[s])) != 0;
    }
    bad += json_object_update_new(
               root,
               json_pack("{s:I, s:I, s:f, s:s, s:f, s:f, s:f, s:i, s:i, s:i, s:i, s:i, s:o, s:s, s:s}",
                         "peak_rss_kb", (json_int_t)b->peak_kb, "session_bytes", (json_int_t)b->session_bytes,
                         "encoder_gops", b->encoder_speed, "precision", b->precision, "images_per_second",
                         b->encoder_rate, "searches_per_second", b->decoder_rate, "captions_per_second",
                         b->caption_rate, "batch", b->options->batch, "threads",
                         b->options->common.session.threads, "runs", b->options->runs, "beams",
                         b->decode.search == CAPTION_SEARCH_GREEDY ? 1 : b->decode.beams, "tokens", b->tokens,
                         "machine", tool_json_text(machine), "cpu", caption_session_cpu(b->session),
                         "version", caption_version())) != 0;
    char *text = bad ? NULL : json_dumps(root, TOOL_JSON_FLAGS);
    if (text) (void)puts(text);
    free(text);
    json_decref(root);
    return text != NULL;
}

static void report_text(const bench *b, const char *machine)
{
    (void)printf("%s, %s, %s, %d thread%s, %d x %d image, %d beams, %d tokens, %d runs\n", machine,
                 caption_session_cpu(b->session), b->precision, b->options->common.session.threads,
                 b->options->common.session.threads == 1 ? "" : "s", b->width, b->height,
                 b->decode.search == CAPTION_SEARCH_GREEDY ? 1 : b->decode.beams, b->tokens,
                 b->options->runs);
    (void)printf("%-14s %10s %10s\n", "ms", "median", "min");
    for (int s = 0; s < STAGES; s++) {
        if (!has_stage(b, s)) continue;
        (void)printf("%-14s %10.2f %10.2f\n", stage_names[s], b->median[s], b->least[s]);
    }
    (void)printf("encoder in %s: %.1f %s\n", b->precision, b->encoder_speed,
                 strcmp(b->precision, "int8") == 0 ? "GOP/s" : "GFLOP/s of direct convolution");
    (void)printf("batches of %d: %.2f images/s encoded, %.2f images/s searched, %.2f images/s captioned\n",
                 b->options->batch, b->encoder_rate, b->decoder_rate, b->caption_rate);
    (void)printf("session %.1f MB, peak resident %.1f MB\n", (double)b->session_bytes * 1e-6,
                 (double)b->peak_kb * 1024e-6);
}

/* Of the encoder's median time. */
static double encoder_speed(const bench *b)
{
    double work = 0;
    caption_layer_info layer;
    for (int i = 0; caption_session_layer(b->session, i, &layer) == CAPTION_OK; i++) {
        work += layer.multiply_adds;
    }
    return 2e-6 * work / b->median[STAGE_ENCODER];
}

static bool measure(bench *b, tool_options *common, unsigned char **owned, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    if (caption_model_open_file(&b->model, b->options->model, NULL, &error) != CAPTION_OK) {
        return tool_fail_caption(err, b->options->model, &error);
    }
    caption_model_info info;
    caption_model_get_info(b->model, &info);
    b->precision = cpt_name_of(cpt_precision_names, info.precision);
    if (b->options->steps) common->max_length = b->options->steps;
    if (!tool_options_apply(common, b->model, &b->decode, err)) return false;
    b->decode.min_length = b->options->steps;
    common->session.explain = b->options->explain;
    if (!prepare_image(b, &common->session, owned, err)) return false;
    for (int s = 0; s < STAGES; s++) {
        b->times[s] = calloc((size_t)b->options->runs, sizeof *b->times[s]);
        if (!b->times[s]) return tool_fail(err, "out of memory");
    }
    b->session_bytes = caption_session_size(b->model, &common->session, &error);
    if (!b->session_bytes ||
        caption_session_create(&b->session, b->model, &common->session, &error) != CAPTION_OK) {
        return tool_fail_caption(err, b->options->model, &error);
    }
    if (!run_stages(b, &common->session, err)) return false;
    b->encoder_speed = encoder_speed(b);
    struct rusage usage_now;
    /* before the batches, whose larger session is no part of one caption */
    if (getrusage(RUSAGE_SELF, &usage_now) == 0) b->peak_kb = usage_now.ru_maxrss;
    return run_batches(b, &common->session, err);
}

int main(int argc, char **argv)
{
    tool_start(tool);
    bench_options options;
    bench b = {.options = &options};
    unsigned char *owned = NULL;
    tool_error err = {{0}};
    int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    code = TOOL_EXIT_OK;
    char machine[256];
    machine_name(machine, sizeof machine);
    if (measure(&b, &options.common, &owned, &err)) {
        if (!options.json) {
            report_text(&b, machine);
        } else if (!report_json(&b, machine)) {
            (void)tool_fail(&err, "out of memory");
        }
        (void)tool_flush_output(&err);
    }
    if (err.message[0]) code = tool_failure(tool, &err);
    for (int s = 0; s < STAGES; s++) free(b.times[s]);
    free(b.pixels);
    free(owned);
    caption_session_close(&b.session);
    caption_model_close(&b.model);
    return code;
}
