/* bind.c - finds the decoder's tensors in a model file and checks that their shapes agree.  Called by
 * model.c. */
#include "lib/decoder/decoder.h"

#include <stdio.h>

typedef struct binder {
    const cpt_weights *weights;
    caption_error *error;
    caption_status status; /* first error wins: later calls do nothing */
} binder;

static const void *bind(binder *b, const char *name, cpt_shape *shape)
{
    const void *data;
    if (b->status) return NULL;
    data = cpt_weights_bind(b->weights, name, CAPW_FLOAT32, CAPW_ROWS, shape, b->error);
    if (!data) b->status = CAPTION_ERROR_MODEL;
    return data;
}

/* NAME.weight [out, in] and, unless there is none, NAME.bias [out]; sizes of 0 come from the file. */
static cpt_linear bind_linear(binder *b, const char *name, int out, int in, int has_bias)
{
    const cpt_matrix_spec spec = {.form = CPT_MATRIX_WEIGHT, .out = out, .in = in, .has_bias = has_bias};
    cpt_linear linear = {0};
    if (!b->status) b->status = cpt_matrix_bind(&linear, b->weights, name, &spec, b->error);
    return linear;
}

static void bind_attention(binder *b, cpt_decoder *d)
{
    cpt_shape v = {1, {0}}, one = {1, {1}};
    const float *v_bias;
    d->enc = bind_linear(b, "attention.enc", 0, d->channels, 1);
    d->attention = v.dims[0] = d->enc.out;
    d->dec = bind_linear(b, "attention.dec", d->attention, d->hidden, 1);
    d->v = bind(b, "attention.v.weight", &v);
    v_bias = bind(b, "attention.v.bias", &one);
    d->v_bias = v_bias ? *v_bias : 0;
    d->init_h = bind_linear(b, "init_h", d->hidden, d->channels, 1);
    if (d->rnn == CAPTION_RNN_LSTM) d->init_c = bind_linear(b, "init_c", d->hidden, d->channels, 1);
    d->context = bind_linear(b, "rnn.0.context", d->gates * d->hidden, d->channels, 0);
}

_Static_assert(CAPW_PAIRS_MOST <= CPTK_INT16_MOST, "sums of stored weights must be exact");

/* The rounded copy of fc.weight, where the file has one. */
static void bind_screen(binder *b, cpt_decoder *d)
{
    const cpt_matrix_spec spec = {
        .form = CPT_MATRIX_PAIRS, .out = d->vocabulary, .in = d->hidden, .optional = true};
    cpt_matrix matrix = {0};
    cpt_shape two = {1, {2}};
    const float *bounds;
    if (!b->status) b->status = cpt_matrix_bind(&matrix, b->weights, "fc", &spec, b->error);
    d->screen.pairs = matrix.pairs;
    d->screen.scale = matrix.scale;
    if (!matrix.pairs) return;
    bounds = bind(b, "fc.screen_bounds", &two);
    if (!bounds) return;
    d->screen.error = bounds[0];
    d->screen.length = bounds[1];
}

caption_status cpt_decoder_bind(cpt_decoder *d, const cpt_weights *weights, int channels,
                                caption_error *error)
{
    binder b = {weights, error, CAPTION_OK};
    cpt_shape embedding = {2, {0, 0}};
    d->gates = d->rnn == CAPTION_RNN_LSTM ? 4 : 3;
    d->channels = channels;
    d->embedding = bind(&b, "embedding.weight", &embedding);
    d->vocabulary = embedding.dims[0];
    d->embed = embedding.dims[1];
    d->fc = bind_linear(&b, "fc", d->vocabulary, 0, 1);
    d->hidden = d->fc.in;
    bind_screen(&b, d);
    if (!b.status && d->hidden > (1 << 24) / d->gates) {
        return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor fc.weight: absurd hidden size %d",
                        d->hidden);
    }
    for (int i = 0; i < d->layers && !b.status; i++) {
        char name[32];
        cpt_rnn_layer *layer = &d->rnn_layers[i];
        snprintf(name, sizeof name, "rnn.%d.input", i);
        layer->input = bind_linear(&b, name, d->gates * d->hidden, i == 0 ? d->embed : d->hidden, 1);
        snprintf(name, sizeof name, "rnn.%d.hidden", i);
        layer->hidden = bind_linear(&b, name, d->gates * d->hidden, d->hidden, 1);
    }
    if (d->kind == CAPTION_KIND_ATTENTION) {
        bind_attention(&b, d);
    } else {
        d->project = bind_linear(&b, "project", d->embed, channels, 1);
    }
    return b.status;
}
