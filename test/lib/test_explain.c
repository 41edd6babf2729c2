/* Explanations: Grad-CAM against finite differences of a decoder in doubles, the published map and occlusion
 * against their definitions, and that neither threads, instruction sets nor other words change anything. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/double_decoder.h"
#include "test/fixture.h"

enum { POSITIONS = 49, LONGEST = 40 /* tokens: more than are done together */ };

/* ---- an image of a model ---- */

typedef struct example {
    caption_model *model;
    caption_model_info info;
    caption_session *session;
    float *map; /* [POSITIONS, channels] the feature map */
    int channels;
} example;

static int keep_map(void *user, const caption_progress *progress)
{
    example *e = user;
    const caption_map *map = progress->map;
    if (!map || progress->done < progress->total) return 0;
    e->channels = map->channels;
    e->map = calloc(POSITIONS * (size_t)map->channels, sizeof *e->map);
    assert_non_null(e->map);
    assert_int_equal(map->height * map->width, POSITIONS);
    for (size_t p = 0; p < POSITIONS; p++) {
        for (int c = 0; c < map->channels; c++) {
            const size_t from = p * map->pitch + (size_t)c;
            e->map[p * (size_t)map->channels + (size_t)c] =
                map->values ? map->values[from] : map->scale * (float)(map->bytes[from] - map->zero_point);
        }
    }
    return 0;
}

/* Opens test/vectors/NAME.capw and encodes a picture in slot 0. */
static void open_example(example *e, const char *name, const caption_session_options *options)
{
    char path[64];
    caption_error error;
    caption_decode_options decode;
    memset(e, 0, sizeof *e);
    (void)snprintf(path, sizeof path, "test/vectors/%s.capw", name);
    if (caption_model_open_file(&e->model, path, NULL, &error)) fail_msg("%s", error.message);
    assert_int_equal(caption_model_get_info(e->model, &e->info), CAPTION_OK);
    if (caption_session_create(&e->session, e->model, options, &error)) fail_msg("%s", error.message);
    assert_int_equal(caption_load_file(e->session, 0, "test/vectors/a.jpg", NULL), CAPTION_OK);
    caption_decode_options_init(&decode, e->model);
    decode.progress = keep_map;
    decode.progress_user = e;
    assert_int_equal(caption_encode(e->session, 1, &decode, NULL), CAPTION_OK);
    assert_non_null(e->map);
}

static void close_example(example *e)
{
    caption_session_close(&e->session);
    caption_model_close(&e->model);
    free(e->map);
}

static caption_session_options explaining(void)
{
    caption_session_options options;
    caption_session_options_init(&options);
    options.explain = 1;
    options.max_length = LONGEST;
    return options;
}

static caption_text caption_of(const int *ids, int length)
{
    return (caption_text){.ids = ids, .length = length};
}

/* Tokens without meaning, some of which come again. */
static void make_ids(int *ids, int length, int words)
{
    for (int t = 0; t < length; t++) ids[t] = (t * t * 7 + 3 * t + 5) % words;
}

static const caption_explanation *explain(const example *e, const caption_text *caption,
                                          caption_explain_method method)
{
    caption_explain_options options;
    caption_error error;
    const caption_explanation *why = NULL;
    caption_explain_options_init(&options);
    options.method = method;
    if (caption_explain(e->session, 0, caption, &options, &why, &error)) fail_msg("%s", error.message);
    assert_non_null(why);
    assert_int_equal(why->method, method);
    assert_int_equal(why->length, caption->length);
    assert_int_equal(why->rows, 7);
    assert_int_equal(why->columns, 7);
    assert_int_equal(why->channels, e->channels);
    return why;
}

/* ---- Grad-CAM ---- */

/* The largest of the magnitudes of n numbers. */
static double largest(const double *x, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* y of each token, where channel c of the feature map is larger by `more` at all positions. */
static void score_moved(const example *e, const caption_text *caption, size_t c, double more, double *y)
{
    const size_t channels = (size_t)e->channels;
    double *map = calloc(POSITIONS * channels, sizeof *map);
    assert_non_null(map);
    for (size_t i = 0; i < POSITIONS * channels; i++) {
        map[i] = (double)e->map[i] + (i % channels == c ? more : 0);
    }
    double_decoder_score(e->model, map, POSITIONS, caption->ids, caption->length, y);
    free(map);
}

/* slopes [length, channels]: the mean over positions of dy / df, by central differences in doubles.  All
 * positions of a channel move together, so y changes by the sum of their gradients. */
static void differentiate(const example *e, const caption_text *caption, double *slopes)
{
    const double step = 1e-4;
    double up[LONGEST], down[LONGEST];
    for (size_t c = 0; c < (size_t)e->channels; c++) {
        score_moved(e, caption, c, step, up);
        score_moved(e, caption, c, -step, down);
        for (int t = 0; t < caption->length; t++) {
            slopes[(size_t)t * (size_t)e->channels + c] = (up[t] - down[t]) / (2 * step) / POSITIONS;
        }
    }
}

static void check_scores(const example *e, const caption_text *caption, const float *y)
{
    double want[LONGEST];
    score_moved(e, caption, 0, 0, want);
    for (int t = 0; t < caption->length; t++) {
        if (!(fabs((double)y[t] - want[t]) <= 1e-4)) {
            fail_msg("token %d: %g, not %g", t, (double)y[t], want[t]);
        }
    }
}

/* Each word's weights and map against `slopes`: within 1e-4 of the largest magnitude. */
static void check_gradcam(const example *e, const caption_explanation *why, const double *slopes)
{
    const size_t channels = (size_t)e->channels;
    for (int t = 0; t < why->length; t++, slopes += channels) {
        const float *weights = why->weights + (size_t)t * channels, *maps = why->maps + (size_t)t * POSITIONS;
        const double most = largest(slopes, e->channels);
        double map[POSITIONS] = {0};
        assert_true(most > 0);
        for (size_t c = 0; c < channels; c++) {
            if (!(fabs((double)weights[c] - slopes[c]) <= 1e-4 * most)) {
                fail_msg("word %d, channel %zu: %g, not %g, largest %g", t, c, (double)weights[c], slopes[c],
                         most);
            }
            for (size_t p = 0; p < POSITIONS; p++) map[p] += slopes[c] * (double)e->map[p * channels + c];
        }
        const double most_map = largest(map, POSITIONS);
        for (int p = 0; p < POSITIONS; p++) {
            const double want = map[p] < 0 ? 0 : map[p];
            if (!(fabs((double)maps[p] - want) <= 1e-4 * most_map)) {
                fail_msg("word %d, position %d: %g, not %g", t, p, (double)maps[p], want);
            }
        }
    }
}

static void check_model(const char *name, int length)
{
    example e;
    int ids[LONGEST];
    const caption_session_options options = explaining();
    open_example(&e, name, &options);
    make_ids(ids, length, e.info.vocabulary_size);
    const caption_text caption = caption_of(ids, length);
    double *slopes = calloc((size_t)length * (size_t)e.channels, sizeof *slopes);
    assert_non_null(slopes);
    differentiate(&e, &caption, slopes);
    const caption_explanation *why = explain(&e, &caption, CAPTION_EXPLAIN_GRADCAM);
    check_scores(&e, &caption, why->log_probabilities);
    check_gradcam(&e, why, slopes);
    free(slopes);
    close_example(&e);
}

static void gradcam_attention_gru(void **state)
{
    (void)state;
    check_model("gru", 20);
}

static void gradcam_attention_lstm(void **state)
{
    (void)state;
    check_model("lstm", 20);
}

static void gradcam_baseline_gru(void **state)
{
    (void)state;
    check_model("baseline-gru", 20);
}

static void gradcam_baseline_lstm_of_two_layers(void **state)
{
    (void)state;
    check_model("baseline-lstm", 20);
}

/* A word's explanation doesn't depend on the words behind it: not on how many there are, nor on how they are
 * cut into groups. */
static void words_behind_change_nothing(void **state)
{
    static const char *const names[] = {"gru", "lstm", "baseline-gru", "baseline-lstm"};
    static const int lengths[] = {1, 15, 16, 17, 31, 32, 33};
    (void)state;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
        example e;
        int ids[LONGEST];
        const caption_session_options options = explaining();
        open_example(&e, names[m], &options);
        make_ids(ids, LONGEST, e.info.vocabulary_size);
        caption_text caption = caption_of(ids, LONGEST);
        const caption_explanation *why = explain(&e, &caption, CAPTION_EXPLAIN_GRADCAM);
        const size_t floats = LONGEST * (size_t)e.channels;
        float *whole = calloc(floats, sizeof *whole);
        assert_non_null(whole);
        memcpy(whole, why->weights, floats * sizeof *whole);
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            caption.length = lengths[i];
            why = explain(&e, &caption, CAPTION_EXPLAIN_GRADCAM);
            assert_memory_equal(why->weights, whole, (size_t)lengths[i] * (size_t)e.channels * sizeof *whole);
        }
        free(whole);
        close_example(&e);
    }
}

static void threads_change_nothing(void **state)
{
    static const char *const names[] = {"gru", "lstm", "baseline-gru", "baseline-lstm"};
    (void)state;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
        example one, three;
        int ids[LONGEST];
        caption_session_options options = explaining();
        open_example(&one, names[m], &options);
        options.threads = 3;
        open_example(&three, names[m], &options);
        make_ids(ids, LONGEST, one.info.vocabulary_size);
        const caption_text caption = caption_of(ids, LONGEST);
        const caption_explanation *a = explain(&one, &caption, CAPTION_EXPLAIN_GRADCAM),
                                  *b = explain(&three, &caption, CAPTION_EXPLAIN_GRADCAM);
        assert_memory_equal(a->weights, b->weights, LONGEST * (size_t)one.channels * sizeof(float));
        assert_memory_equal(a->maps, b->maps, LONGEST * POSITIONS * sizeof(float));
        close_example(&one);
        close_example(&three);
    }
}

/* Instruction sets only round otherwise. */
static void plain_c_agrees(void **state)
{
    static const char *const names[] = {"gru", "lstm", "baseline-gru", "baseline-lstm"};
    (void)state;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
        example fast, plain;
        int ids[LONGEST];
        caption_session_options options = explaining();
        open_example(&fast, names[m], &options);
        options.cpu = 0;
        open_example(&plain, names[m], &options);
        make_ids(ids, LONGEST, fast.info.vocabulary_size);
        const caption_text caption = caption_of(ids, LONGEST);
        const caption_explanation *a = explain(&fast, &caption, CAPTION_EXPLAIN_GRADCAM),
                                  *b = explain(&plain, &caption, CAPTION_EXPLAIN_GRADCAM);
        double most = 0;
        const size_t floats = LONGEST * (size_t)fast.channels;
        for (size_t i = 0; i < floats; i++) most = fmax(most, fabs((double)a->weights[i]));
        for (size_t i = 0; i < floats; i++) {
            assert_true(fabs((double)a->weights[i] - (double)b->weights[i]) <= 1e-4 * most);
        }
        close_example(&fast);
        close_example(&plain);
    }
}

/* ---- the other methods ---- */

static void published_map(void **state)
{
    static const char *const names[] = {"gru", "baseline-lstm", "gru-int8", "baseline-gru-int8"};
    static const int ids[] = {5, 9, 2};
    (void)state;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
        example e;
        const caption_session_options options = explaining();
        open_example(&e, names[m], &options);
        const caption_text caption = caption_of(ids, 3);
        const caption_explanation *why = explain(&e, &caption, CAPTION_EXPLAIN_PUBLISHED);
        double mean[POSITIONS] = {0}, least = INFINITY, most = 0;
        for (int p = 0; p < POSITIONS; p++) {
            for (int c = 0; c < e.channels; c++) {
                mean[p] += (double)e.map[p * e.channels + c] / e.channels;
            }
            least = fmin(least, mean[p]);
            most = fmax(most, mean[p]);
        }
        assert_true(most > least);
        assert_null(why->log_probabilities);
        assert_null(why->weights);
        for (int i = 0; i < 3 * POSITIONS; i++) {
            const double want = (mean[i % POSITIONS] - least) / (most - least);
            assert_true(fabs((double)why->maps[i] - want) <= 1e-6);
        }
        close_example(&e);
    }
}

/* y of a caption, of the picture whose pixels these are. */
static void score_pixels(const example *e, const uint8_t *rgb, const caption_text *caption, float *y)
{
    const caption_pixel_view view = {.rgb = rgb, .width = 224, .height = 224};
    const caption_explanation *why;
    caption_explain_options options;
    caption_explain_options_init(&options);
    options.method = CAPTION_EXPLAIN_OCCLUSION;
    assert_int_equal(caption_load_pixels(e->session, 1, &view, NULL), CAPTION_OK);
    assert_int_equal(caption_encode(e->session, 2, NULL, NULL), CAPTION_OK);
    assert_int_equal(caption_explain(e->session, 1, caption, &options, &why, NULL), CAPTION_OK);
    memcpy(y, why->log_probabilities, (size_t)caption->length * sizeof *y);
}

/* Every model and batch: the map's numbers are what covering by hand gives. */
static void check_occlusion(const char *name, int batch)
{
    enum { WORDS = 3, SIDE = 224, SQUARE = SIDE / 7 };
    static const int ids[WORDS] = {5, 9, 2}, places[] = {0, 10, 48};
    static const uint8_t colour[3] = {124, 116, 104}; /* 255 times 0.485, 0.456, 0.406 */
    static uint8_t rgb[SIDE * SIDE * 3];
    example e;
    caption_session_options options = explaining();
    options.max_batch = batch;
    open_example(&e, name, &options);
    const caption_text caption = caption_of(ids, WORDS);
    const caption_explanation *why = explain(&e, &caption, CAPTION_EXPLAIN_OCCLUSION);
    float maps[WORDS * POSITIONS], y[WORDS], covered[WORDS];
    memcpy(maps, why->maps, sizeof maps);
    memcpy(y, why->log_probabilities, sizeof y);
    assert_null(why->weights);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const int top = places[i] / 7 * SQUARE, left = places[i] % 7 * SQUARE;
        memcpy(rgb, caption_slot_pixels(e.session, 0), sizeof rgb);
        for (int k = 0; k < SQUARE * SQUARE; k++) {
            memcpy(rgb + ((top + k / SQUARE) * SIDE + left + k % SQUARE) * 3, colour, sizeof colour);
        }
        score_pixels(&e, rgb, &caption, covered);
        for (int t = 0; t < WORDS; t++) {
            assert_true(fabs((double)(maps[t * POSITIONS + places[i]] - (y[t] - covered[t]))) <= 1e-6);
        }
    }
    close_example(&e);
}

static void occlusion_covers_squares(void **state)
{
    (void)state;
    check_occlusion("gru", 2);
    check_occlusion("baseline-lstm-int8", 2);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which take ten times as long */
    check_occlusion("lstm-int8", 5);
    check_occlusion("baseline-gru", 4);
#endif
}

/* ---- around them ---- */

/* Explaining leaves the slots and the result of the search alone, and any caption of it will do. */
static void results_stay(void **state)
{
    static const char *const names[] = {"gru", "baseline-lstm", "lstm-int8"};
    (void)state;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
        example e;
        const caption_session_options options = explaining();
        const caption_result *result;
        char texts[8][256];
        open_example(&e, names[m], &options);
        const size_t bytes = (size_t)e.info.positions * (size_t)e.info.feature_channels * sizeof(float);
        float *features = malloc(bytes);
        assert_non_null(features);
        memcpy(features, caption_slot_features(e.session, 0), bytes);
        assert_int_equal(caption_decode(e.session, 0, NULL, &result, NULL), CAPTION_OK);
        assert_true(result->count > 1 && result->count < 8);
        const caption_result before = *result;
        for (int i = 0; i < before.count; i++) {
            (void)snprintf(texts[i], sizeof texts[i], "%s", before.captions[i].text);
        }
        for (int i = 0; i < before.count; i++) {
            const caption_text *caption = &before.captions[i];
            if (e.info.precision == CAPTION_PRECISION_FLOAT32) {
                (void)explain(&e, caption, CAPTION_EXPLAIN_GRADCAM);
            }
            (void)explain(&e, caption, CAPTION_EXPLAIN_PUBLISHED);
            if (i == 0) (void)explain(&e, caption, CAPTION_EXPLAIN_OCCLUSION);
        }
        for (int i = 0; i < before.count; i++) assert_string_equal(before.captions[i].text, texts[i]);
        assert_memory_equal(caption_slot_features(e.session, 0), features, bytes);
        assert_int_equal(caption_decode(e.session, 0, NULL, &result, NULL), CAPTION_OK);
        for (int i = 0; i < before.count; i++) assert_string_equal(result->captions[i].text, texts[i]);
        free(features);
        close_example(&e);
    }
}

/* A caption's own score is the sum of its tokens' log-probabilities where nothing is penalised. */
static void scores_are_those_of_the_search(void **state)
{
    static const char *const names[] = {"gru", "lstm", "baseline-gru", "baseline-lstm"};
    (void)state;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++) {
        example e;
        const caption_session_options options = explaining();
        const caption_result *result;
        caption_decode_options decode;
        open_example(&e, names[m], &options);
        caption_decode_options_init(&decode, e.model);
        decode.repetition_penalty = 1;
        assert_int_equal(caption_decode(e.session, 0, &decode, &result, NULL), CAPTION_OK);
        for (int i = 0; i < result->count; i++) {
            double sum = 0;
            const caption_explanation *why = explain(&e, &result->captions[i], CAPTION_EXPLAIN_GRADCAM);
            for (int t = 0; t < why->length; t++) sum += (double)why->log_probabilities[t];
            assert_true(fabs(sum - result->captions[i].log_probability) <= 1e-3);
        }
        close_example(&e);
    }
}

typedef struct counter {
    int calls, total, stop_at;
    bool wrong;
} counter;

static int count_calls(void *user, const caption_progress *progress)
{
    counter *c = user;
    c->calls++;
    c->wrong |= progress->stage != CAPTION_STAGE_EXPLAIN || progress->done != c->calls || progress->map ||
                progress->logits || (c->total && c->total != progress->total);
    c->total = progress->total;
    return c->calls == c->stop_at;
}

/* The progress function counts every part, and may stop after each. */
static void progress_and_abort(void **state)
{
    static const caption_explain_method methods[] = {CAPTION_EXPLAIN_GRADCAM, CAPTION_EXPLAIN_PUBLISHED,
                                                     CAPTION_EXPLAIN_OCCLUSION};
    static const char *const names[] = {"gru", "baseline-lstm"};
    int ids[LONGEST];
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        example e;
        counter all = {.stop_at = 0};
        caption_explain_options how;
        const caption_explanation *why;
        caption_session_options options = explaining();
        options.max_batch = 3;
        open_example(&e, names[i / 3], &options);
        make_ids(ids, LONGEST, e.info.vocabulary_size);
        const caption_text caption = caption_of(ids, LONGEST);
        caption_explain_options_init(&how);
        how.method = methods[i % 3];
        how.progress = count_calls;
        how.progress_user = &all;
        assert_int_equal(caption_explain(e.session, 0, &caption, &how, &why, NULL), CAPTION_OK);
        assert_int_equal(all.calls, all.total);
        assert_false(all.wrong);
        for (int stop = 1; stop <= all.total; stop += 1 + all.total / 5) {
            counter some = {.stop_at = stop};
            how.progress_user = &some;
            assert_int_equal(caption_explain(e.session, 0, &caption, &how, &why, NULL),
                             CAPTION_ERROR_ABORTED);
            assert_null(why);
            assert_int_equal(some.calls, stop);
        }
        close_example(&e);
    }
}

/* What is asked of a session, a model or a slot that can't give it is refused in words. */
static void refusals(void **state)
{
    static const int ids[] = {5, 9, 2}, far[] = {5, 1 << 20}, negative[] = {-1};
    example e;
    caption_error error;
    caption_explain_options how;
    const caption_explanation *why;
    caption_session_options options = explaining();
    (void)state;
    const caption_text good = caption_of(ids, 3), empty = caption_of(ids, 0), no_ids = caption_of(NULL, 3),
                       wrong = caption_of(far, 2), below = caption_of(negative, 1),
                       large = caption_of(ids, LONGEST + 1);
    const caption_text *const bad[] = {NULL, &empty, &no_ids, &wrong, &below, &large};
    caption_explain_options_init(&how);
    open_example(&e, "gru", &options);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(caption_explain(e.session, 0, bad[i], NULL, &why, &error), CAPTION_ERROR_ARGUMENT);
        assert_null(why);
        assert_non_null(strstr(error.message, "caption"));
    }
    assert_int_equal(caption_explain(e.session, 1, &good, NULL, &why, &error), CAPTION_ERROR_ARGUMENT);
    how.method = (caption_explain_method)3;
    assert_int_equal(caption_explain(e.session, 0, &good, &how, &why, &error), CAPTION_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "method"));
    /* features without an image */
    how.method = CAPTION_EXPLAIN_OCCLUSION;
    assert_int_equal(caption_set_features(e.session, 0, caption_slot_features(e.session, 0), NULL),
                     CAPTION_OK);
    assert_int_equal(caption_explain(e.session, 0, &good, &how, &why, &error), CAPTION_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "no image"));
    assert_int_equal(caption_explain(e.session, 0, &good, NULL, &why, NULL), CAPTION_OK);
    close_example(&e);

    open_example(&e, "baseline-gru", &options);
    assert_int_equal(caption_set_features(e.session, 0, caption_slot_features(e.session, 0), NULL),
                     CAPTION_OK);
    assert_int_equal(caption_explain(e.session, 0, &good, NULL, &why, &error), CAPTION_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "no feature map"));
    close_example(&e);

    open_example(&e, "gru-int8", &options);
    assert_int_equal(caption_explain(e.session, 0, &good, NULL, &why, &error), CAPTION_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "float32"));
    close_example(&e);

    options.explain = 0;
    open_example(&e, "gru", &options);
    assert_int_equal(caption_explain(e.session, 0, &good, NULL, &why, &error), CAPTION_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "explain"));
    close_example(&e);
    options.explain = 2;
    fixture fix;
    assert_true(fixture_open(&fix, NULL));
    assert_int_equal(caption_session_size(fix.model, &options, &error), 0);
    assert_int_equal(error.status, CAPTION_ERROR_ARGUMENT);
    fixture_close(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradcam_attention_gru),
        cmocka_unit_test(gradcam_attention_lstm),
        cmocka_unit_test(gradcam_baseline_gru),
        cmocka_unit_test(gradcam_baseline_lstm_of_two_layers),
        cmocka_unit_test(words_behind_change_nothing),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(plain_c_agrees),
        cmocka_unit_test(published_map),
        cmocka_unit_test(occlusion_covers_squares),
        cmocka_unit_test(results_stay),
        cmocka_unit_test(scores_are_those_of_the_search),
        cmocka_unit_test(progress_and_abort),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
