/* bind.c - finds the decoder's tensors in a model file and checks that their shapes agree. */
#include "lib/decoder/decoder.h"

#include "lib/decoder/fine.h"

/* The first error wins: once status is set, nothing more is looked up. */
typedef struct binder {
    const cpt_weights *weights;
    caption_error *error;
    caption_status status;
    cpt_matrix_form form; /* of the weights */
} binder;

/* The data of a tensor in rows.  Sizes of 0 in `shape` are filled in from the file. */
static const void *bind_rows(binder *b, const char *name, capw_dtype dtype, cpt_shape *shape)
{
    if (b->status) return NULL;
    const void *data = cpt_weights_bind(b->weights, name, dtype, CAPW_ROWS, shape, b->error);
    if (!data) b->status = CAPTION_ERROR_MODEL;
    return data;
}

static const float *bind(binder *b, const char *name, cpt_shape *shape)
{
    return bind_rows(b, name, CAPW_FLOAT32, shape);
}

static cpt_linear bind_matrix(binder *b, const char *name, const cpt_matrix_spec *spec)
{
    cpt_linear linear = {0};
    if (!b->status) b->status = cpt_matrix_bind(&linear, b->weights, name, spec, b->error);
    return linear;
}

/* NAME.weight [out, in]; `out` or `in` may be 0: any size. */
static cpt_linear bind_weight(binder *b, const char *name, int out, int in)
{
    return bind_matrix(b, name, &(cpt_matrix_spec){.form = b->form, .out = out, .in = in});
}

/* NAME.weight [out, in] and NAME.bias [out]. */
static cpt_linear bind_linear(binder *b, const char *name, int out, int in)
{
    const cpt_matrix_spec spec = {.form = b->form, .out = out, .in = in, .has_bias = true};
    return bind_matrix(b, name, &spec);
}

/* NAME.rest.weight [H, in], which an int8 file may have. */
static cpt_linear bind_rest(binder *b, const cpt_decoder *d, const char *name, int in, bool has_bias)
{
    char rest[48];
    if (!d->int8) return (cpt_linear){0};
    cpt_format(rest, sizeof rest, "%s.rest", name);
    const cpt_matrix_spec spec = {
        .form = b->form, .out = d->hidden, .in = in, .has_bias = has_bias, .optional = true};
    return bind_matrix(b, rest, &spec);
}

static void bind_attention(binder *b, cpt_decoder *d)
{
    d->enc = bind_linear(b, "attention.enc", 0, d->channels);
    d->attention = d->enc.out;
    d->dec = bind_linear(b, "attention.dec", d->attention, d->hidden);
    cpt_shape v = {1, {d->attention}}, one = {1, {1}};
    d->v = bind(b, "attention.v.weight", &v);
    const float *v_bias = bind(b, "attention.v.bias", &one);
    d->v_bias = v_bias ? *v_bias : 0;
    d->init_h = bind_linear(b, "init_h", d->hidden, d->channels);
    if (d->rnn == CAPTION_RNN_LSTM) d->init_c = bind_linear(b, "init_c", d->hidden, d->channels);
    d->context.all = bind_weight(b, "rnn.0.context", d->gates * d->hidden, d->channels);
    d->context.rest = bind_rest(b, d, "rnn.0.context", d->channels, false);
}

_Static_assert(CAPW_PAIRS_MOST <= CPTK_INT16_MOST, "sums of stored weights must be exact");

/* The int16 copy of fc.weight.  Files may be without it. */
static void bind_coarse(binder *b, cpt_decoder *d)
{
    const cpt_matrix_spec spec = {
        .form = CPT_MATRIX_PAIRS, .out = d->vocabulary, .in = d->hidden, .has_bias = true, .optional = true};
    d->coarse.matrix = bind_matrix(b, "fc", &spec);
    if (!d->coarse.matrix.pairs) return;
    cpt_shape two = {1, {2}};
    const float *bounds = bind(b, "fc.screen_bounds", &two);
    if (!bounds) return;
    d->coarse.most_error = bounds[0];
    d->coarse.most_length = bounds[1];
}

/* The finer part of an int8 model's fc.weight.  Files may be without it. */
static void bind_fine(binder *b, cpt_decoder *d)
{
    const cpt_matrix_spec spec = {.form = CPT_MATRIX_HALVES,
                                  .out = d->vocabulary,
                                  .in = (int)cpt_fine_pitch(d->hidden) / 2,
                                  .has_bias = true,
                                  .optional = true};
    d->fine = bind_matrix(b, "fc", &spec);
}

static void bind_embedding(binder *b, cpt_decoder *d)
{
    static const char name[] = "embedding.weight";
    cpt_shape shape = {2, {0, 0}};
    if (d->int8) {
        d->embedding_u8 = bind_rows(b, name, CAPW_UINT8, &shape);
        if (!b->status) b->status = cpt_range_bind(&d->embedding_range, b->weights, "embedding", b->error);
    } else {
        d->embedding = bind(b, name, &shape);
    }
    d->vocabulary = shape.dims[0];
    d->embed = shape.dims[1];
}

static void bind_rnn(binder *b, cpt_decoder *d)
{
    for (int i = 0; i < d->layers && !b->status; i++) {
        cpt_rnn_layer *layer = &d->rnn_layers[i];
        char name[32];
        cpt_format(name, sizeof name, "rnn.%d.input", i);
        layer->input = bind_linear(b, name, d->gates * d->hidden, i == 0 ? d->embed : d->hidden);
        cpt_format(name, sizeof name, "rnn.%d.hidden", i);
        layer->hidden.all = bind_linear(b, name, d->gates * d->hidden, d->hidden);
        layer->hidden.rest = bind_rest(b, d, name, d->hidden, true);
    }
}

caption_status cpt_decoder_bind(cpt_decoder *d, const cpt_weights *weights, int channels,
                                caption_error *error)
{
    enum { MOST_GATES = 1 << 24 }; /* rows of a recurrent matrix, so that they fit an int */
    binder b = {.weights = weights,
                .error = error,
                .status = CAPTION_OK,
                .form = d->int8 ? CPT_MATRIX_QUADS : CPT_MATRIX_WEIGHT};
    d->gates = d->rnn == CAPTION_RNN_LSTM ? 4 : 3;
    d->channels = channels;
    bind_embedding(&b, d);
    d->fc = bind_linear(&b, "fc", d->vocabulary, 0);
    d->hidden = d->fc.in;
    if (d->int8) {
        bind_fine(&b, d);
    } else {
        bind_coarse(&b, d);
    }
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
