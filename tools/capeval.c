/* capeval: how good are the captions?  The main program: options in, exit code out; the work is in
 * tools/eval. */
#include <stdio.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/eval/run_command.h"
#include "tools/eval/score.h"

static const char tool[] = "capeval";

static const char usage[] =
    "usage: capeval score --refs CAPTIONS --preds FILE [OPTIONS]\n"
    "       capeval score PUBLISHED_predictions.json [OPTIONS]\n"
    "       capeval run -m MODEL --images DIR --refs CAPTIONS [OPTIONS]\n"
    "\n"
    "score: BLEU-1..4, METEOR, CIDEr and ROUGE-L of predicted captions.\n"
    "  --refs FILE       reference captions: Flickr8k's captions.txt or Flickr30k's results.csv\n"
    "  --preds FILE      predictions: image<TAB>caption, lines of capdemo --json, or a published\n"
    "                    *_predictions.json; - is standard input\n"
    "  --per-image FILE  also write every image's own scores, tab-separated\n"
    "  --json            print JSON with the keys of the published metrics files\n"
    "  --wordnet DIR     WordNet's database files (default /usr/share/wordnet); none: METEOR\n"
    "                    without synonyms\n"
    "\n"
    "run: captions a data set, then scores it.  Interrupted, the same command goes on where it stopped.\n"
    "  -m, --model FILE  the model (.capw)\n"
    "  --images DIR      the folder that holds the images\n"
    "  --refs FILE       reference captions, as above\n"
    "  --list FILE       only these images, one name a line (default: all of --refs)\n"
    "  --greedy          greedy search\n"
    "  --beams N         beam search of this width (default: the model's own)\n"
    "  --threads N       images captioned at once (default: one a processor)\n"
    "  --no-exif         ignore EXIF orientation, as the published system does\n"
    "  -o, --output FILE predictions, image<TAB>caption (default predictions.tsv); FILE.run beside it\n"
    "                    keeps the settings\n"
    "  --metrics FILE    metrics JSON (default: the output's name with .metrics.json for its ending)\n"
    "  --per-image, --json, --wordnet as above\n"
    "\n"
    "  -h, --help; -V, --version\n";

static int wrong_usage(const char *reason, const char *what)
{
    tool_error err = {{0}};
    (void)tool_fail(&err, "%s%s%s", reason, what ? ": " : "", what ? what : "");
    return tool_usage_error(tool, &err);
}

typedef struct score_options {
    eval_score_options score;
    const char *refs, *preds;
} score_options;

static void take_score(void *user, int code, tool_error *err)
{
    score_options *options = user;
    (void)err; /* any text is a name */
    switch (code) {
    case 'r':
        options->refs = optarg;
        break;
    case 'p':
        options->preds = optarg;
        break;
    case 'i':
        options->score.per_image = optarg;
        break;
    case 'j':
        options->score.json = true;
        break;
    case 'w':
        options->score.wordnet = optarg;
        break;
    default:
        break;
    }
}

static int score(int argc, char **argv)
{
    static const struct option table[] = {
        {"refs", required_argument, NULL, 'r'},      {"preds", required_argument, NULL, 'p'},
        {"per-image", required_argument, NULL, 'i'}, {"json", no_argument, NULL, 'j'},
        {"wordnet", required_argument, NULL, 'w'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},         {NULL, 0, NULL, 0}};
    static const tool_command command = {tool, usage, ":hV", table, take_score};
    score_options options = {0};
    tool_error err = {{0}};
    int code = tool_read_options(&command, &options, argc, argv);
    if (code >= 0) return code;
    if (!options.preds && optind < argc) options.preds = argv[optind++];
    if (optind < argc) return wrong_usage("unexpected argument", argv[optind]);
    if (!options.preds) return wrong_usage("score: no predictions given", NULL);
    if (eval_score_command(options.preds, options.refs, &options.score, &err)) return TOOL_EXIT_OK;
    return tool_failure(tool, &err);
}

static void take_run(void *user, int code, tool_error *err)
{
    eval_run_options *options = user;
    switch (code) {
    case 'm':
        options->model = optarg;
        break;
    case 'd':
        options->images = optarg;
        break;
    case 'r':
        options->refs = optarg;
        break;
    case 'l':
        options->list = optarg;
        break;
    case 'g':
        options->greedy = true;
        break;
    case 'b':
        (void)tool_parse_int(&options->beams, "--beams", optarg, 1, 64, err);
        break;
    case 't':
        (void)tool_parse_int(&options->threads, "--threads", optarg, 1, 256, err);
        break;
    case 'x':
        options->no_exif = true;
        break;
    case 'o':
        options->output = optarg;
        break;
    case 'M':
        options->score.metrics = optarg;
        break;
    case 'i':
        options->score.per_image = optarg;
        break;
    case 'j':
        options->score.json = true;
        break;
    case 'w':
        options->score.wordnet = optarg;
        break;
    default:
        break;
    }
}

static int run(int argc, char **argv)
{
    static const struct option table[] = {
        {"model", required_argument, NULL, 'm'},     {"images", required_argument, NULL, 'd'},
        {"refs", required_argument, NULL, 'r'},      {"list", required_argument, NULL, 'l'},
        {"greedy", no_argument, NULL, 'g'},          {"beams", required_argument, NULL, 'b'},
        {"threads", required_argument, NULL, 't'},   {"no-exif", no_argument, NULL, 'x'},
        {"output", required_argument, NULL, 'o'},    {"metrics", required_argument, NULL, 'M'},
        {"per-image", required_argument, NULL, 'i'}, {"json", no_argument, NULL, 'j'},
        {"wordnet", required_argument, NULL, 'w'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},         {NULL, 0, NULL, 0}};
    static const tool_command command = {tool, usage, ":hm:o:V", table, take_run};
    eval_run_options options = {.output = "predictions.tsv"};
    tool_error err = {{0}};
    int code = tool_read_options(&command, &options, argc, argv);
    if (code >= 0) return code;
    if (optind < argc) return wrong_usage("unexpected argument", argv[optind]);
    if (!options.model) return wrong_usage("run: no model given (-m)", NULL);
    if (!options.images) return wrong_usage("run: no folder of images given (--images)", NULL);
    if (!options.refs) return wrong_usage("run: no reference captions given (--refs)", NULL);
    if (options.greedy && options.beams) {
        return wrong_usage("run: --greedy and --beams exclude each other", NULL);
    }
    return eval_run_command(&options, &err) ? TOOL_EXIT_OK : tool_failure(tool, &err);
}

/* Without a command, only --help and --version have an answer. */
static int no_command(int argc, char **argv)
{
    static const struct option table[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    static const tool_command command = {tool, usage, ":hV", table, NULL};
    const int code = tool_read_options(&command, NULL, argc, argv);
    return code >= 0 ? code : wrong_usage("no command given", NULL);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "score") == 0) return score(argc - 1, argv + 1);
    if (strcmp(command, "run") == 0) return run(argc - 1, argv + 1);
    if (command[0] && command[0] != '-') return wrong_usage("no such command", command);
    return no_command(argc, argv);
}
