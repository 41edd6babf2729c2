/* The tensors of an int8 model; see int8_plan.h. */
#include "tools/convert/int8_plan.h"

#include <stdio.h>
#include <string.h>

static const convert_bytes one_step = {.scale = 1, .zero_point = 0};
static const convert_bytes no_bytes = {.scale = 0, .zero_point = 0};
/* Hidden states lie within -1 and 1: byte = 127 h + 128. */
static const convert_bytes state_bytes = {.scale = 1.0f / 127, .zero_point = 128};

/* ---- looking things up ---- */

/* False where the model has no such tensor. */
static bool find_tensor(const convert_int8_plan *plan, const char *name, caption_tensor_info *info)
{
    for (int i = 0; caption_model_tensor(plan->model, i, info) == CAPTION_OK; i++) {
        if (strcmp(info->name, name) == 0) return true;
    }
    memset(info, 0, sizeof *info);
    return false;
}

/* The tensor LAYER.SUFFIX; an error where `needed`. */
static bool find_part(const convert_int8_plan *plan, const char *layer, const char *suffix, bool needed,
                      caption_tensor_info *info, tool_error *err)
{
    char name[2 * CAPW_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%s.%s", layer, suffix);
    if (find_tensor(plan, name, info) || !needed) return true;
    return tool_fail(err, "%s: tensor %s is missing", plan->file, name);
}

/* The means of a convolution's output channels, or NULL. */
static const double *find_means(const convert_int8_plan *plan, const char *layer)
{
    for (int i = 0; i < plan->ranges->count; i++) {
        if (strcmp(plan->ranges->layers[i].layer, layer) == 0) return plan->ranges->means[i];
    }
    return NULL;
}

/* The range of a convolution's output; `relu`: it is never negative. */
static bool find_range(const convert_int8_plan *plan, const char *layer, bool relu, convert_bytes *bytes,
                       tool_error *err)
{
    for (int i = 0; i < plan->ranges->count; i++) {
        const convert_range *range = &plan->ranges->layers[i];
        if (strcmp(range->layer, layer) != 0) continue;
        *bytes = (convert_bytes){.scale = range->scale, .zero_point = range->zero_point};
        if (!convert_scale_fits(range->scale)) {
            return tool_fail(err, "%s: encoder.%s: its range has the scale %g, must be 2^-100 to 2^64",
                             plan->file, layer, (double)range->scale);
        }
        if (range->zero_point < 0 || range->zero_point > (relu ? 0 : 255)) {
            return tool_fail(err, "%s: encoder.%s: its range has the zero point %d, must be %s", plan->file,
                             layer, range->zero_point, relu ? "0" : "0 to 255");
        }
        return true;
    }
    return tool_fail(err, "%s: encoder.%s: there is no range for it", plan->file, layer);
}

/* ---- adding layers ---- */

static convert_layer *add_layer(convert_int8_plan *plan, convert_layer_kind kind, const char *name,
                                tool_error *err)
{
    if (plan->layer_count == CONVERT_INT8_LAYERS) {
        (void)tool_fail(err, "%s: too many layers", plan->file);
        return NULL;
    }
    convert_layer *layer = &plan->layers[plan->layer_count++];
    layer->kind = kind;
    (void)snprintf(layer->name, sizeof layer->name, "%s", name);
    layer->first = plan->tensor_count;
    layer->in = layer->out = one_step;
    return layer;
}

/* Adds the tensor NAME.SUFFIX to the layer that was added last, without a suffix NAME.  The sizes are
 * those of `info`, or where that is NULL `count` numbers. */
static void add_tensor(convert_int8_plan *plan, const char *suffix, capw_dtype dtype, capw_layout layout,
                       const caption_tensor_info *info, uint32_t count)
{
    convert_layer *layer = &plan->layers[plan->layer_count - 1];
    capw_tensor *tensor = &plan->tensors[plan->tensor_count++];
    char name[CAPW_NAME_BYTES]; /* a float32 model's layer, whose name leaves room for any suffix */
    memcpy(name, layer->name, sizeof name);
    (void)snprintf(tensor->name, sizeof tensor->name, "%.48s%s%s", name, suffix[0] ? "." : "", suffix);
    tensor->dtype = (uint32_t)dtype;
    tensor->layout = (uint32_t)layout;
    tensor->rank = info ? (uint32_t)info->rank : 1;
    if (info) {
        memcpy(tensor->dims, info->dims, sizeof tensor->dims);
    } else {
        tensor->dims[0] = count;
    }
    layer->count++;
}

static void add_numbers(convert_int8_plan *plan, const char *suffix, uint32_t count)
{
    add_tensor(plan, suffix, CAPW_FLOAT32, CAPW_ROWS, NULL, count);
}

/* A product with input bytes `in`; NULL and an error where its weights are missing. */
static convert_layer *add_product(convert_int8_plan *plan, const char *name, convert_bytes in, bool has_bias,
                                  tool_error *err)
{
    convert_layer *layer = add_layer(plan, CONVERT_LAYER_PRODUCT, name, err);
    if (!layer || !find_part(plan, name, "weight", true, &layer->weight, err)) return NULL;
    if (has_bias && !find_part(plan, name, "bias", true, &layer->bias, err)) return NULL;
    layer->in = in;
    add_tensor(plan, "weight", CAPW_INT8, CAPW_QUADS, &layer->weight, 0);
    add_numbers(plan, "scale", layer->weight.dims[0]);
    if (has_bias) add_numbers(plan, "bias", layer->weight.dims[0]);
    return layer;
}

/* ---- the encoder ---- */

typedef struct conv_spec {
    const char *name; /* "layer1.0.conv1" */
    convert_bytes in, add;
    const double *means; /* of the input's channels, or NULL */
    bool pixels, relu;
} conv_spec;

/* Fills *out with the range of its output. */
static bool add_conv(convert_int8_plan *plan, const conv_spec *spec, convert_bytes *out, tool_error *err)
{
    char name[CAPW_NAME_BYTES];
    (void)snprintf(name, sizeof name, "encoder.%s", spec->name);
    convert_layer *layer = add_product(plan, name, spec->in, true, err);
    if (!layer || !find_range(plan, spec->name, spec->relu, &layer->out, err)) return false;
    layer->pixels = spec->pixels;
    layer->means = spec->means;
    layer->add = spec->add;
    layer->has_range = true;
    add_numbers(plan, "range", 2);
    *out = layer->out;
    return true;
}

/* A map between blocks. */
typedef struct block_map {
    convert_bytes bytes;
    const double *means; /* of its channels, or NULL */
} block_map;

/* *map is the block's input, then its output. */
static bool add_block(convert_int8_plan *plan, int stage, int block, block_map *map, tool_error *err)
{
    static const char *const names[] = {"conv1", "conv2", "downsample", "conv3"};
    enum { CONV1, CONV2, DOWNSAMPLE, CONV3, CONVS };
    block_map inner = *map;
    convert_bytes identity = map->bytes;
    for (int i = 0; i < CONVS; i++) {
        char name[CAPW_NAME_BYTES];
        if (i == DOWNSAMPLE && block > 0) continue;
        (void)snprintf(name, sizeof name, "layer%d.%d.%s", stage, block, names[i]);
        const conv_spec spec = {.name = name,
                                .in = i == DOWNSAMPLE ? map->bytes : inner.bytes,
                                .add = i == CONV3 ? identity : no_bytes,
                                .means = i == DOWNSAMPLE ? map->means : inner.means,
                                .relu = i != DOWNSAMPLE};
        if (!add_conv(plan, &spec, i == DOWNSAMPLE ? &identity : &inner.bytes, err)) return false;
        if (i != DOWNSAMPLE) inner.means = find_means(plan, name);
    }
    *map = inner;
    return true;
}

/* *features is the last map. */
static bool add_encoder(convert_int8_plan *plan, block_map *features, tool_error *err)
{
    const conv_spec stem = {.name = "stem", .in = one_step, .pixels = true, .relu = true};
    bool ok = add_conv(plan, &stem, &features->bytes, err); /* the max pool keeps the range */
    features->means = plan->ranges->pool_means;
    for (int stage = 1; ok && stage <= CPT_RESNET50_STAGES; stage++) {
        for (int block = 0; ok && block < cpt_resnet50_stage_at(stage)->blocks; block++) {
            ok = add_block(plan, stage, block, features, err);
        }
    }
    return ok;
}

/* ---- the decoder ---- */

static bool add_copy(convert_int8_plan *plan, const char *name, tool_error *err)
{
    convert_layer *layer = add_layer(plan, CONVERT_LAYER_COPY, name, err);
    if (!layer) return false;
    if (!find_tensor(plan, name, &layer->weight)) {
        return tool_fail(err, "%s: tensor %s is missing", plan->file, name);
    }
    add_tensor(plan, "", CAPW_FLOAT32, CAPW_ROWS, &layer->weight, 0);
    return true;
}

static bool add_embedding(convert_int8_plan *plan, tool_error *err)
{
    convert_layer *layer = add_layer(plan, CONVERT_LAYER_EMBEDDING, "embedding", err);
    if (!layer || !find_part(plan, "embedding", "weight", true, &layer->weight, err)) return false;
    add_tensor(plan, "weight", CAPW_UINT8, CAPW_ROWS, &layer->weight, 0);
    add_numbers(plan, "range", 2);
    return true;
}

/* A product of the recurrent cell's gates, and what the rows of its candidate lack. */
static bool add_gates(convert_int8_plan *plan, const char *name, convert_bytes in, bool has_bias, int hidden,
                      tool_error *err)
{
    convert_layer *layer = add_product(plan, name, in, has_bias, err);
    if (!layer) return false;
    const caption_tensor_info rest = {.rank = 2, .dims = {(uint32_t)hidden, layer->weight.dims[1]}};
    layer->has_rest = true;
    add_tensor(plan, "rest.weight", CAPW_INT8, CAPW_QUADS, &rest, 0);
    add_numbers(plan, "rest.scale", rest.dims[0]);
    if (has_bias) add_numbers(plan, "rest.bias", rest.dims[0]);
    return true;
}

/* A product of the features, or of their mean. */
static bool add_features(convert_int8_plan *plan, const char *name, const block_map *features,
                         tool_error *err)
{
    const bool is_mean = strncmp(name, "init", 4) == 0 || strcmp(name, "project") == 0;
    convert_layer *layer = add_product(plan, name, is_mean ? one_step : features->bytes, true, err);
    if (layer) layer->means = features->means;
    return layer != NULL;
}

static bool add_attention(convert_int8_plan *plan, const caption_model_info *info, const block_map *features,
                          tool_error *err)
{
    return add_features(plan, "attention.enc", features, err) &&
           add_product(plan, "attention.dec", state_bytes, true, err) &&
           add_copy(plan, "attention.v.weight", err) && add_copy(plan, "attention.v.bias", err) &&
           add_features(plan, "init_h", features, err) &&
           (info->rnn != CAPTION_RNN_LSTM || add_features(plan, "init_c", features, err)) &&
           add_gates(plan, "rnn.0.context", features->bytes, false, info->hidden_size, err);
}

static bool add_recurrent(convert_int8_plan *plan, int index, int hidden, tool_error *err)
{
    char name[CAPW_NAME_BYTES];
    (void)snprintf(name, sizeof name, "rnn.%d.input", index);
    convert_layer *layer = add_product(plan, name, state_bytes, true, err);
    if (!layer) return false;
    layer->embedded = index == 0;
    (void)snprintf(name, sizeof name, "rnn.%d.hidden", index);
    return add_gates(plan, name, state_bytes, true, hidden, err);
}

/* The product that makes the logits, and four more bits of its weights. */
static bool add_vocabulary(convert_int8_plan *plan, int hidden, tool_error *err)
{
    convert_layer *layer = add_product(plan, "fc", state_bytes, true, err);
    if (!layer) return false;
    const uint32_t words = layer->weight.dims[0];
    const caption_tensor_info halves = {.rank = 2, .dims = {words, ((uint32_t)hidden + 7) / 8 * 4}};
    layer->has_fine = true;
    add_tensor(plan, "fine", CAPW_UINT8, CAPW_QUADS, &halves, 0);
    add_numbers(plan, "fine_scale", words);
    add_numbers(plan, "fine_bias", words);
    return true;
}

static bool add_decoder(convert_int8_plan *plan, const block_map *features, tool_error *err)
{
    caption_model_info info;
    if (caption_model_get_info(plan->model, &info) != CAPTION_OK) {
        return tool_fail(err, "%s: can't be described", plan->file);
    }
    bool ok = info.kind == CAPTION_KIND_ATTENTION ? add_attention(plan, &info, features, err)
                                                  : add_features(plan, "project", features, err);
    ok = ok && add_embedding(plan, err);
    for (int i = 0; ok && i < info.layers; i++) ok = add_recurrent(plan, i, info.hidden_size, err);
    return ok && add_vocabulary(plan, info.hidden_size, err);
}

bool convert_int8_plan_make(convert_int8_plan *plan, tool_error *err)
{
    block_map features;
    return add_encoder(plan, &features, err) && add_decoder(plan, &features, err);
}
