/* Tests of what can be looked up: versions, texts, and information on models, tensors, words and layers, all
 * against values worked out by hand for the fixture's model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "test/fixture.h"

static fixture fix;
static caption_session *session;

static int open_all(void **state)
{
    (void)state;
    if (!fixture_open(&fix, NULL)) return -1;
    return caption_session_create(&session, fix.model, NULL, NULL) == CAPTION_OK ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    caption_session_close(&session);
    fixture_close(&fix);
    return 0;
}

static void texts(void **state)
{
    (void)state;
    char version[32];
    (void)snprintf(version, sizeof version, "%d.%d.%d", CAPTION_VERSION_MAJOR, CAPTION_VERSION_MINOR,
                   CAPTION_VERSION_PATCH);
    assert_string_equal(CAPTION_VERSION, version);
    assert_string_equal(caption_version(), version);
    for (int s = 3; s >= -20; s--) {
        const char *text = caption_status_string((caption_status)s);
        assert_non_null(text);
        assert_true(text[0] != '\0');
    }
    assert_string_not_equal(caption_status_string(CAPTION_ERROR_IMAGE),
                            caption_status_string(CAPTION_ERROR_MODEL));
}

static void look_inside(void **state)
{
    (void)state;
    caption_model_info info;
    caption_model_get_info(fix.model, &info);
    assert_int_equal(info.kind, CAPTION_KIND_ATTENTION);
    assert_int_equal(info.rnn, CAPTION_RNN_GRU);
    assert_int_equal(info.input_size, 224);
    assert_int_equal(info.positions, 49);
    assert_int_equal(info.feature_channels, 64); /* width 2 x 32 */
    assert_int_equal(info.embed_size, 5);
    assert_int_equal(info.hidden_size, 12);
    assert_int_equal(info.attention_size, 7);
    assert_int_equal(info.vocabulary_size, 37);
    assert_int_equal(info.end, 2);
    assert_true(info.bytes == fix.size);
    assert_string_equal(caption_model_word(fix.model, 1), "<start>");
    assert_non_null(caption_model_word(fix.model, 36));
    assert_null(caption_model_word(fix.model, 37));
    assert_null(caption_model_word(fix.model, -1));
    assert_string_equal(caption_model_find_metadata(fix.model, "model.rnn"), "gru");
    assert_null(caption_model_find_metadata(fix.model, "no.such.key"));
    assert_int_equal(info.layers, 1);
    assert_int_equal(info.pad, 0);
    assert_int_equal(info.start, 1);
    assert_int_equal(info.unk, 3);
    const char *key, *value;
    for (int i = 0; i < info.metadata_count; i++) {
        assert_int_equal(caption_model_metadata(fix.model, i, &key, &value), CAPTION_OK);
        assert_string_equal(caption_model_find_metadata(fix.model, key), value);
    }
    assert_int_equal(caption_model_metadata(fix.model, info.metadata_count, &key, &value),
                     CAPTION_ERROR_ARGUMENT);
    assert_int_equal(caption_model_metadata(fix.model, -1, &key, &value), CAPTION_ERROR_ARGUMENT);
    caption_tensor_info tensor;
    for (int i = 0; i < info.tensor_count; i++) {
        assert_int_equal(caption_model_tensor(fix.model, i, &tensor), CAPTION_OK);
        assert_int_equal(caption_model_verify(fix.model, i, NULL), CAPTION_OK);
        assert_ptr_equal(tensor.data, fix.bytes + tensor.offset);
        assert_int_equal(make_model_crc(tensor.data, (size_t)tensor.bytes), tensor.crc);
    }
    assert_int_equal(caption_model_tensor(fix.model, info.tensor_count, &tensor), CAPTION_ERROR_ARGUMENT);
    assert_int_equal(caption_model_verify(fix.model, -1, NULL), CAPTION_ERROR_ARGUMENT);
    assert_int_equal(caption_model_get_info(NULL, &info), CAPTION_ERROR_ARGUMENT);
    assert_null(caption_model_word(NULL, 0));
}

typedef struct known_tensor {
    const char *name, *dtype, *layout;
    int rank;
    uint32_t dims[4];
    uint64_t bytes;
} known_tensor;

/* Rows of panels come in groups of 16: 37 words take the room of 48. */
static const known_tensor known_tensors[] = {
    /* name, type, layout, rank, sizes, stored bytes */
    {"fc.weight", "float32", "panels", 2, {37, 12}, 48 * 12 * 4},
    {"fc.bias", "float32", "rows", 1, {37}, 37 * 4},
    {"embedding.weight", "float32", "rows", 2, {37, 5}, 37 * 5 * 4},
    {"encoder.stem.weight", "float32", "panels", 4, {2, 7, 7, 3}, 16 * 7 * 7 * 3 * 4},
    {"encoder.layer4.2.conv3.weight", "float32", "panels", 4, {64, 1, 1, 16}, 64 * 16 * 4},
};

static void check_tensor(const known_tensor *known)
{
    caption_tensor_info t;
    for (int i = 0; caption_model_tensor(fix.model, i, &t) == CAPTION_OK; i++) {
        if (strcmp(t.name, known->name) != 0) continue;
        assert_string_equal(t.dtype, known->dtype);
        assert_string_equal(t.layout, known->layout);
        assert_int_equal(t.rank, known->rank);
        assert_memory_equal(t.dims, known->dims, sizeof t.dims);
        assert_int_equal(t.bytes, known->bytes);
        return;
    }
    fail_msg("there is no tensor %s", known->name);
}

static void tensors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known_tensors / sizeof *known_tensors; i++) check_tensor(&known_tensors[i]);
}

/* Worked out by hand for the fixture's model: a stem of 2 channels, images of 224 x 224. */
typedef struct known_layer {
    int index;
    const char *name;
    int in[3], out[3]; /* height, width, channels */
    int kernel, stride;
    double multiply_adds;
} known_layer;

static const known_layer known_layers[] = {
    /* index, name, in, out, kernel, stride, multiplications with additions */
    {0, "stem", {224, 224, 3}, {112, 112, 2}, 7, 2, 3687936}, /* 112 x 112 x 2 x 3 x 49 */
    {1, "maxpool", {112, 112, 2}, {56, 56, 2}, 3, 2, 0},
    {2, "layer1.0.conv1", {56, 56, 2}, {56, 56, 2}, 1, 1, 12544}, /* 56 x 56 x 2 x 2 */
    {3, "layer1.0.conv2", {56, 56, 2}, {56, 56, 2}, 3, 1, 112896},
    {4, "layer1.0.downsample", {56, 56, 2}, {56, 56, 8}, 1, 1, 50176},
    {5, "layer1.0.conv3", {56, 56, 2}, {56, 56, 8}, 1, 1, 50176},
    {6, "layer1.1.conv1", {56, 56, 8}, {56, 56, 2}, 1, 1, 50176},
    {12, "layer2.0.conv1", {56, 56, 8}, {56, 56, 4}, 1, 1, 100352},
    {13, "layer2.0.conv2", {56, 56, 4}, {28, 28, 4}, 3, 2, 112896}, /* the 3x3 carries the stride */
    {14, "layer2.0.downsample", {56, 56, 8}, {28, 28, 16}, 1, 2, 100352},
    {15, "layer2.0.conv3", {28, 28, 4}, {28, 28, 16}, 1, 1, 50176},
    {25, "layer3.0.conv1", {28, 28, 16}, {28, 28, 8}, 1, 1, 100352},
    {43, "layer3.5.conv3", {14, 14, 8}, {14, 14, 32}, 1, 1, 50176},
    {45, "layer4.0.conv2", {14, 14, 16}, {7, 7, 16}, 3, 2, 112896},
    {53, "layer4.2.conv3", {7, 7, 16}, {7, 7, 64}, 1, 1, 50176},
};

static void check_layer(const caption_session *s, const known_layer *known, const char *algorithm)
{
    caption_layer_info info;
    assert_int_equal(caption_session_layer(s, known->index, &info), CAPTION_OK);
    assert_string_equal(info.name, known->name);
    assert_string_equal(info.algorithm, known->index == 1 ? "maxpool" : algorithm);
    assert_int_equal(info.in_height, known->in[0]);
    assert_int_equal(info.in_width, known->in[1]);
    assert_int_equal(info.in_channels, known->in[2]);
    assert_int_equal(info.out_height, known->out[0]);
    assert_int_equal(info.out_width, known->out[1]);
    assert_int_equal(info.out_channels, known->out[2]);
    assert_int_equal(info.kernel, known->kernel);
    assert_int_equal(info.stride, known->stride);
    assert_true(info.multiply_adds == known->multiply_adds);
}

static void layers(void **state)
{
    static const struct {
        caption_conv conv;
        const char *name;
    } ways[] = {{CAPTION_CONV_DIRECT, "direct"}, {CAPTION_CONV_IM2COL, "im2col"}};
    (void)state;
    for (size_t w = 0; w < 2; w++) {
        caption_session_options options;
        caption_session *s = NULL;
        caption_session_options_init(&options);
        options.conv = ways[w].conv;
        assert_int_equal(caption_session_create(&s, fix.model, &options, NULL), CAPTION_OK);
        for (size_t i = 0; i < sizeof known_layers / sizeof *known_layers; i++) {
            check_layer(s, &known_layers[i], ways[w].name);
        }
        caption_session_close(&s);
    }
    caption_layer_info info;
    assert_int_equal(caption_session_layer(session, 54, &info), CAPTION_ERROR_ARGUMENT); /* 53 and the pool */
    assert_true(caption_session_cpu(session)[0] != '\0');
    assert_string_equal(caption_session_cpu(NULL), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(look_inside),
        cmocka_unit_test(tensors),
        cmocka_unit_test(layers),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
