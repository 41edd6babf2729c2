/* capinfo - what is inside a .capw model file: a summary, tensors, words, and the encoder's plan.
 *
 * Never changes the model file. */
#include <stdio.h>

#include <capw.h>
#include <caption.h>

#include "tools/common/bundled.h"
#include "tools/common/cli.h"
#include "tools/common/confine.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/regular.h"
#include "tools/info/plan.h"
#include "tools/info/report.h"

enum { USUAL_RUNS = 7, MAX_RUNS = 1000 };

static const char tool[] = "capinfo";

typedef struct info_options {
    tool_options common;
    info_sections sections;
    const char *model, *output; /* NULL: not given */
    int runs;
    bool json, verify, verbose, quiet;
} info_options;

/* ---- options ---- */

enum {
    OPTION_TENSORS = TOOL_OPTION_OWN,
    OPTION_RANGES,
    OPTION_WORDS,
    OPTION_PLAN,
    OPTION_RUNS,
    OPTION_VERIFY,
    OPTION_JSON
};

/* clang-format off */
static const tool_option own_options[] = {
    TOOL_ENTRY_MODEL,
    {.name = "output", .code = 'o', .argument = "FILE", .help = "write to FILE; - is standard output",
     .initial = "-"},
    {.name = "verbose", .code = 'v', .help = "the summary, the header, all metadata and all tensors"},
    {.name = "tensors", .code = OPTION_TENSORS, .help = "the table of tensors"},
    {.name = "ranges", .code = OPTION_RANGES,
     .help = "of an int8 model: what the bytes of each layer's output stand for"},
    {.name = "words", .code = OPTION_WORDS, .help = "the vocabulary, a number and a word a line"},
    {.name = "plan", .code = OPTION_PLAN,
     .help = "the encoder's layers: algorithm, time and speed of each, measured on this machine"},
    {.name = "runs", .code = OPTION_RUNS, .argument = "N", .help = "runs of the encoder behind --plan, 1 to 1000",
     .initial = "7"},
    {.name = "verify", .code = OPTION_VERIFY, .help = "check the checksum of every tensor"},
    {.name = "json", .code = OPTION_JSON,
     .help = "one JSON object with all that was asked for; summary and tensors, if nothing was"},
    {.name = "quiet", .code = 'q', .help = "nothing but what was asked for and errors: --verify is silent then"},
    {.name = NULL},
};
/* clang-format on */

static const tool_group groups[] = {
    {"Options", own_options},
    {"Machine, for --plan", tool_engine_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};

static void take(void *user, int code, const char *value, tool_error *err)
{
    info_options *options = user;
    switch (code) {
    case 'm':
        options->model = value;
        break;
    case 'o':
        options->output = value;
        break;
    case 'v':
        options->verbose = true;
        break;
    case 'q':
        options->quiet = true;
        break;
    case OPTION_TENSORS:
        options->sections.tensors = true;
        break;
    case OPTION_RANGES:
        options->sections.ranges = true;
        break;
    case OPTION_WORDS:
        options->sections.words = true;
        break;
    case OPTION_PLAN:
        options->sections.plan = true;
        break;
    case OPTION_RUNS:
        (void)tool_parse_int(&options->runs, "--runs", value, 1, MAX_RUNS, err);
        break;
    case OPTION_VERIFY:
        options->verify = true;
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
    .synopsis = "[options] [MODEL.capw]",
    .about = "Shows what a model is on one screen, or the parts that are asked for.\n",
    .groups = groups,
    .take = take,
};

/* Returns -1 to go on, or the exit code. */
static int parse(info_options *options, int argc, char **argv)
{
    info_sections *sections = &options->sections;
    tool_error err = {{0}};
    *options = (info_options){.runs = USUAL_RUNS};
    tool_options_init(&options->common);
    const int code = tool_read_options(&command, options, &argc, argv);
    if (code >= 0) return code;
    if (argc > 2 || (argc == 2 && options->model)) {
        (void)tool_fail(&err, "one model at a time");
        return tool_usage_error(tool, &err);
    }
    if (argc == 2) options->model = argv[1];
    if (options->verbose) {
        sections->summary = sections->details = sections->tensors = true;
    } else if (!sections->tensors && !sections->ranges && !sections->words && !sections->plan &&
               !options->verify) {
        sections->summary = true;
        sections->tensors = options->json;
    }
    return -1;
}

/* ---- work ---- */

/* path: NULL for the bundled model */
static bool read_header(capw_header *header, const char *path, tool_error *err)
{
    size_t size = 0;
    if (!path) {
        const void *data = tool_bundled_data(&size);
        return info_parse_header(header, data, size);
    }
    unsigned char bytes[64];
    const long got = tool_regular_start(path, bytes, sizeof bytes, err);
    if (got < 0) return false;
    return info_parse_header(header, bytes, (size_t)got) || tool_fail(err, "%s: can't read its header", path);
}

/* Every tensor is checked, so that all the damaged ones are named; returns how many there are. */
static int count_damaged(const caption_model *model, const char *name, int tensors)
{
    int damaged = 0;
    for (int i = 0; i < tensors; i++) {
        caption_error error = {CAPTION_OK, ""};
        tool_error err = {{0}};
        if (caption_model_verify(model, i, &error) == CAPTION_OK) continue;
        (void)tool_fail_caption(&err, name, &error);
        (void)tool_failure(tool, &err);
        damaged++;
    }
    return damaged;
}

static bool print_all(const info_options *options, const info_report *report, tool_error *err)
{
    tool_output output;
    bool ok = tool_output_open(&output, options->output, err);
    if (!ok) return false;
    if (options->json) {
        tool_output_json(&output, info_report_json(report), JSON_INDENT(1) | TOOL_JSON_FLAGS);
    } else {
        info_print_text(report, output.stream);
    }
    ok = ok && tool_output_close(&output, err);
    tool_output_abort(&output);
    return ok;
}

static bool show(const info_options *options, caption_model **model, info_plan *plan, tool_error *err)
{
    info_report report = {.sections = options->sections, .plan = plan, .quiet = options->quiet};
    if (!tool_model_open(model, options->model, &report.name, err)) return false;
    report.model = *model;
    caption_model_get_info(*model, &report.info);
    if ((options->sections.summary || options->sections.details) &&
        !read_header(&report.header, tool_model_path(options->model), err)) {
        return false;
    }
    if (options->verify) {
        report.damaged = count_damaged(*model, report.name, report.info.tensor_count);
        report.verified = true;
    }
    if (options->sections.plan &&
        !info_measure_plan(plan, *model, &options->common.session, options->runs, err)) {
        return false;
    }
    return print_all(options, &report, err) && !report.damaged;
}

int main(int argc, char **argv)
{
    tool_error err = {{0}};
    tool_start(tool);
    info_options options;
    const int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    tool_confine((const char *const[]){options.output}, 1);
    info_plan plan = {.count = 0};
    caption_model *model = NULL;
    const bool ok = show(&options, &model, &plan, &err);
    if (err.message[0]) (void)tool_failure(tool, &err);
    info_plan_free(&plan);
    caption_model_close(&model);
    return ok ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}
