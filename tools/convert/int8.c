/* Int8 model files; see int8.h.
 *
 * A crew of threads makes the layers.  No more than one layer a thread is in memory, and the place of every
 * tensor is known before. */
#include "tools/convert/int8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/platform/crc32.h"
#include "tools/common/crew.h"

enum { CANDIDATE = 2 }; /* the gates of the candidate, of a GRU or an LSTM, are the third */

/* ---- one layer ---- */

/* What one thread holds: the tensors of the layer that it has just made, in the order of the plan. */
typedef struct worker {
    void *data[CONVERT_INT8_MOST_TENSORS];
    uint32_t crc[CONVERT_INT8_MOST_TENSORS];
} worker;

static void drop(worker *w)
{
    for (int i = 0; i < CONVERT_INT8_MOST_TENSORS; i++) {
        free(w->data[i]);
        w->data[i] = NULL;
    }
}

/* Memory for all of the layer's tensors. */
static bool make_room(const convert_int8 *job, const convert_layer *layer, worker *w, tool_error *err)
{
    for (size_t i = 0; i < layer->count; i++) {
        w->data[i] = malloc((size_t)job->writer.records[layer->first + i].bytes);
        if (!w->data[i]) return tool_fail(err, "%s: %s: out of memory", job->file, layer->name);
    }
    return true;
}

static void put_range(float *range, convert_bytes bytes)
{
    range[0] = bytes.scale;
    range[1] = (float)bytes.zero_point;
}

static bool make_product(const convert_int8 *job, const convert_layer *layer, worker *w, tool_error *err)
{
    const caption_tensor_info *weight = &layer->weight;
    double factors[CONVERT_PIXEL_CHANNELS], zeros[CONVERT_PIXEL_CHANNELS];
    for (int c = 0; c < CONVERT_PIXEL_CHANNELS; c++) { /* (u / 255 - mean) / std = (u - zero) * factor */
        factors[c] = 1 / (255 * (double)job->std[c]);
        zeros[c] = 255 * (double)job->mean[c];
    }
    convert_product product = {
        .file = job->file,
        .name = layer->name,
        .weights = {.values = weight->data,
                    .rows = weight->dims[0],
                    .taps = weight->rank == 4 ? (size_t)weight->dims[1] * weight->dims[2] : 1,
                    .columns = weight->dims[weight->rank - 1],
                    .factors = layer->pixels ? factors : NULL},
        .zeros = layer->pixels ? zeros : NULL,
        .means = layer->means,
        .bias = layer->bias.data,
        .in = layer->in,
        .out = layer->out,
        .add = layer->add,
    };
    if (layer->embedded) product.in = (convert_bytes){.scale = job->embedding_scale, .zero_point = 128};
    if (layer->has_range) put_range(w->data[layer->count - 1], layer->out);
    const convert_int8_out out = {
        .weight = w->data[0], .scale = w->data[1], .bias = layer->bias.data ? w->data[2] : NULL};
    if (!convert_quantise(&product, &out, err)) return false;
    const size_t more =
        product.bias || layer->has_fine ? 3 : 2; /* tensors of the fine part, or of the rest */
    void **last = w->data + layer->count - more;
    if (layer->has_fine) {
        const convert_fine_out fine = {.halves = last[0], .scale = last[1], .bias = last[2]};
        return convert_quantise_fine(&product, &out, &fine, err);
    }
    if (!layer->has_rest) return true;
    const size_t rows = job->writer.records[layer->first + layer->count - more].dims[0];
    const convert_int8_out rest = {.weight = last[0], .scale = last[1], .bias = more == 3 ? last[2] : NULL};
    return convert_quantise_rest(&product, &out, CANDIDATE * rows, rows, &rest, err);
}

static size_t count_elements(const caption_tensor_info *info)
{
    size_t count = 1;
    for (int i = 0; i < info->rank; i++) count *= info->dims[i];
    return count;
}

static bool make_layer(const convert_int8 *job, const convert_layer *layer, worker *w, tool_error *err)
{
    const size_t count = count_elements(&layer->weight);
    switch (layer->kind) {
    case CONVERT_LAYER_PRODUCT:
        return make_product(job, layer, w, err);
    case CONVERT_LAYER_EMBEDDING: /* its numbers were looked at for its scale */
        convert_quantise_embedding(layer->weight.data, count, job->embedding_scale, w->data[0]);
        put_range(w->data[1], (convert_bytes){.scale = job->embedding_scale, .zero_point = 128});
        return true;
    case CONVERT_LAYER_COPY:
        memcpy(w->data[0], layer->weight.data, count * sizeof(float));
        return convert_all_finite(w->data[0], count) ||
               tool_fail(err, "%s: %s: holds numbers that are not finite", job->file, layer->name);
    }
    return false;
}

/* ---- all of them ---- */

static void *begin_worker(void *context, tool_error *err)
{
    const convert_int8 *job = context;
    worker *w = calloc(1, sizeof *w);
    if (!w) (void)tool_fail(err, "%s: out of memory", job->file);
    return w;
}

static void end_worker(void *argument)
{
    drop(argument);
    free(argument);
}

static bool make(void *context, void *argument, size_t index, tool_error *err)
{
    const convert_int8 *job = context;
    const convert_layer *layer = &job->plan.layers[index];
    worker *w = argument;
    if (!make_room(job, layer, w, err) || !make_layer(job, layer, w, err)) return false;
    for (size_t i = 0; i < layer->count; i++) {
        w->crc[i] = cpt_crc32(w->data[i], (size_t)job->writer.records[layer->first + i].bytes);
    }
    return true;
}

static bool write_layer(void *context, void *argument, size_t index, tool_error *err)
{
    convert_int8 *job = context;
    const convert_layer *layer = &job->plan.layers[index];
    worker *w = argument;
    bool ok = true;
    for (size_t i = 0; ok && i < layer->count; i++) {
        ok = convert_writer_put(&job->writer, layer->first + i, w->data[i], w->crc[i], err);
    }
    drop(w);
    return ok;
}

static bool make_layers(convert_int8 *job, tool_error *err)
{
    const tool_crew crew = {
        .threads = job->threads,
        .count = job->plan.layer_count,
        .context = job,
        .begin = begin_worker,
        .work = make,
        .hand_in = write_layer,
        .end = end_worker,
    };
    return tool_crew_run(&crew, err);
}

/* ---- what is taken from the float32 model ---- */

/* The library has read and checked these when it opened the model. */
static void read_numbers(const caption_model *model, const char *key, const char *standard,
                         float numbers[CONVERT_PIXEL_CHANNELS])
{
    const char *text = caption_model_find_metadata(model, key);
    if (!text) text = standard;
    for (int i = 0; i < CONVERT_PIXEL_CHANNELS; i++) {
        char *stop;
        numbers[i] = (float)strtod(text, &stop); /* tools keep the decimal point of "C" */
        text = stop;
    }
}

static bool take_words(convert_int8 *job, tool_error *err)
{
    caption_model_info info;
    if (caption_model_get_info(job->model, &info) != CAPTION_OK || info.vocabulary_size < 1) {
        return tool_fail(err, "%s: can't be described", job->file);
    }
    const uint32_t count = (uint32_t)info.vocabulary_size;
    job->words = malloc(count * sizeof *job->words);
    if (!job->words) return tool_fail(err, "%s: out of memory", job->file);
    for (uint32_t i = 0; i < count; i++) {
        const char *text = caption_model_word(job->model, (int)i);
        job->words[i] = (source_word){.data = text, .size = strlen(text)};
    }
    job->vocabulary.words = job->words;
    job->vocabulary.count = count;
    return true;
}

static bool take_embedding(convert_int8 *job, tool_error *err)
{
    for (size_t i = 0; i < job->plan.layer_count; i++) {
        const convert_layer *layer = &job->plan.layers[i];
        if (layer->kind != CONVERT_LAYER_EMBEDDING) continue;
        job->embedding_scale = convert_embedding_scale(layer->weight.data, count_elements(&layer->weight),
                                                       job->ranges->largest_input);
    }
    return convert_scale_fits(job->embedding_scale) ||
           tool_fail(err, "%s: embedding.weight: holds numbers that are not finite or absurdly large",
                     job->file);
}

bool convert_int8_write(convert_int8 *job, tool_error *err)
{
    job->plan.file = job->file;
    job->plan.model = job->model;
    job->plan.ranges = job->ranges;
    read_numbers(job->model, "input.mean", "0.485 0.456 0.406", job->mean);
    read_numbers(job->model, "input.std", "0.229 0.224 0.225", job->std);
    if (!convert_int8_plan_make(&job->plan, err) || !take_embedding(job, err) || !take_words(job, err) ||
        !convert_metadata_copy(&job->metadata, job->model, job->ranges->pictures, err)) {
        return false;
    }
    const convert_contents contents = {.tensors = job->plan.tensors,
                                       .count = job->plan.tensor_count,
                                       .metadata = &job->metadata,
                                       .vocabulary = &job->vocabulary};
    return convert_writer_open(&job->writer, job->out, &contents, err) && make_layers(job, err) &&
           convert_writer_finish(&job->writer, err);
}

void convert_int8_free(convert_int8 *job)
{
    convert_writer_free(&job->writer);
    convert_metadata_free(&job->metadata);
    free(job->words);
    job->words = NULL;
}
