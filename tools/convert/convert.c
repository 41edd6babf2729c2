/* The conversion; see convert.h.
 *
 * A crew of threads makes the tensors, each from its sources in the checkpoint.  No more than one tensor a
 * thread is in memory.  The place of every tensor is known before, so the file does not depend on the order.
 * An int8 model is made in a second stage, from the float32 model that this gives (int8.h). */
#include "tools/convert/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/format/layout.h"
#include "lib/platform/crc32.h"
#include "tools/common/cli.h"
#include "tools/common/crew.h"
#include "tools/common/mapped.h"
#include "tools/common/regular.h"
#include "tools/convert/fold.h"
#include "tools/convert/pack.h"

/* ---- one tensor ---- */

static float *read_source(const convert_job *job, const convert_source *source, tool_error *err)
{
    float *values = malloc((size_t)source->tensor->count * sizeof *values);
    if (!values) {
        (void)tool_fail(err, "%s: %s: out of memory", job->files.checkpoint, source->key);
    } else if (!source_read(job->checkpoint, source->tensor, values, err)) {
        free(values);
        values = NULL;
    }
    return values;
}

/* out: [rows], a bias that a batch norm is folded into; source: [rows] or NULL for zeros */
static void fold_bias(const float *source, const double *scale, const double *shift, size_t rows, float *out)
{
    for (size_t i = 0; i < rows; i++) {
        out[i] = (float)(shift[i] + (source ? (double)source[i] * scale[i] : 0.0));
    }
}

static void pack(const convert_item *item, const float *source, const double *scale, void *out)
{
    convert_matrix m = {0};
    m.values = source;
    m.rows = item->dims[0];
    m.count = item->dims[item->rank - 1];
    m.columns = (size_t)item->source->tensor->dims[1];
    m.taps = item->rank == 4 ? (size_t)item->dims[1] * item->dims[2] : 1;
    m.first = item->first_column;
    m.scale = scale;
    if (item->derived) {
        m.rows = (size_t)item->source->tensor->dims[0];
        m.count = m.columns;
    }
    if (item->derived == CONVERT_SCALES) {
        convert_pack_scales(&m, out);
    } else if (item->derived == CONVERT_BOUNDS) {
        convert_pack_bounds(&m, out);
    } else if (item->layout == CAPW_PANELS) {
        convert_pack_panels(&m, out);
    } else if (item->layout == CAPW_PAIRS) {
        convert_pack_pairs(&m, out);
    } else {
        convert_pack_winograd(&m, cpt_layout_find((uint32_t)item->layout)->winograd_side, out);
    }
}

/* The tensor as stored, in memory that the caller frees. */
static float *make_tensor(const convert_job *job, size_t index, tool_error *err)
{
    const convert_item *item = &job->plan.items[index];
    const size_t count = (size_t)job->writer.records[index].bytes / sizeof(float), rows = item->dims[0];
    double *scale = item->has_norm ? malloc(2 * rows * sizeof *scale) : NULL,
           *shift = scale ? scale + rows : NULL;
    float *source = item->source ? read_source(job, item->source, err) : NULL, *out = NULL;
    bool ok = !item->source || source;
    if (ok && item->has_norm) {
        ok = scale && convert_fold(job->checkpoint, &item->norm, rows, scale, shift, err);
    }
    if (ok && item->layout == CAPW_ROWS && !item->has_norm && !item->derived) { /* as it is */
        out = source;
        source = NULL;
    } else if (ok) {
        out = malloc(count * sizeof *out);
        if (out && item->has_norm && item->layout == CAPW_ROWS) {
            fold_bias(source, scale, shift, rows, out);
        } else if (out) {
            pack(item, source, scale, out);
        }
    }
    if (!out) {
        (void)tool_fail(err, "%s: %s: out of memory", job->files.checkpoint, item->name);
    } else if (item->dtype == CAPW_FLOAT32 &&
               !convert_all_finite(out, count)) { /* integers come from a tensor that is checked itself */
        (void)tool_fail(err, "%s: %s: holds numbers that are not finite", job->files.checkpoint,
                        item->source ? item->source->key : item->norm.weight->key);
        free(out);
        out = NULL;
    }
    free(source);
    free(scale);
    return out;
}

/* ---- all tensors ---- */

/* What one thread holds: the tensor it has just made. */
typedef struct worker {
    float *data;
    uint32_t crc;
} worker;

static void *begin_worker(void *context, tool_error *err)
{
    const convert_job *job = context;
    worker *w = calloc(1, sizeof *w);
    if (!w) (void)tool_fail(err, "%s: out of memory", job->files.checkpoint);
    return w;
}

static void end_worker(void *argument)
{
    worker *w = argument;
    free(w->data);
    free(w);
}

static bool make(void *context, void *argument, size_t index, tool_error *err)
{
    const convert_job *job = context;
    worker *w = argument;
    w->data = make_tensor(job, index, err);
    if (w->data) w->crc = cpt_crc32(w->data, (size_t)job->writer.records[index].bytes);
    return w->data != NULL;
}

static bool write_tensor(void *context, void *argument, size_t index, tool_error *err)
{
    convert_job *job = context;
    worker *w = argument;
    const bool ok = convert_writer_put(&job->writer, index, w->data, w->crc, err);
    free(w->data);
    w->data = NULL;
    return ok;
}

static bool make_tensors(convert_job *job, tool_error *err)
{
    const tool_crew crew = {
        .threads = job->threads,
        .count = job->plan.count,
        .context = job,
        .begin = begin_worker,
        .work = make,
        .hand_in = write_tensor,
        .end = end_worker,
    };
    return tool_crew_run(&crew, err);
}

/* ---- checks ---- */

static bool check_words(const convert_job *job, tool_error *err)
{
    if (job->vocabulary.count == job->plan.network.words) return true;
    return tool_fail(err, "%s: holds %u words, but the checkpoint's decoder_state: fc.weight has %u rows",
                     job->files.vocabulary, job->vocabulary.count, job->plan.network.words);
}

static bool check_machine(tool_error *err)
{
    const uint16_t one = 1;
    return *(const unsigned char *)&one == 1 ||
           tool_fail(err, "this machine: checkpoints can only be read on a little-endian one");
}

/* Replacing an input by an output would lose it. */
static bool check_output(const convert_files *files, const char *path, tool_error *err)
{
    const char *const inputs[] = {files->checkpoint, files->vocabulary, files->config, files->metrics};
    struct stat output;
    if (stat(path, &output) != 0) return true;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct stat input;
        if (inputs[i] && stat(inputs[i], &input) == 0 && input.st_dev == output.st_dev &&
            input.st_ino == output.st_ino) {
            return tool_fail(err, "%s: is an input, and can't be the output too", path);
        }
    }
    return true;
}

/* ---- float32 ---- */

static bool read_checkpoint(convert_job *job, tool_error *err)
{
    job->plan.compact = job->compact || job->int8;
    return (job->checkpoint = source_open(job->files.checkpoint, err)) != NULL &&
           convert_plan_make(&job->plan, job->checkpoint, err) &&
           convert_vocabulary_open(&job->vocabulary, job->files.vocabulary, err) && check_words(job, err) &&
           convert_metadata_make(&job->metadata, &job->files, &job->plan, &job->vocabulary, err);
}

static bool write_float(convert_job *job, tool_outfile *out, tool_error *err)
{
    const size_t count = job->plan.count;
    capw_tensor *tensors = calloc(count, sizeof *tensors);
    if (!tensors) return tool_fail(err, "%s: out of memory", job->files.checkpoint);
    for (size_t i = 0; i < count; i++) {
        const convert_item *item = &job->plan.items[i];
        memcpy(tensors[i].name, item->name, sizeof item->name);
        tensors[i].dtype = (uint32_t)item->dtype;
        tensors[i].layout = (uint32_t)item->layout;
        tensors[i].rank = (uint32_t)item->rank;
        memcpy(tensors[i].dims, item->dims, (size_t)item->rank * sizeof item->dims[0]);
    }
    const convert_contents contents = {
        .tensors = tensors, .count = count, .metadata = &job->metadata, .vocabulary = &job->vocabulary};
    const bool ok = convert_writer_open(&job->writer, out, &contents, err) && make_tensors(job, err) &&
                    convert_writer_finish(&job->writer, err);
    free(tensors);
    return ok;
}

/* ---- safetensors ---- */

static bool write_safetensors(convert_job *job, tool_error *err)
{
    char *words = convert_safetensors_words(job->files.output);
    bool ok = words ? check_output(&job->files, words, err)
                    : tool_fail(err, "%s: out of memory", job->files.output);
    free(words);
    job->exported =
        (convert_safetensors){.plan = &job->plan, .metadata = &job->metadata, .vocabulary = &job->vocabulary};
    ok = ok && read_checkpoint(job, err);
    return ok && convert_safetensors_write(&job->exported, job->files.output, err);
}

/* ---- int8 ---- */

bool convert_is_model(const char *path, tool_error *err)
{
    char start[sizeof CAPW_MAGIC - 1];
    return tool_regular_start(path, start, sizeof start, err) == (long)sizeof start &&
           memcmp(start, CAPW_MAGIC, sizeof start) == 0;
}

/* Maps what was written to the scratch file. */
static bool map_scratch(convert_job *job, tool_error *err)
{
    FILE *stream = tool_outfile_stream(job->scratch);
    const char *path = job->files.output;
    struct stat info;
    if (fflush(stream) != 0 || fstat(fileno(stream), &info) != 0) return tool_fail_errno(err, path, errno);
    if (!S_ISREG(info.st_mode)) {
        return tool_fail(err, "%s: is no regular file, and can't hold the float32 weights on the way to int8",
                         path);
    }
    void *mapped = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fileno(stream), 0);
    if (mapped == MAP_FAILED) return tool_fail_errno(err, path, errno);
    job->mapped = mapped;
    job->mapped_size = (size_t)info.st_size;
    return true;
}

/* Makes the float32 model of the checkpoint, in a temporary file beside the output. */
static bool make_model(convert_job *job, tool_error *err)
{
    caption_error error;
    if (!read_checkpoint(job, err)) return false;
    job->scratch = tool_outfile_open(job->files.output, err);
    if (!job->scratch || !write_float(job, job->scratch, err) || !map_scratch(job, err)) return false;
    return caption_model_open_memory(&job->model, job->mapped, job->mapped_size, NULL, &error) ==
               CAPTION_OK ||
           tool_fail_caption(err, job->files.checkpoint, &error);
}

static bool open_model(convert_job *job, tool_error *err)
{
    const char *path = job->files.checkpoint;
    caption_model_options options;
    caption_model_info info;
    caption_error error;
    caption_model_options_init(&options);
    options.verify = 1;
    tool_mapped_watch(path);
    if (caption_model_open_file(&job->model, path, &options, &error) != CAPTION_OK) {
        return tool_fail_caption(err, path, &error);
    }
    if (caption_model_get_info(job->model, &info) != CAPTION_OK) {
        return tool_fail(err, "%s: can't be described", path);
    }
    return info.precision == CAPTION_PRECISION_FLOAT32 || tool_fail(err, "%s: is int8 already", path);
}

static bool find_ranges(convert_job *job, tool_error *err)
{
    if (job->pictures.name) {
        job->pictures.model = job->files.checkpoint;
        return convert_ranges_from_pictures(&job->ranges, job->model, &job->pictures, err);
    }
    if (job->checkpoint) return convert_ranges_from_norms(&job->ranges, &job->plan, err);
    return tool_fail(err, "%s: a model file has no batch norm to estimate activations from",
                     job->files.checkpoint);
}

static bool write_int8(convert_job *job, tool_outfile *out, tool_error *err)
{
    if (!(convert_is_model(job->files.checkpoint, NULL) ? open_model(job, err) : make_model(job, err)) ||
        !find_ranges(job, err)) {
        return false;
    }
    convert_int8 *quantised = &job->quantised;
    quantised->file = job->files.checkpoint;
    quantised->model = job->model;
    quantised->ranges = &job->ranges;
    quantised->threads = job->threads;
    quantised->out = out;
    return convert_int8_write(quantised, err);
}

/* ---- the whole ---- */

bool convert_run(convert_job *job, tool_error *err)
{
    if (!check_machine(err) || !check_output(&job->files, job->files.output, err)) return false;
    if (job->safetensors) return write_safetensors(job, err);
    if (!job->int8 && !read_checkpoint(job, err)) return false;
    tool_outfile *out = tool_outfile_open(job->files.output, err);
    const bool ok = out && (job->int8 ? write_int8(job, out, err) : write_float(job, out, err)) &&
                    tool_outfile_commit(&out, err);
    tool_outfile_abort(&out);
    return ok;
}

void convert_free(convert_job *job)
{
    convert_int8_free(&job->quantised);
    convert_ranges_free(&job->ranges);
    caption_model_close(&job->model);
    if (job->mapped) (void)munmap(job->mapped, job->mapped_size);
    tool_outfile_abort(&job->scratch);
    convert_writer_free(&job->writer);
    convert_metadata_free(&job->metadata);
    convert_plan_free(&job->plan);
    convert_vocabulary_free(&job->vocabulary);
    source_close(&job->checkpoint);
}
