/* capconvert - makes a model file (.capw) from a PyTorch checkpoint and its vocabulary.
 *
 * The command line and the summary; the work is tools/convert.  Executes nothing that a checkpoint says. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/convert/convert.h"

enum { THREADS = 2 };

static const char usage_text[] =
    "usage: capconvert CHECKPOINT.pth --vocab VOCAB.pkl [options] -o MODEL.capw\n"
    "\n"
    "Makes a model file from a checkpoint of torch.save.\n"
    "\n"
    "  -o, --output FILE    the model file to write\n"
    "      --vocab FILE     the pickled vocabulary\n"
    "      --config FILE    training settings (JSON), instead of those in the checkpoint\n"
    "      --metrics FILE   test results (JSON), instead of those in the checkpoint\n"
    "      --compact        leave out the second copies of weights that make the encoder faster\n"
    "  -q, --quiet          no summary\n"
    "  -v, --verbose        list every tensor\n"
    "  -h, --help           this text\n"
    "      --version        the version\n";

typedef struct options {
    convert_files files;
    bool compact, quiet, verbose;
} options;

static int usage_error(const char *message)
{
    (void)fprintf(stderr, "capconvert: %s\nTry 'capconvert --help'.\n", message);
    return 2;
}

/* -1: go on; otherwise the exit code */
static int parse(int argc, char **argv, options *o)
{
    enum { VOCAB = 256, CONFIG, METRICS, COMPACT, VERSION };
    static const struct option longs[] = {
        {"output", required_argument, NULL, 'o'},    {"vocab", required_argument, NULL, VOCAB},
        {"config", required_argument, NULL, CONFIG}, {"metrics", required_argument, NULL, METRICS},
        {"compact", no_argument, NULL, COMPACT},     {"quiet", no_argument, NULL, 'q'},
        {"verbose", no_argument, NULL, 'v'},         {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, VERSION},     {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "o:qvh", longs, NULL)) != -1) {
        switch (c) {
        case 'o':
            o->files.output = optarg;
            break;
        case VOCAB:
            o->files.vocabulary = optarg;
            break;
        case CONFIG:
            o->files.config = optarg;
            break;
        case METRICS:
            o->files.metrics = optarg;
            break;
        case COMPACT:
            o->compact = true;
            break;
        case 'q':
            o->quiet = true;
            break;
        case 'v':
            o->verbose = true;
            break;
        case 'h':
            (void)fputs(usage_text, stdout);
            return 0;
        case VERSION:
            (void)puts("capconvert " CAPTION_VERSION_STRING);
            return 0;
        default:
            (void)fputs("Try 'capconvert --help'.\n", stderr);
            return 2;
        }
    }
    if (optind == argc) return usage_error("no checkpoint given");
    if (optind + 1 < argc) return usage_error("more than one checkpoint given");
    if (!o->files.vocabulary) return usage_error("no vocabulary given (--vocab)");
    if (!o->files.output) return usage_error("no output file given (-o)");
    o->files.checkpoint = argv[optind];
    return -1;
}

static void list_tensors(const convert_job *job)
{
    static const char *const layouts[] = {"rows", "panels", "winograd"};
    size_t i;
    int d;

    for (i = 0; i < job->plan.count; i++) {
        const convert_item *item = &job->plan.items[i];

        (void)printf("%-32s [", item->name);
        for (d = 0; d < item->rank; d++) (void)printf("%s%u", d ? ", " : "", item->dims[d]);
        (void)printf("] %s <-", layouts[item->layout]);
        if (item->source) (void)printf(" %s", item->source->key);
        if (item->layout == CAPW_PANELS && item->rank == 2 && item->dims[1] != item->source->tensor->dims[1])
            (void)printf("[:, %u:%u]", item->first_column, item->first_column + item->dims[1]);
        if (item->has_norm)
            (void)printf("%s batch norm %.*s", item->source ? "," : "",
                         (int)(strlen(item->norm.weight->key) - strlen(".weight")), item->norm.weight->key);
        (void)putchar('\n');
    }
}

static void summarize(const convert_job *job)
{
    const convert_network *n = &job->plan.network;

    (void)printf("encoder     ResNet-50 of width %u: %u channels, %zu batch norms folded in\n", n->width,
                 n->channels, job->plan.norms);
    (void)printf("decoder     %s, %s", n->attention ? "attention" : "baseline", n->lstm ? "LSTM" : "GRU");
    if (n->attention)
        (void)printf(": embedding %u, hidden %u, attention %u\n", n->embed, n->hidden, n->attention_size);
    else
        (void)printf(" of %d layer%s: embedding %u, hidden %u\n", n->layers, n->layers == 1 ? "" : "s",
                     n->embed, n->hidden);
    (void)printf("vocabulary  %u words\n", job->vocabulary.count);
    (void)printf("tensors     %zu from the checkpoint's %zu + %zu; optimizer state not read\n",
                 job->plan.count, job->plan.encoder.count, job->plan.decoder.count);
    (void)printf("written     %s, %.1f MB\n", job->files.output, (double)job->writer.file_size / 1e6);
}

int main(int argc, char **argv)
{
    options o = {0};
    tool_error err = {{0}};
    convert_job *job;
    int code = parse(argc, argv, &o);
    bool ok;

    if (code >= 0) return code;
    job = calloc(1, sizeof *job);
    if (!job) {
        (void)fputs("capconvert: out of memory\n", stderr);
        return 1;
    }
    job->files = o.files;
    job->compact = o.compact;
    job->threads = THREADS;
    ok = convert_run(job, &err);
    if (!ok) (void)fprintf(stderr, "capconvert: %s\n", err.message);
    if (ok && o.verbose) list_tensors(job);
    if (ok && !o.quiet) summarize(job);
    convert_free(job);
    free(job);
    return ok ? 0 : 1;
}
