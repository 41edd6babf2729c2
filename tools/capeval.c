/* capeval: how good are the captions?  The main program: options in, exit code out; the work is in
 * tools/eval. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/eval/score.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char help[] =
    "usage: capeval score --refs CAPTIONS --preds FILE [OPTIONS]\n"
    "       capeval score PUBLISHED_predictions.json [OPTIONS]\n"
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
    "  --help, --version\n";

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
        {"version", no_argument, NULL, 'v'},         {NULL, 0, NULL, 0}};
    eval_score_options what = {NULL, NULL, NULL, false};
    const char *refs = NULL, *preds = NULL;
    tool_error err = {{0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
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

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (strcmp(command, "--help") == 0 || strcmp(command, "--version") == 0) return answer(command[2]);
    if (!command[0]) return usage("no command given", NULL);
    if (strcmp(command, "score") == 0) return score(argc - 1, argv + 1);
    return usage("no such command", command);
}
