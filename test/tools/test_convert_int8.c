/* Tests of the conversion to int8: what a file must hold by docs/format.md, worked out here from the float32
 * model; that the library takes it; what is refused. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/format/weights.h"
#include "test/fixture.h"
#include "test/tools/net_maker.h"
#include "tools/common/session.h"
#include "tools/common/text.h"
#include "tools/convert/convert.h"

enum { LIMIT = 1 << 28 };

static char folder[64], input[128], output[128], second[128], checkpoint[128], vocabulary[128];

/* ---- the converter ---- */

/* Ranges that differ from layer to layer. */
static convert_ranges make_ranges(const caption_model *model)
{
    convert_ranges ranges = {.pictures = 3};
    for (int i = 0; i < CPT_RESNET50_CONVOLUTIONS; i++) ranges.layers[i].scale = 0.02f + 0.001f * (float)i;
    caption_session *session = NULL;
    caption_error error;
    if (caption_session_create(&session, model, NULL, &error)) fail_msg("%s", error.message);
    caption_layer_info info;
    for (int i = 0; caption_session_layer(session, i, &info) == CAPTION_OK; i++) {
        if (strcmp(info.name, "maxpool") == 0) continue;
        convert_range *range = &ranges.layers[ranges.count++];
        (void)snprintf(range->layer, sizeof range->layer, "%s", info.name);
        if (strstr(info.name, "downsample")) range->zero_point = 100 + i;
    }
    caption_session_close(&session);
    assert_int_equal(ranges.count, CPT_RESNET50_CONVOLUTIONS);
    return ranges;
}

/* Writes `path` from an open model. */
static bool quantise(const caption_model *model, const convert_ranges *ranges, int threads, const char *path,
                     tool_error *err)
{
    convert_int8 *job = calloc(1, sizeof *job);
    assert_non_null(job);
    tool_outfile *out = tool_outfile_open(path, err);
    assert_non_null(out);
    job->file = "m.capw";
    job->model = model;
    job->ranges = ranges;
    job->threads = threads;
    job->out = out;
    const bool ok = convert_int8_write(job, err) && tool_outfile_commit(&out, err);
    tool_outfile_abort(&out);
    convert_int8_free(job);
    free(job);
    return ok;
}

static bool convert(const char *from, const char *pictures, tool_error *err)
{
    convert_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    job->files.checkpoint = from;
    job->files.vocabulary = convert_is_model(from, NULL) ? NULL : vocabulary;
    job->files.output = output;
    job->int8 = true;
    job->threads = 2;
    job->pictures = (convert_pictures){.name = pictures, .tool = "test", .quiet = true};
    tool_session_options_init(&job->pictures.session);
    job->pictures.session.threads = 2;
    const bool ok = convert_run(job, err);
    convert_free(job);
    free(job);
    return ok;
}

/* Nothing is in the folder that was not made by the test. */
static void assert_nothing_left(void)
{
    DIR *names = opendir(folder);
    assert_non_null(names);
    for (const struct dirent *entry; (entry = readdir(names)) != NULL;) {
        if (strstr(entry->d_name, ".capout")) fail_msg("%s is left", entry->d_name);
    }
    (void)closedir(names);
}

static void assert_refused(bool done, const tool_error *err, const char *message)
{
    assert_false(done);
    if (!strstr(err->message, message)) fail_msg("\"%s\" instead of \"%s\"", err->message, message);
    assert_int_not_equal(access(output, F_OK), 0);
    assert_nothing_left();
}

static unsigned char *read_file(const char *path, size_t *size)
{
    tool_text text;
    tool_error err = {{0}};
    if (!tool_text_read(&text, path, LIMIT, &err)) fail_msg("%s", err.message);
    unsigned char *data = aligned_alloc(64, (text.size + 63) / 64 * 64);
    assert_non_null(data);
    memcpy(data, text.data, text.size);
    *size = text.size;
    tool_text_free(&text);
    return data;
}

/* ---- what is expected ---- */

/* A model in float32 and the int8 file made of it. */
typedef struct pair {
    fixture from;
    unsigned char *data;
    cpt_weights weights; /* of the int8 file */
    convert_ranges ranges;
} pair;

static void open_pair(pair *p, const make_model_options *options)
{
    tool_error err = {{0}};
    size_t size;
    assert_true(fixture_open(&p->from, options));
    p->ranges = make_ranges(p->from.model);
    if (options->kind == CAPTION_KIND_BASELINE) p->ranges.largest_input = 3;
    if (!quantise(p->from.model, &p->ranges, 2, output, &err)) fail_msg("%s", err.message);
    p->data = read_file(output, &size);
    assert_int_equal(unlink(output), 0);
    caption_error error;
    if (cpt_weights_open(&p->weights, p->data, size, &error)) fail_msg("%s", error.message);
    for (uint32_t i = 0; i < p->weights.tensor_count; i++) {
        if (cpt_weights_verify(&p->weights, i, &error)) fail_msg("%s", error.message);
    }
}

static void close_pair(pair *p)
{
    free(p->data);
    fixture_close(&p->from);
}

static const capw_tensor *record_of(pair *p, const char *layer, const char *suffix)
{
    char name[128];
    (void)snprintf(name, sizeof name, "%s.%s", layer, suffix);
    return make_model_find(p->from.bytes, name);
}

static const float *floats_of(pair *p, const char *layer, const char *suffix)
{
    const capw_tensor *record = record_of(p, layer, suffix);
    assert_non_null(record);
    return (const float *)(const void *)(p->from.bytes + record->offset);
}

static const void *bind(const pair *p, const char *layer, const char *suffix, capw_dtype dtype,
                        capw_layout layout, cpt_shape shape)
{
    char name[128];
    caption_error error;
    (void)snprintf(name, sizeof name, "%s.%s", layer, suffix);
    const void *data = cpt_weights_bind(&p->weights, name, dtype, layout, &shape, &error);
    if (!data) fail_msg("%s", error.message);
    return data;
}

static const float *bind_floats(const pair *p, const char *layer, const char *suffix, int count)
{
    return bind(p, layer, suffix, CAPW_FLOAT32, CAPW_ROWS, (cpt_shape){1, {count}});
}

static void assert_near(double got, double wanted, double size, const char *what)
{
    if (!(fabs(got - wanted) <= 2e-6 * (fabs(wanted) + size))) {
        fail_msg("%s: %.9g instead of %.9g", what, got, wanted);
    }
}

typedef struct byte_range {
    double scale, zero;
} byte_range;

typedef struct expected {
    const char *layer;
    byte_range in, out, add;
    bool pixels, has_bias;
} expected;

static const double mean[3] = {0.485, 0.456, 0.406}, deviation[3] = {0.229, 0.224, 0.225};

/* A product's weights in both files. */
typedef struct weights {
    const expected *e;
    const float *w;  /* panels */
    const int8_t *q; /* quads */
    int out, taps, in;
} weights;

/* The float weight of an output, with the normalisation of pixels in it. */
static double weight_at(const weights *m, int o, int t, int i)
{
    const double value = (double)m->w[((o / 16 * m->taps + t) * m->in + i) * 16 + o % 16];
    return m->e->pixels ? value / (255 * deviation[i]) : value;
}

static double largest(const weights *m, int o)
{
    double most = 0;
    for (int t = 0; t < m->taps; t++) {
        for (int i = 0; i < m->in; i++) most = fmax(most, fabs(weight_at(m, o, t, i)));
    }
    return most;
}

/* Checks an output's integers, whose step is given; returns the sum of their products with zero points. */
static double check_row(const weights *m, int o, double step)
{
    const int quads = (m->in + 3) / 4;
    double zeros = 0;
    for (int t = 0; t < m->taps; t++) {
        for (int i = 0; i < quads * 4; i++) {
            const int got = m->q[((o / 16 * m->taps + t) * quads + i / 4) * 64 + o % 16 * 4 + i % 4];
            if (o >= m->out || i >= m->in) {
                assert_int_equal(got, 0);
                continue;
            }
            assert_true(fabs(got - weight_at(m, o, t, i) / step) <= 0.5 + 1e-9);
            zeros += got * (m->e->pixels ? 255 * mean[i] : m->e->in.zero);
        }
    }
    return zeros;
}

/* One product's tensors, output by output. */
static void check_product(pair *p, const expected *e)
{
    const capw_tensor *record = record_of(p, e->layer, "weight");
    assert_non_null(record);
    cpt_shape shape = {.rank = (int)record->rank};
    for (int d = 0; d < shape.rank; d++) shape.dims[d] = (int)record->dims[d];
    const weights m = {
        .e = e,
        .w = floats_of(p, e->layer, "weight"),
        .q = bind(p, e->layer, "weight", CAPW_INT8, CAPW_QUADS, shape),
        .out = shape.dims[0],
        .taps = shape.rank == 4 ? shape.dims[1] * shape.dims[2] : 1,
        .in = shape.dims[shape.rank - 1],
    };
    const float *scale = bind_floats(p, e->layer, "scale", m.out);
    const float *b = e->has_bias ? floats_of(p, e->layer, "bias") : NULL;
    const float *bias = b ? bind_floats(p, e->layer, "bias", m.out) : NULL;
    for (int o = 0; o < (m.out + 15) / 16 * 16; o++) {
        const double step = o < m.out ? largest(&m, o) / 127 : 1, zeros = check_row(&m, o, step);
        if (o >= m.out) continue;
        assert_near((double)scale[o], e->in.scale * step / e->out.scale, 0, e->layer);
        if (!b) continue;
        const double wanted = (double)b[o] / e->out.scale + e->out.zero - (double)scale[o] * zeros -
                              e->add.zero * e->add.scale / e->out.scale;
        assert_near((double)bias[o], wanted, 1 + fabs((double)scale[o] * zeros), e->layer);
    }
}

/* The range of a convolution, which the file must hold too. */
static byte_range range_of(const pair *p, const char *layer)
{
    const char *name = layer + strlen("encoder.");
    for (int i = 0; i < p->ranges.count; i++) {
        const convert_range *range = &p->ranges.layers[i];
        if (strcmp(range->layer, name) != 0) continue;
        const float *numbers = bind_floats(p, layer, "range", 2);
        assert_true(numbers[0] == range->scale && numbers[1] == (float)range->zero_point);
        return (byte_range){(double)range->scale, range->zero_point};
    }
    fail_msg("no range for %s", layer);
    return (byte_range){0, 0};
}

static byte_range check_conv(pair *p, const char *layer, byte_range in, byte_range add, bool pixels)
{
    const expected e = {
        .layer = layer, .in = in, .add = add, .out = range_of(p, layer), .pixels = pixels, .has_bias = true};
    check_product(p, &e);
    return e.out;
}

/* Returns the range of the features. */
static byte_range check_encoder(pair *p)
{
    const byte_range none = {0, 0};
    byte_range map = check_conv(p, "encoder.stem", (byte_range){1, 0}, none, true);
    for (int stage = 1; stage <= 4; stage++) {
        for (int block = 0; block < cpt_resnet50_stage_at(stage)->blocks; block++) {
            char name[4][64];
            static const char *const parts[4] = {"conv1", "conv2", "conv3", "downsample"};
            for (int i = 0; i < 4; i++) {
                (void)snprintf(name[i], sizeof name[i], "encoder.layer%d.%d.%s", stage, block, parts[i]);
            }
            const byte_range first = check_conv(p, name[0], map, none, false);
            const byte_range middle = check_conv(p, name[1], first, none, false);
            const byte_range identity = block == 0 ? check_conv(p, name[3], map, none, false) : map;
            map = check_conv(p, name[2], middle, identity, false);
        }
    }
    return map;
}

static void check_linear(pair *p, const char *layer, byte_range in, bool has_bias)
{
    check_product(p, &(expected){.layer = layer, .in = in, .out = {.scale = 1}, .has_bias = has_bias});
}

/* Returns the embedding's range. */
static byte_range check_embedding(pair *p, const make_model_options *o)
{
    const int count = o->vocabulary * o->embed;
    const float *values = floats_of(p, "embedding", "weight"),
                *range = bind_floats(p, "embedding", "range", 2);
    const uint8_t *stored =
        bind(p, "embedding", "weight", CAPW_UINT8, CAPW_ROWS, (cpt_shape){2, {o->vocabulary, o->embed}});
    double most = o->kind == CAPTION_KIND_BASELINE ? 3 : 0;
    for (int i = 0; i < count; i++) most = fmax(most, fabs((double)values[i]));
    assert_near((double)range[0], most / 127, 0, "embedding.range");
    assert_true(range[1] == 128);
    for (int i = 0; i < count; i++) {
        assert_true(fabs((double)values[i] / (double)range[0] + 128 - stored[i]) <= 0.5 + 1e-6);
    }
    return (byte_range){(double)range[0], 128};
}

/* fc.fine: with 12 bits a weight is off by a 32nd of its step, but where 8 sixteenths would be needed. */
static void check_fine(pair *p, const make_model_options *o)
{
    const int halves = (o->hidden + 7) / 8 * 4, lines = halves / 4, quads = (o->hidden + 3) / 4;
    const float *w = floats_of(p, "fc", "weight"), *scale = bind_floats(p, "fc", "scale", o->vocabulary);
    const float *fine_scale = bind_floats(p, "fc", "fine_scale", o->vocabulary);
    const float *fine_bias = bind_floats(p, "fc", "fine_bias", o->vocabulary);
    const int8_t *q =
        bind(p, "fc", "weight", CAPW_INT8, CAPW_QUADS, (cpt_shape){2, {o->vocabulary, o->hidden}});
    const uint8_t *fine =
        bind(p, "fc", "fine", CAPW_UINT8, CAPW_QUADS, (cpt_shape){2, {o->vocabulary, halves}});
    for (int word = 0; word < o->vocabulary; word++) {
        double sum = 0, integers = 0;
        for (int i = 0; i < o->hidden; i++) {
            const int row = word / 16, place = word % 16 * 4 + i % 4;
            const int both = fine[(row * lines + i / 8) * 64 + place],
                      half = i / 4 % 2 ? both >> 4 : both & 15;
            const int n = half > 7 ? half - 16 : half;
            const double step = (double)scale[word] * 127;
            const int integer = q[(row * quads + i / 4) * 64 + place];
            const double value = step * (integer + n / 16.0);
            const double error = fabs((double)w[(row * o->hidden + i) * 16 + word % 16] - value) / step;
            assert_true(error <= (n == 7 ? 1.0 / 16 : 1.0 / 32) + 1e-5);
            sum += n;
            integers += integer;
        }
        assert_true(fine_scale[word] == scale[word] / 16);
        assert_near((double)fine_bias[word],
                    -128 * (sum * (double)fine_scale[word] + integers * (double)scale[word] / 254), 1,
                    "fc.fine_bias");
    }
}

/* NAME.rest: with both, a weight of the candidate is off by half a step of the rest. */
static void check_rest(pair *p, const make_model_options *o, const char *name, byte_range in)
{
    const int inputs = strstr(name, "context") ? 32 * o->width : o->hidden, quads = (inputs + 3) / 4;
    const int gates = (o->rnn == CAPTION_RNN_LSTM ? 4 : 3) * o->hidden;
    const float *scale = bind_floats(p, name, "scale", gates), *w = floats_of(p, name, "weight");
    const int8_t *q = bind(p, name, "weight", CAPW_INT8, CAPW_QUADS, (cpt_shape){2, {gates, inputs}});
    char rest[40];
    (void)snprintf(rest, sizeof rest, "%s.rest", name);
    const float *rest_scale = bind_floats(p, rest, "scale", o->hidden);
    const int8_t *rest_q =
        bind(p, rest, "weight", CAPW_INT8, CAPW_QUADS, (cpt_shape){2, {o->hidden, inputs}});
    const float *bias = in.zero != 0 ? bind_floats(p, rest, "bias", o->hidden) : NULL;
    for (int i = 0; i < o->hidden; i++) {
        const int row = 2 * o->hidden + i;
        double sum = 0;
        for (int c = 0; c < inputs; c++) {
            const int place = c / 4 * 64 + c % 4, lower = rest_q[i / 16 * quads * 64 + i % 16 * 4 + place];
            const double step = (double)scale[row] / in.scale, rest_step = (double)rest_scale[i] / in.scale;
            const double value = step * q[row / 16 * quads * 64 + row % 16 * 4 + place] + rest_step * lower;
            const double exact = (double)w[(row / 16 * inputs + c) * 16 + row % 16];
            assert_true(fabs(exact - value) <= 0.51 * rest_step);
            assert_true(rest_step <= step / 250);
            sum += lower;
        }
        if (bias) assert_near((double)bias[i], -in.zero * sum * (double)rest_scale[i], 1, rest);
    }
}

static void check_recurrent(pair *p, const make_model_options *o)
{
    const byte_range states = {1.0 / 127, 128};
    for (int i = 0; i < o->layers; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "rnn.%d.input", i);
        check_linear(p, name, i == 0 ? check_embedding(p, o) : states, true);
        (void)snprintf(name, sizeof name, "rnn.%d.hidden", i);
        check_linear(p, name, states, true);
        check_rest(p, o, name, states);
    }
    check_linear(p, "fc", states, true);
    check_fine(p, o);
}

static void check_metadata(const pair *p)
{
    static const char *const keys[][2] = {{"quantise.activations", "3 pictures"},
                                          {"converter", "capconvert " CAPTION_VERSION},
                                          {"decode.repetition_penalty", "1.2"}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *got = cpt_weights_find_metadata(&p->weights, keys[i][0]);
        assert_non_null(got);
        assert_string_equal(got, keys[i][1]);
    }
    const int words = (int)p->weights.word_count;
    for (int i = 0; i < words; i++) {
        assert_string_equal(p->weights.words + p->weights.word_offsets[i],
                            caption_model_word(p->from.model, i));
    }
}

static void formulas(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        make_model_options o;
        make_model_defaults(&o);
        o.kind = i < 2 ? CAPTION_KIND_ATTENTION : CAPTION_KIND_BASELINE;
        o.rnn = i % 2 ? CAPTION_RNN_LSTM : CAPTION_RNN_GRU;
        o.layers = i == 3 ? 2 : 1;
        o.width = 3;
        o.winograd = o.coarse = true;
        pair p;
        open_pair(&p, &o);
        const byte_range features = check_encoder(&p), states = {1.0 / 127, 128}, own = {1, 0};
        uint32_t tensors = 4 * CPT_RESNET50_CONVOLUTIONS + 2 + 9 * (uint32_t)o.layers + 6;
        if (o.kind == CAPTION_KIND_ATTENTION) {
            check_linear(&p, "attention.enc", features, true);
            check_linear(&p, "attention.dec", states, true);
            check_linear(&p, "rnn.0.context", features, false);
            check_rest(&p, &o, "rnn.0.context", features);
            check_linear(&p, "init_h", own, true);
            if (o.rnn == CAPTION_RNN_LSTM) check_linear(&p, "init_c", own, true);
            const float *v = bind_floats(&p, "attention.v", "weight", o.attention);
            assert_memory_equal(v, floats_of(&p, "attention.v", "weight"), (size_t)o.attention * sizeof *v);
            assert_true(*bind_floats(&p, "attention.v", "bias", 1) == *floats_of(&p, "attention.v", "bias"));
            tensors += o.rnn == CAPTION_RNN_LSTM ? 18u : 15u;
        } else {
            check_linear(&p, "project", own, true);
            tensors += 3;
        }
        check_recurrent(&p, &o);
        check_metadata(&p);
        assert_int_equal(p.weights.tensor_count, tensors); /* no second copies */
        close_pair(&p);
    }
}

/* Known numbers: 2 outputs, 5 inputs. */
static void packing(void **state)
{
    static const float rows[2][5] = {{127, -127, 0.5f, 1.5f, -2.5f}, {0, 0, 0, 0, 0}};
    static const int8_t wanted[5] = {127, -127, 0, 2, -2}; /* ties to even */
    float values[5 * 16] = {0};
    int8_t quads[2 * 64];
    double steps[2];
    (void)state;
    for (int o = 0; o < 2; o++) {
        for (int i = 0; i < 5; i++) values[i * 16 + o] = rows[o][i];
    }
    const convert_panels panels = {.values = values, .rows = 2, .taps = 1, .columns = 5};
    convert_pack_steps(&panels, steps);
    assert_true(steps[0] == 1 && steps[1] == 1);
    convert_pack_quads(&panels, steps, quads);
    for (int i = 0; i < 128; i++) {
        const int o = i % 64 / 4, column = i / 64 * 4 + i % 4;
        assert_int_equal(quads[i], o == 0 && column < 5 ? wanted[column] : 0);
    }
}

/* What rounding moves an output by, at the mean of the inputs, is taken from its bias. */
static void means_of_inputs(void **state)
{
    static const float row[3] = {127, 10.4f, -3.3f}; /* the step is 1 */
    static const double means[3] = {2, 5, 1};
    float values[3 * 16] = {0}, scale, bias;
    int8_t quads[64];
    const float b = 7;
    tool_error err = {{0}};
    (void)state;
    for (int i = 0; i < 3; i++) values[i * 16] = row[i];
    convert_product product = {.file = "f",
                               .name = "n",
                               .weights = {.values = values, .rows = 1, .taps = 1, .columns = 3},
                               .bias = &b,
                               .in = {1, 0},
                               .out = {0.5f, 0}};
    const convert_int8_out out = {.weight = quads, .scale = &scale, .bias = &bias};
    assert_true(convert_quantise(&product, &out, &err));
    assert_near((double)bias, 14, 0, "without means");
    product.means = means;
    assert_true(convert_quantise(&product, &out, &err));
    assert_near((double)bias, (7 - ((10 - 10.4) * 5 + (-3 + 3.3) * 1)) / 0.5, 1e-3, "with means");
}

/* ---- files ---- */

static void threads_alike(void **state)
{
    fixture f;
    tool_error err = {{0}};
    (void)state;
    assert_true(fixture_open(&f, NULL));
    const convert_ranges ranges = make_ranges(f.model);
    assert_true(quantise(f.model, &ranges, 1, output, &err));
    assert_true(quantise(f.model, &ranges, 7, second, &err));
    size_t sizes[2];
    unsigned char *one = read_file(output, &sizes[0]), *many = read_file(second, &sizes[1]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(one, many, sizes[0]);
    free(one);
    free(many);
    assert_int_equal(unlink(output), 0);
    assert_int_equal(unlink(second), 0);
    fixture_close(&f);
}

/* How far the features of two models are apart, relative to their size. */
static double feature_error(const char *const paths[2], const char *image)
{
    caption_session *sessions[2] = {NULL, NULL};
    caption_model *models[2] = {NULL, NULL};
    caption_error error;
    double moved = 0, size = 0;
    for (int i = 0; i < 2; i++) {
        const caption_result *result;
        if (caption_model_open_file(&models[i], paths[i], NULL, &error) ||
            caption_session_create(&sessions[i], models[i], NULL, &error) ||
            caption_file(sessions[i], image, NULL, &result, &error)) {
            fail_msg("%s: %s", paths[i], error.message);
        }
    }
    caption_model_info info;
    assert_int_equal(caption_model_get_info(models[1], &info), CAPTION_OK);
    assert_int_equal(info.precision, CAPTION_PRECISION_INT8);
    const float *a = caption_slot_features(sessions[0], 0), *b = caption_slot_features(sessions[1], 0);
    for (int i = 0; i < info.positions * info.feature_channels; i++) {
        moved += pow((double)a[i] - (double)b[i], 2);
        size += pow((double)a[i], 2);
    }
    for (int i = 0; i < 2; i++) {
        caption_session_close(&sessions[i]);
        caption_model_close(&models[i]);
    }
    return sqrt(moved / size);
}

/* The library reads the files, and their features are near those of float32. */
static void library_takes_them(void **state)
{
    static const char *const names[] = {"gru", "lstm", "baseline-gru", "baseline-lstm"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char from[64];
        tool_error err = {{0}};
        (void)snprintf(from, sizeof from, "test/vectors/%s.capw", names[i]);
        if (!convert(from, "test/vectors", &err)) fail_msg("%s", err.message);
        const char *const paths[2] = {from, output};
        const double apart = feature_error(paths, "test/vectors/a.jpg");
        if (!(apart < 0.3)) fail_msg("%s: features are %g apart", names[i], apart);
        assert_int_equal(unlink(output), 0);
    }
    assert_nothing_left();
}

/* From a checkpoint: with pictures the same as in two steps, and without pictures from batch norm. */
static void checkpoints(void **state)
{
    static net n;
    tool_error err = {{0}};
    (void)state;
    net_make(&n, 2, true, false, 1);
    net_write(&n, checkpoint);
    net_write_vocabulary(vocabulary, NET_WORDS, NULL);
    convert_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    job->files = (convert_files){.checkpoint = checkpoint, .vocabulary = vocabulary, .output = input};
    job->compact = true; /* second copies of weights give other last bits, and so other ranges */
    job->threads = 1;
    if (!convert_run(job, &err)) fail_msg("%s", err.message);
    convert_free(job);
    free(job);
    if (!convert(input, "test/vectors", &err)) fail_msg("%s", err.message);
    size_t sizes[2];
    unsigned char *two_steps = read_file(output, &sizes[0]);
    if (!convert(checkpoint, "test/vectors", &err)) fail_msg("%s", err.message);
    unsigned char *one_step = read_file(output, &sizes[1]);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(two_steps, one_step, sizes[0]);
    free(two_steps);
    free(one_step);
    if (!convert(checkpoint, NULL, &err)) fail_msg("%s", err.message);
    const char *const paths[2] = {input, output};
    assert_true(feature_error(paths, "test/vectors/a.jpg") < 1);
    assert_int_equal(unlink(output), 0);
    assert_nothing_left();
}

/* ---- refusals ---- */

/* Overwrites `count` numbers of a tensor, and puts its checksum right. */
static void fill(fixture *f, const char *name, float value, size_t count)
{
    capw_tensor *record = make_model_find(f->bytes, name);
    assert_non_null(record);
    for (size_t i = 0; i < count; i++) {
        memcpy(f->bytes + record->offset + i * sizeof value, &value, sizeof value);
    }
    record->crc = make_model_crc(f->bytes + record->offset, (size_t)record->bytes);
    make_model_seal(f->bytes);
}

static void absurd_numbers(void **state)
{
    static const struct {
        const char *name;
        float value;
        const char *message;
    } cases[] = {
        {"encoder.layer2.1.conv2.weight", NAN,
         "m.capw: encoder.layer2.1.conv2.weight: holds numbers that are not"},
        {"encoder.stem.bias", INFINITY, "m.capw: encoder.stem.bias: holds numbers that are not finite"},
        {"attention.v.weight", NAN, "m.capw: attention.v.weight: holds numbers that are not finite"},
        {"embedding.weight", -INFINITY, "m.capw: embedding.weight: holds numbers that are not finite"},
        {"embedding.weight", NAN, "m.capw: embedding.weight: holds numbers that are not finite"},
        {"fc.weight", 3e38f, "m.capw: fc.weight: output 0 would have the scale"},
        {"init_h.bias", -1e30f, "m.capw: init_h.bias: output 0 would have the bias -1e+30"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        tool_error err = {{0}};
        assert_true(fixture_open(&f, NULL));
        const convert_ranges ranges = make_ranges(f.model);
        fill(&f, cases[i].name, cases[i].value, 1);
        assert_refused(quantise(f.model, &ranges, 2, output, &err), &err, cases[i].message);
        fixture_close(&f);
    }
}

/* Rows of zeros, and rows too small to matter, become zeros that the library takes. */
static void tiny_rows(void **state)
{
    static const float values[] = {0.0f, 1e-38f, -1e-44f};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        fixture f;
        tool_error err = {{0}};
        size_t size;
        caption_model *model = NULL;
        caption_error error;
        assert_true(fixture_open(&f, NULL));
        const convert_ranges ranges = make_ranges(f.model);
        fill(&f, "encoder.layer1.0.conv1.weight", values[i], 2 * 16);
        fill(&f, "embedding.weight", values[i], 37 * 5);
        if (!quantise(f.model, &ranges, 1, output, &err)) fail_msg("%s", err.message);
        unsigned char *data = read_file(output, &size);
        if (caption_model_open_memory(&model, data, size, NULL, &error)) fail_msg("%s", error.message);
        const capw_tensor *quads = make_model_find(data, "encoder.layer1.0.conv1.weight");
        for (uint64_t q = 0; q < quads->bytes; q++) assert_int_equal(data[quads->offset + q], 0);
        caption_model_close(&model);
        free(data);
        assert_int_equal(unlink(output), 0);
        fixture_close(&f);
    }
}

static void wrong_ranges(void **state)
{
    fixture f;
    (void)state;
    assert_true(fixture_open(&f, NULL));
    const convert_ranges good = make_ranges(f.model);
    convert_ranges bad[4] = {good, good, good, good};
    static const char *const messages[4] = {
        "m.capw: encoder.layer4.2.conv3: there is no range for it",
        "m.capw: encoder.stem: its range has the scale 0",
        "m.capw: encoder.stem: its range has the zero point 1, must be 0",
        "m.capw: encoder.stem: its range has the scale nan",
    };
    bad[0].count--;
    bad[1].layers[0].scale = 0;
    bad[2].layers[0].zero_point = 1;
    bad[3].layers[0].scale = NAN;
    for (int i = 0; i < 4; i++) {
        tool_error err = {{0}};
        assert_refused(quantise(f.model, &bad[i], 2, output, &err), &err, messages[i]);
    }
    fixture_close(&f);
}

static void write_bytes(const char *path, const unsigned char *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void wrong_models(void **state)
{
    tool_error err[6] = {{{0}}};
    size_t size;
    (void)state;
    unsigned char *data = read_file("test/vectors/gru.capw", &size);
    assert_refused(convert("test/vectors/gru.capw", NULL, &err[0]), &err[0], "has no batch norm");
    data[size - 5] ^= 1;
    write_bytes(input, data, size);
    assert_refused(convert(input, "test/vectors", &err[1]), &err[1], "checksum");
    write_bytes(input, data, size / 2);
    assert_refused(convert(input, "test/vectors", &err[2]), &err[2], "m.capw: ");
    free(data);
    assert_true(convert("test/vectors/gru.capw", "test/vectors", &err[3]));
    assert_int_equal(rename(output, input), 0);
    assert_refused(convert(input, "test/vectors", &err[3]), &err[3], "m.capw: is int8 already");
    assert_refused(convert("test/vectors/gru.capw", folder, &err[4]), &err[4], folder);
    if (access("/dev/full", W_OK) == 0) {
        char saved[sizeof output];
        strcpy(saved, output);
        strcpy(output, "/dev/full");
        assert_false(convert("test/vectors/gru.capw", "test/vectors", &err[5]));
        assert_non_null(strstr(err[5].message, "/dev/full: "));
        strcpy(output, saved);
    }
}

static int make_files(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_convert_int8_XXXXXX");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(input, sizeof input, "%s/m.capw", folder);
    (void)snprintf(output, sizeof output, "%s/out.capw", folder);
    (void)snprintf(second, sizeof second, "%s/second.capw", folder);
    (void)snprintf(checkpoint, sizeof checkpoint, "%s/net.pth", folder);
    (void)snprintf(vocabulary, sizeof vocabulary, "%s/vocab.pkl", folder);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    (void)unlink(input);
    (void)unlink(output);
    (void)unlink(checkpoint);
    (void)unlink(vocabulary);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing),       cmocka_unit_test(formulas),
        cmocka_unit_test(threads_alike), cmocka_unit_test(library_takes_them),
        cmocka_unit_test(checkpoints),   cmocka_unit_test(absurd_numbers),
        cmocka_unit_test(tiny_rows),     cmocka_unit_test(wrong_ranges),
        cmocka_unit_test(wrong_models),  cmocka_unit_test(means_of_inputs),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
