/* capdemo - photos in, sentences out: the command-line face of libcaption.
 *
 * Reads its options into one structure, makes a list of images and captions them one after the other.  An
 * image that fails is reported, and the others still run.  Writes no files but what -o and --pictures name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caption.h>

#include "tools/common/bundled.h"
#include "tools/common/clean.h"
#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/confine.h"
#include "tools/common/images.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/progress.h"
#include "tools/common/session.h"
#include "tools/demo/pictures.h"
#include "tools/demo/report.h"
#include "tools/demo/show.h"
#include "tools/demo/why.h"
#include "tools/draw/encode.h"

enum { NAME_BYTES = 100, NAMES_BYTES = TOOL_IMAGES_NAMED * (NAME_BYTES + 2) };

static const char tool[] = "capdemo";

typedef struct demo_options {
    tool_options common;
    const char *model, *output, *list; /* NULL: not given */
    const char *pictures, *html;
    tool_map map;
    heatmap_colors colors;
    bool json, time, attention, recursive, quiet, null;
    char **arguments; /* [argument_count] */
    int argument_count;
} demo_options;

typedef struct demo_run {
    const demo_options *options;
    const caption_model *model;
    caption_decode_options decode;
    tool_session session;
    tool_images images;
    tool_output output;
    demo_pictures pictures;
    demo_report report;
    demo_why why;
    bool named, failed;
} demo_run;

/* ---- options ---- */

enum {
    OPTION_JSON = TOOL_OPTION_OWN,
    OPTION_TIME,
    OPTION_ATTENTION,
    OPTION_FILES_FROM,
    OPTION_PICTURES,
    OPTION_HTML,
    OPTION_MAP,
    OPTION_COLORS,
};

/* clang-format off */
static const tool_option own_options[] = {
    TOOL_ENTRY_MODEL,
    {.name = "output", .code = 'o', .argument = "FILE", .help = "write the captions to FILE; - is standard output",
     .initial = "-"},
    {.name = "json", .code = OPTION_JSON, .help = "one JSON object a line for every image"},
    {.name = "recursive", .code = 'r', .help = "the folders inside folders too"},
    {.name = "files-from", .code = OPTION_FILES_FROM, .argument = "FILE",
     .help = "also the images named in FILE, one a line; - is standard input", .initial = "none"},
    {.name = "null", .code = '0', .help = "the names in that FILE end in zero bytes (find -print0)"},
    {.name = "time", .code = OPTION_TIME, .help = "how long every stage took, on standard error"},
    {.name = "quiet", .code = 'q', .help = "no progress, notes or warnings, only errors"},
    {.name = NULL},
};

static const tool_option view_options[] = {
    {.name = "attention", .code = OPTION_ATTENTION, .help = "draw where the model looked for every word"},
    {.name = "pictures", .code = OPTION_PICTURES, .argument = "DIR",
     .help = "for each image DIR/NAME.png: it, and a heat map for every word", .initial = "none"},
    {.name = "html", .code = OPTION_HTML, .argument = "FILE",
     .help = "a page with all images, captions and heat maps", .initial = "none"},
    {.name = "map", .code = OPTION_MAP, .argument = "KIND",
     .help = "what those heat maps show: attention, gradcam or occlusion (which takes as long as 49 images)",
     .initial = "attention, without it gradcam"},
    {.name = "colors", .code = OPTION_COLORS, .argument = "KIND",
     .help = "of the pictures' heat maps: viridis or jet", .initial = "viridis"},
    {.name = NULL},
};

static const tool_option more_search_options[] = {
    TOOL_ENTRY_GREEDY,
    {.name = "nbest", .code = TOOL_OPTION_NBEST, .argument = "N",
     .help = "the N best captions of each image with their scores, 1 to the beam width",
     .initial = "the best one, without"},
    {.name = NULL},
};

static const tool_group groups[] = {
    {"Options", own_options},
    {"Where it looked, and why", view_options},
    {"Search", more_search_options},
    {"Search", tool_search_options},
    {"Images", tool_image_options},
    {"Images", tool_limit_options},
    {"Machine", tool_engine_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};
/* clang-format on */

static void take(void *user, int code, const char *value, tool_error *err)
{
    demo_options *options = user;
    int choice;
    switch (code) {
    case 'm':
        options->model = value;
        break;
    case 'o':
        options->output = value;
        break;
    case 'r':
        options->recursive = true;
        break;
    case 'q':
        options->quiet = true;
        break;
    case '0':
        options->null = true;
        break;
    case OPTION_FILES_FROM:
        options->list = value;
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
    case OPTION_PICTURES:
        options->pictures = value;
        break;
    case OPTION_HTML:
        options->html = value;
        break;
    case OPTION_MAP:
        if (tool_parse_choice(&choice, "--map", value, tool_map_names, err)) options->map = (tool_map)choice;
        break;
    case OPTION_COLORS:
        if (tool_parse_choice(&choice, "--colors", value, heatmap_color_names, err)) {
            options->colors = (heatmap_colors)choice;
        }
        break;
    default:
        (void)tool_options_take(&options->common, code, value, err);
    }
}

static const tool_command command = {
    .name = tool,
    .synopsis = "[options] IMAGE...",
    .about = "Writes a caption for every image (JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF,\n"
             "BMP): the caption alone for one image, lines IMAGE<TAB>CAPTION for several,\n"
             "which 'capeval score' reads.  A folder stands for the images in it, - for\n"
             "standard input.\n",
    .groups = groups,
    .take = take,
};

/* Returns -1 to go on, or the exit code. */
static int parse(demo_options *options, int argc, char **argv)
{
    tool_error err = {{0}};
    *options = (demo_options){.arguments = argv + 1, .map = TOOL_MAPS};
    tool_options_init(&options->common);
    const int code = tool_read_options(&command, options, &argc, argv);
    if (code >= 0) return code;
    options->argument_count = argc - 1;
    if (options->argument_count == 0 && !options->list) {
        (void)tool_fail(&err, "no image named");
    } else if (options->null && !options->list) {
        (void)tool_fail(&err, "--null: goes with --files-from alone");
    } else if (options->output && tool_is_picture(options->output)) {
        (void)tool_fail(&err, "-o: %s is a picture, which would be lost", options->output);
    }
    if (options->pictures && !encode_has_png()) (void)tool_fail(&err, "--pictures: this build has no PNG");
    if (options->html && strcmp(options->html, "-") == 0) {
        (void)tool_fail(&err, "--html: name a file; captions are written to standard output");
    }
    if (options->html && !encode_has_jpeg()) (void)tool_fail(&err, "--html: this build has no JPEG");
    return err.message[0] ? tool_usage_error(tool, &err) : -1;
}

/* ---- images ---- */

/* The one line about files in folders that are no pictures. */
static void note_passed_over(const tool_images *images)
{
    char names[NAMES_BYTES] = "";
    size_t used = 0, count = 0;
    for (; count < TOOL_IMAGES_NAMED && images->named[count]; count++) {
        char name[NAME_BYTES];
        (void)tool_shorten(name, sizeof name, images->named[count], strlen(images->named[count]));
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", count ? ", " : "", name);
    }
    const bool one = images->passed_over == 1;
    tool_note(tool, "%zu file%s that %s no picture%s %s passed over: %s%s", images->passed_over,
              one ? "" : "s", one ? "is" : "are", one ? "" : "s", one ? "was" : "were", names,
              images->passed_over > count ? ", ..." : "");
}

/* An argument that can't be listed is reported; the others still run. */
static void list_images(demo_run *run)
{
    const demo_options *options = run->options;
    for (int i = 0; i < options->argument_count; i++) {
        tool_error err = {{0}};
        if (!tool_images_add(&run->images, options->arguments[i], options->recursive, &err)) {
            (void)tool_failure(tool, &err);
            run->failed = true;
        }
    }
    if (options->list) {
        tool_error err = {{0}};
        if (!tool_images_add_list(&run->images, options->list, options->null, options->recursive, &err)) {
            (void)tool_failure(tool, &err);
            run->failed = true;
        }
    }
    run->named = options->argument_count != 1 || options->list || tool_is_folder(options->arguments[0]);
    if (run->images.passed_over && !options->quiet) note_passed_over(&run->images);
}

/* Whether an image lies in a folder scenes/demo, as the project's drawn scenes do (weights/scenes/demo). */
static bool is_drawn_scene(const char *image)
{
    static const char folder[] = "/scenes/demo";
    const size_t length = sizeof folder - 1;
    char *path = realpath(image, NULL);
    if (!path) return false;
    const char *slash = strrchr(path, '/');
    const bool is = (size_t)(slash - path) >= length && memcmp(slash - length, folder, length) == 0;
    free(path);
    return is;
}

/* The bundled model describes every picture as a drawn scene, photographs too, so users are told. */
static void note_bundled(const demo_run *run)
{
    if (run->options->quiet || tool_model_path(run->options->model)) return;
    for (size_t i = 0; i < run->images.count; i++) {
        if (is_drawn_scene(run->images.names[i])) continue;
        tool_note(tool,
                  "the bundled model knows simple drawn scenes, not photographs; for those get the "
                  "published weights: 'make weights' (README, \"Caption your own photos\"), then -m MODEL");
        return;
    }
}

/* ---- captions ---- */

/* The upright size of a JPEG or PNG image, for the shape that the page shows it in. */
static void find_size(demo_answer *answer, const tool_text *data, bool no_exif)
{
    caption_image_info info;
    if (picture_is_foreign(data->data, data->size) ||
        caption_image_probe(data->data, data->size, &info, NULL) != CAPTION_OK) {
        return;
    }
    const bool lies = info.orientation > 4 && !no_exif; /* its rows are columns */
    answer->width = lies ? info.height : info.width;
    answer->height = lies ? info.width : info.height;
}

/* Loads, encodes and decodes; the result is the session's. */
static bool caption_one(demo_run *run, demo_answer *answer, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    tool_text data = {NULL, 0};
    bool ok = tool_image_read(&data, answer->image, err);
    const double start = tool_now_ms();
    ok = ok && tool_session_load(&run->session, answer->image, data.data, data.size, err);
    if (ok && run->options->html) find_size(answer, &data, run->session.options.no_exif != 0);
    tool_text_free(&data);
    if (!ok) return false;
    const double loaded = tool_now_ms();
    if (caption_encode(run->session.session, 1, &run->decode, &error) != CAPTION_OK) {
        return tool_fail_caption(err, answer->image, &error);
    }
    const double encoded = tool_now_ms();
    if (caption_decode(run->session.session, 0, &run->decode, &answer->result, &error) != CAPTION_OK) {
        return tool_fail_caption(err, answer->image, &error);
    }
    answer->pixels = caption_slot_pixels(run->session.session, 0);
    answer->times =
        (demo_times){.load = loaded - start, .encoder = encoded - loaded, .decoder = tool_now_ms() - encoded};
    return true;
}

static void report_notes(const demo_run *run, const demo_answer *answer)
{
    const caption_result *result = answer->result;
    const demo_times *t = &answer->times;
    if (result->warnings && !run->options->quiet) {
        char more[40] = "";
        if (result->warnings > 1) (void)snprintf(more, sizeof more, " (and %d more)", result->warnings - 1);
        tool_note(tool, "%s: warning: %s%s", answer->image,
                  result->warning ? result->warning : "damaged image", more);
    }
    if (run->options->time) {
        tool_note(tool, "%s: load %.1f ms, encoder %.1f ms, decoder %.1f ms", answer->image, t->load,
                  t->encoder, t->decoder);
    }
}

/* The files of an image besides its captions. */
static bool show_views(demo_run *run, size_t index, const demo_answer *answer, tool_error *err)
{
    const demo_options *options = run->options;
    if (!options->pictures && !options->html) return true;
    run->why.session = run->session.session;
    return demo_why_find(&run->why, &answer->result->captions[0], answer->image, err) &&
           (!options->pictures || demo_pictures_write(&run->pictures, index, answer, &run->why, err)) &&
           (!options->html || demo_report_add(&run->report, answer, &run->why, options->map, err));
}

/* Takes one image from its name to the output.  Returns false when the output can't be written, which ends
 * the run. */
static bool show_one(demo_run *run, size_t index, tool_progress *progress, tool_error *err)
{
    const demo_options *options = run->options;
    const char *image = run->images.names[index];
    tool_error failure = {{0}};
    demo_answer answer = {.image = image,
                          .model = run->model,
                          .named = run->named,
                          .several = options->common.nbest > 0,
                          .attention = options->attention,
                          .timed = options->time};
    const bool ok = caption_one(run, &answer, &failure);
    tool_progress_clear(progress);
    if (!ok) {
        (void)tool_failure(tool, &failure);
        run->failed = true;
        if (options->json) demo_show_json_error(&run->output, image, failure.message);
        if (options->html) demo_report_add_error(&run->report, image, failure.message);
    } else {
        report_notes(run, &answer);
        (options->json ? demo_show_json : demo_show_text)(&run->output, &answer);
    }
    return tool_output_flush(&run->output, err) && (!ok || show_views(run, index, &answer, err));
}

static bool caption_all(demo_run *run, tool_error *err)
{
    tool_progress progress;
    bool ok = true;
    tool_progress_begin(&progress, "images", 0, run->images.count);
    if (run->options->quiet || run->images.count < 2) progress.active = false;
    for (size_t i = 0; ok && i < run->images.count; i++) {
        tool_progress_update(&progress, i);
        ok = show_one(run, i, &progress, err);
    }
    tool_progress_end(&progress);
    return ok;
}

/* Finds out which maps are needed, and whether the model has them. */
static bool choose_maps(demo_run *run, demo_options *options, const char *name,
                        const caption_model_info *info, tool_error *err)
{
    const bool attention = tool_map_possible(TOOL_MAP_ATTENTION, info);
    if (options->attention && !attention) {
        return tool_fail(err, "%s: --attention: this model has no attention to show", name);
    }
    if (!options->pictures && !options->html) return true;
    if (options->map == TOOL_MAPS) options->map = attention ? TOOL_MAP_ATTENTION : TOOL_MAP_GRADCAM;
    if (!tool_map_possible(options->map, info)) {
        return tool_fail(err, "%s: this %s has no maps '%s'", name,
                         attention ? "int8 model" : "model without attention", tool_map_names[options->map]);
    }
    run->why.model = run->model;
    run->why.wanted[options->map] = true;
    for (int map = 0; options->html && map < TOOL_MAP_OCCLUSION; map++) {
        run->why.wanted[map] = tool_map_possible((tool_map)map, info);
    }
    options->common.session.explain =
        run->why.wanted[TOOL_MAP_GRADCAM] || run->why.wanted[TOOL_MAP_OCCLUSION];
    return true;
}

/* Opens what the options name.  Returns the exit code so far. */
static int prepare(demo_run *run, demo_options *options, caption_model **model, tool_error *err)
{
    const char *name = NULL;
    if (!tool_model_open(model, options->model, &name, err)) return TOOL_EXIT_FAILED;
    run->model = *model;
    caption_model_info info;
    caption_model_get_info(*model, &info);
    if (!tool_options_apply(&options->common, *model, &run->decode, err)) return TOOL_EXIT_USAGE;
    if (!choose_maps(run, options, name, &info, err)) return TOOL_EXIT_FAILED;
    if (!tool_session_begin(&run->session, *model, &options->common.session, err) ||
        !tool_output_open(&run->output, options->output, err) ||
        (options->html && !demo_report_open(&run->report, options->html, err))) {
        return TOOL_EXIT_FAILED;
    }
    return TOOL_EXIT_OK;
}

static int run_all(demo_options *options, double start)
{
    tool_error err = {{0}};
    demo_run run = {.options = options};
    caption_model *model = NULL;
    int code = prepare(&run, options, &model, &err);
    const double opened = tool_now_ms();
    if (code == TOOL_EXIT_OK) {
        list_images(&run);
        note_bundled(&run);
        run.pictures =
            (demo_pictures){.folder = options->pictures, .colors = options->colors, .map = options->map};
        const bool ok = (!options->pictures ||
                         demo_pictures_begin(&run.pictures, run.images.names, run.images.count, &err)) &&
                        caption_all(&run, &err) && tool_output_close(&run.output, &err) &&
                        demo_report_close(&run.report, &err);
        code = ok && !run.failed ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
        if (ok && options->time) {
            tool_note(tool, "model opened in %.1f ms, %zu image%s in %.1f ms from the start", opened - start,
                      run.images.count, run.images.count == 1 ? "" : "s", tool_now_ms() - start);
        }
    }
    if (code == TOOL_EXIT_USAGE) {
        (void)tool_usage_error(tool, &err);
    } else if (err.message[0]) {
        (void)tool_failure(tool, &err);
    }
    tool_output_abort(&run.output);
    tool_session_end(&run.session);
    tool_images_free(&run.images);
    demo_report_abort(&run.report);
    demo_pictures_end(&run.pictures);
    demo_why_free(&run.why);
    caption_model_close(&model);
    return code;
}

int main(int argc, char **argv)
{
    const double start = tool_now_ms();
    tool_start(tool);
    demo_options options;
    const int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    tool_confine((const char *const[]){options.output, options.pictures, options.html}, 3);
    return run_all(&options, start);
}
