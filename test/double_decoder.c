/* double_decoder.c - see double_decoder.h. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/double_decoder.h"

/* ---- tensors ---- */

typedef struct matrix {
    const float *values;
    int out, in;
} matrix;

static const float *find(const caption_model *model, const char *name, caption_tensor_info *info)
{
    for (int i = 0; caption_model_tensor(model, i, info) == CAPTION_OK; i++) {
        if (strcmp(info->name, name) == 0) return info->data;
    }
    return NULL;
}

/* LAYER.weight [out, in], stored in panels of 16 outputs. */
static matrix weight(const caption_model *model, const char *layer)
{
    char name[64];
    caption_tensor_info info;
    (void)snprintf(name, sizeof name, "%s.weight", layer);
    const float *values = find(model, name, &info);
    assert_non_null(values);
    assert_string_equal(info.dtype, "float32");
    return (matrix){values, (int)info.dims[0], (int)info.dims[1]};
}

static const float *bias(const caption_model *model, const char *layer)
{
    char name[64];
    caption_tensor_info info;
    (void)snprintf(name, sizeof name, "%s.bias", layer);
    return find(model, name, &info);
}

static double element(const matrix *m, int out, int in)
{
    return (double)m->values[((size_t)(out / 16) * (size_t)m->in + (size_t)in) * 16 + (size_t)(out % 16)];
}

/* y [out] += W x + b, for layer LAYER; no bias where there is none. */
static void add_linear(const caption_model *model, const char *layer, const double *x, double *y)
{
    const matrix m = weight(model, layer);
    const float *b = bias(model, layer);
    for (int o = 0; o < m.out; o++) {
        double sum = b ? (double)b[o] : 0;
        for (int i = 0; i < m.in; i++) sum += element(&m, o, i) * x[i];
        y[o] += sum;
    }
}

static double *zeros(int count)
{
    double *values = calloc((size_t)count, sizeof *values);
    assert_non_null(values);
    return values;
}

/* ---- the steps ---- */

typedef struct decoder {
    const caption_model *model;
    caption_model_info info;
    const double *map; /* [positions, channels] */
    int positions, channels;
    double *mean;    /* [channels] */
    double *encoded; /* [positions, A] W_enc f_p + b; attention kind */
    double *h, *c;   /* [layers, H] */
} decoder;

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* context [channels] of the state h */
static void attend(const decoder *d, const double *h, double *context)
{
    const int a = d->info.attention_size;
    caption_tensor_info info;
    const float *v = find(d->model, "attention.v.weight", &info);
    assert_non_null(v);
    double *query = zeros(a), *score = zeros(d->positions), sum = 0;
    add_linear(d->model, "attention.dec", h, query);
    for (int p = 0; p < d->positions; p++) {
        const double *encoded = d->encoded + (size_t)p * (size_t)a;
        for (int i = 0; i < a; i++) score[p] += (double)v[i] * tanh(encoded[i] + query[i]);
        sum += exp(score[p]);
    }
    for (int p = 0; p < d->positions; p++) {
        const double alpha = exp(score[p]) / sum;
        for (int k = 0; k < d->channels; k++) {
            context[k] += alpha * d->map[(size_t)p * (size_t)d->channels + (size_t)k];
        }
    }
    free(query);
    free(score);
}

/* One layer's step: its state becomes the next one.  gates and inner are W x + b and W h + b. */
static void run_cell(const decoder *d, const double *gates, const double *inner, double *h, double *c)
{
    const int n = d->info.hidden_size;
    for (int i = 0; i < n; i++) {
        const double first = sigmoid(gates[i] + inner[i]), second = sigmoid(gates[n + i] + inner[n + i]);
        if (d->info.rnn == CAPTION_RNN_GRU) {
            const double new = tanh(gates[2 * n + i] + first * inner[2 * n + i]);
            h[i] = (1 - second) * new + second *h[i];
        } else {
            c[i] = second * c[i] + first * tanh(gates[2 * n + i] + inner[2 * n + i]);
            h[i] = sigmoid(gates[3 * n + i] + inner[3 * n + i]) * tanh(c[i]);
        }
    }
}

/* One step from input x [E]. */
static void run_step(decoder *d, const double *x)
{
    const int n = d->info.hidden_size, all = 4 * n;
    double *input = zeros(d->info.embed_size > n ? d->info.embed_size : n);
    memcpy(input, x, (size_t)d->info.embed_size * sizeof *input);
    for (int layer = 0; layer < d->info.layers; layer++) {
        char name[32];
        double *gates = zeros(all), *inner = zeros(all), *context = zeros(d->channels);
        double *h = d->h + (size_t)layer * (size_t)n, *c = d->c + (size_t)layer * (size_t)n;
        (void)snprintf(name, sizeof name, "rnn.%d.input", layer);
        add_linear(d->model, name, input, gates);
        (void)snprintf(name, sizeof name, "rnn.%d.hidden", layer);
        add_linear(d->model, name, h, inner);
        if (d->info.kind == CAPTION_KIND_ATTENTION) {
            attend(d, h, context);
            add_linear(d->model, "rnn.0.context", context, gates);
        }
        run_cell(d, gates, inner, h, c);
        memcpy(input, h, (size_t)n * sizeof *input);
        free(gates);
        free(inner);
        free(context);
    }
    free(input);
}

/* The log-probability of a token in the state after a step. */
static double score(const decoder *d, int id)
{
    const int n = d->info.hidden_size;
    double *logits = zeros(d->info.vocabulary_size), sum = 0, most = -INFINITY;
    add_linear(d->model, "fc", d->h + (size_t)(d->info.layers - 1) * (size_t)n, logits);
    for (int v = 0; v < d->info.vocabulary_size; v++) most = fmax(most, logits[v]);
    for (int v = 0; v < d->info.vocabulary_size; v++) sum += exp(logits[v] - most);
    const double y = logits[id] - most - log(sum);
    free(logits);
    return y;
}

static void start(decoder *d, double *x)
{
    const int states = d->info.layers * d->info.hidden_size;
    d->mean = zeros(d->channels);
    d->h = zeros(states);
    d->c = zeros(states);
    for (int p = 0; p < d->positions; p++) {
        for (int k = 0; k < d->channels; k++) {
            d->mean[k] += d->map[(size_t)p * (size_t)d->channels + (size_t)k] / d->positions;
        }
    }
    if (d->info.kind == CAPTION_KIND_BASELINE) {
        add_linear(d->model, "project", d->mean, x);
        return;
    }
    add_linear(d->model, "init_h", d->mean, d->h);
    if (d->info.rnn == CAPTION_RNN_LSTM) add_linear(d->model, "init_c", d->mean, d->c);
    const size_t attention = (size_t)d->info.attention_size, channels = (size_t)d->channels;
    d->encoded = zeros(d->positions * d->info.attention_size);
    for (size_t p = 0; p < (size_t)d->positions; p++) {
        add_linear(d->model, "attention.enc", d->map + p * channels, d->encoded + p * attention);
    }
    for (int i = 0; i < states; i++) {
        d->h[i] = tanh(d->h[i]);
        d->c[i] = tanh(d->c[i]);
    }
}

void double_decoder_score(const caption_model *model, const double *map, int positions, const int *ids,
                          int length, double *y)
{
    decoder d = {.model = model, .map = map, .positions = positions};
    caption_tensor_info info;
    assert_int_equal(caption_model_get_info(model, &d.info), CAPTION_OK);
    const char *wide = d.info.kind == CAPTION_KIND_ATTENTION ? "attention.enc" : "project";
    d.channels = weight(model, wide).in;
    const float *embedding = find(model, "embedding.weight", &info); /* [V, E] */
    assert_non_null(embedding);
    double *x = zeros(d.info.embed_size);
    start(&d, x);
    for (int t = 0; t < length; t++) {
        if (t > 0 || d.info.kind == CAPTION_KIND_ATTENTION) {
            const int word = t > 0 ? ids[t - 1] : d.info.start;
            for (int i = 0; i < d.info.embed_size; i++) {
                x[i] = (double)embedding[(size_t)word * (size_t)d.info.embed_size + (size_t)i];
            }
        }
        run_step(&d, x);
        y[t] = score(&d, ids[t]);
    }
    free(x);
    free(d.mean);
    free(d.encoded);
    free(d.h);
    free(d.c);
}
