/* capinfo - what is inside a .capw model file: header, metadata, sizes, tensors, words, and the encoder's
 * plan.
 *
 * Prints only; never changes the file. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <capw.h>
#include <caption.h>

#include "tools/common/cli.h"
#include "tools/common/options.h"
#include "tools/info/plan.h"
#include "tools/info/report.h"

static const char tool[] = "capinfo";

typedef struct info_options {
    tool_options common;
    info_sections sections;
    const char *model;
    int runs;
    bool json, verify;
} info_options;

static const char usage[] = "Usage: capinfo [options] MODEL.capw\n"
                            "Prints the header, the metadata, the sizes and the tensor table of a model, or\n"
                            "only the parts that are asked for.\n"
                            "\n"
                            "  --tensors           the tensor table\n"
                            "  --words             the vocabulary, a number and a word per line\n"
                            "  --plan              the encoder's layers: algorithm, time and speed of each,\n"
                            "                      measured on this machine\n"
                            "  --runs N            runs of the encoder behind --plan, 1 to 1000 (default 7)\n"
                            "  --verify            check the checksum of every tensor\n"
                            "  --json              everything asked for as one JSON object\n" TOOL_HELP_ENGINE
                            "  -h, --help          this text\n"
                            "  -V, --version       the version\n"
                            "\n"
                            "Exit code: 0, or 1 when something failed, or 2 for wrong usage.\n";

enum { OPTION_TENSORS = TOOL_OPTION_OWN, OPTION_WORDS, OPTION_PLAN, OPTION_RUNS, OPTION_VERIFY, OPTION_JSON };

static const struct option long_options[] = {
    {"tensors", no_argument, NULL, OPTION_TENSORS},
    {"words", no_argument, NULL, OPTION_WORDS},
    {"plan", no_argument, NULL, OPTION_PLAN},
    {"runs", required_argument, NULL, OPTION_RUNS},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    TOOL_OPTIONS_ENGINE,
    {NULL, 0, NULL, 0},
};

/* Takes one option that is capinfo's own or shared; errors are left in *err. */
static void take(void *user, int code, tool_error *err)
{
    info_options *options = user;
    switch (code) {
    case OPTION_TENSORS:
        options->sections.tensors = true;
        break;
    case OPTION_WORDS:
        options->sections.words = true;
        break;
    case OPTION_PLAN:
        options->sections.plan = true;
        break;
    case OPTION_RUNS:
        (void)tool_parse_int(&options->runs, "--runs", optarg, 1, 1000, err);
        break;
    case OPTION_VERIFY:
        options->verify = true;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    default:
        (void)tool_options_take(&options->common, code, optarg, err);
    }
}

static const tool_command command = {tool, usage, ":hV", long_options, take};

/* Returns -1 to go on, or the exit code. */
static int parse(info_options *options, int argc, char **argv)
{
    info_sections *sections = &options->sections;
    tool_error err = {{0}};
    int code;
    memset(options, 0, sizeof *options);
    tool_options_init(&options->common);
    options->runs = 7;
    code = tool_read_options(&command, options, argc, argv);
    if (code >= 0) return code;
    if (argc - optind != 1) {
        (void)tool_fail(&err, argc == optind ? "no model named" : "one model at a time");
        return tool_usage_error(tool, &err);
    }
    options->model = argv[optind];
    if (!sections->tensors && !sections->words && !sections->plan && !options->verify) {
        sections->summary = sections->tensors = true;
    }
    return -1;
}

/* Every tensor is checked, so that all the damaged ones are named. */
static bool verify(const caption_model *model, const info_options *options, int tensors, int *damaged)
{
    int i;
    *damaged = 0;
    for (i = 0; i < tensors; i++) {
        caption_error error = {CAPTION_OK, ""};
        tool_error err = {{0}};
        if (caption_model_verify(model, i, &error) == CAPTION_OK) continue;
        (void)tool_fail_caption(&err, options->model, &error);
        (void)tool_failure(tool, &err);
        ++*damaged;
    }
    return *damaged == 0;
}

static bool print_all(const info_options *options, const info_report *report, tool_error *err)
{
    if (options->json) {
        if (!info_print_json(report)) return tool_fail(err, "out of memory");
    } else {
        info_print_text(report);
    }
    return tool_flush_output(err);
}

static int show(const info_options *options)
{
    info_plan plan = {0};
    info_report report = {.name = options->model, .sections = options->sections, .plan = &plan};
    caption_error error = {CAPTION_OK, ""};
    tool_error err = {{0}};
    caption_model *model = NULL;
    bool sound = true;
    if (caption_model_open_file(&model, options->model, NULL, &error) != CAPTION_OK) {
        (void)tool_fail_caption(&err, options->model, &error);
        goto fail;
    }
    report.model = model;
    caption_model_get_info(model, &report.info);
    if (options->sections.summary && !info_read_header(&report.header, options->model, &err)) goto fail;
    if (options->verify) {
        sound = verify(model, options, report.info.tensor_count, &report.damaged);
        report.verified = true;
    }
    if (options->sections.plan &&
        !info_measure_plan(&plan, model, &options->common.session, options->runs, &err)) {
        goto fail;
    }
    if (!print_all(options, &report, &err)) goto fail;
fail:
    if (err.message[0]) (void)tool_failure(tool, &err);
    info_plan_free(&plan);
    caption_model_close(&model);
    return sound && !err.message[0] ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    info_options options;
    int code = parse(&options, argc, argv);
    return code >= 0 ? code : show(&options);
}
