/* Tests of the search: captions and scores worked out by hand, and the same words whatever their ids are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "test/fixture.h"

/* ---- a shuffled vocabulary ---- */

typedef struct shuffle_case {
    caption_kind kind;
    bool coarse; /* with the int16 copy of fc.weight */
    caption_penalty form;
    float penalty;
} shuffle_case;

enum { WORDS = 37, STEP = 8 /* the special words get the ids 4, 12, 20 and 28 */ };

/* How many words of a caption are repetitions of earlier ones. */
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
    int repeated = 0;
    make_model_defaults(&options);
    options.kind = c->kind;
    options.vocabulary = WORDS;
    options.coarse = c->coarse;
    fixture fix[2];
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
        /* kind, coarse, form of the penalty, penalty */
        {CAPTION_KIND_ATTENTION, false, CAPTION_PENALTY_PUBLISHED, 1.3f},
        {CAPTION_KIND_ATTENTION, true, CAPTION_PENALTY_PUBLISHED, 1.3f},
        {CAPTION_KIND_BASELINE, false, CAPTION_PENALTY_PUBLISHED, 1.3f},
        {CAPTION_KIND_ATTENTION, false, CAPTION_PENALTY_CORRECTED, 1.1f},
        {CAPTION_KIND_BASELINE, true, CAPTION_PENALTY_CORRECTED, 1.1f},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(compare_shuffled(&cases[i]) > 0);
    }
}

/* ---- worked out by hand ----
 *
 * The models here give every word the same probability in every step: fc.weight is 0 and fc.bias holds the
 * logarithms.  All probabilities are powers of 1/2, so log-probabilities are multiples of ln 2.  Below,
 * scores are in units of ln 2. */

enum { PAD, START, END, UNK, A, B, C, HAND_WORDS };

/* Log2 of the probabilities of <pad>, <start>, <end>, <unk>, A, B and C; the probabilities' sum is 1. */
typedef struct hand_words {
    float log2[HAND_WORDS];
} hand_words;

static const hand_words common = {{-6, -6, -3, -5, -1, -2, -4}};     /* A is the most probable */
static const hand_words short_ones = {{-6, -6, -1, -5, -2, -3, -4}}; /* <end> is, then A */
static const hand_words unknown = {{-6, -6, -3, -1, -2, -4, -5}};    /* <unk> is, then A */

static float *find_floats(fixture *fix, const char *name, size_t *count)
{
    const capw_tensor *tensor = make_model_find(fix->bytes, name);
    assert_non_null(tensor);
    *count = (size_t)tensor->bytes / sizeof(float);
    return (float *)(void *)(fix->bytes + tensor->offset);
}

static void open_hand(fixture *fix, caption_kind kind, const hand_words *words)
{
    make_model_options options;
    make_model_defaults(&options);
    options.kind = kind;
    options.vocabulary = HAND_WORDS;
    assert_true(fixture_open(fix, &options));
    size_t count;
    /* the model uses these bytes in place */
    float *weight = find_floats(fix, "fc.weight", &count);
    for (size_t i = 0; i < count; i++) weight[i] = 0;
    float *bias = find_floats(fix, "fc.bias", &count);
    assert_int_equal(count, HAND_WORDS);
    for (size_t i = 0; i < count; i++) bias[i] = (float)((double)words->log2[i] * log(2));
}

typedef struct hand_caption {
    int length;
    int ids[8];
    double log2; /* log-probability, after penalties */
} hand_caption;

/* The options' captions are these, for both kinds; scores are divided by length^length_alpha. */
static void check_hand(const hand_words *words, const caption_decode_options *options,
                       const hand_caption *captions, int count)
{
    static const caption_kind kinds[] = {CAPTION_KIND_ATTENTION, CAPTION_KIND_BASELINE};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const caption_pixel_view view = fixture_pixels(1);
        caption_session *session = NULL;
        fixture fix;
        open_hand(&fix, kinds[k], words);
        caption_session_options session_options;
        caption_session_options_init(&session_options);
        session_options.max_beams = 12;
        assert_int_equal(caption_session_create(&session, fix.model, &session_options, NULL), CAPTION_OK);
        caption_decode_options decode;
        caption_decode_options_init(&decode, fix.model);
        decode.search = options->search;
        decode.beams = options->beams;
        decode.max_length = options->max_length;
        decode.min_length = options->min_length;
        decode.length_alpha = options->length_alpha;
        decode.penalty = options->penalty;
        decode.repetition_penalty = options->repetition_penalty;
        const caption_result *result;
        assert_int_equal(caption_pixels(session, &view, &decode, &result, NULL), CAPTION_OK);
        assert_int_equal(result->count, count);
        for (int i = 0; i < count; i++) {
            const caption_text *got = &result->captions[i];
            const double log_probability = captions[i].log2 * log(2);
            const double score = log_probability / pow(captions[i].length, (double)options->length_alpha);
            assert_int_equal(got->length, captions[i].length);
            assert_memory_equal(got->ids, captions[i].ids, (size_t)got->length * sizeof *got->ids);
            assert_true(fabs(got->log_probability - log_probability) < 1e-5);
            assert_true(fabs(got->score - score) < 1e-5);
            assert_true(fabs(got->confidence - exp(score)) < 1e-5);
        }
        caption_session_close(&session);
        fixture_close(&fix);
    }
}

/* Penalty 1.25 for each time the word is there already.  A: -1, -1.25, -1.5625, -1.953125, then -2.44140625,
 * so B (-2) comes before it.  B a second time would be -2.5: A again. */
static void corrected_penalty(void **state)
{
    static const caption_decode_options options = {.beams = 1,
                                                   .max_length = 6,
                                                   .length_alpha = 0.5f,
                                                   .penalty = CAPTION_PENALTY_CORRECTED,
                                                   .repetition_penalty = 1.25f};
    static const hand_caption captions[] = {
        {6, {A, A, A, A, B, A}, -1 - 1.25 - 1.5625 - 1.953125 - 2 - 2.44140625}};
    (void)state;
    check_hand(&common, &options, captions, 1);
}

/* Divided by 1.25 each time: A becomes ever more probable. */
static void published_penalty(void **state)
{
    static const caption_decode_options options = {.beams = 1,
                                                   .max_length = 4,
                                                   .length_alpha = 1,
                                                   .penalty = CAPTION_PENALTY_PUBLISHED,
                                                   .repetition_penalty = 1.25f};
    static const hand_caption captions[] = {{4, {A, A, A, A}, -1 - 0.8 - 0.64 - 0.512}};
    (void)state;
    check_hand(&common, &options, captions, 1);
}

/* Corrected, penalty 1.75, two beams:
 *     step 1: A -1, B -2
 *     step 2: of A: A -1.75, B -2; of B: A -1, <end> -3.  AA -2.75; AB -3 before BA -3 of the later row
 *     step 3: of AA: A -3.0625, B -2; of AB: A -1.75, B -3.5.  AAB and ABA -4.75, in this order */
static void two_beams(void **state)
{
    static const caption_decode_options options = {.beams = 2,
                                                   .max_length = 3,
                                                   .length_alpha = 0,
                                                   .penalty = CAPTION_PENALTY_CORRECTED,
                                                   .repetition_penalty = 1.75f};
    static const hand_caption captions[] = {{3, {A, A, B}, -4.75}, {3, {A, B, A}, -4.75}};
    (void)state;
    check_hand(&common, &options, captions, 2);
}

/* Special words have no penalty, greedy search has none for any word. */
static void without_penalty(void **state)
{
    static const caption_decode_options beam = {.beams = 1,
                                                .max_length = 3,
                                                .length_alpha = 1,
                                                .penalty = CAPTION_PENALTY_CORRECTED,
                                                .repetition_penalty = 100};
    static const caption_decode_options greedy = {.search = CAPTION_SEARCH_GREEDY,
                                                  .beams = 5,
                                                  .max_length = 3,
                                                  .length_alpha = 1,
                                                  .penalty = CAPTION_PENALTY_CORRECTED,
                                                  .repetition_penalty = 100};
    static const hand_caption unknowns[] = {{3, {UNK, UNK, UNK}, -3}}, repeated[] = {{3, {A, A, A}, -3}};
    (void)state;
    check_hand(&unknown, &beam, unknowns, 1);
    check_hand(&common, &greedy, repeated, 1);
}

/* <end> is the most probable word, but min_length 3 forbids it as the first and the second.  Two beams:
 *     step 1: A -2, B -3
 *     step 2: AA -4; AB -5 before BA -5
 *     step 3: AA<end> -5; AAA -6 before AB<end> -6 */
static void min_length(void **state)
{
    caption_decode_options options = {.beams = 2,
                                      .max_length = 3,
                                      .min_length = 3,
                                      .length_alpha = 1,
                                      .penalty = CAPTION_PENALTY_PUBLISHED,
                                      .repetition_penalty = 1};
    static const hand_caption captions[] = {{3, {A, A, END}, -5}, {3, {A, A, A}, -6}};
    static const hand_caption greedy[] = {{3, {A, A, END}, -5}};
    static const hand_caption none[] = {{1, {END}, -1}, {2, {A, END}, -3}};
    static const hand_caption corrected[] = {{3, {A, B, END}, -6}};
    (void)state;
    check_hand(&short_ones, &options, captions, 2);
    options.search = CAPTION_SEARCH_GREEDY;
    check_hand(&short_ones, &options, greedy, 1);
    options.search = CAPTION_SEARCH_BEAM;
    options.min_length = 0;
    options.length_alpha = 0;
    check_hand(&short_ones, &options, none, 2);
    /* with a penalty of 2, A a second time is -4 and B -3 */
    options.beams = 1;
    options.min_length = 3;
    options.penalty = CAPTION_PENALTY_CORRECTED;
    options.repetition_penalty = 2;
    check_hand(&short_ones, &options, corrected, 1);
}

/* Twelve beams and seven words: after one step there are seven captions.  <pad> and <start> are as probable
 * as each other; the lower id comes first. */
enum { LONG_BEAMS = 16 };

/* Seconds of the processor for a search of so many steps, none of which finds an end. */
static double seconds_of(const fixture *fix, caption_session *session, int steps)
{
    caption_decode_options decode;
    caption_decode_options_init(&decode, fix->model);
    decode.beams = LONG_BEAMS;
    decode.penalty = CAPTION_PENALTY_CORRECTED; /* so that nearly all words come */
    decode.repetition_penalty = 3;
    decode.max_length = decode.min_length = steps;
    const caption_result *r;
    const clock_t start = clock();
    assert_int_equal(caption_decode(session, 0, &decode, &r, NULL), CAPTION_OK);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_int_equal(r->captions[0].length, steps);
    return seconds;
}

/* Eight times the steps take about eight times as long, with penalties.  A search that looks
 * through all words of a hypothesis for each of them would take hundreds of times as long. */
static void long_captions(void **state)
{
    enum { STEPS = CAPTION_MAX_LENGTH / 8 };
    make_model_options options;
    caption_session *session = NULL;
    (void)state;
    make_model_defaults(&options);
    options.vocabulary = 100;
    fixture fix;
    assert_true(fixture_open(&fix, &options));
    caption_session_options size;
    caption_session_options_init(&size);
    size.max_beams = LONG_BEAMS;
    size.max_length = CAPTION_MAX_LENGTH;
    assert_int_equal(caption_session_create(&session, fix.model, &size, NULL), CAPTION_OK);
    const caption_pixel_view view = fixture_pixels(1);
    assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_OK);
    assert_int_equal(caption_encode(session, 1, NULL, NULL), CAPTION_OK);
    double few = seconds_of(&fix, session, STEPS);
    few = fmin(few, seconds_of(&fix, session, STEPS));
    const double many = seconds_of(&fix, session, CAPTION_MAX_LENGTH);
    if (many > 40 * few) fail_msg("%.3f s for %d steps, %.3f s for %d", few, STEPS, many, CAPTION_MAX_LENGTH);
    caption_session_close(&session);
    fixture_close(&fix);
}

static void fewer_words_than_beams(void **state)
{
    caption_decode_options options = {.beams = 12,
                                      .max_length = 1,
                                      .length_alpha = 1,
                                      .penalty = CAPTION_PENALTY_PUBLISHED,
                                      .repetition_penalty = 1.2f};
    static const hand_caption captions[] = {{1, {A}, -1},   {1, {B}, -2},   {1, {END}, -3},  {1, {C}, -4},
                                            {1, {UNK}, -5}, {1, {PAD}, -6}, {1, {START}, -6}};
    (void)state;
    check_hand(&common, &options, captions, HAND_WORDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrected_penalty),
        cmocka_unit_test(published_penalty),
        cmocka_unit_test(two_beams),
        cmocka_unit_test(without_penalty),
        cmocka_unit_test(min_length),
        cmocka_unit_test(long_captions),
        cmocka_unit_test(fewer_words_than_beams),
        cmocka_unit_test(shuffled_vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
