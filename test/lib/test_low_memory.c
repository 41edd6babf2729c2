/* Sessions with the option low_memory: the same captions and features as others, in less memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/fixture.h"
#include "test/same_result.h"

/* Widths that are no multiple of 4 or 16, and sides whose maps have odd numbers of rows.  With a width of 16
 * and a large side, the maps of int8 models fit over the pixels. */
static const make_model_options models[] = {
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
    {.kind = CAPTION_KIND_ATTENTION,
     .rnn = CAPTION_RNN_LSTM,
     .layers = 1,
     .width = 16,
     .embed = 18,
     .hidden = 36,
     .attention = 33,
     .vocabulary = 150,
     .input = 160,
     .seed = 2},
    {.kind = CAPTION_KIND_BASELINE,
     .rnn = CAPTION_RNN_GRU,
     .layers = 2,
     .width = 2,
     .embed = 9,
     .hidden = 21,
     .vocabulary = 70,
     .input = 32,
     .winograd = 1,
     .seed = 3},
};

enum { MODELS = sizeof models / sizeof *models, PICTURES = 3 };

/* ---- sessions ---- */

typedef struct pair {
    fixture fix;
    caption_model_info info;
    caption_session *plain, *low;
} pair;

static caption_session_options options_of(int low_memory, int threads)
{
    caption_session_options options;
    caption_session_options_init(&options);
    options.conv = CAPTION_CONV_DIRECT;
    options.decode_memory = 0;
    options.low_memory = low_memory;
    options.threads = threads;
    return options;
}

static void open_pair(pair *p, size_t model, bool int8, int threads)
{
    make_model_options make = models[model];
    make.int8 = make.fine = int8;
    assert_true(fixture_open(&p->fix, &make));
    caption_model_get_info(p->fix.model, &p->info);
    const caption_session_options plain = options_of(0, 1), low = options_of(1, threads);
    assert_int_equal(caption_session_create(&p->plain, p->fix.model, &plain, NULL), CAPTION_OK);
    assert_int_equal(caption_session_create(&p->low, p->fix.model, &low, NULL), CAPTION_OK);
}

static void close_pair(pair *p)
{
    caption_session_close(&p->plain);
    caption_session_close(&p->low);
    fixture_close(&p->fix);
}

/* ---- results ---- */

static void same_features(const pair *p)
{
    const size_t numbers = (size_t)p->info.positions * (size_t)p->info.feature_channels;
    const float *plain = caption_slot_features(p->plain, 0), *low = caption_slot_features(p->low, 0);
    assert_non_null(plain);
    assert_non_null(low);
    assert_memory_equal(plain, low, numbers * sizeof *plain);
}

static void same_captions(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * MODELS; i++) {
        pair p;
        open_pair(&p, i / 2, i % 2 == 1, 1 + (int)(i % 3));
        for (uint32_t picture = 0; picture < PICTURES; picture++) {
            const caption_result *plain, *low;
            const caption_pixel_view view = fixture_pixels(picture);
            assert_int_equal(caption_pixels(p.plain, &view, NULL, &plain, NULL), CAPTION_OK);
            assert_int_equal(caption_pixels(p.low, &view, NULL, &low, NULL), CAPTION_OK);
            same_result(plain, low, p.info.positions);
            same_features(&p);
            /* the features are still there */
            assert_int_equal(caption_decode(p.low, 0, NULL, &low, NULL), CAPTION_OK);
            same_result(plain, low, p.info.positions);
        }
        close_pair(&p);
    }
}

/* Features of another session are searched as well. */
static void features_can_be_set(void **state)
{
    (void)state;
    pair p;
    const caption_result *plain, *low;
    const caption_pixel_view view = fixture_pixels(1);
    open_pair(&p, 0, true, 1);
    assert_int_equal(caption_pixels(p.plain, &view, NULL, &plain, NULL), CAPTION_OK);
    assert_int_equal(caption_set_features(p.low, 0, caption_slot_features(p.plain, 0), NULL), CAPTION_OK);
    assert_int_equal(caption_decode(p.low, 0, NULL, &low, NULL), CAPTION_OK);
    same_result(plain, low, p.info.positions);
    close_pair(&p);
}

/* ---- memory ---- */

static void takes_less_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * MODELS; i++) {
        make_model_options make = models[i / 2];
        fixture fix;
        make.int8 = make.fine = i % 2 == 1;
        assert_true(fixture_open(&fix, &make));
        const caption_session_options plain = options_of(0, 1), low = options_of(1, 1);
        assert_true(caption_session_size(fix.model, &low, NULL) <
                    caption_session_size(fix.model, &plain, NULL));
        fixture_close(&fix);
    }
}

/* A session in exactly as many bytes as it asks for, with others around them. */
static void stays_in_its_memory(void **state)
{
    enum { GUARD = 256, ALIGN = 64 };
    (void)state;
    fixture fix;
    make_model_options make = models[1];
    make.int8 = make.fine = true;
    assert_true(fixture_open(&fix, &make));
    const caption_session_options low = options_of(1, 1);
    const size_t size = caption_session_size(fix.model, &low, NULL);
    unsigned char *all = malloc(size + 2 * GUARD + ALIGN);
    assert_non_null(all);
    memset(all, 0xA5, size + 2 * GUARD + ALIGN);
    unsigned char *memory = all + GUARD + (ALIGN - (uintptr_t)(all + GUARD) % ALIGN) % ALIGN;
    caption_session *session;
    const caption_result *result;
    const caption_pixel_view view = fixture_pixels(2);
    assert_int_equal(caption_session_init(&session, memory, size, fix.model, &low, NULL), CAPTION_OK);
    assert_int_equal(caption_pixels(session, &view, NULL, &result, NULL), CAPTION_OK);
    caption_session_close(&session);
    for (size_t i = 0; i < GUARD; i++) {
        assert_int_equal(memory[size + i], 0xA5);
        assert_int_equal(memory[-1 - (ptrdiff_t)i], 0xA5);
    }
    free(all);
    fixture_close(&fix);
}

/* ---- slots ---- */

/* The image is used up by encoding it, and its features by loading another. */
static void slots(void **state)
{
    (void)state;
    pair p;
    const caption_result *result;
    const caption_pixel_view view = fixture_pixels(1);
    open_pair(&p, 0, true, 1);
    assert_int_equal(caption_load_pixels(p.low, 0, &view, NULL), CAPTION_OK);
    assert_int_equal(caption_load_pixels(p.plain, 0, &view, NULL), CAPTION_OK);
    assert_memory_equal(caption_slot_pixels(p.low, 0), caption_slot_pixels(p.plain, 0),
                        (size_t)p.info.input_size * (size_t)p.info.input_size * 3);
    assert_int_equal(caption_encode(p.low, 1, NULL, NULL), CAPTION_OK);
    assert_null(caption_slot_pixels(p.low, 0));
    assert_int_equal(caption_encode(p.low, 1, NULL, NULL), CAPTION_ERROR_ARGUMENT);
    assert_non_null(caption_slot_features(p.low, 0));
    assert_int_equal(caption_load_pixels(p.low, 0, &view, NULL), CAPTION_OK);
    assert_null(caption_slot_features(p.low, 0));
    assert_int_equal(caption_decode(p.low, 0, NULL, &result, NULL), CAPTION_ERROR_ARGUMENT);
    close_pair(&p);
}

/* ---- progress ---- */

typedef struct watch {
    int calls, maps, stop_at;
} watch;

static int see(void *user, const caption_progress *progress)
{
    watch *w = user;
    if (progress->stage != CAPTION_STAGE_ENCODER) return 0;
    assert_int_equal(progress->done, ++w->calls);
    assert_int_equal(progress->total, 54);
    if (progress->map) w->maps++;
    return w->calls == w->stop_at;
}

static void progress(void **state)
{
    (void)state;
    pair p;
    watch w = {0};
    caption_decode_options options;
    const caption_result *result;
    const caption_pixel_view view = fixture_pixels(1);
    open_pair(&p, 0, true, 1);
    caption_decode_options_init(&options, p.fix.model);
    options.progress = see;
    options.progress_user = &w;
    assert_int_equal(caption_pixels(p.low, &view, &options, &result, NULL), CAPTION_OK);
    assert_int_equal(w.calls, 54);
    assert_in_range(w.maps, 20, 53); /* stages 3 and 4 */
    for (int at = 1; at <= 54; at++) {
        w = (watch){.stop_at = at};
        assert_int_equal(caption_pixels(p.low, &view, &options, &result, NULL), CAPTION_ERROR_ABORTED);
        assert_int_equal(w.calls, at);
        assert_null(caption_slot_features(p.low, 0));
    }
    close_pair(&p);
}

/* ---- options ---- */

static void refused_options(void **state)
{
    (void)state;
    fixture fix;
    caption_error error;
    assert_true(fixture_open(&fix, NULL));
    caption_session_options options = options_of(1, 1);
    options.max_batch = 2;
    assert_int_equal(caption_session_size(fix.model, &options, &error), 0);
    assert_int_equal(error.status, CAPTION_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "low_memory"));
    options = options_of(1, 1);
    options.explain = 1;
    assert_int_equal(caption_session_size(fix.model, &options, &error), 0);
    assert_int_equal(error.status, CAPTION_ERROR_ARGUMENT);
    fixture_close(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_captions),
        cmocka_unit_test(features_can_be_set),
        cmocka_unit_test(takes_less_memory),
        cmocka_unit_test(stays_in_its_memory),
        cmocka_unit_test(slots),
        cmocka_unit_test(progress),
        cmocka_unit_test(refused_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
