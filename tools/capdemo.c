/* capdemo - photos in, sentences out: the command-line face of libcaption.
 *
 * Reads its options into one structure, makes a list of images and captions them one after the other.  An
 * image that fails is reported and the others still run.  Never writes a file. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <caption.h>

#include "tools/common/bundled.h"
#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/images.h"
#include "tools/common/options.h"
#include "tools/common/progress.h"
#include "tools/common/session.h"
#include "tools/demo/show.h"

static const char tool[] = "capdemo";

typedef struct demo_options {
    tool_options common;
    const char *model; /* NULL: $CAPTION_MODEL or the bundled one */
    bool json, time, attention, recursive;
    char **arguments; /* [argument_count] */
    int argument_count;
} demo_options;

typedef struct demo_run {
    const demo_options *options;
    const caption_model *model;
    caption_decode_options decode;
    tool_session session;
    tool_images images;
    bool named, failed;
} demo_run;

static const char usage[] =
    "Usage: capdemo [-m MODEL.capw] [options] IMAGE...\n"
    "Writes a caption for every JPEG or PNG image: the caption alone for one image,\n"
    "'IMAGE: CAPTION' for several.  A folder stands for the images in it, - for\n"
    "standard input.\n"
    "\n"
    "  -m, --model FILE    the model; without it $CAPTION_MODEL, then the bundled one\n"
    "  --greedy            the likeliest word at every step instead of a beam search\n"
    "  --nbest N           the N best captions of each image with their scores\n" TOOL_HELP_SEARCH
    "  --json              one JSON object per image and line\n"
    "  --attention         show where the model looked for every word\n"
    "  --time              how long every stage took, on standard error\n"
    "  -r, --recursive     the folders inside folders too\n" TOOL_HELP_IMAGE TOOL_HELP_ENGINE
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "Exit code: 0, or 1 when something failed, or 2 for wrong usage.\n";

enum { OPTION_JSON = TOOL_OPTION_OWN, OPTION_TIME, OPTION_ATTENTION };

static const struct option long_options[] = {
    {"model", required_argument, NULL, 'm'},
    {"recursive", no_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"time", no_argument, NULL, OPTION_TIME},
    {"attention", no_argument, NULL, OPTION_ATTENTION},
    {"greedy", no_argument, NULL, TOOL_OPTION_GREEDY},
    {"nbest", required_argument, NULL, TOOL_OPTION_NBEST},
    TOOL_OPTIONS_SEARCH,
    TOOL_OPTIONS_IMAGE,
    TOOL_OPTIONS_ENGINE,
    {NULL, 0, NULL, 0},
};

static void take(void *user, int code, tool_error *err)
{
    demo_options *options = user;
    switch (code) {
    case 'm':
        options->model = optarg;
        break;
    case 'r':
        options->recursive = true;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_TIME:
        options->time = true;
        break;
    case OPTION_ATTENTION:
        options->attention = true;
        break;
    default:
        (void)tool_options_take(&options->common, code, optarg, err);
    }
}

static const tool_command command = {tool, usage, ":m:rhV", long_options, take};

/* Returns -1 to go on, or the exit code. */
static int parse(demo_options *options, int argc, char **argv)
{
    tool_error err = {{0}};
    int code;
    memset(options, 0, sizeof *options);
    tool_options_init(&options->common);
    code = tool_read_options(&command, options, argc, argv);
    if (code >= 0) return code;
    options->arguments = argv + optind;
    options->argument_count = argc - optind;
    if (options->argument_count == 0) {
        (void)tool_fail(&err, "no image named");
        return tool_usage_error(tool, &err);
    }
    return -1;
}

static void list_images(demo_run *run)
{
    const demo_options *options = run->options;
    int i;
    for (i = 0; i < options->argument_count; i++) {
        tool_error err = {{0}};
        if (!tool_images_add(&run->images, options->arguments[i], options->recursive, &err)) {
            (void)tool_failure(tool, &err);
            run->failed = true;
        }
    }
    run->named = options->argument_count > 1 || tool_is_folder(options->arguments[0]);
}

/* Loads, encodes and decodes; the result is the session's. */
static bool caption_one(demo_run *run, demo_answer *answer, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    tool_text data = {NULL, 0};
    double start, loaded, encoded;
    bool ok = tool_image_read(&data, answer->image, err);
    start = tool_now_ms();
    ok = ok && tool_session_load(&run->session, answer->image, data.data, data.size, err);
    tool_text_free(&data);
    if (!ok) return false;
    loaded = tool_now_ms();
    if (caption_encode(run->session.session, 1, &run->decode, &error) != CAPTION_OK) goto fail;
    encoded = tool_now_ms();
    if (caption_decode(run->session.session, 0, &run->decode, &answer->result, &error) != CAPTION_OK) {
        goto fail;
    }
    answer->times.load = loaded - start;
    answer->times.encoder = encoded - loaded;
    answer->times.decoder = tool_now_ms() - encoded;
    return true;
fail:
    return tool_fail_caption(err, answer->image, &error);
}

static void report_notes(const demo_run *run, const demo_answer *answer)
{
    const caption_result *result = answer->result;
    const demo_times *t = &answer->times;
    if (result->warnings) {
        (void)fprintf(stderr, "%s: %s: warning: %s", tool, answer->image,
                      result->warning ? result->warning : "damaged image");
        if (result->warnings > 1) (void)fprintf(stderr, " (and %d more)", result->warnings - 1);
        (void)fputc('\n', stderr);
    }
    if (run->options->time) {
        (void)fprintf(stderr, "%s: load %.1f ms, encoder %.1f ms, decoder %.1f ms\n", answer->image, t->load,
                      t->encoder, t->decoder);
    }
}

/* Returns false when standard output can't be written: going on would be for nothing. */
static bool show(const demo_run *run, const demo_answer *answer, tool_error *err)
{
    if (!run->options->json) {
        demo_show_text(answer);
    } else if (!demo_show_json(answer)) {
        return tool_fail(err, "%s: out of memory", answer->image);
    }
    return tool_flush_output(err);
}

static bool caption_all(demo_run *run, tool_error *err)
{
    tool_progress progress;
    bool shown = true;
    size_t i;
    tool_progress_begin(&progress, "images", 0, run->images.count);
    for (i = 0; shown && i < run->images.count; i++) {
        tool_error failure = {{0}};
        demo_answer answer = {.image = run->images.names[i],
                              .model = run->model,
                              .named = run->named,
                              .several = run->options->common.nbest > 0,
                              .attention = run->options->attention,
                              .timed = run->options->time};
        bool ok;
        if (run->images.count > 1) tool_progress_update(&progress, i);
        ok = caption_one(run, &answer, &failure);
        tool_progress_clear(&progress);
        if (ok) {
            report_notes(run, &answer);
            shown = show(run, &answer, err);
        } else {
            (void)tool_failure(tool, &failure);
            run->failed = true;
        }
    }
    tool_progress_end(&progress);
    return shown;
}

static int run_all(demo_options *options, double start)
{
    tool_error err = {{0}};
    demo_run run = {.options = options};
    caption_model *model = NULL;
    caption_model_info info;
    const char *name = NULL;
    double opened;
    int code = TOOL_EXIT_FAILED;
    if (!tool_model_open(&model, options->model, &name, &err)) goto fail;
    opened = tool_now_ms();
    run.model = model;
    caption_model_get_info(model, &info);
    if (!tool_options_apply(&options->common, model, &run.decode, &err)) {
        code = TOOL_EXIT_USAGE;
        goto fail;
    }
    if (options->attention && info.kind != CAPTION_KIND_ATTENTION) {
        (void)tool_fail(&err, "%s: --attention: this model has no attention to show", name);
        goto fail;
    }
    if (!tool_session_begin(&run.session, model, &options->common.session, &err)) goto fail;
    list_images(&run);
    if (!caption_all(&run, &err)) goto fail;
    if (options->time) {
        (void)fprintf(stderr, "%s: model opened in %.1f ms, %zu image%s in %.1f ms from the start\n", tool,
                      opened - start, run.images.count, run.images.count == 1 ? "" : "s",
                      tool_now_ms() - start);
    }
    code = run.failed ? TOOL_EXIT_FAILED : TOOL_EXIT_OK;
fail:
    if (code == TOOL_EXIT_USAGE) {
        (void)tool_usage_error(tool, &err);
    } else if (err.message[0]) {
        (void)tool_failure(tool, &err);
    }
    tool_session_end(&run.session);
    tool_images_free(&run.images);
    caption_model_close(&model);
    return code;
}

int main(int argc, char **argv)
{
    double start = tool_now_ms();
    demo_options options;
    int code = parse(&options, argc, argv);
    return code >= 0 ? code : run_all(&options, start);
}
