/* capconvert - makes a model file (.capw) from a PyTorch checkpoint and its vocabulary.
 *
 * The command line and the summary; the work is tools/convert.  Executes nothing that a checkpoint says. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/layout.h"
#include "tools/common/cli.h"
#include "tools/convert/convert.h"

enum { THREADS = 2, OPTION_VOCAB = 256, OPTION_CONFIG, OPTION_METRICS, OPTION_COMPACT };

static const char tool[] = "capconvert";

static const char usage[] =
    "usage: capconvert CHECKPOINT.pth --vocab VOCAB.pkl [options] -o MODEL.capw\n"
    "Makes a model file from a checkpoint of torch.save.\n"
    "\n"
    "  -o, --output FILE   the model file to write\n"
    "  --vocab FILE        the pickled vocabulary\n"
    "  --config FILE       training settings (JSON), instead of those in the checkpoint\n"
    "  --metrics FILE      test results (JSON), instead of those in the checkpoint\n"
    "  --compact           leave out the second copies of weights that make captioning faster\n"
    "  -q, --quiet         no summary\n"
    "  -v, --verbose       list every tensor\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n";

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"vocab", required_argument, NULL, OPTION_VOCAB},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"compact", no_argument, NULL, OPTION_COMPACT},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

typedef struct convert_options {
    convert_files files;
    bool compact, quiet, verbose;
} convert_options;

static void take(void *user, int code, tool_error *err)
{
    convert_options *options = user;
    (void)err; /* any text is a name */
    switch (code) {
    case 'o':
        options->files.output = optarg;
        break;
    case OPTION_VOCAB:
        options->files.vocabulary = optarg;
        break;
    case OPTION_CONFIG:
        options->files.config = optarg;
        break;
    case OPTION_METRICS:
        options->files.metrics = optarg;
        break;
    case OPTION_COMPACT:
        options->compact = true;
        break;
    case 'q':
        options->quiet = true;
        break;
    case 'v':
        options->verbose = true;
        break;
    default:
        break;
    }
}

static const tool_command command = {tool, usage, ":o:qvhV", long_options, take};

/* Returns -1 to go on, or the exit code. */
static int parse(convert_options *options, int argc, char **argv)
{
    tool_error err = {{0}};
    int code;
    memset(options, 0, sizeof *options);
    code = tool_read_options(&command, options, argc, argv);
    if (code >= 0) return code;
    if (argc - optind != 1) {
        (void)tool_fail(&err, argc == optind ? "no checkpoint named" : "one checkpoint at a time");
    }
    if (!options->files.vocabulary) (void)tool_fail(&err, "no vocabulary named: --vocab FILE");
    if (!options->files.output) (void)tool_fail(&err, "no output named: -o FILE");
    if (err.message[0]) return tool_usage_error(tool, &err);
    options->files.checkpoint = argv[optind];
    return -1;
}

static void list_tensors(const convert_job *job)
{
    size_t i;
    int d;
    for (i = 0; i < job->plan.count; i++) {
        const convert_item *item = &job->plan.items[i];
        (void)printf("%-32s [", item->name);
        for (d = 0; d < item->rank; d++) (void)printf("%s%u", d ? ", " : "", item->dims[d]);
        (void)printf("] %s <-", cpt_layout_find((uint32_t)item->layout)->name);
        if (item->source) (void)printf(" %s", item->source->key);
        if (item->layout == CAPW_PANELS && item->rank == 2 &&
            item->dims[1] != item->source->tensor->dims[1]) {
            (void)printf("[:, %u:%u]", item->first_column, item->first_column + item->dims[1]);
        }
        if (item->has_norm) {
            (void)printf("%s batch norm %.*s", item->source ? "," : "",
                         (int)(strlen(item->norm.weight->key) - strlen(".weight")), item->norm.weight->key);
        }
        (void)putchar('\n');
    }
}

static void summarize(const convert_job *job)
{
    const convert_network *n = &job->plan.network;
    (void)printf("encoder     ResNet-50 of width %u: %u channels, %zu batch norms folded in\n", n->width,
                 n->channels, job->plan.norms);
    (void)printf("decoder     %s, %s", n->attention ? "attention" : "baseline", n->lstm ? "LSTM" : "GRU");
    if (n->attention) {
        (void)printf(": embedding %u, hidden %u, attention %u\n", n->embed, n->hidden, n->attention_size);
    } else {
        (void)printf(" of %d layer%s: embedding %u, hidden %u\n", n->layers, n->layers == 1 ? "" : "s",
                     n->embed, n->hidden);
    }
    (void)printf("vocabulary  %u words\n", job->vocabulary.count);
    (void)printf("tensors     %zu from the checkpoint's %zu + %zu; optimizer state not read\n",
                 job->plan.count, job->plan.encoder.count, job->plan.decoder.count);
    (void)printf("written     %s, %.1f MB\n", job->files.output, (double)job->writer.file_size / 1e6);
}

int main(int argc, char **argv)
{
    convert_options options;
    tool_error err = {{0}};
    convert_job *job;
    int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    job = calloc(1, sizeof *job);
    if (!job) {
        (void)tool_fail(&err, "out of memory");
        return tool_failure(tool, &err);
    }
    job->files = options.files;
    job->compact = options.compact;
    job->threads = THREADS;
    code = TOOL_EXIT_OK;
    if (!convert_run(job, &err)) {
        code = tool_failure(tool, &err);
    } else {
        if (options.verbose) list_tensors(job);
        if (!options.quiet) summarize(job);
        if (!tool_flush_output(&err)) code = tool_failure(tool, &err);
    }
    convert_free(job);
    free(job);
    return code;
}
