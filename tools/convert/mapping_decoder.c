/* The decoder's half of the mapping: attention or baseline, GRU or LSTM. */
#include "tools/convert/mapping.h"

#include <stdio.h>

#include "lib/limits.h"

static uint32_t gates(const convert_plan *plan)
{
    return plan->network.rnn == CAPTION_RNN_LSTM ? 4 : 3;
}

/* Adds NAME.SUFFIX, an unchanged copy of the checkpoint's tensor `key`. */
static bool add_rows(convert_plan *plan, const char *name, const char *suffix, const char *key,
                     convert_shape shape, tool_error *err)
{
    const convert_source *source = convert_state_take(&plan->decoder, key, &shape, err);
    if (!source) return false;
    convert_item *item = convert_plan_add(plan, name, suffix, CAPW_FLOAT32, CAPW_ROWS, err);
    if (!item) return false;
    item->rank = shape.rank;
    for (int i = 0; i < shape.rank; i++) item->dims[i] = (uint32_t)shape.dims[i];
    item->source = source;
    return true;
}

/* Adds NAME.weight: `columns` columns of the source, from `first` on, in panels. */
static bool add_panels(convert_plan *plan, const char *name, const convert_source *source, uint32_t first,
                       uint32_t columns, tool_error *err)
{
    convert_item *item = convert_plan_add(plan, name, "weight", CAPW_FLOAT32, CAPW_PANELS, err);
    if (!item) return false;
    item->rank = 2;
    item->dims[0] = (uint32_t)source->tensor->dims[0];
    item->dims[1] = columns;
    item->source = source;
    item->first_column = first;
    return true;
}

/* Adds an nn.Linear: NAME.weight [out, in] and NAME.bias [out]. */
static bool add_linear(convert_plan *plan, const char *name, const char *key, uint64_t out, uint64_t in,
                       tool_error *err)
{
    convert_shape matrix = {2, {out, in}}, vector = {1, {out}};
    char path[CONVERT_KEY_BYTES];
    (void)snprintf(path, sizeof path, "%s.weight", key);
    const convert_source *source = convert_state_take(&plan->decoder, path, &matrix, err);
    if (!source || !add_panels(plan, name, source, 0, (uint32_t)in, err)) return false;
    (void)snprintf(path, sizeof path, "%s.bias", key);
    return add_rows(plan, name, "bias", path, vector, err);
}

/* Adds the Linear that makes the logits, and its weights once more in int16 with their scales and the bounds
 * of their rounding.  lib/decoder/logits.c says what they are for. */
static bool add_vocabulary(convert_plan *plan, tool_error *err)
{
    const convert_network *n = &plan->network;
    if (!add_linear(plan, "fc", "fc", n->words, n->hidden, err)) return false;
    if (plan->compact) return true;
    const convert_source *source = plan->items[plan->count - 2].source; /* of fc.weight */
    convert_item *pairs = convert_plan_add(plan, "fc", "screen", CAPW_INT16, CAPW_PAIRS, err);
    if (!pairs) return false;
    convert_item *scale = convert_plan_add(plan, "fc", "screen_scale", CAPW_FLOAT32, CAPW_ROWS, err);
    if (!scale) return false;
    convert_item *bounds = convert_plan_add(plan, "fc", "screen_bounds", CAPW_FLOAT32, CAPW_ROWS, err);
    if (!bounds) return false;
    pairs->source = scale->source = bounds->source = source;
    pairs->rank = 2;
    pairs->dims[0] = n->words;
    pairs->dims[1] = n->hidden;
    scale->rank = 1;
    scale->dims[0] = n->words;
    scale->derived = CONVERT_SCALES;
    bounds->rank = 1;
    bounds->dims[0] = 2;
    bounds->derived = CONVERT_BOUNDS;
    return true;
}

/* Recurrent layer `layer`, whose tensors are PREFIXweight_ihSUFFIX and so on.  The first `input` columns of
 * weight_ih are for the layer's input, the `context` columns behind them for the attention's context. */
static bool add_recurrent(convert_plan *plan, const char *prefix, int layer, uint32_t input, uint32_t context,
                          tool_error *err)
{
    const uint64_t rows = (uint64_t)gates(plan) * plan->network.hidden;
    convert_shape in = {2, {rows, (uint64_t)input + context}}, hidden = {2, {rows, plan->network.hidden}};
    const convert_shape vector = {1, {rows}};
    char suffix[16] = "";
    if (plan->network.kind == CAPTION_KIND_BASELINE) (void)snprintf(suffix, sizeof suffix, "_l%d", layer);
    char key[CONVERT_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%sweight_ih%s", prefix, suffix);
    char name[CAPW_NAME_BYTES];
    (void)snprintf(name, sizeof name, "rnn.%d.input", layer);
    const convert_source *source = convert_state_take(&plan->decoder, key, &in, err);
    if (!source || !add_panels(plan, name, source, 0, input, err)) return false;
    (void)snprintf(key, sizeof key, "%sbias_ih%s", prefix, suffix);
    if (!add_rows(plan, name, "bias", key, vector, err)) return false;
    if (context) {
        (void)snprintf(name, sizeof name, "rnn.%d.context", layer);
        if (!add_panels(plan, name, source, input, context, err)) return false;
    }
    (void)snprintf(key, sizeof key, "%sweight_hh%s", prefix, suffix);
    (void)snprintf(name, sizeof name, "rnn.%d.hidden", layer);
    source = convert_state_take(&plan->decoder, key, &hidden, err);
    if (!source || !add_panels(plan, name, source, 0, plan->network.hidden, err)) return false;
    (void)snprintf(key, sizeof key, "%sbias_hh%s", prefix, suffix);
    return add_rows(plan, name, "bias", key, vector, err);
}

/* Dimension `dim` of a tensor whose sizes the others must agree with; 0 and an error if it is not there. */
static uint32_t size_of(const convert_plan *plan, const char *key, int rank, int dim, tool_error *err)
{
    convert_shape shape = {rank, {0}};
    return convert_state_take(&plan->decoder, key, &shape, err) ? (uint32_t)shape.dims[dim] : 0;
}

static bool map_attention(convert_plan *plan, tool_error *err)
{
    convert_network *n = &plan->network;
    convert_shape scores = {2, {1, 0}};
    const convert_shape one = {1, {1}}, embedding = {2, {n->words, n->embed}};
    const uint32_t rows = size_of(plan, "rnn_cell.weight_hh", 2, 0, err);
    n->layers = 1;
    n->attention_size = size_of(plan, "attention.W_enc.weight", 2, 0, err);
    if (!rows || !n->attention_size) return false;
    n->rnn = rows / 4 == n->hidden && rows % 4 == 0 ? CAPTION_RNN_LSTM : CAPTION_RNN_GRU;
    scores.dims[1] = n->attention_size;
    if (!add_linear(plan, "attention.enc", "attention.W_enc", n->attention_size, n->channels, err) ||
        !add_linear(plan, "attention.dec", "attention.W_dec", n->attention_size, n->hidden, err) ||
        !add_rows(plan, "attention.v", "weight", "attention.V.weight", scores, err)) {
        return false;
    }
    convert_item *v = &plan->items[plan->count - 1]; /* [1, A] in the checkpoint, [A] here */
    v->rank = 1;
    v->dims[0] = n->attention_size;
    v->dims[1] = 0;
    return add_rows(plan, "attention.v", "bias", "attention.V.bias", one, err) &&
           add_linear(plan, "init_h", "init_h", n->hidden, n->channels, err) &&
           (n->rnn == CAPTION_RNN_GRU || add_linear(plan, "init_c", "init_c", n->hidden, n->channels, err)) &&
           add_rows(plan, "embedding", "weight", "embedding.weight", embedding, err) &&
           add_recurrent(plan, "rnn_cell.", 0, n->embed, n->channels, err) && add_vocabulary(plan, err);
}

/* The Linear of the pooled features, with its BatchNorm1d folded in.  It is in the encoder's state. */
static bool add_projection(convert_plan *plan, tool_error *err)
{
    const uint32_t embed = plan->network.embed;
    convert_shape matrix = {2, {embed, plan->network.channels}}, vector = {1, {embed}};
    const convert_source *weight = convert_state_take(&plan->encoder, "project.weight", &matrix, err);
    const convert_source *bias =
        weight ? convert_state_take(&plan->encoder, "project.bias", &vector, err) : NULL;
    convert_norm norm;
    if (!bias || !convert_map_norm(&plan->encoder, "bn", embed, &norm, err)) return false;
    plan->norms++;
    if (!add_panels(plan, "project", weight, 0, plan->network.channels, err)) return false;
    plan->items[plan->count - 1].has_norm = true;
    plan->items[plan->count - 1].norm = norm;
    convert_item *item = convert_plan_add(plan, "project", "bias", CAPW_FLOAT32, CAPW_ROWS, err);
    if (!item) return false;
    item->rank = 1;
    item->dims[0] = embed;
    item->source = bias;
    item->has_norm = true;
    item->norm = norm;
    return true;
}

static bool map_baseline(convert_plan *plan, tool_error *err)
{
    convert_network *n = &plan->network;
    const char *prefix = n->rnn == CAPTION_RNN_LSTM ? "lstm." : "gru.";
    const convert_shape embedding = {2, {n->words, n->embed}};
    char key[CONVERT_KEY_BYTES];
    do {
        (void)snprintf(key, sizeof key, "%sweight_ih_l%d", prefix, ++n->layers);
    } while (n->layers < CPT_MAX_RNN_LAYERS && convert_state_find(&plan->decoder, key));
    if (!add_projection(plan, err) ||
        !add_rows(plan, "embedding", "weight", "embedding.weight", embedding, err)) {
        return false;
    }
    for (int layer = 0; layer < n->layers; layer++) {
        if (!add_recurrent(plan, prefix, layer, layer ? n->hidden : n->embed, 0, err)) return false;
    }
    return add_vocabulary(plan, err);
}

bool convert_map_decoder(convert_plan *plan, tool_error *err)
{
    const convert_state *state = &plan->decoder;
    convert_network *n = &plan->network;
    const bool attention = convert_state_find(state, "attention.W_enc.weight") != NULL;
    const bool lstm = convert_state_find(state, "lstm.weight_ih_l0") != NULL;
    if (!attention && !lstm && !convert_state_find(state, "gru.weight_ih_l0")) {
        return tool_fail(
            err,
            "%s: %s: neither attention.W_enc.weight nor lstm.weight_ih_l0 nor gru.weight_ih_l0: not a "
            "checkpoint of this network",
            source_path(state->checkpoint), state->part);
    }
    n->kind = attention ? CAPTION_KIND_ATTENTION : CAPTION_KIND_BASELINE;
    n->rnn = lstm ? CAPTION_RNN_LSTM : CAPTION_RNN_GRU;
    n->words = size_of(plan, "fc.weight", 2, 0, err);
    n->hidden = size_of(plan, "fc.weight", 2, 1, err);
    n->embed = size_of(plan, "embedding.weight", 2, 1, err);
    if (!n->words || !n->hidden || !n->embed) return false;
    return attention ? map_attention(plan, err) : map_baseline(plan, err);
}
