/* capeval - how good are the captions?  Options in, exit code out; the work is in tools/eval. */
#include <stdio.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/confine.h"
#include "tools/common/crew.h"
#include "tools/common/options.h"
#include "tools/common/session.h"
#include "tools/eval/compare_command.h"
#include "tools/eval/run_command.h"
#include "tools/eval/score.h"

static const char tool[] = "capeval";

enum {
    OPTION_REFS = TOOL_OPTION_OWN,
    OPTION_PREDS,
    OPTION_PER_IMAGE,
    OPTION_JSON,
    OPTION_WORDNET,
    OPTION_IMAGES,
    OPTION_FILES_FROM,
    OPTION_METRICS,
    OPTION_COMPARE
};

static int wrong_usage(const char *command, const char *reason, const char *what)
{
    tool_error err = {{0}};
    (void)tool_fail(&err, "%s%s%s", reason, what ? ": " : "", what ? what : "");
    return tool_usage_error(command, &err);
}

static bool is_dash(const char *name)
{
    return name && strcmp(name, "-") == 0;
}

/* clang-format off */
/* of score and of run */
static const tool_option report_options[] = {
    {.name = "per-image", .code = OPTION_PER_IMAGE, .argument = "FILE",
     .help = "also write the scores of every image to FILE, tab-separated", .initial = "not written"},
    {.name = "json", .code = OPTION_JSON, .help = "JSON with the keys of the published metrics files"},
    {.name = "wordnet", .code = OPTION_WORDNET, .argument = "DIR",
     .help = "the folder of WordNet's database files; none: METEOR without synonyms",
     .initial = "/usr/share/wordnet, where it is there"},
    {.name = "quiet", .code = 'q', .help = "no progress, notes or summary on standard error, only errors"},
    {.name = NULL},
};
/* clang-format on */

/* Takes an option of that list. */
static void take_report(eval_score_options *options, int code, const char *value)
{
    switch (code) {
    case OPTION_PER_IMAGE:
        options->per_image = value;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_WORDNET:
        options->wordnet = value;
        break;
    case 'q':
        options->quiet = true;
        break;
    default:
        break;
    }
}

/* ---- capeval score ---- */

typedef struct score_options {
    eval_score_options score;
    const char *refs, *preds;
} score_options;

/* clang-format off */
static const tool_option score_list[] = {
    {.name = "refs", .code = OPTION_REFS, .argument = "FILE",
     .help = "reference captions: Flickr8k's captions.txt or Flickr30k's results.csv",
     .initial = "those that PREDICTIONS holds"},
    {.name = "preds", .code = OPTION_PREDS, .argument = "FILE",
     .help = "another way to name PREDICTIONS", .initial = "the argument"},
    {.name = "output", .code = 'o', .argument = "FILE", .help = "write the result to FILE; - is standard output",
     .initial = "-"},
    {.name = NULL},
};
/* clang-format on */

static const tool_group score_groups[] = {
    {"Options", score_list},
    {"Options", report_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};

static void take_score(void *user, int code, const char *value, tool_error *err)
{
    score_options *options = user;
    (void)err; /* any text is a name */
    switch (code) {
    case OPTION_REFS:
        options->refs = value;
        break;
    case OPTION_PREDS:
        options->preds = value;
        break;
    case 'o':
        options->score.output = value;
        break;
    default:
        take_report(&options->score, code, value);
    }
}

static const tool_command score_command = {
    .name = "capeval score",
    .synopsis = "[options] --refs CAPTIONS PREDICTIONS\n[options] PUBLISHED_predictions.json",
    .about = "BLEU-1 to 4, METEOR, CIDEr and ROUGE-L of predicted captions.  PREDICTIONS are\n"
             "lines IMAGE<TAB>CAPTION as capdemo and 'capeval run' write them, the lines of\n"
             "'capdemo --json', or a published *_predictions.json, which holds its\n"
             "references; - is standard input.\n",
    .groups = score_groups,
    .take = take_score,
};

/* output: NULL, or another file that is written */
static void confine(const char *output, const eval_score_options *score)
{
    const char *const outputs[] = {output, score->output, score->per_image, score->metrics};
    tool_confine(outputs, sizeof outputs / sizeof *outputs);
}

static int score(int argc, char **argv)
{
    const char *const name = score_command.name;
    score_options options = {.refs = NULL};
    tool_error err = {{0}};
    const int code = tool_read_options(&score_command, &options, &argc, argv);
    if (code >= 0) return code;
    int next = 1;
    if (!options.preds && next < argc) options.preds = argv[next++];
    if (next < argc) return wrong_usage(name, "unexpected argument", argv[next]);
    if (!options.preds) return wrong_usage(name, "score: no predictions given", NULL);
    if (is_dash(options.score.per_image)) {
        return wrong_usage(name, "--per-image -: standard output has the result; name a file", NULL);
    }
    confine(NULL, &options.score);
    if (eval_score_command(options.preds, options.refs, &options.score, &err)) return TOOL_EXIT_OK;
    return tool_failure(tool, &err);
}

/* ---- capeval run ---- */

/* clang-format off */
static const tool_option run_list[] = {
    TOOL_ENTRY_MODEL,
    {.name = "compare", .code = OPTION_COMPARE, .argument = "FILE",
     .help = "caption with this model too, and report how far the two agree; writes no predictions and no metrics "
             "file; --refs may be left out",
     .initial = "one model"},
    {.name = "images", .code = OPTION_IMAGES, .argument = "DIR", .help = "the folder that holds the images",
     .initial = "none, has to be given"},
    {.name = "refs", .code = OPTION_REFS, .argument = "FILE",
     .help = "reference captions: Flickr8k's captions.txt or Flickr30k's results.csv",
     .initial = "none, has to be given unless models are compared"},
    {.name = "output", .code = 'o', .argument = "FILE",
     .help = "the predictions, lines IMAGE<TAB>CAPTION; FILE.run beside it keeps the settings; can't be "
             "standard output",
     .initial = "predictions.tsv"},
    {.name = "metrics", .code = OPTION_METRICS, .argument = "FILE", .help = "write the metrics to FILE as JSON",
     .initial = "the output's name with .metrics.json for its ending"},
    {.name = "files-from", .code = OPTION_FILES_FROM, .argument = "FILE",
     .help = "caption only the images named in FILE, one a line; - is standard input",
     .initial = "all of --refs, or the folder's"},
    {.name = "list", .code = OPTION_FILES_FROM, .argument = "FILE"}, /* an older spelling */
    {.name = "null", .code = '0', .help = "the names in that FILE end in zero bytes"},
    {.name = NULL},
};

static const tool_option run_machine[] = {
    TOOL_ENTRY_GREEDY,
    {.name = "beams", .code = TOOL_OPTION_BEAMS, .argument = "N",
     .help = "width of the beam search, 1 to " CAPTION_QUOTE(CAPTION_MAX_BEAMS), .initial = "the model's, mostly 5"},
    {.name = "no-exif", .code = TOOL_OPTION_NO_EXIF,
     .help = "leave photos lying on their side, as the published system does"},
    {.name = "threads", .code = TOOL_OPTION_THREADS, .argument = "N",
     .help = "images captioned at once, 1 to 256; the results are the same for any number",
     .initial = "one a processor"},
    {.name = NULL},
};
/* clang-format on */

static const tool_group run_groups[] = {
    {"Options", run_list},       {"Options", report_options},
    {"Captioning", run_machine}, {"Captioning", tool_limit_options},
    {"Help", tool_help_options}, {NULL, NULL},
};

static void take_run(void *user, int code, const char *value, tool_error *err)
{
    eval_run_options *options = user;
    switch (code) {
    case 'm':
        options->model = value;
        break;
    case OPTION_IMAGES:
        options->images = value;
        break;
    case OPTION_REFS:
        options->refs = value;
        break;
    case 'o':
        options->output = value;
        break;
    case OPTION_COMPARE:
        options->compare = value;
        break;
    case OPTION_METRICS:
        options->score.metrics = value;
        break;
    case OPTION_FILES_FROM:
        options->list = value;
        break;
    case '0':
        options->null = true;
        break;
    case TOOL_OPTION_GREEDY:
        options->greedy = true;
        break;
    case TOOL_OPTION_BEAMS:
        (void)tool_parse_int(&options->beams, "--beams", value, 1, CAPTION_MAX_BEAMS, err);
        break;
    case TOOL_OPTION_NO_EXIF:
        options->session.no_exif = 1;
        break;
    case TOOL_OPTION_THREADS:
        (void)tool_parse_int(&options->threads, "--threads", value, 1, TOOL_CREW_MOST, err);
        break;
    case TOOL_OPTION_MAX_PIXELS:
    case TOOL_OPTION_MAX_MEMORY:
        (void)tool_limit_take(&options->session, code, value, err);
        break;
    default:
        take_report(&options->score, code, value);
    }
}

static const tool_command run_command = {
    .name = "capeval run",
    .synopsis = "[options] --images DIR --refs CAPTIONS\n"
                "[options] --compare MODEL --images DIR [--refs CAPTIONS]",
    .about = "Captions a data set, then scores it.  When it was interrupted, the same command\n"
             "goes on where it stopped.  With --compare, captions images with two models and\n"
             "reports equal captions, differences of scores, and both models' metrics.\n",
    .groups = run_groups,
    .take = take_run,
};

/* What is wrong with the options; NULL where nothing is. */
static const char *run_complaint(const eval_run_options *options)
{
    if (!options->images) return "run: no folder of images given (--images)";
    if (!options->refs && !options->compare) return "run: no reference captions given (--refs)";
    if (options->greedy && options->beams) return "run: --greedy and --beams exclude each other";
    if (options->compare && (options->output || options->score.metrics)) {
        return "--compare: writes no predictions and no metrics file; --json and --per-image hold the result";
    }
    if (options->null && !options->list) return "--null: goes with --files-from alone";
    if (is_dash(options->output)) {
        return "-o -: the predictions can't go to standard output, because a run that goes on reads them "
               "again; "
               "name a file";
    }
    if (is_dash(options->score.metrics)) {
        return "--metrics -: name a file; --json writes the metrics to standard output";
    }
    if (is_dash(options->score.per_image)) {
        return "--per-image -: standard output has the result; name a file";
    }
    return NULL;
}

static int run(int argc, char **argv)
{
    eval_run_options options = {.threads = tool_processors(TOOL_CREW_MOST)};
    tool_error err = {{0}};
    tool_session_options_init(&options.session);
    const int code = tool_read_options(&run_command, &options, &argc, argv);
    if (code >= 0) return code;
    if (argc > 1) return wrong_usage(run_command.name, "unexpected argument", argv[1]);
    const char *complaint = run_complaint(&options);
    if (complaint) return wrong_usage(run_command.name, complaint, NULL);
    if (!options.output && !options.compare) options.output = "predictions.tsv";
    confine(options.output, &options.score);
    const bool ok = options.compare ? eval_compare_command(&options, &err) : eval_run_command(&options, &err);
    return ok ? TOOL_EXIT_OK : tool_failure(tool, &err);
}

/* ---- capeval alone ---- */

static const tool_group main_groups[] = {
    {"Help", tool_help_options},
    {NULL, NULL},
};

static const tool_command main_command = {
    .name = "capeval",
    .synopsis = "score [options] --refs CAPTIONS PREDICTIONS\n"
                "score [options] PUBLISHED_predictions.json\n"
                "run [options] --images DIR --refs CAPTIONS\n"
                "run [options] --compare MODEL --images DIR [--refs CAPTIONS]",
    .about = "Says how good captions are: BLEU, METEOR, CIDEr and ROUGE-L.\n"
             "\n"
             "Commands, each with a --help of its own:\n"
             "  score               scores predicted captions\n"
             "  run                 captions a data set and scores it, or compares two models\n",
    .groups = main_groups,
    .take = NULL, /* no option but --help and --version */
};

/* Without a command, only --help and --version have an answer. */
static int no_command(int argc, char **argv)
{
    static const char *const names[] = {"score", "run", NULL};
    tool_error err = {{0}};
    const char *word = argc > 1 ? argv[1] : "-";
    if (word[0] != '-') {
        const char *nearest = tool_nearest(word, names);
        (void)tool_fail(&err, "no such command: %s%s%s%s", word, nearest ? "; did you mean " : "",
                        nearest ? nearest : "", nearest ? "?" : "");
        return tool_usage_error(tool, &err);
    }
    const int code = tool_read_options(&main_command, NULL, &argc, argv);
    return code >= 0 ? code : wrong_usage(tool, "no command given", NULL);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    tool_start(tool);
    if (strcmp(command, "score") == 0) return score(argc - 1, argv + 1);
    if (strcmp(command, "run") == 0) return run(argc - 1, argv + 1);
    return no_command(argc, argv);
}
