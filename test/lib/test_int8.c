/* int8 models: the same bits at every level, for any number of threads and any batch, and what such a file
 * must not hold. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/format/layout.h"
#include "lib/format/names.h"
#include "test/fixture.h"

enum { PICTURES = 3, MOST_BATCH = 8 };

/* ---- everything that a model computes, as one number ---- */

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++) hash = (hash ^ p[i]) * UINT64_C(0x100000001B3); /* FNV-1a */
    return hash;
}

static uint64_t hash_floats(uint64_t hash, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        const unsigned char bytes[4] = {(unsigned char)bits, (unsigned char)(bits >> 8),
                                        (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
        hash = hash_bytes(hash, bytes, sizeof bytes);
    }
    return hash;
}

/* Features, words, scores and attention of a slot, after both searches. */
static uint64_t hash_slot(caption_session *session, const caption_model *model, int slot)
{
    caption_model_info info;
    caption_decode_options options;
    const caption_result *result;
    caption_model_get_info(model, &info);
    caption_decode_options_init(&options, model);
    const size_t positions = (size_t)info.positions;
    uint64_t hash = hash_floats(UINT64_C(0xCBF29CE484222325), caption_slot_features(session, slot),
                                positions * (size_t)info.feature_channels);
    for (int greedy = 0; greedy < 2; greedy++) {
        options.search = greedy ? CAPTION_SEARCH_GREEDY : CAPTION_SEARCH_BEAM;
        assert_int_equal(caption_decode(session, slot, &options, &result, NULL), CAPTION_OK);
        for (int i = 0; i < result->count; i++) {
            const caption_text *text = &result->captions[i];
            const float score[2] = {(float)text->log_probability, (float)text->score};
            hash = hash_bytes(hash, text->text, strlen(text->text));
            hash = hash_floats(hash, score, 2);
            if (text->alpha) hash = hash_floats(hash, text->alpha, (size_t)text->length * positions);
        }
    }
    return hash;
}

/* hashes[i] of picture i, encoded in batches of `batch`. */
static void hash_all(const caption_model *model, uint32_t cpu, int threads, int batch, uint64_t *hashes)
{
    caption_session_options options;
    caption_session *session;
    caption_error error;
    caption_session_options_init(&options);
    options.cpu = cpu;
    options.threads = threads;
    options.max_batch = batch;
    if (caption_session_create(&session, model, &options, &error)) fail_msg("%s", error.message);
    for (int first = 0; first < PICTURES; first += batch) {
        for (int i = 0; i < batch; i++) {
            const caption_pixel_view pixels = fixture_pixels((uint32_t)((first + i) % PICTURES));
            assert_int_equal(caption_load_pixels(session, i, &pixels, NULL), CAPTION_OK);
        }
        assert_int_equal(caption_encode(session, batch, NULL, NULL), CAPTION_OK);
        for (int i = 0; i < batch; i++) {
            const uint64_t hash = hash_slot(session, model, i);
            const int picture = (first + i) % PICTURES;
            if (first + i >= PICTURES) {
                assert_int_equal(hash, hashes[picture]);
            } else {
                hashes[picture] = hash;
            }
        }
    }
    caption_session_close(&session);
}

/* ---- golden hashes ---- */

/* Channels that are no multiple of 4 or 16, odd sizes of all kinds. */
static const struct {
    const char *name;
    make_model_options options;
    uint64_t golden[PICTURES];
} models[] = {
    {"GRU",
     {.kind = CAPTION_KIND_ATTENTION,
      .rnn = CAPTION_RNN_GRU,
      .layers = 1,
      .width = 3,
      .embed = 5,
      .hidden = 13,
      .attention = 7,
      .vocabulary = 37,
      .input = 96,
      .seed = 1},
     {UINT64_C(0xEFBE1172E15D3DF1), UINT64_C(0xF1F84FA60AC7F944), UINT64_C(0x8882CA1B13AC9760)}},
    {"LSTM",
     {.kind = CAPTION_KIND_ATTENTION,
      .rnn = CAPTION_RNN_LSTM,
      .layers = 1,
      .width = 5,
      .embed = 18,
      .hidden = 36,
      .attention = 33,
      .vocabulary = 150,
      .input = 64,
      .seed = 2},
     {UINT64_C(0x91E77F1A27FD85FD), UINT64_C(0xB5899318430CBFE8), UINT64_C(0x1B8B40774C39A55B)}},
    {"baseline GRU",
     {.kind = CAPTION_KIND_BASELINE,
      .rnn = CAPTION_RNN_GRU,
      .layers = 2,
      .width = 2,
      .embed = 9,
      .hidden = 21,
      .vocabulary = 70,
      .input = 64,
      .seed = 3},
     {UINT64_C(0x71EAE3C394B21549), UINT64_C(0x77D7CEB1CDACC312), UINT64_C(0x21BA927EE581A086)}},
    {"baseline LSTM",
     {.kind = CAPTION_KIND_BASELINE,
      .rnn = CAPTION_RNN_LSTM,
      .layers = 1,
      .width = 16,
      .embed = 32,
      .hidden = 64,
      .vocabulary = 101,
      .input = 32,
      .seed = 4},
     {UINT64_C(0x51D162B462C5BFEF), UINT64_C(0xACC122F031532E7F), UINT64_C(0xFCA3155123894F09)}},
};

/* The plain one has no tensors that complete weights. */
enum { MODELS = sizeof models / sizeof *models, PLAIN_MODEL = 2 };

static void open_model(fixture *f, size_t i)
{
    make_model_options options = models[i].options;
    options.int8 = true;
    options.fine = i != PLAIN_MODEL;
    assert_true(fixture_open(f, &options));
}

static void same_at_every_level(void **state)
{
    int compared = 0;
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        fixture f;
        open_model(&f, i);
        for (int level = 0; level < CPT_CPU_LEVELS; level++) {
            uint64_t hashes[PICTURES];
            hash_all(f.model, cpt_cpu_levels[level].sets, 1, 1, hashes);
            for (int p = 0; p < PICTURES; p++, compared++) {
                if (hashes[p] != models[i].golden[p]) {
                    fail_msg("%s, picture %d, %s: 0x%016llX instead of 0x%016llX", models[i].name, p,
                             cpt_cpu_levels[level].name, (unsigned long long)hashes[p],
                             (unsigned long long)models[i].golden[p]);
                }
            }
        }
        fixture_close(&f);
    }
    assert_int_equal(compared, PICTURES * (int)MODELS * CPT_CPU_LEVELS);
}

static void same_for_any_threads_and_batch(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        fixture f;
        open_model(&f, i);
        for (int n = 1; n <= MOST_BATCH; n++) {
            uint64_t hashes[PICTURES];
            hash_all(f.model, CAPTION_CPU_ALL, n, MOST_BATCH + 1 - n, hashes);
            assert_memory_equal(hashes, models[i].golden, sizeof hashes);
        }
        fixture_close(&f);
    }
}

/* Winograd's convolution and direct convolution give the same bytes, at every level. */
static void same_by_winograd(void **state)
{
    static const caption_conv kinds[2] = {CAPTION_CONV_DIRECT, CAPTION_CONV_WINOGRAD};
    fixture f;
    (void)state;
    open_model(&f, MODELS - 1); /* its channels are multiples of 16 */
    const caption_pixel_view pixels = fixture_pixels(2);
    for (int level = 0; level < CPT_CPU_LEVELS; level++) {
        uint64_t hashes[2];
        for (int i = 0; i < 2; i++) {
            caption_session_options options;
            caption_session *session;
            caption_session_options_init(&options);
            options.cpu = cpt_cpu_levels[level].sets;
            options.conv = kinds[i];
            assert_int_equal(caption_session_create(&session, f.model, &options, NULL), CAPTION_OK);
            assert_int_equal(caption_load_pixels(session, 0, &pixels, NULL), CAPTION_OK);
            assert_int_equal(caption_encode(session, 1, NULL, NULL), CAPTION_OK);
            hashes[i] = hash_slot(session, f.model, 0);
            caption_session_close(&session);
        }
        assert_int_equal(hashes[0], hashes[1]);
    }
    fixture_close(&f);
}

static void says_what_it_is(void **state)
{
    (void)state;
    fixture f;
    caption_model_info info;
    open_model(&f, 0);
    assert_int_equal(caption_model_get_info(f.model, &info), CAPTION_OK);
    assert_int_equal(info.precision, CAPTION_PRECISION_INT8);
    fixture_close(&f);
    assert_true(fixture_open(&f, NULL));
    assert_int_equal(caption_model_get_info(f.model, &info), CAPTION_OK);
    assert_int_equal(info.precision, CAPTION_PRECISION_FLOAT32);
    fixture_close(&f);
}

/* The progress function sees every layer's bytes, in order, and their range. */
typedef struct seen {
    int layers, stage, blocks;
    uint64_t last;
} seen;

static const int blocks_of_stage[] = {3, 4, 6, 3};

static int look(void *user, const caption_progress *progress)
{
    seen *s = user;
    const caption_map *map = progress->map;
    assert_non_null(map);
    assert_null(map->values);
    assert_int_equal(progress->done, ++s->layers);
    assert_true(map->scale > 0);
    assert_true(map->pitch >= (size_t)map->channels);
    /* a downsample's map is only added; the output of a block is, but for the last of a stage */
    const bool downsample = strstr(map->layer, "downsample"), block = strstr(map->layer, "conv3");
    if (downsample) s->stage++;
    s->blocks = downsample ? 0 : s->blocks + (block ? 1 : 0);
    assert_int_equal(map->zero_point, downsample ? 128 : 0);
    assert_true(!map->bytes == downsample);
    assert_true(!!map->wide == (downsample || (block && s->blocks < blocks_of_stage[s->stage - 1])));
    if (map->bytes && map->wide) { /* what was rounded twice lies half a step apart at most */
        for (int c = 0; c < map->channels; c++) {
            const int apart = map->wide[c] - 256 * map->bytes[c];
            assert_true((apart >= -128 && apart <= 128) || map->bytes[c] == 255);
        }
    }
    if (map->bytes) s->last = map->bytes[0];
    return 0;
}

static void layers_are_shown(void **state)
{
    (void)state;
    fixture f;
    seen s = {0};
    caption_session *session;
    caption_decode_options options;
    open_model(&f, 0);
    assert_int_equal(caption_session_create(&session, f.model, NULL, NULL), CAPTION_OK);
    const caption_pixel_view pixels = fixture_pixels(1);
    assert_int_equal(caption_load_pixels(session, 0, &pixels, NULL), CAPTION_OK);
    caption_decode_options_init(&options, f.model);
    options.progress = look;
    options.progress_user = &s;
    assert_int_equal(caption_encode(session, 1, &options, NULL), CAPTION_OK);
    assert_int_equal(s.layers, 54);
    /* the features are the last layer's values */
    assert_true(caption_slot_features(session, 0)[0] == (float)s.last * (1.0f / 32));
    caption_session_close(&session);
    fixture_close(&f);
}

/* ---- what is refused ---- */

typedef struct damage {
    const char *tensor;
    int element;
    float value;
    const char *message; /* a part of it */
} damage;

static void bad_numbers_are_refused(void **state)
{
    static const damage table[] = {
        {"encoder.stem.scale", 0, 0, "number 0 is 0"},
        {"encoder.stem.scale", 1, NAN, "number 1 is "},
        {"encoder.layer1.0.conv2.scale", 0, -1, "number 0 is -1"},
        {"fc.scale", 3, INFINITY, "number 3 is inf"},
        {"fc.scale", 3, 0x1p65f, "fc.scale"},
        {"rnn.0.hidden.bias", 0, -0x1p65f, "rnn.0.hidden.bias"},
        {"encoder.layer4.2.conv3.bias", 0, NAN, "encoder.layer4.2.conv3.bias"},
        {"encoder.layer2.0.conv1.range", 0, 0, "encoder.layer2.0.conv1.range"},
        {"encoder.layer2.0.conv1.range", 0, NAN, "encoder.layer2.0.conv1.range"},
        {"encoder.layer2.0.conv1.range", 1, 256, "zero point is 256"},
        {"encoder.layer2.0.conv1.range", 1, -1, "zero point is -1"},
        {"encoder.layer2.0.conv1.range", 1, 0.5f, "zero point is 0.5"},
        {"encoder.layer2.0.conv1.range", 1, NAN, "zero point is "},
        {"encoder.layer4.2.conv3.range", 1, 3, "must be 0 for the features"},
        {"embedding.range", 0, -0.5f, "embedding.range"},
        {"fc.fine_scale", 1, 0, "number 1 is 0"},
        {"fc.fine_bias", 2, NAN, "number 2 is "},
        {"rnn.0.hidden.rest.scale", 0, -1, "number 0 is -1"},
        {"rnn.0.hidden.rest.bias", 0, INFINITY, "number 0 is inf"},
        {"rnn.0.context.rest.scale", 0, 0x1p65f, "rnn.0.context.rest.scale"},
    };
    make_model_options options = models[0].options;
    size_t size;
    (void)state;
    options.int8 = options.fine = true;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        unsigned char *bytes = make_model(&options, &size);
        caption_model *model;
        caption_error error;
        const capw_tensor *t = make_model_find(bytes, table[i].tensor);
        assert_non_null(t);
        memcpy(bytes + t->offset + 4 * (size_t)table[i].element, &table[i].value, 4);
        assert_int_equal(caption_model_open_memory(&model, bytes, size, NULL, &error), CAPTION_ERROR_MODEL);
        if (!strstr(error.message, table[i].message) || !strstr(error.message, table[i].tensor)) {
            fail_msg("row %zu: %s", i, error.message);
        }
        free(bytes);
    }
}

/* Misshapen and missing tensors, and those of float32 among int8. */
static void bad_tensors_are_refused(void **state)
{
    static const char *const names[] = {"encoder.stem.range",
                                        "encoder.layer3.1.conv2.scale",
                                        "encoder.layer1.0.conv3.bias",
                                        "embedding.range",
                                        "embedding.weight",
                                        "fc.weight",
                                        "attention.enc.weight",
                                        "rnn.0.context.scale",
                                        "rnn.0.context.rest.scale",
                                        "rnn.0.hidden.rest.bias",
                                        "fc.fine_bias"};
    make_model_options options = models[0].options;
    size_t size;
    (void)state;
    options.int8 = options.fine = true;
    for (size_t i = 0; i < 3 * sizeof names / sizeof *names; i++) {
        const char *name = names[i / 3];
        unsigned char *bytes = make_model(&options, &size);
        caption_model *model;
        caption_error error;
        capw_tensor *t = make_model_find(bytes, name);
        assert_non_null(t);
        if (i % 3 == 0) {
            t->name[0] = 'x';
        } else if (i % 3 == 1) {
            t->dims[0]--; /* where nothing is left this is refused as well */
            t->bytes = cpt_layout_bytes(t);
        } else {
            t->dtype = t->dtype == CAPW_FLOAT32 ? CAPW_UINT8 : CAPW_FLOAT32;
            if (t->layout == CAPW_QUADS) t->layout = CAPW_PANELS;
            t->bytes = cpt_layout_bytes(t);
            if (t->offset + t->bytes > size) t->dims[0] = 1, t->bytes = cpt_layout_bytes(t);
        }
        make_model_seal(bytes);
        const caption_status status = caption_model_open_memory(&model, bytes, size, NULL, &error);
        if (status != CAPTION_ERROR_MODEL || error.message[0] == '\0') {
            fail_msg("%s, damage %zu: status %d, %s", name, i % 3, (int)status, error.message);
        }
        free(bytes);
    }
}

/* Plain C's hashes, for the table above. */
static int print_golden(void)
{
    for (size_t i = 0; i < MODELS; i++) {
        fixture f;
        uint64_t hashes[PICTURES];
        open_model(&f, i);
        hash_all(f.model, 0, 1, 1, hashes);
        (void)printf("%s:", models[i].name);
        for (int p = 0; p < PICTURES; p++) (void)printf(" 0x%016llX", (unsigned long long)hashes[p]);
        (void)printf("\n");
        fixture_close(&f);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--golden") == 0) return print_golden();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_at_every_level),     cmocka_unit_test(same_for_any_threads_and_batch),
        cmocka_unit_test(same_by_winograd),        cmocka_unit_test(says_what_it_is),
        cmocka_unit_test(layers_are_shown),        cmocka_unit_test(bad_numbers_are_refused),
        cmocka_unit_test(bad_tensors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
