/* make_model.c - see make_model.h.  The same code runs several times: first it counts, at last it writes. */
#include "test/make_model.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/layout.h"
#include "lib/format/resnet50.h"

typedef struct maker {
    const make_model_options *options;
    unsigned char *data; /* NULL while counting */
    capw_header header;
    uint64_t metadata_end, vocabulary_end, data_end;
    uint32_t random;
} maker;

void make_model_defaults(make_model_options *options)
{
    memset(options, 0, sizeof *options);
    options->kind = CAPTION_KIND_ATTENTION;
    options->rnn = CAPTION_RNN_GRU;
    options->layers = 1;
    options->width = 2;
    options->embed = 5;
    options->hidden = 12;
    options->attention = 7;
    options->vocabulary = 37;
    options->input = 224;
    options->seed = 1;
}

uint32_t make_model_crc(const void *data, size_t size)
{
    const unsigned char *p = data;
    uint32_t table[256], crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    for (size_t i = 0; i < size; i++) crc = table[(crc ^ p[i]) & 0xFF] ^ (crc >> 8);
    return crc ^ 0xFFFFFFFFu;
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

/* -1..1, exact in float on every machine. */
static float uniform(maker *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 17;
    m->random ^= m->random << 5;
    return (float)((int32_t)(m->random >> 8) - (1 << 23)) / (float)(1 << 23);
}

/* The id of the word that has id `word` in the model that is not shuffled. */
static size_t shuffled(const make_model_options *options, size_t word)
{
    const size_t step = (size_t)options->shuffle;
    return step ? (word * step + step / 2) % (size_t)options->vocabulary : word;
}

/* The word's id in the model that is not shuffled. */
static int unshuffled(const make_model_options *options, int id)
{
    int word = 0;
    while (shuffled(options, (size_t)word) != (size_t)id) word++;
    return word;
}

/* Whether a tensor has one row for each word. */
static bool is_of_words(const char *name)
{
    return strcmp(name, "embedding.weight") == 0 ||
           (strncmp(name, "fc.", 3) == 0 && strcmp(name, "fc.screen_bounds") != 0);
}

/* ---- tensors ---- */

/* logical [O, rest] -> stored [ceil(O/16), rest, 16] */
static void store_panels(float *stored, const float *logical, size_t outputs, size_t rest)
{
    for (size_t o = 0; o < outputs; o++) {
        for (size_t r = 0; r < rest; r++) {
            stored[(o / CAPW_PANEL * rest + r) * CAPW_PANEL + o % CAPW_PANEL] = logical[o * rest + r];
        }
    }
}

/* logical [O, 3, 3, I] -> stored [side^2, ceil(O/16), I, 16]: G g G', in double */
static void store_winograd(float *stored, const float *logical, const capw_tensor *record)
{
    static const double g2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    static const double g4[6][3] = {{1.0 / 4, 0, 0},
                                    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                    {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                    {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                    {0, 0, 1}};
    const size_t outputs = record->dims[0], inputs = record->dims[3];
    const size_t panels = (outputs + CAPW_PANEL - 1) / CAPW_PANEL;
    const size_t side = cpt_layout_find(record->layout)->winograd_side;
    const double(*g)[3] = side == 4 ? g2 : g4;
    for (size_t o = 0; o < outputs; o++) {
        for (size_t i = 0; i < inputs; i++) {
            for (size_t e = 0; e < side * side; e++) {
                double sum = 0;
                for (size_t y = 0; y < 3; y++) {
                    for (size_t x = 0; x < 3; x++) {
                        sum += g[e / side][y] * g[e % side][x] *
                               (double)logical[((o * 3 + y) * 3 + x) * inputs + i];
                    }
                }
                stored[((e * panels + o / CAPW_PANEL) * inputs + i) * CAPW_PANEL + o % CAPW_PANEL] =
                    (float)sum;
            }
        }
    }
}

static float row_scale(const float *row, size_t inputs)
{
    float most = 0;
    for (size_t i = 0; i < inputs; i++) most = fmaxf(most, fabsf(row[i]));
    return most / CAPW_PAIRS_MOST;
}

/* logical [O, I] -> multiples of each row's scale, [ceil(O/16), ceil(I/2), 16, 2] */
static void store_pairs(int16_t *stored, const float *logical, size_t outputs, size_t inputs)
{
    for (size_t o = 0; o < outputs; o++) {
        for (size_t i = 0; i < inputs; i++) {
            const size_t pair = o / CAPW_PANEL * ((inputs + 1) / 2) + i / 2;
            stored[(pair * CAPW_PANEL + o % CAPW_PANEL) * 2 + i % 2] =
                (int16_t)lrintf(logical[o * inputs + i] / row_scale(logical + o * inputs, inputs));
        }
    }
}

/* logical [O, taps, I] of whole numbers -> [ceil(O/16), taps, ceil(I/4), 16, 4] */
static void store_quads(int8_t *stored, const float *logical, const capw_tensor *record)
{
    const size_t inputs = record->dims[record->rank - 1], quads = (inputs + CAPW_QUAD - 1) / CAPW_QUAD;
    size_t taps = 1;
    for (uint32_t d = 1; d + 1 < record->rank; d++) taps *= record->dims[d];
    for (size_t o = 0; o < record->dims[0]; o++) {
        for (size_t k = 0; k < taps * inputs; k++) {
            const size_t quad = (o / CAPW_PANEL * taps + k / inputs) * quads + k % inputs / CAPW_QUAD;
            stored[(quad * CAPW_PANEL + o % CAPW_PANEL) * CAPW_QUAD + k % inputs % CAPW_QUAD] =
                (int8_t)logical[o * taps * inputs + k];
        }
    }
}

static void store(void *stored, const float *logical, const capw_tensor *record)
{
    size_t count = 1;
    for (uint32_t d = 0; d < record->rank; d++) count *= record->dims[d];
    if (record->layout == CAPW_PANELS) {
        store_panels(stored, logical, record->dims[0], count / record->dims[0]);
    } else if (cpt_layout_find(record->layout)->winograd_side) {
        store_winograd(stored, logical, record);
    } else if (record->layout == CAPW_PAIRS) {
        store_pairs(stored, logical, record->dims[0], record->dims[1]);
    } else if (record->layout == CAPW_QUADS) {
        store_quads(stored, logical, record);
    } else if (record->dtype == CAPW_UINT8) {
        for (size_t i = 0; i < count; i++) ((uint8_t *)stored)[i] = (uint8_t)logical[i];
    } else {
        memcpy(stored, logical, count * sizeof *logical);
    }
}

/* One tensor's record and, in the pass that writes, its numbers: values [dims], or with NULL uniform in
 * -amplitude..amplitude. */
static void put(maker *m, const char *name, capw_layout layout, const int dims[4], const float *values,
                float amplitude)
{
    const bool bytes =
        m->options->int8 && (strcmp(name, "embedding.weight") == 0 || strcmp(name, "fc.fine") == 0);
    capw_tensor record = {
        .dtype = layout == CAPW_PAIRS   ? CAPW_INT16
                 : bytes                ? CAPW_UINT8
                 : layout == CAPW_QUADS ? CAPW_INT8
                                        : CAPW_FLOAT32, /* all that store() can write */
        .layout = (uint32_t)layout,
    };
    size_t count = 1;
    (void)snprintf(record.name, sizeof record.name, "%s", name);
    for (; record.rank < 4 && dims[record.rank] > 0; record.rank++) {
        record.dims[record.rank] = (uint32_t)dims[record.rank];
        count *= (size_t)dims[record.rank];
    }
    record.offset = round_up(m->data_end, CAPW_ALIGN);
    record.bytes = cpt_layout_bytes(&record);
    m->data_end = record.offset + record.bytes;
    float *logical = m->data ? malloc(count * sizeof *logical) : NULL;
    if (logical) {
        void *target = m->data + record.offset;
        const size_t row = count / record.dims[0];
        for (size_t i = 0; i < count; i++) {
            const size_t at = is_of_words(name) ? shuffled(m->options, i / row) * row + i % row : i;
            logical[at] = values ? values[i] : amplitude * uniform(m);
        }
        store(target, logical, &record);
        free(logical);
        record.crc = make_model_crc(target, (size_t)record.bytes);
        memcpy(m->data + sizeof(capw_header) + m->header.tensor_count * sizeof record, &record,
               sizeof record);
    }
    m->header.tensor_count++;
}

static void tensor(maker *m, const char *name, capw_layout layout, const int dims[4], float amplitude)
{
    put(m, name, layout, dims, NULL, amplitude);
}

/* A weight whose outputs are about as large as its inputs times gain. */
static void weight(maker *m, const char *name, capw_layout layout, const int dims[4], float gain)
{
    int fan_in = 1;
    for (int d = 1; d < 4 && dims[d] > 0; d++) fan_in *= dims[d];
    tensor(m, name, layout, dims, gain * sqrtf(3.0f / (float)fan_in));
}

/* ---- int8 ---- */

/* Bytes as the inputs of a product: value = step * (byte - zero). */
typedef struct byte_range {
    float step, zero;
} byte_range;

static const byte_range positive = {1.0f / 32, 0}, signed_map = {1.0f / 32, 128}, state = {1.0f / 127, 128},
                        word_range = {1.0f / 127, 128}, pixel = {1.0f / 57, 118}, raw = {1, 0};

/* A product whose outputs are about as large as its inputs times gain. */
typedef struct int8_product {
    const char *name;
    int dims[4];
    float gain;
    byte_range in, out; /* out: {1, 0} for floats */
    float add_zero;     /* of what is added, in steps of the output */
    bool no_bias;
} int8_product;

/* NAME.weight with random whole numbers, NAME.scale and NAME.bias. */
static void int8_put(maker *m, const int8_product *p)
{
    char text[2 * CAPW_NAME_BYTES];
    int outputs = p->dims[0], terms = 1;
    for (int d = 1; d < 4 && p->dims[d] > 0; d++) terms *= p->dims[d];
    float *weights = calloc((size_t)outputs * (size_t)terms, sizeof *weights);
    float *scale = calloc(2 * (size_t)outputs, sizeof *scale), *bias = scale ? scale + outputs : NULL;
    for (int o = 0; m->data && weights && scale && o < outputs; o++) {
        float sum = 0; /* exact: whole numbers */
        for (int k = 0; k < terms; k++) {
            weights[o * terms + k] = (float)(int)(127 * uniform(m));
            sum += weights[o * terms + k];
        }
        const float weight_step = p->gain * sqrtf(3.0f / (float)terms) / 127;
        scale[o] = weight_step * (1 + 0.25f * uniform(m)) * p->in.step / p->out.step;
        bias[o] = 0.1f * uniform(m) / p->out.step + p->out.zero - p->add_zero - scale[o] * p->in.zero * sum;
    }
    (void)snprintf(text, sizeof text, "%s.weight", p->name);
    put(m, text, CAPW_QUADS, p->dims, weights, 0);
    (void)snprintf(text, sizeof text, "%s.scale", p->name);
    put(m, text, CAPW_ROWS, (const int[4]){outputs}, scale, 0);
    (void)snprintf(text, sizeof text, "%s.bias", p->name);
    if (!p->no_bias) put(m, text, CAPW_ROWS, (const int[4]){outputs}, bias, 0);
    free(scale);
    free(weights);
}

static void int8_range(maker *m, const char *name, byte_range range)
{
    char text[3 * CAPW_NAME_BYTES];
    (void)snprintf(text, sizeof text, "%s.range", name);
    put(m, text, CAPW_ROWS, (const int[4]){2}, (const float[2]){range.step, range.zero}, 0);
}

/* What completes the candidate's rows of a recurrent product, and a fine part of fc's weights. */
static void int8_more(maker *m, const char *name, int inputs)
{
    const int hidden = m->options->hidden, words = m->options->vocabulary;
    const bool context = strcmp(name, "rnn.0.context") == 0;
    char text[CAPW_NAME_BYTES];
    if (strcmp(name, "fc") == 0) {
        const int dims[4] = {words, (hidden + 7) / 8 * 4};
        tensor(m, "fc.fine", CAPW_QUADS, dims, 127);
        float *scale = calloc((size_t)words, sizeof *scale);
        for (int i = 0; scale && i < words; i++) scale[i] = 1e-3f;
        put(m, "fc.fine_scale", CAPW_ROWS, (const int[4]){words}, scale, 0);
        free(scale);
        tensor(m, "fc.fine_bias", CAPW_ROWS, (const int[4]){words}, 0.1f);
    } else if (context || strstr(name, ".hidden")) {
        (void)snprintf(text, sizeof text, "%s.rest", name);
        int8_put(m, &(int8_product){.name = text,
                                    .dims = {hidden, inputs},
                                    .gain = 0.2f,
                                    .in = context ? positive : state,
                                    .out = raw,
                                    .no_bias = context});
    }
}

static void int8_linear(maker *m, const char *name, int outputs, int inputs, float gain)
{
    const bool rnn = strncmp(name, "rnn.", 4) == 0;
    const bool image = strncmp(name, "init", 4) == 0 || strcmp(name, "project") == 0;
    int8_product p = {
        .name = name, .dims = {outputs, inputs}, .gain = gain, .in = image ? raw : state, .out = raw};
    if (strcmp(name, "attention.enc") == 0 || strcmp(name, "rnn.0.context") == 0) p.in = positive;
    if (strcmp(name, "rnn.0.input") == 0) p.in = word_range;
    p.no_bias = rnn && strcmp(name, "rnn.0.context") == 0;
    int8_put(m, &p);
    if (m->options->fine) int8_more(m, name, inputs);
}

static void int8_conv(maker *m, const char *name, int outputs, int kernel, int inputs, float gain)
{
    char text[2 * CAPW_NAME_BYTES];
    (void)snprintf(text, sizeof text, "encoder.%s", name);
    int8_product p = {.name = text,
                      .dims = {outputs, kernel, kernel, inputs},
                      .gain = gain,
                      .in = strcmp(name, "stem") == 0 ? pixel : positive,
                      .out = strstr(name, "downsample") ? signed_map : positive};
    if (strstr(name, ".0.conv3")) p.add_zero = signed_map.zero; /* what is added is the downsample's map */
    int8_put(m, &p);
    int8_range(m, text, p.out);
}

static void int8_embedding(maker *m)
{
    const int words = m->options->vocabulary, embed = m->options->embed;
    float *bytes = calloc((size_t)words * (size_t)embed, sizeof *bytes);
    for (int i = 0; m->data && bytes && i < words * embed; i++) {
        bytes[i] = 128 + (float)(int)(127 * uniform(m));
    }
    put(m, "embedding.weight", CAPW_ROWS, (const int[4]){words, embed}, bytes, 0);
    int8_range(m, "embedding", word_range);
    free(bytes);
}

/* ---- networks ---- */

static void linear(maker *m, const char *name, int outputs, int inputs, float gain)
{
    char text[CAPW_NAME_BYTES];
    if (m->options->int8) {
        int8_linear(m, name, outputs, inputs, gain);
        return;
    }
    (void)snprintf(text, sizeof text, "%s.weight", name);
    weight(m, text, CAPW_PANELS, (const int[4]){outputs, inputs}, gain);
    (void)snprintf(text, sizeof text, "%s.bias", name);
    tensor(m, text, CAPW_ROWS, (const int[4]){outputs}, 0.1f);
}

typedef struct conv_shape {
    int outputs, kernel, inputs;
    capw_layout winograd; /* of the second copy; CAPW_ROWS for none */
    float gain;
} conv_shape;

static void conv(maker *m, const char *name, const conv_shape *shape)
{
    char text[CAPW_NAME_BYTES];
    const int dims[4] = {shape->outputs, shape->kernel, shape->kernel, shape->inputs};
    if (m->options->int8) {
        int8_conv(m, name, shape->outputs, shape->kernel, shape->inputs, shape->gain);
        return;
    }
    (void)snprintf(text, sizeof text, "encoder.%s.weight", name);
    const uint32_t before = m->random;
    weight(m, text, CAPW_PANELS, dims, shape->gain);
    if (shape->winograd != CAPW_ROWS) {
        m->random = before; /* the same numbers once more */
        (void)snprintf(text, sizeof text, "encoder.%s.winograd", name);
        weight(m, text, shape->winograd, dims, shape->gain);
    }
    (void)snprintf(text, sizeof text, "encoder.%s.bias", name);
    tensor(m, text, CAPW_ROWS, (const int[4]){shape->outputs}, 0.1f);
}

static void block_conv(maker *m, int stage, int block, const char *name, conv_shape shape)
{
    char text[CAPW_NAME_BYTES];
    (void)snprintf(text, sizeof text, "layer%d.%d.%s", stage, block, name);
    conv(m, text, &shape);
}

static void encoder(maker *m)
{
    const float relu = 1.4f; /* ReLU halves the power */
    const int w = m->options->width;
    int inputs = w;
    conv(m, "stem", &(const conv_shape){.outputs = w, .kernel = 7, .inputs = 3, .gain = relu});
    for (int stage = 1; stage <= CPT_RESNET50_STAGES; stage++) {
        const int middle = w << (stage - 1), outputs = 4 * middle;
        for (int block = 0; block < cpt_resnet50_stage_at(stage)->blocks; block++) {
            capw_layout winograd = m->options->winograd ? cpt_resnet50_winograd(stage, block) : CAPW_ROWS;
            if (winograd != CAPW_ROWS && m->options->winograd == 2) winograd = CAPW_WINOGRAD;
            block_conv(m, stage, block, "conv1",
                       (conv_shape){.outputs = middle, .kernel = 1, .inputs = inputs, .gain = relu});
            block_conv(
                m, stage, block, "conv2",
                (conv_shape){
                    .outputs = middle, .kernel = 3, .inputs = middle, .winograd = winograd, .gain = relu});
            block_conv(m, stage, block, "conv3",
                       (conv_shape){.outputs = outputs, .kernel = 1, .inputs = middle, .gain = 0.5f});
            if (block == 0) {
                block_conv(m, stage, block, "downsample",
                           (conv_shape){.outputs = outputs, .kernel = 1, .inputs = inputs, .gain = 1.0f});
            }
            inputs = outputs;
        }
    }
}

/* fc, and where wanted its weights in int16, with their scales and the bounds of their rounding. */
static void vocabulary_product(maker *m)
{
    const int words = m->options->vocabulary, hidden = m->options->hidden;
    const float gain = 4.0f, amplitude = gain * sqrtf(3.0f / (float)hidden);
    const uint32_t before = m->random;
    float bounds[2] = {0, 0};
    linear(m, "fc", words, hidden, gain);
    if (!m->options->coarse || m->options->int8) return;
    float *w = malloc((size_t)words * (size_t)hidden * sizeof *w);
    float *scales = malloc((size_t)words * sizeof *scales);
    const uint32_t after = m->random;
    m->random = before; /* the same numbers once more */
    for (int o = 0; w && scales && o < words; o++) {
        float *row = w + (size_t)o * (size_t)hidden, moved = 0, size = 0, rounded = 0;
        for (int i = 0; i < hidden; i++) row[i] = m->data ? amplitude * uniform(m) : 0;
        scales[o] = row_scale(row, (size_t)hidden);
        for (int i = 0; i < hidden && m->data; i++) {
            const float near = (float)lrintf(row[i] / scales[o]) * scales[o], off = near - row[i];
            moved += off * off;
            rounded += near * near;
            size += row[i] * row[i];
        }
        bounds[0] = fmaxf(bounds[0], 1.001f * (sqrtf(moved) + (float)(hidden + 4) * 0x1p-23f * sqrtf(size)));
        bounds[1] = fmaxf(bounds[1], 1.001f * sqrtf(rounded));
    }
    m->random = after;
    put(m, "fc.screen", CAPW_PAIRS, (const int[4]){words, hidden}, w, 0);
    put(m, "fc.screen_scale", CAPW_ROWS, (const int[4]){words}, scales, 0);
    put(m, "fc.screen_bounds", CAPW_ROWS, (const int[4]){2}, bounds, 0);
    free(scales);
    free(w);
}

static void embedding(maker *m)
{
    const int dims[4] = {m->options->vocabulary, m->options->embed};
    if (m->options->int8) {
        int8_embedding(m);
    } else {
        tensor(m, "embedding.weight", CAPW_ROWS, dims, 1.0f);
    }
}

static void attention_decoder(maker *m)
{
    const make_model_options *o = m->options;
    const int gates = o->rnn == CAPTION_RNN_GRU ? 3 : 4, features = 32 * o->width, hidden = o->hidden;
    linear(m, "attention.enc", o->attention, features, 2.0f);
    linear(m, "attention.dec", o->attention, hidden, 2.0f);
    weight(m, "attention.v.weight", CAPW_ROWS, (const int[4]){o->attention}, 1.0f);
    tensor(m, "attention.v.bias", CAPW_ROWS, (const int[4]){1}, 0.1f);
    linear(m, "init_h", hidden, features, 1.0f);
    if (o->rnn == CAPTION_RNN_LSTM) linear(m, "init_c", hidden, features, 1.0f);
    embedding(m);
    if (o->int8) {
        int8_linear(m, "rnn.0.input", gates * hidden, o->embed, 3.0f);
        int8_linear(m, "rnn.0.context", gates * hidden, features, 1.0f);
    } else {
        weight(m, "rnn.0.input.weight", CAPW_PANELS, (const int[4]){gates * hidden, o->embed}, 3.0f);
        weight(m, "rnn.0.context.weight", CAPW_PANELS, (const int[4]){gates * hidden, features}, 1.0f);
        tensor(m, "rnn.0.input.bias", CAPW_ROWS, (const int[4]){gates * hidden}, 0.1f);
    }
    linear(m, "rnn.0.hidden", gates * hidden, hidden, 2.0f);
    vocabulary_product(m);
}

static void baseline_decoder(maker *m)
{
    const make_model_options *o = m->options;
    const int gates = o->rnn == CAPTION_RNN_GRU ? 3 : 4;
    int inputs = o->embed;
    linear(m, "project", o->embed, 32 * o->width, 2.0f);
    embedding(m);
    for (int layer = 0; layer < o->layers; layer++) {
        char text[CAPW_NAME_BYTES];
        (void)snprintf(text, sizeof text, "rnn.%d.input", layer);
        linear(m, text, gates * o->hidden, inputs, 3.0f);
        (void)snprintf(text, sizeof text, "rnn.%d.hidden", layer);
        linear(m, text, gates * o->hidden, o->hidden, 2.0f);
        inputs = o->hidden;
    }
    vocabulary_product(m);
}

/* ---- tables ---- */

static void metadata(maker *m, const char *key, const char *value)
{
    const uint32_t sizes[2] = {(uint32_t)strlen(key) + 1, (uint32_t)strlen(value) + 1};
    const uint64_t at = m->metadata_end;
    if (m->data) {
        memcpy(m->data + at, sizes, sizeof sizes);
        memcpy(m->data + at + 8, key, sizes[0]);
        memcpy(m->data + at + 8 + sizes[0], value, sizes[1]);
    }
    m->metadata_end = round_up(at + 8 + sizes[0] + sizes[1], 4);
    m->header.metadata_count++;
}

static void metadata_number(maker *m, const char *key, int value)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", value);
    metadata(m, key, text);
}

static void all_metadata(maker *m)
{
    const make_model_options *o = m->options;
    metadata(m, "model.kind", o->kind == CAPTION_KIND_ATTENTION ? "attention" : "baseline");
    metadata(m, "model.rnn", o->rnn == CAPTION_RNN_GRU ? "gru" : "lstm");
    metadata_number(m, "model.layers", o->layers);
    metadata_number(m, "input.size", o->input);
    metadata(m, "input.mean", "0.485 0.456 0.406");
    metadata(m, "input.std", "0.229 0.224 0.225");
    metadata_number(m, "token.pad", (int)shuffled(o, 0));
    metadata_number(m, "token.start", (int)shuffled(o, 1));
    metadata_number(m, "token.end", (int)shuffled(o, 2));
    metadata_number(m, "token.unk", (int)shuffled(o, 3));
    metadata(m, "decode.search", "beam");
    metadata_number(m, "decode.beams", 5);
    metadata_number(m, "decode.max_length", 20);
    metadata(m, "decode.length_alpha", "0.7");
    metadata(m, "decode.repetition_penalty", "1.2");
    metadata(m, "decode.penalty", "published");
}

/* Invented words: bade, kofi, ... told apart by their syllables; unique up to 90^3 words. */
static void word(int id, char *text, size_t size)
{
    static const char *const special[4] = {"<pad>", "<start>", "<end>", "<unk>"};
    static const char consonants[] = "bdfgklmnprstvwzjhcx", vowels[] = "aeiou";
    size_t n = 0;
    if (id < 4) {
        (void)snprintf(text, size, "%s", special[id]);
        return;
    }
    id -= 4;
    do {
        int syllable = (id * 7 + (int)n) % 95;
        text[n++] = consonants[syllable / 5];
        text[n++] = vowels[syllable % 5];
        id /= 95;
    } while (id > 0 && n + 3 < size);
    text[n] = '\0';
}

static void vocabulary(maker *m)
{
    uint64_t table = m->header.vocabulary_offset;
    uint32_t count = (uint32_t)m->options->vocabulary, at = 0;
    uint64_t characters = table + 4 * ((uint64_t)count + 1);
    for (uint32_t id = 0; id <= count; id++) {
        if (m->data) memcpy(m->data + table + 4 * (uint64_t)id, &at, 4);
        if (id == count) break;
        char text[16];
        word(unshuffled(m->options, (int)id), text, sizeof text);
        if (m->data) memcpy(m->data + characters + at, text, strlen(text) + 1);
        at += (uint32_t)strlen(text) + 1;
    }
    m->vocabulary_end = characters + at;
    m->header.word_count = count;
}

/* ---- files ---- */

static void pass(maker *m)
{
    m->random = m->options->seed * 2654435761u + 1u;
    m->header.tensor_count = m->header.metadata_count = 0;
    m->metadata_end = m->header.metadata_offset;
    all_metadata(m);
    m->header.vocabulary_offset = m->metadata_end;
    vocabulary(m);
    m->data_end = m->header.data_offset = round_up(m->vocabulary_end, CAPW_ALIGN);
    encoder(m);
    if (m->options->kind == CAPTION_KIND_ATTENTION) {
        attention_decoder(m);
    } else {
        baseline_decoder(m);
    }
    m->header.file_size = m->data_end;
}

unsigned char *make_model(const make_model_options *options, size_t *size)
{
    maker m;
    memset(&m, 0, sizeof m);
    m.options = options;
    pass(&m); /* counts the tensors */
    m.header.metadata_offset = sizeof(capw_header) + m.header.tensor_count * sizeof(capw_tensor);
    pass(&m); /* and finds the size */
    *size = (size_t)m.header.file_size;
    m.data = aligned_alloc(CAPW_ALIGN, (size_t)round_up(*size, CAPW_ALIGN));
    if (!m.data) return NULL;
    memset(m.data, 0, *size);
    pass(&m);
    memcpy(m.header.magic, CAPW_MAGIC, sizeof m.header.magic);
    m.header.version = CAPW_VERSION;
    memcpy(m.data, &m.header, sizeof m.header);
    make_model_seal(m.data);
    return m.data;
}

void make_model_seal(unsigned char *data)
{
    capw_header header;
    memcpy(&header, data, sizeof header);
    header.tables_crc = make_model_crc(data + sizeof header, (size_t)(header.data_offset - sizeof header));
    memcpy(data, &header, sizeof header);
    header.header_crc = make_model_crc(data, offsetof(capw_header, header_crc));
    memcpy(data, &header, sizeof header);
}

capw_tensor *make_model_find(unsigned char *data, const char *name)
{
    capw_tensor *records = (capw_tensor *)(void *)(data + sizeof(capw_header));
    capw_header header;
    memcpy(&header, data, sizeof header);
    for (uint32_t i = 0; i < header.tensor_count; i++) {
        if (strcmp(records[i].name, name) == 0) return &records[i];
    }
    return NULL;
}
