/* Tiny models of every kind against what PyTorch computed for them: features, attention, greedy captions and
 * beams of four widths, with every instruction set and convolution this machine can run.
 *
 * The vectors and how they were made: test/reference/make_vectors.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include <caption.h>

#include "tools/common/text.h"

#define VECTORS "test/vectors/"

enum { WIDEST = 10, PATH_BYTES = 256, FILE_LIMIT = 1 << 22 };

typedef struct golden {
    const char *name;
    json_t *entries;
    caption_model *model;
    caption_session *session;
    caption_model_info info;
    int compared; /* captions */
} golden;

/* [count] floats of VECTORS/NAME-PICTUREending; free() them. */
static float *read_floats(const golden *g, const char *picture, const char *ending, size_t count)
{
    char path[PATH_BYTES];
    tool_error err = {{0}};
    float *values = calloc(count, sizeof *values);
    (void)snprintf(path, sizeof path, VECTORS "%s-%s%s", g->name, picture, ending);
    tool_text data;
    if (!tool_text_read(&data, path, FILE_LIMIT, &err)) fail_msg("%s", err.message);
    assert_int_equal(data.size, count * 4);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *b = (const unsigned char *)data.data + 4 * i;
        uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        memcpy(&values[i], &bits, sizeof bits);
    }
    tool_text_free(&data);
    return values;
}

/* The largest difference, or infinity when anything isn't finite. */
static double largest_difference(const float *a, const float *b, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)a[i] - (double)b[i]);
        if (!(off <= worst)) worst = isnan(off) ? INFINITY : off;
    }
    return worst;
}

static void check_features(const golden *g, const char *picture)
{
    size_t count = (size_t)g->info.positions * (size_t)g->info.feature_channels;
    float *want = read_floats(g, picture, ".feat.f32", count);
    const float *got = caption_slot_features(g->session, 0);
    double largest = 0;
    assert_non_null(got);
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)want[i]));
    assert_true(largest > 0);
    if (largest_difference(want, got, count) > 1e-4 * largest) {
        fail_msg("%s, %s: features off by %g of the largest", g->name, picture,
                 largest_difference(want, got, count) / largest);
    }
    free(want);
}

static void check_ids(const caption_text *text, const json_t *ids)
{
    assert_int_equal(text->length, json_array_size(ids));
    for (size_t i = 0; i < json_array_size(ids); i++) {
        assert_int_equal(text->ids[i], json_integer_value(json_array_get(ids, i)));
    }
}

static void check_greedy(golden *g, const char *picture, const json_t *entry)
{
    const json_t *ids = json_object_get(entry, "greedy_ids");
    if (!ids) return;
    caption_decode_options options;
    caption_decode_options_init(&options, g->model);
    options.search = CAPTION_SEARCH_GREEDY;
    const caption_result *result;
    caption_error error;
    assert_int_equal(caption_decode(g->session, 0, &options, &result, &error), CAPTION_OK);
    assert_int_equal(result->count, 1);
    const caption_text *text = &result->captions[0];
    check_ids(text, ids);
    assert_string_equal(text->text, json_string_value(json_object_get(entry, "greedy")));
    g->compared++;
    if (g->info.kind == CAPTION_KIND_ATTENTION) {
        size_t count = (size_t)text->length * (size_t)g->info.positions;
        float *want = read_floats(g, picture, ".alpha.f32", count);
        assert_non_null(text->alpha);
        assert_true(largest_difference(want, text->alpha, count) <= 1e-4);
        free(want);
    } else {
        assert_null(text->alpha);
    }
}

static void check_beams(golden *g, int width, const json_t *beams)
{
    caption_decode_options options;
    caption_decode_options_init(&options, g->model);
    options.search = CAPTION_SEARCH_BEAM;
    options.beams = width;
    const caption_result *result;
    caption_error error;
    assert_int_equal(caption_decode(g->session, 0, &options, &result, &error), CAPTION_OK);
    assert_int_equal(result->count, json_array_size(beams));
    for (size_t i = 0; i < json_array_size(beams); i++) {
        const json_t *beam = json_array_get(beams, i);
        check_ids(&result->captions[i], json_object_get(beam, "ids"));
        assert_string_equal(result->captions[i].text, json_string_value(json_object_get(beam, "caption")));
        assert_true(fabs(result->captions[i].score - json_real_value(json_object_get(beam, "score"))) <=
                    1e-3);
        g->compared++;
    }
}

/* Every picture of a model, with one way of computing. */
static void check_session(golden *g, uint32_t cpu, caption_conv conv)
{
    caption_session_options options;
    caption_session_options_init(&options);
    options.max_beams = WIDEST;
    options.cpu = cpu;
    options.conv = conv;
    options.no_exif = 1;
    caption_error error;
    assert_int_equal(caption_session_create(&g->session, g->model, &options, &error), CAPTION_OK);
    for (size_t i = 0; i < json_array_size(g->entries); i++) {
        const json_t *entry = json_array_get(g->entries, i);
        const char *picture = json_string_value(json_object_get(entry, "image")), *width;
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof path, VECTORS "%s", picture);
        if (caption_load_file(g->session, 0, path, &error) != CAPTION_OK) fail_msg("%s", error.message);
        assert_int_equal(caption_encode(g->session, 1, NULL, &error), CAPTION_OK);
        check_features(g, picture);
        check_greedy(g, picture, entry);
        json_t *beams;
        json_object_foreach(json_object_get(entry, "beams"), width, beams) check_beams(g, atoi(width), beams);
    }
    caption_session_close(&g->session);
}

static void check_model(const char *name)
{
    static const uint32_t levels[] = {CAPTION_CPU_ALL, CAPTION_CPU_AVX2, 0};
    static const caption_conv convs[] = {CAPTION_CONV_AUTO, CAPTION_CONV_DIRECT, CAPTION_CONV_WINOGRAD,
                                         CAPTION_CONV_IM2COL};
    golden g = {.name = name};
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, VECTORS "%s.json", name);
    json_error_t where;
    g.entries = json_load_file(path, 0, &where);
    if (!g.entries) fail_msg("%s: %s", path, where.text);
    (void)snprintf(path, sizeof path, VECTORS "%s.capw", name);
    caption_error error;
    if (caption_model_open_file(&g.model, path, NULL, &error) != CAPTION_OK) fail_msg("%s", error.message);
    caption_model_get_info(g.model, &g.info);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        for (size_t k = 0; k < sizeof convs / sizeof convs[0]; k++) {
            g.compared = 0;
            check_session(&g, levels[i], convs[k]);
            assert_true(g.compared >= 10); /* the vectors hold enough decided captions to mean something */
        }
    }
    caption_model_close(&g.model);
    json_decref(g.entries);
}

static void attention_gru(void **state)
{
    (void)state;
    check_model("gru");
}

static void attention_lstm(void **state)
{
    (void)state;
    check_model("lstm");
}

static void baseline_gru(void **state)
{
    (void)state;
    check_model("baseline-gru");
}

static void baseline_lstm_two_layers(void **state)
{
    (void)state;
    check_model("baseline-lstm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_gru),
        cmocka_unit_test(attention_lstm),
        cmocka_unit_test(baseline_gru),
        cmocka_unit_test(baseline_lstm_two_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
