/* capconvert - makes a model file (.capw) from a PyTorch checkpoint or a safetensors file, and its
 * vocabulary.
 *
 * The command line and the summary; the work is tools/convert.  Executes nothing that a checkpoint says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/format/layout.h"
#include "lib/format/names.h"
#include "tools/common/clean.h"
#include "tools/common/cli.h"
#include "tools/common/confine.h"
#include "tools/common/options.h"
#include "tools/common/session.h"
#include "tools/convert/convert.h"

enum { MAX_THREADS = 16 };

static const char tool[] = "capconvert";

typedef struct convert_options {
    convert_files files;
    const char *pictures;
    caption_session_options session; /* of --calibrate */
    int threads;
    const char *safetensors;
    bool compact, int8, quiet, verbose;
    bool is_model; /* the input is a model file */
} convert_options;

/* ---- options ---- */

enum {
    OPTION_VOCAB = TOOL_OPTION_OWN,
    OPTION_CONFIG,
    OPTION_METRICS,
    OPTION_TO_SAFETENSORS,
    OPTION_COMPACT,
    OPTION_INT8,
    OPTION_CALIBRATE,
    OPTION_THREADS
};

/* clang-format off */
static const tool_option own_options[] = {
    {.name = "output", .code = 'o', .argument = "FILE",
     .help = "the model file to write; can't be standard output or a pipe", .initial = "none, has to be given"},
    {.name = "vocab", .code = OPTION_VOCAB, .argument = "FILE", .help = "the vocabulary, a pickle or JSON",
     .initial = "none, has to be given with a checkpoint"},
    {.name = "config", .code = OPTION_CONFIG, .argument = "FILE", .help = "training settings (JSON)",
     .initial = "those in the checkpoint"},
    {.name = "metrics", .code = OPTION_METRICS, .argument = "FILE", .help = "test results (JSON)",
     .initial = "those in the checkpoint"},
    {.name = "to-safetensors", .code = OPTION_TO_SAFETENSORS, .argument = "FILE",
     .help = "write the checkpoint's tensors to FILE, and the vocabulary as JSON beside it, instead of a model file",
     .initial = "a model file"},
    {.name = "compact", .code = OPTION_COMPACT,
     .help = "leave out the second copies of weights that make captioning faster"},
    {.name = "int8", .code = OPTION_INT8,
     .help = "make an int8 model, of a checkpoint or of a float32 model file: a quarter of the size"},
    {.name = "calibrate", .code = OPTION_CALIBRATE, .argument = "FILE",
     .help = "with --int8: a folder of pictures, or a file that names some, one a line, to find the ranges of activations with",
     .initial = "none: batch norm tells the ranges"},
    {.name = "threads", .code = OPTION_THREADS, .argument = "N",
     .help = "tensors made at once, 1 to 16; the file is the same for any number",
     .initial = "one a processor"},
    {.name = "quiet", .code = 'q', .help = "no summary, only errors"},
    {.name = "verbose", .code = 'v', .help = "list every tensor and what it was made from"},
    {.name = NULL},
};
/* clang-format on */

static const tool_group groups[] = {
    {"Options", own_options},
    {"Pictures of --calibrate", tool_limit_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};

static void take(void *user, int code, const char *value, tool_error *err)
{
    convert_options *options = user;
    switch (code) {
    case 'o':
        options->files.output = value;
        break;
    case OPTION_VOCAB:
        options->files.vocabulary = value;
        break;
    case OPTION_CONFIG:
        options->files.config = value;
        break;
    case OPTION_METRICS:
        options->files.metrics = value;
        break;
    case OPTION_TO_SAFETENSORS:
        options->safetensors = value;
        break;
    case OPTION_COMPACT:
        options->compact = true;
        break;
    case OPTION_INT8:
        options->int8 = true;
        break;
    case OPTION_CALIBRATE:
        options->pictures = value;
        break;
    case OPTION_THREADS:
        (void)tool_parse_int(&options->threads, "--threads", value, 1, MAX_THREADS, err);
        break;
    case 'q':
        options->quiet = true;
        break;
    case 'v':
        options->verbose = true;
        break;
    default:
        (void)tool_limit_take(&options->session, code, value, err);
    }
}

static const tool_command command = {
    .name = tool,
    .synopsis = "[options] CHECKPOINT --vocab VOCAB -o MODEL.capw\n"
                "--to-safetensors OUT.safetensors CHECKPOINT --vocab VOCAB\n"
                "--int8 --calibrate FILE [options] FLOAT.capw -o INT8.capw",
    .about = "Makes a model file from a checkpoint, of torch.save or in safetensors, or an\n"
             "int8 model file from a float32 one.\n",
    .groups = groups,
    .take = take,
};

/* What a model file as the input rules out. */
static void check_model(const convert_options *options, const char *path, tool_error *err)
{
    const convert_files *files = &options->files;
    const char *other = files->vocabulary ? "--vocab" : files->config ? "--config" : "--metrics";
    if (options->safetensors) {
        (void)tool_fail(err, "--to-safetensors: goes with a checkpoint, but %s is a model file", path);
    }
    if (!options->int8) {
        (void)tool_fail(err, "%s: is a model file already; --int8 makes an int8 model of it", path);
    }
    if (files->vocabulary || files->config || files->metrics) {
        (void)tool_fail(err, "%s: goes with a checkpoint, but %s is a model file, which has its own", other,
                        path);
    }
    if (!options->pictures) {
        (void)tool_fail(err,
                        "%s: a model file has no batch norm to estimate activations from; name pictures: "
                        "--calibrate FILE",
                        path);
    }
}

/* What writing safetensors rules out. */
static void check_safetensors(const convert_options *options, tool_error *err)
{
    const char *other = options->files.output ? "-o"
                        : options->int8       ? "--int8"
                        : options->compact    ? "--compact"
                                              : NULL;
    if (other) (void)tool_fail(err, "%s: goes with a model file, not with --to-safetensors", other);
    if (strcmp(options->safetensors, "-") == 0) {
        (void)tool_fail(err, "--to-safetensors -: the vocabulary is written beside it; name a file");
    }
}

static void check(const convert_options *options, int argc, char **argv, tool_error *err)
{
    const convert_files *files = &options->files;
    if (argc != 2) (void)tool_fail(err, argc < 2 ? "no checkpoint named" : "one checkpoint at a time");
    if (options->safetensors) check_safetensors(options, err);
    if (options->pictures && !options->int8) (void)tool_fail(err, "--calibrate: goes with --int8");
    if (options->is_model) {
        check_model(options, argv[1], err);
    } else if (!files->vocabulary) {
        (void)tool_fail(err, "no vocabulary named: --vocab FILE");
    }
    if (!files->output && !options->safetensors) (void)tool_fail(err, "no output named: -o FILE");
    if (files->output && strcmp(files->output, "-") == 0) {
        (void)tool_fail(err, "-o -: a model can't go to standard output, because its writer goes back in the "
                             "file; name a file");
    }
}

/* Returns -1 to go on, or the exit code. */
static int parse(convert_options *options, int argc, char **argv)
{
    tool_error err = {{0}};
    *options = (convert_options){.threads = tool_processors(MAX_THREADS)};
    tool_session_options_init(&options->session);
    const int code = tool_read_options(&command, options, &argc, argv);
    if (code >= 0) return code;
    /* without a vocabulary it has to be a model file, which shows only where it can be read */
    options->is_model = argc == 2 && convert_is_model(argv[1], &err);
    if (err.message[0] && !options->files.vocabulary && access(argv[1], F_OK) == 0) {
        return tool_failure(tool, &err);
    }
    err.message[0] = '\0';
    check(options, argc, argv, &err);
    if (err.message[0]) return tool_usage_error(tool, &err);
    options->files.checkpoint = argv[1];
    if (options->safetensors) options->files.output = options->safetensors;
    return -1;
}

/* ---- reports ---- */

static void print_shape(const char *name, int rank, const uint32_t *dims, uint32_t layout)
{
    (void)printf("%-32s [", name);
    for (int d = 0; d < rank; d++) (void)printf("%s%u", d ? ", " : "", dims[d]);
    (void)printf("] %s", cpt_layout_find(layout)->name);
}

static void list_tensors(const convert_job *job)
{
    for (size_t i = 0; i < job->plan.count; i++) {
        const convert_item *item = &job->plan.items[i];
        print_shape(item->name, item->rank, item->dims, (uint32_t)item->layout);
        (void)fputs(" <-", stdout);
        if (item->source) {
            (void)putchar(' ');
            tool_put_clean(stdout, item->source->key);
        }
        if (item->layout == CAPW_PANELS && item->rank == 2 &&
            item->dims[1] != item->source->tensor->dims[1]) {
            (void)printf("[:, %u:%u]", item->first_column, item->first_column + item->dims[1]);
        }
        if (item->has_norm) {
            char norm[256];
            (void)snprintf(norm, sizeof norm, "%.*s",
                           (int)(strlen(item->norm.weight->key) - strlen(".weight")), item->norm.weight->key);
            (void)fputs(item->source ? ", batch norm " : " batch norm ", stdout);
            tool_put_clean(stdout, norm);
        }
        (void)putchar('\n');
    }
}

/* Prints the range that a layer's bytes can express, and how it was found. */
static void print_range(const convert_job *job, const convert_layer *layer)
{
    static const char *const methods[] = {
        [CONVERT_METHOD_MAX] = "largest value",
        [CONVERT_METHOD_PERCENTILE] = "99.99 % of values",
        [CONVERT_METHOD_ERROR] = "least squared error",
    };
    const char *name = layer->name + strlen("encoder.");
    for (int i = 0; layer->has_range && i < job->ranges.count; i++) {
        const convert_range *range = &job->ranges.layers[i];
        if (strcmp(range->layer, name) != 0) continue;
        (void)printf(": %g to %g, %s", (double)range->scale * -range->zero_point,
                     (double)range->scale * (255 - range->zero_point), methods[range->method]);
    }
}

static void list_int8(const convert_job *job)
{
    const convert_int8_plan *plan = &job->quantised.plan;
    for (size_t i = 0; i < plan->layer_count; i++) {
        const convert_layer *layer = &plan->layers[i];
        for (size_t t = layer->first; t < layer->first + layer->count; t++) {
            const capw_tensor *tensor = &plan->tensors[t];
            print_shape(tensor->name, (int)tensor->rank, tensor->dims, tensor->layout);
            if (t == layer->first + layer->count - 1) print_range(job, layer);
            (void)putchar('\n');
        }
    }
}

static void print_network(const convert_job *job)
{
    const convert_network *n = &job->plan.network;
    (void)printf("encoder     ResNet-50 of width %u: %u channels, %zu batch norms folded in\n", n->width,
                 n->channels, job->plan.norms);
    (void)printf("decoder     %s, %s", cpt_name_of(cpt_kind_names, n->kind),
                 cpt_name_of(cpt_rnn_titles, n->rnn));
    if (n->kind == CAPTION_KIND_ATTENTION) {
        (void)printf(": embedding %u, hidden %u, attention %u\n", n->embed, n->hidden, n->attention_size);
    } else {
        (void)printf(" of %d layer%s: embedding %u, hidden %u\n", n->layers, n->layers == 1 ? "" : "s",
                     n->embed, n->hidden);
    }
    (void)printf("vocabulary  %u words\n", job->vocabulary.count);
}

static void print_activations(const convert_job *job)
{
    const convert_ranges *ranges = &job->ranges;
    (void)fputs("activations ", stdout);
    if (ranges->pictures == 0) {
        (void)puts("ranges estimated from batch norm");
        return;
    }
    (void)printf("ranges shown by %d picture%s", ranges->pictures, ranges->pictures == 1 ? "" : "s");
    if (ranges->unreadable) (void)printf("; %d that can't be read passed over", ranges->unreadable);
    (void)putchar('\n');
}

static void print_written(const char *name, uint64_t size)
{
    (void)fputs("written     ", stdout);
    tool_put_clean(stdout, name);
    (void)printf(", %.1f MB\n", (double)size / 1e6);
}

static void summarize_safetensors(const convert_job *job)
{
    print_network(job);
    (void)printf("tensors     %zu + %zu, with the checkpoint's own types; optimizer state not read\n",
                 job->plan.encoder.count, job->plan.decoder.count);
    print_written(job->files.output, job->exported.size);
    char *words = convert_safetensors_words(job->files.output);
    (void)fputs("vocabulary  ", stdout);
    if (words) tool_put_clean(stdout, words);
    (void)putchar('\n');
    free(words);
}

static void summarize(const convert_job *job)
{
    const size_t tensors = job->int8 ? job->quantised.plan.tensor_count : job->plan.count;
    if (job->checkpoint) {
        print_network(job);
        (void)printf("tensors     %zu from the checkpoint's %zu + %zu; optimizer state not read\n", tensors,
                     job->plan.encoder.count, job->plan.decoder.count);
    } else {
        (void)printf("tensors     %zu from the model file's float32 ones\n", tensors);
    }
    if (job->int8) print_activations(job);
    print_written(job->files.output, job->int8 ? job->quantised.writer.file_size : job->writer.file_size);
}

/* The tensors of a safetensors file. */
static void list_states(const convert_job *job)
{
    const convert_state *states[] = {&job->plan.encoder, &job->plan.decoder};
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < states[s]->count; i++) {
            const source_tensor *tensor = states[s]->sources[i].tensor;
            (void)printf("%s.", tensor->part);
            tool_put_clean(stdout, tensor->name);
            (void)printf(" %s [", source_type_name(tensor->type));
            for (int d = 0; d < tensor->rank; d++) {
                (void)printf("%s%llu", d ? ", " : "", (unsigned long long)tensor->dims[d]);
            }
            (void)puts("]");
        }
    }
}

static void report(const convert_job *job, bool verbose, bool quiet)
{
    if (job->safetensors) {
        if (verbose) list_states(job);
        if (!quiet) summarize_safetensors(job);
        return;
    }
    if (verbose && job->int8) list_int8(job);
    if (verbose && !job->int8) list_tensors(job);
    if (!quiet) summarize(job);
}

int main(int argc, char **argv)
{
    tool_error err = {{0}};
    tool_start(tool);
    convert_options options;
    const int parsed = parse(&options, argc, argv);
    if (parsed >= 0) return parsed;
    tool_confine((const char *const[]){options.files.output}, 1);
    convert_job *job = calloc(1, sizeof *job);
    if (!job) {
        (void)tool_fail(&err, "out of memory");
        return tool_failure(tool, &err);
    }
    job->files = options.files;
    job->compact = options.compact;
    job->int8 = options.int8;
    options.session.threads = options.threads;
    job->safetensors = options.safetensors != NULL;
    job->pictures = (convert_pictures){
        .name = options.pictures,
        .tool = tool,
        .session = options.session,
        .quiet = options.quiet,
    };
    job->threads = options.threads;
    bool ok = convert_run(job, &err);
    if (ok) {
        report(job, options.verbose, options.quiet);
        ok = tool_flush_output(&err);
    }
    convert_free(job);
    free(job);
    return ok ? TOOL_EXIT_OK : tool_failure(tool, &err);
}
