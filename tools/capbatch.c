/* capbatch - a caption for every image of a large collection, on one machine or on many.
 *
 * Reads its options, makes the list of inputs and runs one output after the other: one for all inputs, or one
 * for each tar.  What a run did is kept when it is stopped, and the same command goes on. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <caption.h>

#include "tools/batch/inputs.h"
#include "tools/batch/merge.h"
#include "tools/batch/run.h"
#include "tools/batch/tar.h"
#include "tools/common/bundled.h"
#include "tools/common/cli.h"
#include "tools/common/confine.h"
#include "tools/common/clock.h"
#include "tools/common/images.h"
#include "tools/common/options.h"
#include "tools/common/settings.h"

static const char tool[] = "capbatch";

enum { SETTINGS_BYTES = 2048, USUAL_BATCH = 8 };

typedef struct batch_options {
    tool_options common;
    const char *model, *output, *list; /* NULL: not given */
    batch_format format;
    batch_shard shard;
    int batch;
    bool restart, quiet, null;
    char **operands; /* [operand_count] */
    int operand_count;
} batch_options;

/* ---- options ---- */

enum {
    OPTION_FORMAT = TOOL_OPTION_OWN,
    OPTION_FILES_FROM,
    OPTION_SHARD,
    OPTION_RESTART,
    OPTION_FEATURES,
    OPTION_BATCH
};

/* clang-format off */
static const tool_option own_options[] = {
    TOOL_ENTRY_MODEL,
    {.name = "output", .code = 'o', .argument = "FILE",
     .help = "write the captions to FILE, or for each tar to a file of its own in the folder FILE; - is standard "
             "output", .initial = "-"},
    {.name = "format", .code = OPTION_FORMAT, .argument = "FORM",
     .help = "jsonl, tsv, csv (for exiftool) or tar (the tars again, with captions as KEY.txt)", .initial = "jsonl"},
    {.name = "features", .code = OPTION_FEATURES, .help = "jsonl: the features too, as float16 in base64"},
    {.name = "files-from", .code = OPTION_FILES_FROM, .argument = "FILE",
     .help = "also the images and tars named in FILE, one a line; - is standard input", .initial = "none"},
    {.name = "null", .code = '0', .help = "the names in that FILE end in zero bytes (find -print0)"},
    {.name = "shard", .code = OPTION_SHARD, .argument = "PART",
     .help = "do part I of N alone: I/N, or auto or auto/N to ask Slurm, Open MPI or Kubernetes", .initial = "1/1"},
    {.name = "restart", .code = OPTION_RESTART, .help = "begin anew, whatever earlier runs left"},
    {.name = "quiet", .code = 'q', .help = "no progress, notes or summary, only errors"},
    {.name = NULL},
};

static const tool_option more_search_options[] = {
    TOOL_ENTRY_GREEDY,
    {.name = "nbest", .code = TOOL_OPTION_NBEST, .argument = "N",
     .help = "jsonl: the N best captions of each image too, 1 to the beam width", .initial = "the best one alone"},
    {.name = NULL},
};

static const tool_option more_machine_options[] = {
    {.name = "batch", .code = OPTION_BATCH, .argument = "N", .help = "images encoded and searched together, 1 to 8",
     .initial = "8"},
    {.name = NULL},
};

static const tool_group groups[] = {
    {"Options", own_options},
    {"Search", more_search_options},
    {"Search", tool_search_options},
    {"Images", tool_image_options},
    {"Images", tool_limit_options},
    {"Machine", tool_engine_options},
    {"Machine", more_machine_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};
/* clang-format on */

static void take(void *user, int code, const char *value, tool_error *err)
{
    batch_options *options = user;
    int kind = 0;
    switch (code) {
    case 'm':
        options->model = value;
        break;
    case 'o':
        options->output = value;
        break;
    case 'q':
        options->quiet = true;
        break;
    case '0':
        options->null = true;
        break;
    case OPTION_FORMAT:
        if (tool_parse_choice(&kind, "--format", value, batch_kinds, err)) {
            options->format.kind = (batch_kind)kind;
        }
        break;
    case OPTION_FILES_FROM:
        options->list = value;
        break;
    case OPTION_SHARD:
        (void)batch_shard_parse(&options->shard, value, err);
        break;
    case OPTION_RESTART:
        options->restart = true;
        break;
    case OPTION_FEATURES:
        options->format.features = true;
        break;
    case OPTION_BATCH:
        (void)tool_parse_int(&options->batch, "--batch", value, 1, BATCH_MOST, err);
        break;
    default:
        (void)tool_options_take(&options->common, code, value, err);
    }
}

static const tool_command command = {
    .name = tool,
    .synopsis = "[options] INPUT...\nmerge [options] PART...",
    .about = "Writes a caption for every image of a large collection.  An INPUT is an image,\n"
             "a tar as WebDataset has them, or a folder, which is searched for both with those\n"
             "in it.  's-{000..099}.tar' stands for a hundred tars.\n"
             "Stopped at any moment, the same command goes on where it was.\n"
             "\n"
             "Command, with a --help of its own:\n"
             "  merge               joins the outputs of all parts of a --shard\n",
    .groups = groups,
    .take = take,
};

/* Returns -1 to go on, or the exit code. */
static int parse(batch_options *options, int argc, char **argv)
{
    tool_error err = {{0}};
    *options = (batch_options){.operands = argv + 1, .shard = {1, 1}, .batch = USUAL_BATCH};
    tool_options_init(&options->common);
    const int code = tool_read_options(&command, options, &argc, argv);
    if (code >= 0) return code;
    options->operand_count = argc - 1;
    options->format.beams = options->common.nbest > 0;
    if (!options->common.nbest) options->common.nbest = 1;
    if (options->operand_count == 0 && !options->list) {
        (void)tool_fail(&err, "no image named");
    } else if (options->null && !options->list) {
        (void)tool_fail(&err, "--null: goes with --files-from alone");
    } else if (options->output && tool_is_picture(options->output)) {
        (void)tool_fail(&err, "-o: %s is a picture, which would be lost", options->output);
    } else if (options->format.kind != BATCH_JSONL && (options->format.features || options->format.beams)) {
        (void)tool_fail(&err, "--%s: goes with --format jsonl alone",
                        options->format.features ? "features" : "nbest");
    }
    return err.message[0] ? tool_usage_error(tool, &err) : -1;
}

/* ---- what is to be done ---- */

typedef struct batch {
    const batch_options *options;
    batch_job job;
    batch_inputs inputs;
    bool failed;                          /* an image failed, or an output */
    uint64_t captioned, before, failures; /* `before`: by earlier runs */
} batch;

/* One output: all inputs, or one tar. */
typedef struct batch_unit {
    const char *path;
    const char *tar;    /* NULL: all inputs */
    size_t part, parts; /* of all outputs of all shards */
    uint64_t images, tar_bytes;
} batch_unit;

static uint64_t file_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 0;
}

/* What the output depends on.  "part" and "bytes" differ between the parts of one whole. */
static bool make_settings(char *text, size_t size, const batch *b, const batch_unit *unit, tool_error *err)
{
    const batch_options *o = b->options;
    int length = snprintf(text, size, "version=%s\n", caption_version());
    if (length < 0 || (size_t)length >= size ||
        !tool_settings(text + length, size - (size_t)length, b->job.model, &b->job.session, &b->job.decode)) {
        return tool_fail(err, "settings too long");
    }
    const size_t used = strlen(text);
    length = snprintf(text + used, size - used,
                      "damaged=%s\nmax-pixels=%" PRIu64 "\nformat=%s\ncaptions=%d\nfeatures=%s\n"
                      "input=%08" PRIx32 "\npart=%zu/%zu\nbytes=%" PRIu64 "\n",
                      b->job.session.strict ? "refused" : "taken", b->job.session.max_pixels,
                      batch_kinds[o->format.kind], o->format.beams ? b->job.decode.nbest : 0,
                      o->format.features ? "float16" : "none", b->inputs.crc, unit->part, unit->parts,
                      unit->tar_bytes);
    return (length > 0 && (size_t)length < size - used) || tool_fail(err, "settings too long");
}

static bool run_open(batch *b, const batch_unit *unit, batch_result *result, tool_error *err)
{
    const batch_options *o = b->options;
    batch_source source;
    batch_source_begin(&source, &b->inputs, unit->tar, o->format.kind == BATCH_TAR);
    batch_run run = {.job = &b->job,
                     .threads = o->common.session.threads,
                     .batch = o->batch,
                     .tool = tool,
                     .source = &source,
                     .result = result,
                     .images = unit->images,
                     .tar_bytes = unit->tar_bytes,
                     .quiet = o->quiet};
    b->job.format.headed = unit->part == 1;
    const bool ok = batch_run_all(&run, err);
    batch_source_end(&source);
    return ok;
}

/* Makes one output.  False where that failed; images that failed don't count as that. */
static bool run_unit(batch *b, const batch_unit *unit, tool_error *err)
{
    char settings[SETTINGS_BYTES];
    batch_result result;
    if (!make_settings(settings, sizeof settings, b, unit, err) ||
        !batch_result_open(&result, unit->path, settings, b->options->restart, err)) {
        return false;
    }
    const uint64_t before = result.totals.captioned;
    if (result.complete && !b->options->quiet) {
        tool_note(tool, "%s: is complete already", unit->path);
    } else if (result.totals.items && !b->options->quiet) {
        tool_note(tool, "%s: goes on after %" PRIu64 " images", unit->path,
                  result.totals.captioned + result.totals.failed);
    }
    const bool ok = result.complete || run_open(b, unit, &result, err);
    b->captioned += result.totals.captioned - before;
    b->before += before;
    b->failures += result.totals.failed;
    if (result.totals.failed) b->failed = true;
    if (!ok && result.part && result.totals.items && !b->options->quiet) {
        tool_note(tool, "%s: %" PRIu64 " images are kept; the same command goes on from there", unit->path,
                  result.totals.captioned + result.totals.failed);
    }
    batch_result_close(&result);
    return ok;
}

/* ---- one output for all ---- */

/* "a/captions.jsonl" becomes "a/captions-00003-of-00016.jsonl".  NULL when memory ran out. */
static char *shard_path(const char *path, batch_shard shard)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    const size_t keep = dot && dot > (slash ? slash + 1 : path) ? (size_t)(dot - path) : strlen(path);
    const size_t size = strlen(path) + 32;
    char *name = malloc(size);
    if (name) {
        (void)snprintf(name, size, "%.*s-%05d-of-%05d%s", (int)keep, path, shard.index, shard.count,
                       path + keep);
    }
    return name;
}

static bool sum_tars(batch *b, uint64_t *bytes, tool_error *err)
{
    batch_names names;
    tool_error own = {{0}};
    *bytes = 0;
    if (!b->inputs.tars) return true;
    batch_names_begin(&names, &b->inputs);
    while (batch_names_next(&names, &own)) {
        if (batch_is_tar(names.name)) *bytes += file_bytes(names.name);
    }
    batch_names_end(&names);
    return !own.message[0] || tool_fail(err, "%s", own.message);
}

static bool run_whole(batch *b, tool_error *err)
{
    const batch_options *o = b->options;
    const bool stream = !o->output || strcmp(o->output, "-") == 0;
    batch_unit unit = {.path = o->output,
                       .part = (size_t)o->shard.index,
                       .parts = (size_t)o->shard.count,
                       .images = b->inputs.images};
    if (o->format.kind == BATCH_TAR && (b->inputs.tars != 1 || b->inputs.images)) {
        return tool_fail(err, "--format tar: one tar goes into one; for several, -o names a folder");
    }
    if (!sum_tars(b, &unit.tar_bytes, err)) return false;
    if (stream || o->shard.count == 1) return run_unit(b, &unit, err);
    char *path = shard_path(o->output, o->shard);
    if (!path) return tool_fail(err, "out of memory");
    unit.path = path;
    const bool ok = run_unit(b, &unit, err);
    free(path);
    return ok;
}

/* ---- one output for each tar ---- */

/* Where the captions of a tar go.  NULL when memory ran out. */
static char *path_in_folder(const char *folder, const char *tar, batch_kind kind)
{
    const char *slash = strrchr(tar, '/');
    const char *base = slash ? slash + 1 : tar;
    const char *end = strstr(base, ".t"); /* .tar, .tgz, .tzst, .tar.gz: the last that begins so */
    for (const char *next = end; next; next = strstr(next + 1, ".t")) end = next;
    const int keep = end ? (int)(end - base) : (int)strlen(base);
    const size_t size = strlen(folder) + strlen(base) + 16;
    char *path = malloc(size);
    const char *middle = folder[strlen(folder) - 1] == '/' ? "" : "/";
    if (path) (void)snprintf(path, size, "%s%s%.*s.%s", folder, middle, keep, base, batch_kinds[kind]);
    return path;
}

/* A tar that can't be opened has no output, so that the next run tries again. */
static bool run_tar(batch *b, const char *name, size_t part, tool_error *err)
{
    const batch_options *o = b->options;
    batch_tar *tar = batch_tar_open(name, err);
    if (!tar) return false;
    batch_tar_close(&tar);
    char *path = path_in_folder(o->output, name, o->format.kind);
    if (!path) return tool_fail(err, "out of memory");
    const batch_unit unit = {
        .path = path, .tar = name, .part = part, .parts = b->inputs.tars, .tar_bytes = file_bytes(name)};
    const bool ok = run_unit(b, &unit, err);
    free(path);
    return ok;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Two tars must not have one output. */
static bool check_paths(const batch *b, char **paths, size_t count, tool_error *err)
{
    qsort(paths, count, sizeof *paths, by_text);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(paths[i - 1], paths[i]) == 0) {
            return tool_fail(err, "%s: two tars of this name would go to %s", b->options->output, paths[i]);
        }
    }
    return true;
}

static bool check_folder(batch *b, tool_error *err)
{
    const batch_options *o = b->options;
    char **paths = calloc(b->inputs.tars + 1, sizeof *paths);
    size_t count = 0;
    batch_names names;
    bool ok = paths || tool_fail(err, "out of memory");
    batch_inputs all = b->inputs; /* borrowed: those of other shards count too */
    all.shard = (batch_shard){1, 1};
    batch_names_begin(&names, &all);
    while (ok && batch_names_next(&names, err)) {
        if (!batch_is_tar(names.name)) {
            ok = tool_fail(err, "%s: is no tar; where -o names a folder, all inputs have to be", names.name);
        } else {
            paths[count] = path_in_folder(o->output, names.name, o->format.kind);
            ok = paths[count++] || tool_fail(err, "out of memory");
        }
    }
    batch_names_end(&names);
    ok = ok && check_paths(b, paths, count, err);
    for (size_t i = 0; i < count; i++) free(paths[i]);
    free(paths);
    return ok && (mkdir(o->output, 0777) == 0 || errno == EEXIST || tool_fail_errno(err, o->output, errno));
}

/* An output that fails is reported, and the others still run. */
static bool run_each(batch *b, tool_error *err)
{
    batch_names names;
    if (!check_folder(b, err)) return false;
    batch_names_begin(&names, &b->inputs);
    while (batch_names_next(&names, err)) {
        tool_error failure = {{0}};
        if (run_tar(b, names.name, names.tars, &failure)) continue;
        (void)tool_failure(tool, &failure);
        b->failed = true;
    }
    batch_names_end(&names);
    return !err->message[0];
}

/* ---- all of it ---- */

/* An operand that can't be listed is the end: an output of the others would be another run's, which the same
 * command could not go on with later. */
static bool make_inputs(batch *b, tool_error *err)
{
    const batch_options *o = b->options;
    for (int i = 0; i < o->operand_count; i++) {
        if (!batch_inputs_add(&b->inputs, o->operands[i], err)) return false;
    }
    if (o->list && !batch_inputs_read(&b->inputs, o->list, o->null, err)) return false;
    return batch_inputs_count(&b->inputs, o->shard, err);
}

/* Returns the exit code so far. */
static int prepare(batch *b, batch_options *options, caption_model **model, tool_error *err)
{
    const char *name = NULL;
    caption_model_info info;
    if (!tool_model_open(model, options->model, &name, err)) return TOOL_EXIT_FAILED;
    caption_model_get_info(*model, &info);
    if (!tool_options_apply(&options->common, *model, &b->job.decode, err)) return TOOL_EXIT_USAGE;
    b->job.model = *model;
    b->job.session = options->common.session;
    b->job.format = options->format;
    b->job.feature_count = (size_t)info.positions * (size_t)info.feature_channels;
    return make_inputs(b, err) ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

static void summarise(const batch *b, double seconds)
{
    char rate[48] = "", before[48] = "", failed[48] = "";
    if (b->captioned && seconds > 0) {
        (void)snprintf(rate, sizeof rate, " (%.2f images/s)", (double)b->captioned / seconds);
    }
    if (b->before) (void)snprintf(before, sizeof before, ", %" PRIu64 " earlier", b->before);
    if (b->failures) (void)snprintf(failed, sizeof failed, ", %" PRIu64 " failed", b->failures);
    tool_note(tool, "%" PRIu64 " images captioned in %.1f s%s%s%s", b->captioned, seconds, rate, before,
              failed);
}

static bool is_folder_name(const char *path)
{
    return path && path[0] && (path[strlen(path) - 1] == '/' || tool_is_folder(path));
}

static int run_all(batch_options *options)
{
    tool_error err = {{0}};
    batch b = {.options = options};
    caption_model *model = NULL;
    int code = prepare(&b, options, &model, &err);
    if (code == TOOL_EXIT_OK && batch_job_begin(&b.job, &err)) {
        const double start = tool_now_ms();
        const bool ok = is_folder_name(options->output) ? run_each(&b, &err) : run_whole(&b, &err);
        if (!options->quiet && b.captioned + b.failures) summarise(&b, (tool_now_ms() - start) / 1000);
        if (!ok || b.failed) code = TOOL_EXIT_FAILED;
        batch_job_end(&b.job);
    }
    if (code == TOOL_EXIT_USAGE) {
        (void)tool_usage_error(tool, &err);
    } else if (err.message[0]) {
        code = tool_failure(tool, &err);
    }
    batch_inputs_free(&b.inputs);
    caption_model_close(&model);
    return code;
}

/* ---- merge ---- */

typedef struct merge_options {
    const char *output, *list;
    bool null, quiet;
} merge_options;

static const tool_option merge_own_options[] = {
    {.name = "output",
     .code = 'o',
     .argument = "FILE",
     .help = "write to FILE; - is standard output",
     .initial = "-"},
    {.name = "files-from",
     .code = OPTION_FILES_FROM,
     .argument = "FILE",
     .help = "the list that the parts were made of: its order is that of the output",
     .initial = "none"},
    {.name = "null", .code = '0', .help = "the names in that FILE end in zero bytes"},
    {.name = "quiet", .code = 'q', .help = "no summary, only errors"},
    {.name = NULL},
};

static const tool_group merge_groups[] = {
    {"Options", merge_own_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};

static void take_merge(void *user, int code, const char *value, tool_error *err)
{
    merge_options *options = user;
    (void)err;
    if (code == 'o') options->output = value;
    if (code == 'q') options->quiet = true;
    if (code == '0') options->null = true;
    if (code == OPTION_FILES_FROM) options->list = value;
}

static const tool_command merge_command = {
    .name = "capbatch merge",
    .synopsis = "[options] PART...",
    .about = "Joins the outputs of all parts into one, in their order.  Each PART has to be\n"
             "there once, with its manifest, and all were made with one model and the same\n"
             "options.\n",
    .groups = merge_groups,
    .take = take_merge,
};

static int merge(int argc, char **argv)
{
    merge_options options = {.output = "-"};
    tool_error err = {{0}};
    batch_totals totals;
    size_t joined = 0;
    const int code = tool_read_options(&merge_command, &options, &argc, argv);
    if (code >= 0) return code;
    if (argc < 2) (void)tool_fail(&err, "merge: no part named");
    if (options.null && !options.list) (void)tool_fail(&err, "--null: goes with --files-from alone");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], options.output) == 0) (void)tool_fail(&err, "-o: %s is a part", argv[i]);
    }
    if (err.message[0]) return tool_usage_error(merge_command.name, &err);
    tool_confine((const char *const[]){options.output}, 1);
    const batch_merging merging = {.parts = argv + 1,
                                   .count = (size_t)argc - 1,
                                   .output = options.output,
                                   .list = options.list,
                                   .zero = options.null};
    const bool ok = batch_merge(&merging, &totals, &joined, &err);
    if (!ok) return tool_failure(tool, &err);
    if (!options.quiet) {
        tool_note(tool, "%zu parts joined: %" PRIu64 " images captioned, %" PRIu64 " failed", joined,
                  totals.captioned, totals.failed);
    }
    return TOOL_EXIT_OK;
}

int main(int argc, char **argv)
{
    tool_start(tool);
    (void)signal(SIGPIPE, SIG_IGN); /* a pipe that is closed is a failed write, which is told in words */
    if (argc > 1 && strcmp(argv[1], "merge") == 0) return merge(argc - 1, argv + 1);
    batch_options options;
    const int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    tool_confine((const char *const[]){options.output}, 1);
    return run_all(&options);
}
