/* Tests of the conversion: what a model file must hold, worked out here from the values put into a
 * checkpoint. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <caption.h>

#include "lib/format/weights.h"
#include "test/tools/net_maker.h"
#include "tools/common/text.h"
#include "tools/convert/convert.h"

enum { WIDTH = 3 };

static char folder[64], checkpoint[128], vocabulary[128], output[128];
static net n;

/* Runs the converter on the files as they are. */
static bool convert(bool compact, int threads, tool_error *err)
{
    convert_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    job->files.checkpoint = checkpoint;
    job->files.vocabulary = vocabulary;
    job->files.output = output;
    job->compact = compact;
    job->threads = threads;
    const bool ok = convert_run(job, err);
    convert_free(job);
    free(job);
    return ok;
}

typedef struct model {
    unsigned char *data;
    cpt_weights weights;
} model;

static void open_model(model *m, bool compact, int threads)
{
    tool_error err = {{0}};
    if (!convert(compact, threads, &err)) fail_msg("%s", err.message);
    tool_text text;
    assert_true(tool_text_read(&text, output, (size_t)1 << 28, &err));
    m->data = aligned_alloc(64, (text.size + 63) / 64 * 64);
    assert_non_null(m->data);
    memcpy(m->data, text.data, text.size);
    caption_error error;
    if (cpt_weights_open(&m->weights, m->data, text.size, &error)) fail_msg("%s", error.message);
    for (uint32_t i = 0; i < m->weights.tensor_count; i++) {
        if (cpt_weights_verify(&m->weights, i, &error)) fail_msg("%s", error.message);
    }
    tool_text_free(&text);
}

static void close_model(model *m)
{
    free(m->data);
    memset(m, 0, sizeof *m);
}

static const float *bind(const model *m, const char *name, capw_layout layout, int rank, const int dims[4])
{
    cpt_shape shape;
    shape.rank = rank;
    memcpy(shape.dims, dims, sizeof shape.dims);
    caption_error error;
    const float *data = cpt_weights_bind(&m->weights, name, CAPW_FLOAT32, layout, &shape, &error);
    if (!data) fail_msg("%s", error.message);
    return data;
}

/* ---- what is expected ---- */

static double norm_scale(const char *norm, size_t o)
{
    char key[80];
    (void)snprintf(key, sizeof key, "%s.weight", norm);
    char var[96];
    (void)snprintf(var, sizeof var, "%s.running_var", norm);
    return (double)net_value(key, o) / sqrt((double)net_value(var, o) + 1e-5);
}

static double norm_shift(const char *norm, size_t o)
{
    char bias[80];
    (void)snprintf(bias, sizeof bias, "%s.bias", norm);
    char mean[96];
    (void)snprintf(mean, sizeof mean, "%s.running_mean", norm);
    return (double)net_value(bias, o) - (double)net_value(mean, o) * norm_scale(norm, o);
}

static void assert_near(double got, double wanted)
{
    if (!(fabs(got - wanted) <= 1e-7 * (1 + fabs(wanted)))) fail_msg("%.9g instead of %.9g", got, wanted);
}

/* A convolution's weights and bias with its norm folded in. */
static void assert_conv(const model *m, const char *name, const char *key, const char *norm,
                        const int dims[4])
{
    const size_t out = (size_t)dims[0], taps = (size_t)dims[1] * (size_t)dims[2], in = (size_t)dims[3];
    const int vector[4] = {dims[0], 0, 0, 0};
    char text[96];
    (void)snprintf(text, sizeof text, "%s.weight", name);
    const float *data = bind(m, text, CAPW_PANELS, 4, dims);
    (void)snprintf(text, sizeof text, "%s.weight", key);
    for (size_t o = 0; o < (out + 15) / 16 * 16; o++) {
        for (size_t k = 0; k < taps; k++) {
            for (size_t i = 0; i < in; i++) {
                const float got = data[((o / 16 * taps + k) * in + i) * 16 + o % 16];
                assert_near((double)got, o >= out ? 0
                                                  : (double)net_value(text, (o * in + i) * taps + k) *
                                                        norm_scale(norm, o));
            }
        }
    }
    (void)snprintf(text, sizeof text, "%s.bias", name);
    data = bind(m, text, CAPW_ROWS, 1, vector);
    for (size_t o = 0; o < out; o++) assert_near((double)data[o], norm_shift(norm, o));
}

/* A matrix without a norm: columns first .. first + dims[1] of a source with `columns`. */
static void assert_panels(const model *m, const char *name, const char *key, const int dims[4], int first,
                          int columns)
{
    const float *data = bind(m, name, CAPW_PANELS, 2, dims);
    for (int o = 0; o < (dims[0] + 15) / 16 * 16; o++) {
        for (int i = 0; i < dims[1]; i++) {
            const float wanted = o < dims[0] ? net_value(key, (size_t)(o * columns + first + i)) : 0;
            assert_true(data[(o / 16 * dims[1] + i) * 16 + o % 16] == wanted);
        }
    }
}

static void assert_rows(const model *m, const char *name, const char *key, int rank, const int dims[4])
{
    const float *data = bind(m, name, CAPW_ROWS, rank, dims);
    const size_t count = (size_t)dims[0] * (size_t)(rank == 2 ? dims[1] : 1);
    for (size_t i = 0; i < count; i++) assert_true(data[i] == net_value(key, i));
}

static void assert_linear(const model *m, const char *name, const char *key, int out, int in)
{
    const int dims[4] = {out, in, 0, 0};
    char target[64];
    (void)snprintf(target, sizeof target, "%s.weight", name);
    char source[96];
    (void)snprintf(source, sizeof source, "%s.weight", key);
    assert_panels(m, target, source, dims, 0, in);
    (void)snprintf(target, sizeof target, "%s.bias", name);
    (void)snprintf(source, sizeof source, "%s.bias", key);
    assert_rows(m, target, source, 1, dims);
}

static void assert_metadata(const model *m, const char *key, const char *value)
{
    const char *got = cpt_weights_find_metadata(&m->weights, key);
    if (value && got) {
        assert_string_equal(got, value);
    } else if (value || got) {
        fail_msg("%s is %s", key, got ? got : "missing");
    }
}

static void assert_encoder(const model *m)
{
    static const int stem[4] = {WIDTH, 7, 7, 3}, c1[4] = {2 * WIDTH, 1, 1, 4 * WIDTH},
                     c2[4] = {2 * WIDTH, 3, 3, 2 * WIDTH};
    static const int c3[4] = {16 * WIDTH, 1, 1, 4 * WIDTH}, down[4] = {32 * WIDTH, 1, 1, 16 * WIDTH};
    assert_conv(m, "encoder.stem", "features.0", "features.1", stem);
    assert_conv(m, "encoder.layer2.0.conv1", "features.5.0.conv1", "features.5.0.bn1", c1);
    assert_conv(m, "encoder.layer2.3.conv2", "features.5.3.conv2", "features.5.3.bn2", c2);
    assert_conv(m, "encoder.layer3.5.conv3", "features.6.5.conv3", "features.6.5.bn3", c3);
    assert_conv(m, "encoder.layer4.0.downsample", "features.7.0.downsample.0", "features.7.0.downsample.1",
                down);
}

static void attention_gru(void **state)
{
    const int channels = 32 * WIDTH, columns = channels + NET_EMBED, rows = 3 * NET_HIDDEN;
    const int scores[4] = {NET_ATTENTION, 0, 0, 0}, embedding[4] = {NET_WORDS, NET_EMBED, 0, 0};
    const int input[4] = {rows, NET_EMBED, 0, 0}, context[4] = {rows, channels, 0, 0},
              hidden[4] = {rows, NET_HIDDEN, 0, 0};
    const int one[4] = {1, 0, 0, 0};
    (void)state;
    net_make(&n, WIDTH, true, false, 1);
    net_write(&n, checkpoint);
    model m;
    open_model(&m, false, 2);
    assert_encoder(&m);
    assert_linear(&m, "attention.enc", "attention.W_enc", NET_ATTENTION, channels);
    assert_linear(&m, "attention.dec", "attention.W_dec", NET_ATTENTION, NET_HIDDEN);
    assert_rows(&m, "attention.v.weight", "attention.V.weight", 1, scores);
    assert_rows(&m, "attention.v.bias", "attention.V.bias", 1, one);
    assert_linear(&m, "init_h", "init_h", NET_HIDDEN, channels);
    assert_null(cpt_weights_find(&m.weights, "init_c.weight"));
    assert_rows(&m, "embedding.weight", "embedding.weight", 2, embedding);
    assert_panels(&m, "rnn.0.input.weight", "rnn_cell.weight_ih", input, 0, columns);
    assert_panels(&m, "rnn.0.context.weight", "rnn_cell.weight_ih", context, NET_EMBED, columns);
    assert_rows(&m, "rnn.0.input.bias", "rnn_cell.bias_ih", 1, input);
    assert_panels(&m, "rnn.0.hidden.weight", "rnn_cell.weight_hh", hidden, 0, NET_HIDDEN);
    assert_rows(&m, "rnn.0.hidden.bias", "rnn_cell.bias_hh", 1, hidden);
    assert_linear(&m, "fc", "fc", NET_WORDS, NET_HIDDEN);
    /* 53 convolutions with two tensors each; 3 + 3 + 5 + 2 Winograd copies; the decoder's 15, of which
     * weight_ih becomes two; 3 of the int16 copy */
    assert_int_equal(m.weights.tensor_count, 106 + 13 + 16 + 3);
    assert_metadata(&m, "model.kind", "attention");
    assert_metadata(&m, "model.rnn", "gru");
    assert_metadata(&m, "model.layers", "1");
    close_model(&m);
}

/* The archive's kind leaves no trace in the model: a zip64 checkpoint gives the same bytes. */
static void zip64(void **state)
{
    tool_error err = {{0}};
    tool_text texts[2];
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        net_make(&n, WIDTH, true, false, 1);
        n.wide = wide != 0;
        net_write(&n, checkpoint);
        if (!convert(false, 2, &err)) fail_msg("%s", err.message);
        assert_true(tool_text_read(&texts[wide], output, (size_t)1 << 28, &err));
    }
    assert_int_equal(texts[0].size, texts[1].size);
    assert_memory_equal(texts[0].data, texts[1].data, texts[0].size);
    for (int wide = 0; wide < 2; wide++) tool_text_free(&texts[wide]);
}

static void attention_lstm(void **state)
{
    const int rows = 4 * NET_HIDDEN, channels = 32 * WIDTH;
    const int context[4] = {rows, channels, 0, 0};
    (void)state;
    net_make(&n, WIDTH, true, true, 1);
    net_write(&n, checkpoint);
    model m;
    open_model(&m, true, 1);
    assert_linear(&m, "init_c", "init_c", NET_HIDDEN, channels);
    assert_panels(&m, "rnn.0.context.weight", "rnn_cell.weight_ih", context, NET_EMBED, NET_EMBED + channels);
    assert_int_equal(m.weights.tensor_count, 106 + 18);
    assert_metadata(&m, "model.rnn", "lstm");
    close_model(&m);
}

static void baseline(void **state)
{
    (void)state;
    for (int lstm = 0; lstm < 2; lstm++) {
        const int channels = 32 * WIDTH, rows = (lstm ? 4 : 3) * NET_HIDDEN;
        const int project[4] = {NET_EMBED, channels, 0, 0}, second[4] = {rows, NET_HIDDEN, 0, 0};
        net_make(&n, WIDTH, false, lstm != 0, 1 + lstm);
        net_write(&n, checkpoint);
        model m;
        open_model(&m, false, 3);
        assert_encoder(&m);
        const float *data = bind(&m, "project.weight", CAPW_PANELS, 2, project);
        for (size_t o = 0; o < NET_EMBED; o++) {
            for (size_t i = 0; i < (size_t)channels; i++) {
                assert_near((double)data[i * 16 + o],
                            (double)net_value("project.weight", o * (size_t)channels + i) *
                                norm_scale("bn", o));
            }
        }
        data = bind(&m, "project.bias", CAPW_ROWS, 1, project);
        for (size_t o = 0; o < NET_EMBED; o++) {
            assert_near((double)data[o],
                        (double)net_value("project.bias", o) * norm_scale("bn", o) + norm_shift("bn", o));
        }
        if (lstm) assert_panels(&m, "rnn.1.input.weight", "lstm.weight_ih_l1", second, 0, NET_HIDDEN);
        assert_rows(&m, "rnn.0.hidden.bias", lstm ? "lstm.bias_hh_l0" : "gru.bias_hh_l0", 1, second);
        assert_metadata(&m, "model.kind", "baseline");
        assert_metadata(&m, "model.layers", lstm ? "2" : "1");
        assert_int_equal(m.weights.tensor_count, 106 + 13 + 2 + 1 + 2 + 4 * (1 + lstm) + 3);
        close_model(&m);
    }
}

/* The Winograd copy of the folded filters: its planes 0 and 35 are the filter's corners / 16 and x 1. */
static void winograd_copy(void **state)
{
    const int dims[4] = {WIDTH, 3, 3, WIDTH};
    const size_t plane = 16 * WIDTH;
    (void)state;
    net_make(&n, WIDTH, true, false, 1);
    net_write(&n, checkpoint);
    model m;
    open_model(&m, false, 1);
    const float *data = bind(&m, "encoder.layer1.0.conv2.winograd", CAPW_WINOGRAD, 4, dims);
    for (size_t o = 0; o < WIDTH; o++) {
        for (size_t i = 0; i < WIDTH; i++) {
            const double scale = norm_scale("features.4.0.bn2", o);
            const size_t filter = (o * WIDTH + i) * 9;
            assert_near((double)data[i * 16 + o],
                        (double)net_value("features.4.0.conv2.weight", filter) * scale / 16);
            assert_near((double)data[35 * plane + i * 16 + o],
                        (double)net_value("features.4.0.conv2.weight", filter + 8) * scale);
        }
    }
    assert_null(cpt_weights_find(&m.weights, "encoder.layer2.0.conv2.winograd")); /* stride 2 */
    assert_int_equal(cpt_weights_find(&m.weights, "encoder.layer2.3.conv2.winograd")->layout, CAPW_WINOGRAD);
    assert_int_equal(cpt_weights_find(&m.weights, "encoder.layer3.5.conv2.winograd")->layout, CAPW_WINOGRAD);
    assert_int_equal(cpt_weights_find(&m.weights, "encoder.layer4.1.conv2.winograd")->layout, CAPW_WINOGRAD2);
    close_model(&m);
}

static void words_and_metadata(void **state)
{
    (void)state;
    net_make(&n, 1, true, false, 1);
    pk_text(&n.config, "rnn_type");
    pk_text(&n.config, "gru");
    pk_text(&n.config, "hidden_size");
    pk_int(&n.config, NET_HIDDEN);
    pk_text(&n.config, "decode_beams");
    pk_int(&n.config, 3);
    pk_text(&n.config, "decoder_lr");
    pk_float(&n.config, 0.0032);
    pk_text(&n.config, "decode_penalty");
    pk_text(&n.config, "corrected");
    net_write(&n, checkpoint);
    net_write_vocabulary(vocabulary, NET_WORDS, "\xC3\xA9t\xC3\xA9");
    model m;
    open_model(&m, true, 1);
    assert_int_equal(m.weights.word_count, NET_WORDS);
    for (int i = 0; i < NET_WORDS; i++) {
        const char *word = m.weights.words + m.weights.word_offsets[i];
        char wanted[8];
        (void)snprintf(wanted, sizeof wanted, "w%d", i);
        assert_string_equal(word, i == 0   ? "<pad>"
                                  : i == 3 ? "<unk>"
                                  : i == 7 ? "\xC3\xA9t\xC3\xA9"
                                  : i > 3  ? wanted
                                           : word);
    }
    assert_metadata(&m, "token.pad", "0");
    assert_metadata(&m, "token.start", "1");
    assert_metadata(&m, "token.end", "2");
    assert_metadata(&m, "token.unk", "3");
    assert_metadata(&m, "input.size", "224");
    assert_metadata(&m, "input.mean", "0.485 0.456 0.406");
    assert_metadata(&m, "input.std", "0.229 0.224 0.225");
    assert_metadata(&m, "decode.search", "beam");
    assert_metadata(&m, "decode.beams", "3");
    assert_metadata(&m, "decode.max_length", "20");
    assert_metadata(&m, "decode.length_alpha", "0.7");
    assert_metadata(&m, "decode.repetition_penalty", "1.2");
    assert_metadata(&m, "decode.penalty", "corrected");
    assert_metadata(&m, "source.checkpoint", "net.pth");
    assert_metadata(&m, "source.vocabulary", "vocab.pkl");
    assert_metadata(&m, "source.epoch", "31");
    assert_metadata(&m, "source.config",
                    "{\"decode_beams\":3,\"decode_penalty\":\"corrected\",\"decoder_lr\":0.0032,"
                    "\"hidden_size\":6,\"rnn_type\":\"gru\"}");
    assert_metadata(&m, "source.metrics", "{\"BLEU-4\":0.3,\"missing\":null,\"val_loss\":1.5}");
    assert_metadata(&m, "converter", "capconvert " CAPTION_VERSION);
    for (int i = 1; i < (int)m.weights.metadata_count; i++) {
        const char *keys[2], *values[2];
        cpt_weights_metadata(&m.weights, (uint32_t)i - 1, &keys[0], &values[0]);
        cpt_weights_metadata(&m.weights, (uint32_t)i, &keys[1], &values[1]);
        assert_true(strcmp(keys[0], keys[1]) < 0);
    }
    close_model(&m);
    free_bytes(&n.config);
    net_write_vocabulary(vocabulary, NET_WORDS, NULL);
}

static void same_bytes(void **state)
{
    tool_error err = {{0}};
    (void)state;
    net_make(&n, 1, true, false, 1);
    net_write(&n, checkpoint);
    assert_true(convert(false, 1, &err));
    tool_text first;
    assert_true(tool_text_read(&first, output, 1 << 28, &err));
    for (int threads = 1; threads <= 8; threads++) {
        assert_true(convert(false, threads, &err));
        tool_text again;
        assert_true(tool_text_read(&again, output, 1 << 28, &err));
        assert_int_equal(again.size, first.size);
        assert_memory_equal(again.data, first.data, first.size);
        tool_text_free(&again);
    }
    tool_text_free(&first);
}

static int make_files(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_convert_XXXXXX");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(checkpoint, sizeof checkpoint, "%s/net.pth", folder);
    (void)snprintf(vocabulary, sizeof vocabulary, "%s/vocab.pkl", folder);
    (void)snprintf(output, sizeof output, "%s/net.capw", folder);
    net_write_vocabulary(vocabulary, NET_WORDS, NULL);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    (void)unlink(checkpoint);
    (void)unlink(vocabulary);
    (void)unlink(output);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_gru),  cmocka_unit_test(zip64),
        cmocka_unit_test(attention_lstm), cmocka_unit_test(baseline),
        cmocka_unit_test(winograd_copy),  cmocka_unit_test(words_and_metadata),
        cmocka_unit_test(same_bytes),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
