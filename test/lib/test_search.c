/* Tests of the search: the same words whatever their ids are. */
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

#include "test/fixture.h"

/* ---- a shuffled vocabulary ---- */

typedef struct shuffle_case {
    caption_kind kind;
    int coarse; /* 1: with the int16 copy of fc.weight */
    caption_penalty form;
    float penalty;
} shuffle_case;

enum { WORDS = 37, STEP = 8 /* the special words get the ids 4, 12, 20 and 28 */ };

/* How many words of a caption stand in it before. */
static int repeats(const caption_text *caption)
{
    int count = 0;
    for (int i = 1; i < caption->length; i++) {
        for (int k = 0; k < i; k++) {
            if (caption->ids[k] == caption->ids[i]) {
                count++;
                break;
            }
        }
    }
    return count;
}

static bool same_words(const caption_model *model_a, const caption_text *a, const caption_model *model_b,
                       const caption_text *b)
{
    if (a->length != b->length || strcmp(a->text, b->text) != 0) return false;
    for (int i = 0; i < a->length; i++) {
        /* the text leaves out special words */
        if (strcmp(caption_model_word(model_a, a->ids[i]), caption_model_word(model_b, b->ids[i])) != 0) {
            return false;
        }
    }
    return true;
}

/* Captions a few pictures with both models and returns how many words were repeated. */
static int compare_shuffled(const shuffle_case *c)
{
    make_model_options options;
    caption_session *session[2] = {NULL, NULL};
    fixture fix[2];
    int repeated = 0;
    make_model_defaults(&options);
    options.kind = c->kind;
    options.vocabulary = WORDS;
    options.screen = c->coarse;
    for (int i = 0; i < 2; i++) {
        options.shuffle = i ? STEP : 0;
        assert_true(fixture_open(&fix[i], &options));
        assert_int_equal(caption_session_create(&session[i], fix[i].model, NULL, NULL), CAPTION_OK);
    }
    for (uint32_t seed = 0; seed < 8; seed++) {
        const caption_pixel_view view = fixture_pixels(seed);
        const caption_result *r[2];
        for (int i = 0; i < 2; i++) {
            caption_decode_options decode;
            caption_decode_options_init(&decode, fix[i].model);
            decode.penalty = c->form;
            decode.repetition_penalty = c->penalty;
            decode.min_length = 12;
            assert_int_equal(caption_pixels(session[i], &view, &decode, &r[i], NULL), CAPTION_OK);
        }
        assert_int_equal(r[0]->count, r[1]->count);
        for (int k = 0; k < r[0]->count; k++) {
            const caption_text *want = &r[0]->captions[k], *got = NULL;
            for (int j = 0; j < r[1]->count; j++) {
                const caption_text *other = &r[1]->captions[j];
                if (same_words(fix[0].model, want, fix[1].model, other)) got = other;
            }
            assert_non_null(got);
            assert_true(fabs(got->score - want->score) < 1e-4);
            /* its place is the same too, unless the two scores can hardly be told apart */
            assert_true(fabs(r[1]->captions[k].score - want->score) < 1e-4);
            repeated += repeats(want);
        }
    }
    for (int i = 0; i < 2; i++) {
        caption_session_close(&session[i]);
        fixture_close(&fix[i]);
    }
    return repeated;
}

static void shuffled_vocabulary(void **state)
{
    static const shuffle_case cases[] = {
        {CAPTION_KIND_ATTENTION, 0, CAPTION_PENALTY_PUBLISHED, 1.3f},
        {CAPTION_KIND_ATTENTION, 1, CAPTION_PENALTY_PUBLISHED, 1.3f},
        {CAPTION_KIND_BASELINE, 0, CAPTION_PENALTY_PUBLISHED, 1.3f},
        {CAPTION_KIND_ATTENTION, 0, CAPTION_PENALTY_CORRECTED, 1.1f},
        {CAPTION_KIND_BASELINE, 1, CAPTION_PENALTY_CORRECTED, 1.1f},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(compare_shuffled(&cases[i]) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffled_vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
