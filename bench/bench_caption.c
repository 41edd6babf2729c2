/* bench_caption - how long a caption takes, stage by stage, on this machine.
 *
 * Every stage is repeated and reported as median and minimum.  Never writes a file. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <jpeglib.h>

#include <caption.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/images.h"
#include "tools/common/json.h"
#include "tools/common/options.h"

static const char tool[] = "bench_caption";

enum { WIDTH = 500, HEIGHT = 375, QUALITY = 90, MAX_RUNS = 10000, WARM_UP = 2 };

typedef enum bench_stage {
    STAGE_OPEN,
    STAGE_DECODE_IMAGE,
    STAGE_RESIZE,
    STAGE_ENCODER,
    STAGE_DECODER,
    STAGE_TOTAL,
    STAGES
} bench_stage;

static const char *const stage_names[STAGES] = {
    [STAGE_OPEN] = "open",       [STAGE_DECODE_IMAGE] = "decode_image", [STAGE_RESIZE] = "resize",
    [STAGE_ENCODER] = "encoder", [STAGE_DECODER] = "decoder",           [STAGE_TOTAL] = "total",
};

typedef struct bench_options {
    tool_options common;
    const char *model, *image;
    int runs, steps, batch;
    bool json;
} bench_options;

typedef struct bench {
    const bench_options *options;
    caption_decode_options decode;
    caption_model *model;
    caption_session *session;
    unsigned char *image; /* encoded, image_size bytes */
    size_t image_size;
    uint8_t *pixels; /* [height, width, 3], of the image's size */
    int width, height;
    double *times[STAGES]; /* [runs] each, ms */
    double median[STAGES], least[STAGES];
    double encoder_rate, caption_rate; /* images a second, in batches */
    size_t session_bytes;
    long peak_kb;
    int tokens; /* decoder steps that the caption took */
} bench;

static const char usage[] =
    "Usage: bench_caption -m MODEL.capw [options]\n"
    "Times, in milliseconds, as median and minimum over the runs:\n"
    "  open          the model's file and a session for it\n"
    "  decode_image  an encoded image into the encoder's input: decoding and resize\n"
    "  resize        the resize alone, from pixels of the same size\n"
    "  encoder       the features of one image\n"
    "  decoder       the search for its captions\n"
    "  total         encoded image to caption in one call\n"
    "images_per_second counts images that go through the encoder, --batch at a\n"
    "time; captions_per_second counts whole captions in the same batches.\n"
    "\n"
    "  -m, --model FILE    the model\n"
    "  --image FILE        a JPEG or PNG (default: a made-up JPEG of 500 x 375)\n"
    "  --runs R            repetitions, 1 to 10000 (default 12)\n"
    "  --steps N           decode exactly N tokens\n"
    "  --batch N           images encoded together, 1 to 64 (default 1)\n"
    "  --greedy            the likeliest word at every step instead of a beam search\n" TOOL_HELP_SEARCH
        TOOL_HELP_ENGINE "  --json              one JSON object\n"
    "  -h, --help          this text\n";

enum { OPTION_IMAGE = TOOL_OPTION_OWN, OPTION_RUNS, OPTION_STEPS, OPTION_BATCH, OPTION_JSON };

static const struct option long_options[] = {
    {"model", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'h'},
    {"image", required_argument, NULL, OPTION_IMAGE},
    {"runs", required_argument, NULL, OPTION_RUNS},
    {"steps", required_argument, NULL, OPTION_STEPS},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"json", no_argument, NULL, OPTION_JSON},
    {"greedy", no_argument, NULL, TOOL_OPTION_GREEDY},
    TOOL_OPTIONS_SEARCH,
    TOOL_OPTIONS_ENGINE,
    {NULL, 0, NULL, 0},
};

static void take(void *user, int code, tool_error *err)
{
    bench_options *options = user;
    switch (code) {
    case 'm':
        options->model = optarg;
        break;
    case OPTION_IMAGE:
        options->image = optarg;
        break;
    case OPTION_RUNS:
        (void)tool_parse_int(&options->runs, "--runs", optarg, 1, MAX_RUNS, err);
        break;
    case OPTION_STEPS:
        (void)tool_parse_int(&options->steps, "--steps", optarg, 1, 1024, err);
        break;
    case OPTION_BATCH:
        (void)tool_parse_int(&options->batch, "--batch", optarg, 1, 64, err);
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    default:
        (void)tool_options_take(&options->common, code, optarg, err);
    }
}

static const tool_command command = {
    .tool = tool, .usage = usage, .short_options = ":m:h", .long_options = long_options, .take = take};

/* Returns -1 to go on, or the exit code. */
static int parse(bench_options *options, int argc, char **argv)
{
    *options = (bench_options){.runs = 12, .batch = 1};
    tool_options_init(&options->common);
    const int code = tool_read_options(&command, options, argc, argv);
    if (code >= 0) return code;
    tool_error err = {{0}};
    if (optind < argc) (void)tool_fail(&err, "%s: unexpected argument", argv[optind]);
    if (!options->model) (void)tool_fail(&err, "no model named: -m MODEL.capw");
    return err.message[0] ? tool_usage_error(tool, &err) : -1;
}

/* ---- the image ---- */

/* Soft colour ramps with noise, which take about as many bytes in a JPEG as a photo of this size.
 * rgb [height, width, 3] */
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

/* The picture rgb [HEIGHT, WIDTH, 3] as JPEG, for the caller to free; NULL without memory.  libjpeg's own
 * error handler ends the program.  A bench may do so, and only a lack of memory can go wrong here. */
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
    for (int y = 0; y < HEIGHT; y++) {
        static unsigned char row[WIDTH * 3];
        JSAMPROW rows = row; /* libjpeg takes no pointer to const */
        memcpy(row, rgb + (size_t)y * sizeof row, sizeof row);
        (void)jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *size = bytes;
    return data;
}

/* Reads the image that was named and finds its size; the session gets as much memory as decoding it takes. */
static bool read_image(bench *b, caption_session_options *session, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_image_info info;
    tool_text data;
    if (!tool_image_read(&data, b->options->image, err)) return false;
    b->image = (unsigned char *)data.data;
    b->image_size = data.size;
    if (caption_image_probe(b->image, b->image_size, &info, &error) != CAPTION_OK) {
        return tool_fail_caption(err, b->options->image, &error);
    }
    if (info.decode_memory > session->decode_memory) session->decode_memory = info.decode_memory;
    b->width = info.width;
    b->height = info.height;
    return true;
}

/* Fills image, pixels and their sizes. */
static bool prepare_image(bench *b, caption_session_options *session, tool_error *err)
{
    b->width = WIDTH;
    b->height = HEIGHT;
    if (b->options->image && !read_image(b, session, err)) return false;
    b->pixels = calloc((size_t)b->width * 3, (size_t)b->height);
    if (!b->pixels) return tool_fail(err, "out of memory");
    draw(b->pixels, b->width, b->height);
    if (!b->image) b->image = make_jpeg(b->pixels, &b->image_size);
    return b->image || tool_fail(err, "out of memory");
}

/* ---- the stages ---- */

static caption_status open_and_close(const bench *b, const caption_session_options *options,
                                     caption_error *error)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_status status = caption_model_open_file(&model, b->options->model, NULL, error);
    if (status == CAPTION_OK) status = caption_session_create(&session, model, options, error);
    caption_session_close(&session);
    caption_model_close(&model);
    return status;
}

static caption_status run_stage(bench *b, bench_stage stage, const caption_session_options *options,
                                caption_error *error)
{
    const caption_result *result = NULL;
    const caption_pixel_view view = {.rgb = b->pixels, .width = b->width, .height = b->height};
    caption_status status = CAPTION_OK;
    switch (stage) {
    case STAGE_OPEN:
        return open_and_close(b, options, error);
    case STAGE_DECODE_IMAGE:
        return caption_load_image(b->session, 0, b->image, b->image_size, error);
    case STAGE_RESIZE:
        return caption_load_pixels(b->session, 0, &view, error);
    case STAGE_ENCODER:
        return caption_encode(b->session, 1, NULL, error);
    case STAGE_DECODER:
        return caption_decode(b->session, 0, &b->decode, &result, error);
    case STAGE_TOTAL:
        status = caption_image(b->session, b->image, b->image_size, &b->decode, &result, error);
        if (status == CAPTION_OK) b->tokens = result->captions[0].length;
        return status;
    case STAGES:
        break;
    }
    return status;
}

/* Every run goes through all stages, so that a slow spell of the machine touches all of them alike. */
static bool run_stages(bench *b, const caption_session_options *options, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    for (int run = -WARM_UP; run < b->options->runs; run++) {
        for (int s = 0; s < STAGES; s++) {
            const double start = tool_now_ms();
            if (run_stage(b, (bench_stage)s, options, &error) != CAPTION_OK) {
                return tool_fail_caption(err, stage_names[s], &error);
            }
            const double took = tool_now_ms() - start;
            if (run >= 0) b->times[s][run] = took;
        }
    }
    for (int s = 0; s < STAGES; s++) {
        b->median[s] = tool_median(b->times[s], b->options->runs);
        b->least[s] = b->times[s][0]; /* the median sorted them */
    }
    return true;
}

typedef struct batch_times {
    double encoder, whole; /* ms */
} batch_times;

/* Loads, encodes and decodes `count` images. */
static caption_status run_batch(const bench *b, int count, batch_times *times, caption_error *error)
{
    const double start = tool_now_ms();
    caption_status status = CAPTION_OK;
    for (int i = 0; i < count && status == CAPTION_OK; i++) {
        status = caption_load_image(b->session, i, b->image, b->image_size, error);
    }
    const double loaded = tool_now_ms();
    if (status == CAPTION_OK) status = caption_encode(b->session, count, NULL, error);
    times->encoder = tool_now_ms() - loaded;
    for (int i = 0; i < count && status == CAPTION_OK; i++) {
        const caption_result *result;
        status = caption_decode(b->session, i, &b->decode, &result, error);
    }
    times->whole = tool_now_ms() - start;
    return status;
}

static bool run_batches(bench *b, const caption_session_options *single, tool_error *err)
{
    const int runs = b->options->runs, count = b->options->batch;
    double *encoder = b->times[STAGE_ENCODER], *whole = b->times[STAGE_TOTAL]; /* [runs] each */
    caption_session_options options = *single;
    caption_error error = {CAPTION_OK, ""};
    caption_session_close(&b->session);
    options.max_batch = count;
    caption_status status = caption_session_create(&b->session, b->model, &options, &error);
    for (int run = -1; run < runs && status == CAPTION_OK; run++) { /* one to warm up */
        batch_times times;
        status = run_batch(b, count, &times, &error);
        if (run < 0) continue;
        encoder[run] = times.encoder;
        whole[run] = times.whole;
    }
    if (status != CAPTION_OK) return tool_fail_caption(err, "--batch", &error);
    b->encoder_rate = 1e3 * count / tool_median(encoder, runs);
    b->caption_rate = 1e3 * count / tool_median(whole, runs);
    return true;
}

/* ---- the report ---- */

/* The processor's name where the system tells it, else its architecture. */
static void machine_name(char *name, size_t size)
{
    struct utsname host;
    char line[256];
    (void)snprintf(name, size, "%s", uname(&host) == 0 ? host.machine : "unknown");
    FILE *cpus = fopen("/proc/cpuinfo", "r");
    while (cpus && fgets(line, (int)sizeof line, cpus)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        colon[1 + strcspn(colon + 1, "\n")] = '\0';
        (void)snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (cpus) (void)fclose(cpus);
}

static int beams_of(const bench *b)
{
    return b->decode.search == CAPTION_SEARCH_GREEDY ? 1 : b->decode.beams;
}

static bool report_json(const bench *b, const char *machine)
{
    json_t *root = json_object();
    bool ok = root != NULL;
    for (int s = 0; s < STAGES; s++) {
        json_t *times = json_pack("{s:f, s:f}", "median", b->median[s], "min", b->least[s]);
        ok = json_object_set_new(root, stage_names[s], times) == 0 && ok;
    }
    json_t *rest =
        json_pack("{s:I, s:I, s:f, s:f, s:i, s:i, s:i, s:i, s:i, s:o, s:s, s:s}", "peak_rss_kb",
                  (json_int_t)b->peak_kb, "session_bytes", (json_int_t)b->session_bytes, "images_per_second",
                  b->encoder_rate, "captions_per_second", b->caption_rate, "batch", b->options->batch,
                  "threads", b->options->common.session.threads, "runs", b->options->runs, "beams",
                  beams_of(b), "tokens", b->tokens, "machine", tool_json_text(machine), "cpu",
                  caption_session_cpu(b->session), "version", caption_version());
    ok = json_object_update_new(root, rest) == 0 && ok;
    char *text = ok ? json_dumps(root, TOOL_JSON_FLAGS) : NULL;
    if (text) (void)puts(text);
    free(text);
    json_decref(root);
    return text != NULL;
}

static void report_text(const bench *b, const char *machine)
{
    const int threads = b->options->common.session.threads;
    (void)printf("%s, %s, %d thread%s, %d x %d image, %d beams, %d tokens, %d runs\n", machine,
                 caption_session_cpu(b->session), threads, threads == 1 ? "" : "s", b->width, b->height,
                 beams_of(b), b->tokens, b->options->runs);
    (void)printf("%-14s %10s %10s\n", "ms", "median", "min");
    for (int s = 0; s < STAGES; s++) {
        (void)printf("%-14s %10.2f %10.2f\n", stage_names[s], b->median[s], b->least[s]);
    }
    (void)printf("batches of %d: %.2f images/s encoded, %.2f images/s captioned\n", b->options->batch,
                 b->encoder_rate, b->caption_rate);
    (void)printf("session %.1f MB, peak resident %.1f MB\n", (double)b->session_bytes * 1e-6,
                 (double)b->peak_kb * 1024e-6);
}

static bool measure(bench *b, tool_options *common, tool_error *err)
{
    const char *name = b->options->model;
    caption_error error = {CAPTION_OK, ""};
    if (caption_model_open_file(&b->model, name, NULL, &error) != CAPTION_OK) {
        return tool_fail_caption(err, name, &error);
    }
    if (b->options->steps) common->max_length = b->options->steps;
    if (!tool_options_apply(common, b->model, &b->decode, err)) return false;
    b->decode.min_length = b->options->steps;
    if (!prepare_image(b, &common->session, err)) return false;
    for (int s = 0; s < STAGES; s++) {
        b->times[s] = calloc((size_t)b->options->runs, sizeof *b->times[s]);
        if (!b->times[s]) return tool_fail(err, "out of memory");
    }
    b->session_bytes = caption_session_size(b->model, &common->session, &error);
    if (!b->session_bytes ||
        caption_session_create(&b->session, b->model, &common->session, &error) != CAPTION_OK) {
        return tool_fail_caption(err, name, &error);
    }
    if (!run_stages(b, &common->session, err)) return false;
    /* asked before the batches, whose larger session is no part of one caption */
    struct rusage usage_now;
    if (getrusage(RUSAGE_SELF, &usage_now) == 0) b->peak_kb = usage_now.ru_maxrss;
    return run_batches(b, &common->session, err);
}

int main(int argc, char **argv)
{
    bench_options options;
    bench b = {.options = &options};
    tool_error err = {{0}};
    const int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    char machine[256];
    machine_name(machine, sizeof machine);
    if (measure(&b, &options.common, &err)) {
        if (!options.json) {
            report_text(&b, machine);
        } else if (!report_json(&b, machine)) {
            (void)tool_fail(&err, "out of memory");
        }
        (void)tool_flush_output(&err);
    }
    for (int s = 0; s < STAGES; s++) free(b.times[s]);
    free(b.pixels);
    free(b.image);
    caption_session_close(&b.session);
    caption_model_close(&b.model);
    return err.message[0] ? tool_failure(tool, &err) : TOOL_EXIT_OK;
}
