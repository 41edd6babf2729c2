/* model.c - opens models: from memory, files and callbacks.  Everything is bound and checked here, once;
 * afterwards a model never changes.  Reads files only through platform/file.c. */
#include "lib/model.h"

#include <inttypes.h>
#include <string.h>

#include "lib/format/metadata.h"
#include "lib/format/names.h"
#include "lib/limits.h"
#include "lib/options.h"
#include "lib/platform/arena.h"
#include "lib/platform/memory.h"
#ifndef CAPTION_NO_MALLOC
#include <stdlib.h>
#endif

static caption_status read_network(caption_model *m, int *input_size, caption_error *error)
{
    int kind = 0, rnn = 0;
    const cpt_choice_setting choices[] = {
        {.key = "model.kind", .names = cpt_kind_names, .value = &kind, .required = true},
        {.key = "model.rnn", .names = cpt_rnn_names, .value = &rnn, .required = true},
    };
    const cpt_int_setting sizes[] = {
        {.key = "model.layers",
         .low = 1,
         .high = CPT_MAX_RNN_LAYERS,
         .value = &m->decoder.layers,
         .required = true},
        {.key = "input.size",
         .low = CPT_MIN_INPUT_SIZE,
         .high = CPT_MAX_INPUT_SIZE,
         .value = input_size,
         .required = true},
    };
    const cpt_float_setting mean = {
        .key = "input.mean", .low = -CPT_MAX_MEAN, .high = CPT_MAX_MEAN, .values = m->mean, .count = 3};
    const cpt_float_setting std = {
        .key = "input.std", .low = CPT_MIN_STD, .high = CPT_MAX_STD, .values = m->std, .count = 3};
    caption_status status = cpt_metadata_choice(&m->weights, &choices[0], error);
    if (!status) status = cpt_metadata_choice(&m->weights, &choices[1], error);
    if (!status) status = cpt_metadata_ints(&m->weights, sizes, 2, error);
    if (!status) status = cpt_metadata_floats(&m->weights, &mean, error);
    if (!status) status = cpt_metadata_floats(&m->weights, &std, error);
    m->decoder.kind = (caption_kind)kind;
    m->decoder.rnn = (caption_rnn)rnn;
    if (!status && kind == CAPTION_KIND_ATTENTION && m->decoder.layers != 1) {
        return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: an attention decoder has one layer, not %d",
                        m->decoder.layers);
    }
    return status;
}

static caption_status read_defaults(caption_model *m, caption_error *error)
{
    caption_decode_options *o = &m->defaults;
    int search = (int)o->search, penalty = (int)o->penalty;
    const cpt_int_setting ints[] = {
        {.key = "decode.beams", .low = 1, .high = CAPTION_MAX_BEAMS, .value = &o->beams},
        {.key = "decode.max_length", .low = 1, .high = CAPTION_MAX_LENGTH, .value = &o->max_length},
    };
    const cpt_choice_setting choices[] = {
        {.key = "decode.search", .names = cpt_search_names, .value = &search},
        {.key = "decode.penalty", .names = cpt_penalty_names, .value = &penalty},
    };
    const cpt_float_setting floats[] = {
        {.key = "decode.length_alpha",
         .low = 0,
         .high = (double)CAPTION_MAX_LENGTH_ALPHA,
         .values = &o->length_alpha,
         .count = 1},
        {.key = "decode.repetition_penalty",
         .low = (double)CAPTION_MIN_REPETITION_PENALTY,
         .high = (double)CAPTION_MAX_REPETITION_PENALTY,
         .values = &o->repetition_penalty,
         .count = 1},
    };
    caption_status status = cpt_metadata_ints(&m->weights, ints, 2, error);
    for (int i = 0; i < 2 && !status; i++) status = cpt_metadata_choice(&m->weights, &choices[i], error);
    for (int i = 0; i < 2 && !status; i++) status = cpt_metadata_floats(&m->weights, &floats[i], error);
    o->search = (caption_search)search;
    o->penalty = (caption_penalty)penalty;
    return status;
}

/* The stem's weights say whether the model is float32 or int8.  All others are checked when they are bound.
 */
static void find_precision(caption_model *m)
{
    const capw_tensor *stem = cpt_weights_find(&m->weights, "encoder.stem.weight");
    m->encoder.int8 = m->decoder.int8 = stem && stem->dtype == CAPW_INT8;
}

static caption_status read_tokens(caption_model *m, caption_error *error)
{
    caption_model_info *info = &m->info;
    const int last = (int)m->weights.word_count - 1;
    const cpt_int_setting settings[] = {
        {.key = "token.pad", .high = last, .value = &info->pad, .required = true},
        {.key = "token.start", .high = last, .value = &info->start, .required = true},
        {.key = "token.end", .high = last, .value = &info->end, .required = true},
        {.key = "token.unk", .high = last, .value = &info->unk, .required = true},
    };
    if (m->decoder.vocabulary != (int)m->weights.word_count) {
        return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: %" PRIu32 " words, but fc.weight is for %d",
                        m->weights.word_count, m->decoder.vocabulary);
    }
    return cpt_metadata_ints(&m->weights, settings, 4, error);
}

/* Whether a tensor holds no parameter, but a second copy, scales or a range. */
static bool describes_others(const char *name)
{
    const char *suffix = strrchr(name, '.');
    return strncmp(name, "fc.screen", 9) == 0 || strncmp(name, "fc.fine", 7) == 0 ||
           (suffix && (strcmp(suffix, ".scale") == 0 || strcmp(suffix, ".range") == 0));
}

static void fill_info(caption_model *m)
{
    caption_model_info *info = &m->info;
    const cpt_decoder *d = &m->decoder;
    const bool attention = d->kind == CAPTION_KIND_ATTENTION;
    info->kind = d->kind;
    info->rnn = d->rnn;
    info->layers = d->layers;
    info->input_size = m->encoder.input_size;
    info->positions = attention ? m->encoder.out_h * m->encoder.out_w : 1;
    info->feature_channels = attention ? m->encoder.channels : d->embed;
    info->embed_size = d->embed;
    info->hidden_size = d->hidden;
    info->attention_size = d->attention;
    info->vocabulary_size = d->vocabulary;
    info->tensor_count = (int)m->weights.tensor_count;
    info->metadata_count = (int)m->weights.metadata_count;
    info->bytes = m->weights.size;
    info->precision = d->int8 ? CAPTION_PRECISION_INT8 : CAPTION_PRECISION_FLOAT32;
    for (uint32_t i = 0; i < m->weights.tensor_count; i++) {
        const capw_tensor *t = &m->weights.tensors[i];
        uint64_t values = 1;
        for (uint32_t k = 0; k < t->rank; k++) values *= t->dims[k]; /* fits: checked by cpt_weights_open */
        if (!cpt_layout_winograd_outputs(t->layout) && !describes_others(t->name)) {
            info->parameters += values;
        }
    }
}

/* Binds a model whose structure is all zero but for what it owns. */
static caption_status bind_model(caption_model *m, const void *data, size_t size,
                                 const caption_model_options *options, caption_error *error)
{
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f}; /* ImageNet's */
    memcpy(m->mean, mean, sizeof mean);
    memcpy(m->std, std, sizeof std);
    caption_decode_options_init(&m->defaults, NULL);
    int input_size = 0;
    caption_status status = cpt_weights_open(&m->weights, data, size, error);
    if (!status) status = read_network(m, &input_size, error);
    if (!status) find_precision(m);
    if (!status) status = cpt_resnet_bind(&m->encoder, &m->weights, input_size, error);
    m->decoder.features = m->encoder.layers[CPT_RESNET_LAYERS - 1].range;
    if (!status) status = cpt_decoder_bind(&m->decoder, &m->weights, m->encoder.channels, error);
    if (!status) status = read_tokens(m, error);
    if (!status) status = read_defaults(m, error);
    if (!status) fill_info(m);
    for (uint32_t i = 0; !status && options->verify && i < m->weights.tensor_count; i++) {
        status = cpt_weights_verify(&m->weights, i, error);
    }
    return status ? status : cpt_ok(error);
}

size_t caption_model_size(void)
{
    return sizeof(caption_model);
}

caption_status caption_model_init(caption_model **model, void *memory, size_t memory_size, const void *data,
                                  size_t size, const caption_model_options *options, caption_error *error)
{
    if (!model) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "model is NULL");
    *model = NULL;
    caption_model_options own;
    caption_status status = cpt_model_options_read(&own, options, error);
    if (status) return status;
    if (!memory || !data) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "memory or data is NULL");
    if ((uintptr_t)memory % CPT_ALIGN) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "memory is not 64-byte aligned");
    }
    if (memory_size < sizeof **model) {
        return cpt_fail(error, CAPTION_ERROR_MEMORY, "a model needs %zu bytes, there are %zu", sizeof **model,
                        memory_size);
    }
    memset(memory, 0, sizeof **model);
    status = bind_model(memory, data, size, &own, error);
    if (!status) *model = memory;
    return status;
}

#ifdef CAPTION_NO_MALLOC

static caption_status no_malloc(caption_model **model, caption_error *error)
{
    if (model) *model = NULL;
    return cpt_fail(error, CAPTION_ERROR_UNSUPPORTED, "this build does not allocate: use caption_model_init");
}

caption_status caption_model_open_memory(caption_model **model, const void *data, size_t size,
                                         const caption_model_options *options, caption_error *error)
{
    (void)data, (void)size, (void)options;
    return no_malloc(model, error);
}

caption_status caption_model_open_file(caption_model **model, const char *path,
                                       const caption_model_options *options, caption_error *error)
{
    (void)path, (void)options;
    return no_malloc(model, error);
}

caption_status caption_model_open_callback(caption_model **model, caption_read_fn read, void *user,
                                           uint64_t size, const caption_model_options *options,
                                           caption_error *error)
{
    (void)read, (void)user, (void)size, (void)options;
    return no_malloc(model, error);
}

void caption_model_close(caption_model **model)
{
    if (model) *model = NULL;
}

#else

/* Takes the options in and makes an empty model, which caption_model_close can release at any point. */
static caption_status new_model(caption_model **model, const caption_model_options *options,
                                caption_model_options *own, caption_error *error)
{
    if (!model) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "model is NULL");
    *model = NULL;
    const caption_status status = cpt_model_options_read(own, options, error);
    if (status) return status;
    *model = calloc(1, sizeof **model);
    if (!*model) return cpt_fail(error, CAPTION_ERROR_MEMORY, "out of memory for a model");
    (*model)->owned = true;
    return CAPTION_OK;
}

caption_status caption_model_open_memory(caption_model **model, const void *data, size_t size,
                                         const caption_model_options *options, caption_error *error)
{
    caption_model_options own;
    caption_status status = new_model(model, options, &own, error);
    if (status) return status;
    status = data ? bind_model(*model, data, size, &own, error)
                  : cpt_fail(error, CAPTION_ERROR_ARGUMENT, "data is NULL");
    if (status) caption_model_close(model);
    return status;
}

static caption_status open_path(caption_model *m, const char *path, const caption_model_options *options,
                                caption_error *error)
{
    if (!path) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "path is NULL");
    caption_status status = cpt_file_map(&m->file, path, error);
    if (status) return status;
    status = m->file.size > 0 ? bind_model(m, m->file.data, m->file.size, options, error)
                              : cpt_fail(error, CAPTION_ERROR_MODEL, "the file is empty");
    return status ? cpt_fail_in_file(error, status, path) : CAPTION_OK;
}

caption_status caption_model_open_file(caption_model **model, const char *path,
                                       const caption_model_options *options, caption_error *error)
{
    caption_model_options own;
    caption_status status = new_model(model, options, &own, error);
    if (status) return status;
    status = open_path(*model, path, &own, error);
    if (status) caption_model_close(model);
    return status;
}

/* Reads `size` bytes into memory that the model owns. */
static caption_status read_all(caption_model *m, caption_read_fn read, void *user, uint64_t size,
                               caption_error *error)
{
    if (!read) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "read is NULL");
    if (size == 0 || size > SIZE_MAX - CPT_ALIGN) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "a model can't have %llu bytes",
                        (unsigned long long)size);
    }
    m->owned_bytes = cpt_memory_take((size_t)size);
    if (!m->owned_bytes) {
        return cpt_fail(error, CAPTION_ERROR_MEMORY, "out of memory for a model of %zu bytes", (size_t)size);
    }
    if (read(user, 0, m->owned_bytes, (size_t)size) != 0) {
        return cpt_fail(error, CAPTION_ERROR_IO, "the model's read function failed");
    }
    return CAPTION_OK;
}

caption_status caption_model_open_callback(caption_model **model, caption_read_fn read, void *user,
                                           uint64_t size, const caption_model_options *options,
                                           caption_error *error)
{
    caption_model_options own;
    caption_status status = new_model(model, options, &own, error);
    if (status) return status;
    status = read_all(*model, read, user, size, error);
    if (!status) status = bind_model(*model, (*model)->owned_bytes, (size_t)size, &own, error);
    if (status) caption_model_close(model);
    return status;
}

void caption_model_close(caption_model **model)
{
    if (!model || !*model) return;
    if ((*model)->owned) {
        cpt_file_unmap(&(*model)->file);
        free((*model)->owned_bytes);
        free(*model);
    }
    *model = NULL;
}

#endif

/* ---- looking into a model ---- */

caption_status caption_model_get_info_sized(const caption_model *model, caption_model_info *info,
                                            size_t info_size, caption_error *error)
{
    static const cpt_structure structure = {"model information", sizeof(caption_kind),
                                            sizeof(caption_model_info)};
    if (!model) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "model is NULL");
    return cpt_hand_out(&structure, info, info_size, &model->info, error);
}

const char *caption_model_word(const caption_model *model, int id)
{
    if (!model || id < 0 || id >= model->info.vocabulary_size) return NULL;
    return model->weights.words + model->weights.word_offsets[id];
}

caption_status caption_model_metadata(const caption_model *model, int index, const char **key,
                                      const char **value)
{
    if (!model || !key || !value || index < 0 || index >= model->info.metadata_count) {
        return CAPTION_ERROR_ARGUMENT;
    }
    cpt_weights_metadata(&model->weights, (uint32_t)index, key, value);
    return CAPTION_OK;
}

const char *caption_model_find_metadata(const caption_model *model, const char *key)
{
    return model && key ? cpt_weights_find_metadata(&model->weights, key) : NULL;
}

static caption_status check_tensor(const caption_model *model, int index, caption_error *error)
{
    if (!model) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "model is NULL");
    if (index < 0 || index >= model->info.tensor_count) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "tensor is %d, must be 0 to %d", index,
                        model->info.tensor_count - 1);
    }
    return CAPTION_OK;
}

caption_status caption_model_tensor_sized(const caption_model *model, int index, caption_tensor_info *info,
                                          size_t info_size, caption_error *error)
{
    static const cpt_structure structure = {"tensor information", sizeof(const char *),
                                            sizeof(caption_tensor_info)};
    const caption_status status = check_tensor(model, index, error);
    if (status) return status;
    const capw_tensor *t = &model->weights.tensors[index];
    caption_tensor_info own = {
        .name = t->name,
        .dtype = cpt_dtype_name(t->dtype),
        .layout = cpt_layout_find(t->layout)->name,
        .rank = (int)t->rank,
        .offset = t->offset,
        .bytes = t->bytes,
        .crc = t->crc,
        .data = model->weights.data + t->offset,
    };
    memcpy(own.dims, t->dims, sizeof own.dims);
    return cpt_hand_out(&structure, info, info_size, &own, error);
}

caption_status caption_model_verify(const caption_model *model, int index, caption_error *error)
{
    caption_status status = check_tensor(model, index, error);
    if (!status) status = cpt_weights_verify(&model->weights, (uint32_t)index, error);
    return status ? status : cpt_ok(error);
}
