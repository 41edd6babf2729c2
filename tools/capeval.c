/* capeval: how good are the captions?  The main program: options in, exit code out; the work is in
 * tools/eval. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/eval/run_command.h"
#include "tools/eval/score.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char help[] =
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

static int usage(const char *reason, const char *what)
{
    (void)fprintf(stderr, "capeval: %s%s%s\nTry capeval --help.\n", reason, what ? ": " : "",
                  what ? what : "");
    return EXIT_USAGE;
}

static int fail(const tool_error *err)
{
    (void)fprintf(stderr, "capeval: %s\n", err->message);
    return EXIT_FAILED;
}

/* --help and --version are answered wherever they stand. */
static int answer(int option)
{
    (void)fputs(option == 'h' ? help : "capeval " CAPTION_VERSION_STRING "\n", stdout);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int score(int argc, char **argv)
{
    static const struct option options[] = {
        {"refs", required_argument, NULL, 'r'},      {"preds", required_argument, NULL, 'p'},
        {"per-image", required_argument, NULL, 'i'}, {"json", no_argument, NULL, 'j'},
        {"wordnet", required_argument, NULL, 'w'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},         {NULL, 0, NULL, 0}};
    eval_score_options what = {0};
    const char *refs = NULL, *preds = NULL;
    tool_error err = {{0}};
    int option;

    while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            refs = optarg;
            break;
        case 'p':
            preds = optarg;
            break;
        case 'i':
            what.per_image = optarg;
            break;
        case 'j':
            what.json = true;
            break;
        case 'w':
            what.wordnet = optarg;
            break;
        case 'h':
        case 'v':
            return answer(option);
        default:
            return EXIT_USAGE;
        }
    }
    if (!preds && optind < argc) preds = argv[optind++];
    if (optind < argc) return usage("unexpected argument", argv[optind]);
    if (!preds) return usage("score: no predictions given", NULL);
    return eval_score_command(preds, refs, &what, &err) ? EXIT_OK : fail(&err);
}

/* A whole number from low to high; false if the text is none. */
static bool read_number(const char *text, int low, int high, int *value)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (errno || end == text || *end || number < low || number > high) return false;
    *value = (int)number;
    return true;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'},     {"images", required_argument, NULL, 'd'},
        {"refs", required_argument, NULL, 'r'},      {"list", required_argument, NULL, 'l'},
        {"greedy", no_argument, NULL, 'g'},          {"beams", required_argument, NULL, 'b'},
        {"threads", required_argument, NULL, 't'},   {"no-exif", no_argument, NULL, 'x'},
        {"output", required_argument, NULL, 'o'},    {"metrics", required_argument, NULL, 'M'},
        {"per-image", required_argument, NULL, 'i'}, {"json", no_argument, NULL, 'j'},
        {"wordnet", required_argument, NULL, 'w'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},         {NULL, 0, NULL, 0}};
    eval_run_options what = {.output = "predictions.tsv"};
    tool_error err = {{0}};
    int option;

    while ((option = getopt_long(argc, argv, "hm:o:V", options, NULL)) != -1) {
        switch (option) {
        case 'm':
            what.model = optarg;
            break;
        case 'd':
            what.images = optarg;
            break;
        case 'r':
            what.refs = optarg;
            break;
        case 'l':
            what.list = optarg;
            break;
        case 'g':
            what.greedy = true;
            break;
        case 'b':
            if (!read_number(optarg, 1, 64, &what.beams))
                return usage("--beams: not a number from 1 to 64", optarg);
            break;
        case 't':
            if (!read_number(optarg, 1, 256, &what.threads)) {
                return usage("--threads: not a number from 1 to 256", optarg);
            }
            break;
        case 'x':
            what.no_exif = true;
            break;
        case 'o':
            what.output = optarg;
            break;
        case 'M':
            what.score.metrics = optarg;
            break;
        case 'i':
            what.score.per_image = optarg;
            break;
        case 'j':
            what.score.json = true;
            break;
        case 'w':
            what.score.wordnet = optarg;
            break;
        case 'h':
        case 'v':
            return answer(option);
        default:
            return EXIT_USAGE;
        }
    }
    if (optind < argc) return usage("unexpected argument", argv[optind]);
    if (!what.model) return usage("run: no model given (-m)", NULL);
    if (!what.images) return usage("run: no folder of images given (--images)", NULL);
    if (!what.refs) return usage("run: no reference captions given (--refs)", NULL);
    if (what.greedy && what.beams) return usage("run: --greedy and --beams exclude each other", NULL);
    return eval_run_command(&what, &err) ? EXIT_OK : fail(&err);
}

int main(int argc, char **argv)
{
    static char name[] = "capeval";
    const char *command = argc > 1 ? argv[1] : "";

    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0) return answer('h');
    if (strcmp(command, "--version") == 0 || strcmp(command, "-V") == 0) return answer('V');
    if (!command[0]) return usage("no command given", NULL);
    if (argc > 1) argv[1] = name; /* what getopt's messages begin with */
    if (strcmp(command, "score") == 0) return score(argc - 1, argv + 1);
    if (strcmp(command, "run") == 0) return run(argc - 1, argv + 1);
    return usage("no such command", command);
}
