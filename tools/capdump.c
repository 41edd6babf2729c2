/* capdump - writes what the library computes for one image, stage by stage, for comparison with another
 * implementation.
 *
 * Five raw little-endian arrays and a JSON file per image, and one more array for each layer with --layers;
 * all of them appear, complete, or none does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caption.h>

#include "tools/common/bundled.h"
#include "tools/common/cli.h"
#include "tools/common/confine.h"
#include "tools/common/images.h"
#include "tools/common/json.h"
#include "tools/common/options.h"
#include "tools/common/outfile.h"
#include "tools/common/session.h"
#include "tools/dump/arrays.h"

static const char tool[] = "capdump";

typedef struct dump_options {
    tool_options common;
    const char *model, *image, *folder; /* model NULL: $CAPTION_MODEL or the bundled one */
    bool layers, gradcam, quiet;
} dump_options;

enum { OPTION_LAYERS = 1000, OPTION_GRADCAM };

/* ---- options ---- */

/* clang-format off */
static const tool_option own_options[] = {
    TOOL_ENTRY_MODEL,
    {.name = "layers", .code = OPTION_LAYERS, .help = "write what every layer of the encoder computes, too"},
    {.name = "gradcam", .code = OPTION_GRADCAM, .help = "write Grad-CAM of the best caption, too (float32 models)"},
    {.name = "quiet", .code = 'q', .help = "no warnings, only errors"},
    {.name = NULL},
};
/* clang-format on */

static const tool_group groups[] = {
    {"Options", own_options},
    {"Search", tool_search_options},
    {"Images", tool_image_options},
    {"Images", tool_limit_options},
    {"Machine", tool_engine_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};

static void take(void *user, int code, const char *value, tool_error *err)
{
    dump_options *options = user;
    if (code == 'm') {
        options->model = value;
    } else if (code == OPTION_LAYERS) {
        options->layers = true;
    } else if (code == OPTION_GRADCAM) {
        options->gradcam = true;
        options->common.session.explain = 1;
    } else if (code == 'q') {
        options->quiet = true;
    } else {
        (void)tool_options_take(&options->common, code, value, err);
    }
}

static const tool_command command = {
    .name = tool,
    .synopsis = "[options] IMAGE OUTDIR",
    .about = "Writes into OUTDIR what the library computes for IMAGE, called NAME below:\n"
             "  NAME.u8          the resized image, S x S x 3 bytes\n"
             "  NAME.input.f32   the encoder's input, 3 x S x S\n"
             "  NAME.feat.f32    the encoder's output, positions x channels\n"
             "  NAME.alpha.f32   attention of the greedy caption, tokens x positions\n"
             "  NAME.logits.f32  logits of the greedy caption, tokens x vocabulary\n"
             "  NAME.json        the greedy caption and the beam search's\n"
             "  NAME.LAYER.f32   with --layers: a layer's output, height x width x channels;\n"
             "                   of an int8 model its bytes, NAME.LAYER.u8, and where a\n"
             "                   later layer adds it, 256ths of these, NAME.LAYER.u16\n"
             "  NAME.gradweights.f32, NAME.gradcam.f32\n"
             "                   with --gradcam, of the beam search's best caption: the\n"
             "                   gradient's mean over positions, tokens x channels, and\n"
             "                   the maps, tokens x positions\n"
             "Arrays are float32, little-endian, row-major, without a header.\n",
    .groups = groups,
    .take = take,
};

static int wrong_usage(const char *message)
{
    tool_error err = {{0}};
    (void)tool_fail(&err, "%s", message);
    return tool_usage_error(tool, &err);
}

/* Returns -1 to go on, or the exit code. */
static int parse(dump_options *options, int argc, char **argv)
{
    *options = (dump_options){.model = NULL};
    tool_options_init(&options->common);
    const int code = tool_read_options(&command, options, &argc, argv);
    if (code >= 0) return code;
    if (argc != 3) return wrong_usage("one image and one folder are needed");
    options->image = argv[1];
    options->folder = argv[2];
    if (strcmp(options->image, "-") == 0) return wrong_usage("the image must be a file");
    if (strcmp(options->folder, "-") == 0) return wrong_usage("the folder can't be standard output");
    return -1;
}

/* ---- computing ---- */

/* The greedy caption, copied, because the session's own is gone after the beam search. */
typedef struct dump_greedy {
    json_t *ids, *text;
    float *alpha;  /* [length, positions]; NULL for the baseline kind */
    float *logits; /* [length, vocabulary] */
    int length;
} dump_greedy;

typedef struct dump_run {
    const dump_options *options;
    const caption_model *model;
    caption_model_info info;
    caption_decode_options decode;
    tool_session session;
    dump_greedy greedy;
    dump_target target;
} dump_run;

typedef struct logit_rows {
    float *rows; /* [most, width] */
    size_t width;
    int most;
} logit_rows;

static int keep_logits(void *user, const caption_progress *progress)
{
    logit_rows *keep = user;
    if (progress->stage != CAPTION_STAGE_DECODER || !progress->logits) return 0;
    if (progress->done < 1 || progress->done > keep->most) return 1;
    memcpy(keep->rows + (size_t)(progress->done - 1) * keep->width, progress->logits,
           keep->width * sizeof *keep->rows);
    return 0;
}

static float *copy_floats(const float *values, size_t count)
{
    float *copy = malloc(count ? count * sizeof *copy : 1);
    if (copy) memcpy(copy, values, count * sizeof *copy);
    return copy;
}

/* Copies the result of the greedy search. */
static bool keep_greedy(dump_run *run, const caption_text *text, tool_error *err)
{
    dump_greedy *greedy = &run->greedy;
    greedy->length = text->length;
    greedy->ids = tool_json_ints(text->ids, text->length);
    greedy->text = tool_json_text(text->text);
    if (text->alpha) {
        greedy->alpha = copy_floats(text->alpha, (size_t)text->length * (size_t)run->info.positions);
    }
    if (greedy->ids && greedy->text && (!text->alpha || greedy->alpha)) return true;
    return tool_fail(err, "%s: out of memory", run->options->image);
}

static bool search_greedy(dump_run *run, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_decode_options decode = run->decode;
    const caption_result *result = NULL;
    logit_rows keep = {.width = (size_t)run->info.vocabulary_size, .most = decode.max_length};
    keep.rows = calloc((size_t)keep.most, keep.width * sizeof *keep.rows);
    if (!keep.rows) return tool_fail(err, "%s: out of memory", run->options->image);
    run->greedy.logits = keep.rows;
    decode.search = CAPTION_SEARCH_GREEDY;
    decode.nbest = 0;
    decode.progress = keep_logits;
    decode.logits = 1;
    decode.progress_user = &keep;
    if (caption_decode(run->session.session, 0, &decode, &result, &error) != CAPTION_OK) {
        return tool_fail_caption(err, run->options->image, &error);
    }
    if (result->warnings && !run->options->quiet) {
        tool_note(tool, "%s: warning: %s", run->options->image,
                  result->warning ? result->warning : "damaged image");
    }
    return keep_greedy(run, &result->captions[0], err);
}

/* ---- writing ---- */

static bool write_json(dump_run *run, const char *name, const caption_result *result, tool_error *err)
{
    json_t *root = json_object();
    tool_json_set(&root, "image", tool_json_text(name));
    tool_json_set(&root, "greedy_ids", json_incref(run->greedy.ids));
    tool_json_set(&root, "greedy", json_incref(run->greedy.text));
    tool_json_set(&root, "beams", tool_json_captions(result));
    const char *reason = NULL;
    char *text = tool_json_print(root, JSON_INDENT(1) | TOOL_JSON_FLAGS, &reason);
    const bool ok = text ? dump_file(&run->target, "json", text, strlen(text), err)
                         : tool_fail(err, "%s.json: %s", name, reason);
    free(text);
    return ok;
}

static bool write_gradcam(dump_run *run, const caption_text *caption, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    const caption_explanation *why = NULL;
    if (caption_explain(run->session.session, 0, caption, NULL, &why, &error) != CAPTION_OK) {
        return tool_fail_caption(err, run->options->image, &error);
    }
    const size_t words = (size_t)why->length;
    return dump_floats(&run->target, "gradweights.f32", why->weights, words * (size_t)why->channels, err) &&
           dump_floats(&run->target, "gradcam.f32", why->maps,
                       words * (size_t)why->rows * (size_t)why->columns, err);
}

/* What the beam search finds, and why. */
static bool write_beams(dump_run *run, const char *name, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_decode_options decode = run->decode;
    const caption_result *result = NULL;
    decode.search = CAPTION_SEARCH_BEAM;
    if (caption_decode(run->session.session, 0, &decode, &result, &error) != CAPTION_OK) {
        return tool_fail_caption(err, run->options->image, &error);
    }
    return write_json(run, name, result, err) &&
           (!run->options->gradcam || write_gradcam(run, &result->captions[0], err));
}

static bool write_all(dump_run *run, const char *name, tool_error *err)
{
    const caption_session *session = run->session.session;
    const caption_model_info *info = &run->info;
    const dump_greedy *greedy = &run->greedy;
    const uint8_t *pixels = caption_slot_pixels(session, 0); /* [side, side, 3] */
    const size_t side = (size_t)info->input_size, length = (size_t)greedy->length;
    return dump_file(&run->target, "u8", pixels, side * side * 3, err) &&
           dump_input(&run->target, run->model, pixels, side, err) &&
           dump_floats(&run->target, "feat.f32", caption_slot_features(session, 0),
                       (size_t)info->positions * (size_t)info->feature_channels, err) &&
           (!greedy->alpha ||
            dump_floats(&run->target, "alpha.f32", greedy->alpha, length * (size_t)info->positions, err)) &&
           dump_floats(&run->target, "logits.f32", greedy->logits, length * (size_t)info->vocabulary_size,
                       err) &&
           write_beams(run, name, err);
}

/* What the encoder's progress function needs. */
typedef struct layer_dump {
    dump_target *target;
    tool_error *err;
    bool failed;
} layer_dump;

/* Writes a layer's map without its gaps.  Stops the encoder on failure. */
static int dump_layer(void *user, const caption_progress *progress)
{
    layer_dump *dump = user;
    const caption_map *map = progress->map;
    if (!map) return 0;
    dump->failed = !dump_map(dump->target, map, dump->err);
    return dump->failed;
}

static bool encode(dump_run *run, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_decode_options options;
    layer_dump layers = {.target = &run->target, .err = err};
    caption_decode_options_init(&options, run->model);
    if (run->options->layers) {
        options.progress = dump_layer;
        options.progress_user = &layers;
    }
    if (caption_encode(run->session.session, 1, &options, &error) == CAPTION_OK) return true;
    return layers.failed ? false : tool_fail_caption(err, run->options->image, &error);
}

static bool compute(dump_run *run, tool_error *err)
{
    tool_text data = {NULL, 0};
    const bool ok = tool_image_read(&data, run->options->image, err) &&
                    tool_session_load(&run->session, run->options->image, data.data, data.size, err);
    tool_text_free(&data);
    return ok && dump_begin(&run->target, err) && encode(run, err) && search_greedy(run, err);
}

static bool dump(dump_options *options, dump_run *run, caption_model **model, tool_error *err)
{
    const char *slash = strrchr(options->image, '/'), *name = NULL;
    run->target = (dump_target){.folder = options->folder, .name = slash ? slash + 1 : options->image};
    if (!tool_model_open(model, options->model, &name, err)) return false;
    run->model = *model;
    caption_model_get_info(*model, &run->info);
    if (!tool_options_apply(&options->common, *model, &run->decode, err) ||
        !tool_session_begin(&run->session, *model, &options->common.session, err)) {
        return false;
    }
    return compute(run, err) && write_all(run, run->target.name, err);
}

int main(int argc, char **argv)
{
    tool_error err = {{0}};
    tool_start(tool);
    dump_options options;
    const int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    tool_confine((const char *const[]){options.folder}, 1);
    dump_run run = {.options = &options};
    caption_model *model = NULL;
    const bool ok = dump(&options, &run, &model, &err);
    if (!ok) dump_undo(&run.target);
    dump_free(&run.target);
    json_decref(run.greedy.ids);
    json_decref(run.greedy.text);
    free(run.greedy.alpha);
    free(run.greedy.logits);
    tool_session_end(&run.session);
    caption_model_close(&model);
    return ok ? TOOL_EXIT_OK : tool_failure(tool, &err);
}
