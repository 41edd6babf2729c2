/* bind.c - finds the decoder's tensors in a model file and checks that their shapes agree. */
#include "lib/decoder/decoder.h"

#include <stdio.h>

/* The first error wins: once status is set, nothing more is looked up. */
typedef struct binder {
    const cpt_weights *weights;
    caption_error *error;
    caption_status status;
} binder;

/* A tensor's data.  Sizes of 0 in `shape` are filled in from the file. */
static const void *bind(binder *b, const char *name, capw_layout layout, cpt_shape *shape)
{
    if (b->status) return NULL;
    const void *data = cpt_weights_bind(b->weights, name, layout, shape, b->error);
    if (!data) b->status = CAPTION_ERROR_MODEL;
    return data;
}

/* NAME.weight [out, in]; `out` or `in` may be 0: any size. */
static cpt_linear bind_weight(binder *b, const char *name, int out, int in)
{
    cpt_shape shape = {2, {out, in}};
    char tensor[64];
    snprintf(tensor, sizeof tensor, "%s.weight", name);
    const float *weight = bind(b, tensor, CAPW_PANELS, &shape);
    return (cpt_linear){.weight = weight, .bias = NULL, .in = shape.dims[1], .out = shape.dims[0]};
}

/* NAME.weight [out, in] and NAME.bias [out]. */
static cpt_linear bind_linear(binder *b, const char *name, int out, int in)
{
    cpt_linear linear = bind_weight(b, name, out, in);
    cpt_shape shape = {1, {linear.out}};
    char tensor[64];
    snprintf(tensor, sizeof tensor, "%s.bias", name);
    linear.bias = bind(b, tensor, CAPW_ROWS, &shape);
    return linear;
}

static void bind_attention(binder *b, cpt_decoder *d)
{
    d->enc = bind_linear(b, "attention.enc", 0, d->channels);
    d->attention = d->enc.out;
    d->dec = bind_linear(b, "attention.dec", d->attention, d->hidden);
    cpt_shape v = {1, {d->attention}}, one = {1, {1}};
    d->v = bind(b, "attention.v.weight", CAPW_ROWS, &v);
    const float *v_bias = bind(b, "attention.v.bias", CAPW_ROWS, &one);
    d->v_bias = v_bias ? *v_bias : 0;
    d->init_h = bind_linear(b, "init_h", d->hidden, d->channels);
    if (d->rnn == CAPTION_RNN_LSTM) d->init_c = bind_linear(b, "init_c", d->hidden, d->channels);
    d->context = bind_weight(b, "rnn.0.context", d->gates * d->hidden, d->channels);
}

_Static_assert(CAPW_PAIRS_MOST <= CPTK_INT16_MOST, "sums of stored weights must be exact");

/* The int16 copy of fc.weight.  Files may be without it. */
static void bind_coarse(binder *b, cpt_decoder *d)
{
    cpt_shape weight = {2, {d->vocabulary, d->hidden}}, scale = {1, {d->vocabulary}}, two = {1, {2}};
    if (b->status || !cpt_weights_find(b->weights, "fc.screen")) return;
    d->coarse.pairs = bind(b, "fc.screen", CAPW_PAIRS, &weight);
    d->coarse.scale = bind(b, "fc.screen_scale", CAPW_ROWS, &scale);
    const float *bounds = bind(b, "fc.screen_bounds", CAPW_ROWS, &two);
    if (!bounds) return;
    d->coarse.most_error = bounds[0];
    d->coarse.most_length = bounds[1];
}

static void bind_rnn(binder *b, cpt_decoder *d)
{
    for (int i = 0; i < d->layers && !b->status; i++) {
        cpt_rnn_layer *layer = &d->rnn_layers[i];
        char name[32];
        snprintf(name, sizeof name, "rnn.%d.input", i);
        layer->input = bind_linear(b, name, d->gates * d->hidden, i == 0 ? d->embed : d->hidden);
        snprintf(name, sizeof name, "rnn.%d.hidden", i);
        layer->hidden = bind_linear(b, name, d->gates * d->hidden, d->hidden);
    }
}

caption_status cpt_decoder_bind(cpt_decoder *d, const cpt_weights *weights, int channels,
                                caption_error *error)
{
    enum { MOST_GATES = 1 << 24 }; /* rows of a recurrent matrix, so that they fit an int */
    binder b = {weights, error, CAPTION_OK};
    cpt_shape embedding = {2, {0, 0}};
    d->gates = d->rnn == CAPTION_RNN_LSTM ? 4 : 3;
    d->channels = channels;
    d->embedding = bind(&b, "embedding.weight", CAPW_ROWS, &embedding);
    d->vocabulary = embedding.dims[0];
    d->embed = embedding.dims[1];
    d->fc = bind_linear(&b, "fc", d->vocabulary, 0);
    d->hidden = d->fc.in;
    bind_coarse(&b, d);
    if (!b.status && d->hidden > MOST_GATES / d->gates) {
        return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor fc.weight: absurd hidden size %d",
                        d->hidden);
    }
    bind_rnn(&b, d);
    if (d->kind == CAPTION_KIND_ATTENTION) {
        bind_attention(&b, d);
    } else {
        d->project = bind_linear(&b, "project", d->embed, channels);
    }
    return b.status;
}
