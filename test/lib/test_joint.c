/* Tests of searching images together: what is found for each is what is found for it alone, to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/fixture.h"
#include "test/same_result.h"

/* More images than are searched together with 10 beams, and than a tile of any product has rows. */
enum { IMAGES = 19, HIDDEN = 37, LENGTH = 16 };

static const uint64_t hash_start = UINT64_C(0xCBF29CE484222325);

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
    return hash;
}

/* ---- a model, and images whose features are random ---- */

typedef struct together {
    fixture fix;
    caption_model_info info;
    caption_session *alone, *joint;
    float *features; /* [IMAGES, feature_count] */
    size_t feature_count;
} together;

static caption_session *make_session(const caption_model *model, caption_session_options *options, int batch)
{
    caption_session *session;
    options->max_batch = batch;
    assert_int_equal(caption_session_create(&session, model, options, NULL), CAPTION_OK);
    return session;
}

static void open_all(together *t, const make_model_options *model, caption_session_options *options)
{
    assert_true(fixture_open(&t->fix, model));
    caption_model_get_info(t->fix.model, &t->info);
    options->max_length = LENGTH;
    t->alone = make_session(t->fix.model, options, 1);
    t->joint = make_session(t->fix.model, options, IMAGES);
    t->feature_count = (size_t)t->info.positions * (size_t)t->info.feature_channels;
    t->features = malloc(IMAGES * t->feature_count * sizeof *t->features);
    assert_non_null(t->features);
    uint32_t random = 7;
    for (size_t i = 0; i < IMAGES * t->feature_count; i++) {
        random = random * 1664525u + 1013904223u;
        t->features[i] = (float)(random >> 8) / (float)(1 << 20); /* 0 to 16 */
        if (random >> 30) t->features[i] = 0;
    }
    for (int i = 0; i < IMAGES; i++) {
        assert_int_equal(caption_set_features(t->joint, i, t->features + (size_t)i * t->feature_count, NULL),
                         CAPTION_OK);
    }
}

static void close_all(together *t)
{
    caption_session_close(&t->alone);
    caption_session_close(&t->joint);
    free(t->features);
    fixture_close(&t->fix);
}

/* ---- what a progress function sees ---- */

typedef struct watch {
    int words;
    uint64_t steps[IMAGES]; /* of each slot: its steps, their rows and logits */
    int done[IMAGES];
    int settled[IMAGES][LENGTH], settled_count[IMAGES]; /* the tokens that were said to be final */
} watch;

static int see_step(void *user, const caption_progress *progress)
{
    watch *w = user;
    if (progress->stage != CAPTION_STAGE_DECODER) return 0;
    uint64_t *hash = &w->steps[progress->slot];
    assert_int_equal(progress->done, ++w->done[progress->slot]);
    int *count = &w->settled_count[progress->slot];
    assert_in_range(progress->settled_count, *count, progress->done - 1);
    *count = progress->settled_count;
    memcpy(w->settled[progress->slot], progress->settled, (size_t)*count * sizeof *progress->settled);
    *hash = hash_bytes(*hash, &progress->rows, sizeof progress->rows);
    if (progress->logits) {
        const size_t numbers = (size_t)progress->rows * (size_t)w->words;
        *hash = hash_bytes(*hash, progress->logits, numbers * sizeof *progress->logits);
    }
    return 0;
}

static void begin_watch(watch *w, int words)
{
    *w = (watch){.words = words};
    for (int i = 0; i < IMAGES; i++) w->steps[i] = hash_start;
}

/* ---- comparisons ---- */

/* Every caption begins with the tokens that were said to be final. */
static void begin_so(const caption_result *result, const watch *w, int slot)
{
    const size_t count = (size_t)w->settled_count[slot];
    for (int i = 0; i < result->count; i++) {
        assert_true(count <= (size_t)result->captions[i].length);
        assert_memory_equal(result->captions[i].ids, w->settled[slot], count * sizeof(int));
    }
}

/* Searches for `count` images together and for each alone.  Returns how many searches end at another step
 * than the first image's. */
static int compare(together *t, const caption_decode_options *wanted, int count)
{
    caption_decode_options own = *wanted, *options = &own;
    const caption_result *joint[IMAGES], *alone;
    watch seen, seen_alone;
    int others = 0;
    begin_watch(&seen, t->info.vocabulary_size);
    begin_watch(&seen_alone, t->info.vocabulary_size);
    options->progress = see_step;
    options->progress_user = &seen;
    assert_int_equal(caption_decode_batch(t->joint, count, options, joint, NULL), CAPTION_OK);
    options->progress_user = &seen_alone;
    for (int i = 0; i < count; i++) {
        assert_int_equal(caption_set_features(t->alone, 0, t->features + (size_t)i * t->feature_count, NULL),
                         CAPTION_OK);
        seen_alone.steps[0] = hash_start;
        seen_alone.done[0] = seen_alone.settled_count[0] = 0;
        assert_int_equal(caption_decode(t->alone, 0, options, &alone, NULL), CAPTION_OK);
        same_result(joint[i], alone, t->info.positions);
        begin_so(joint[i], &seen, i);
        assert_int_equal(seen.done[i], seen_alone.done[0]);
        assert_true(seen.steps[i] == seen_alone.steps[0]);
        others += seen.done[i] != seen.done[0];
    }
    return others;
}

typedef struct joint_case {
    caption_kind kind;
    caption_rnn rnn;
    bool coarse, int8, fine;
    uint32_t cpu;
    int threads;
} joint_case;

/* Sanitizers take ten times as long; they see a third of the beam widths, and each case with one vocabulary.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { WIDTH_STEP = 3, VOCABULARIES = 1 };
#else
enum { WIDTH_STEP = 1, VOCABULARIES = 2 };
#endif

/* Returns how many searches ended at another step than the first of their batch. */
static int run_case(const joint_case *c, int words)
{
    make_model_options model;
    caption_session_options session;
    caption_decode_options decode;
    together t;
    int others = 0;
    make_model_defaults(&model);
    model.kind = c->kind;
    model.rnn = c->rnn;
    model.layers = c->kind == CAPTION_KIND_BASELINE ? 2 : 1;
    model.width = 1;
    model.vocabulary = words;
    model.hidden = HIDDEN;
    model.coarse = c->coarse;
    model.int8 = c->int8;
    model.fine = c->fine;
    caption_session_options_init(&session);
    session.max_beams = 10;
    session.cpu = c->cpu;
    session.threads = c->threads;
    open_all(&t, &model, &session);
    caption_decode_options_init(&decode, t.fix.model);
    decode.max_length = LENGTH;
    for (decode.beams = 1; decode.beams <= 10; decode.beams += WIDTH_STEP) {
        decode.penalty = decode.beams % 2 ? CAPTION_PENALTY_PUBLISHED : CAPTION_PENALTY_CORRECTED;
        decode.min_length = decode.beams % 3;
        decode.logits = decode.beams % 5 == 0;
        others += compare(&t, &decode, decode.beams % 4 ? IMAGES : 1 + decode.beams / 4);
    }
    decode.beams = 3;
    decode.nbest = 2;
    others += compare(&t, &decode, IMAGES);
    decode.search = CAPTION_SEARCH_GREEDY;
    others += compare(&t, &decode, IMAGES);
    close_all(&t);
    return others;
}

static void joint_is_alone(void **state)
{
    static const joint_case cases[] = {
        /* kind, cell, coarse, int8, fine, instruction sets, threads */
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, true, false, false, CAPTION_CPU_ALL, 1},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, true, false, false, CAPTION_CPU_AVX2, 3},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, false, false, false, 0, 1},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_LSTM, true, false, false, CAPTION_CPU_ALL, 2},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_LSTM, false, false, false, CAPTION_CPU_ALL, 1},
        {CAPTION_KIND_BASELINE, CAPTION_RNN_GRU, true, false, false, CAPTION_CPU_ALL, 1},
        {CAPTION_KIND_BASELINE, CAPTION_RNN_LSTM, false, false, false, CAPTION_CPU_ALL, 2},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, false, true, true, CAPTION_CPU_ALL, 1},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_LSTM, false, true, true, CAPTION_CPU_ALL, 2},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, false, true, false, 0, 1},
        {CAPTION_KIND_BASELINE, CAPTION_RNN_GRU, false, true, true, CAPTION_CPU_ALL, 2},
        {CAPTION_KIND_BASELINE, CAPTION_RNN_LSTM, false, true, false, CAPTION_CPU_ALL, 1},
    };
    (void)state;
    int others = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* few words: captions end early; many: most of their logits stay coarse */
        static const int words[] = {37, 403};
        for (size_t v = 0; v < VOCABULARIES; v++) others += run_case(&cases[i], words[(i + v) % 2]);
    }
    assert_true(others > 10); /* images whose searches end at different steps are among them */
}

/* The results of a batch are all there at once. */
static void slots_have_their_own(void **state)
{
    make_model_options model;
    caption_session_options session;
    caption_decode_options decode;
    together t;
    const caption_result *results[IMAGES];
    (void)state;
    make_model_defaults(&model);
    model.width = 1;
    caption_session_options_init(&session);
    open_all(&t, &model, &session);
    caption_decode_options_init(&decode, t.fix.model);
    decode.max_length = LENGTH;
    assert_int_equal(caption_decode_batch(t.joint, IMAGES, &decode, results, NULL), CAPTION_OK);
    for (int i = 1; i < IMAGES; i++) {
        assert_ptr_not_equal(results[i], results[i - 1]);
        assert_ptr_not_equal(results[i]->captions, results[i - 1]->captions);
        assert_ptr_not_equal(results[i]->captions[0].text, results[i - 1]->captions[0].text);
    }
    close_all(&t);
}

static int stop_at_slot(void *user, const caption_progress *progress)
{
    return progress->stage == CAPTION_STAGE_DECODER && progress->slot == *(int *)user;
}

/* A batch that is stopped leaves no result, and the session works on. */
static void stopped(void **state)
{
    make_model_options model;
    caption_session_options session;
    caption_decode_options decode;
    together t;
    const caption_result *results[IMAGES];
    caption_error error;
    (void)state;
    make_model_defaults(&model);
    model.width = 1;
    caption_session_options_init(&session);
    open_all(&t, &model, &session);
    caption_decode_options_init(&decode, t.fix.model);
    decode.max_length = LENGTH;
    for (int slot = 0; slot < IMAGES; slot += IMAGES - 1) {
        decode.progress = stop_at_slot;
        decode.progress_user = &slot;
        assert_int_equal(caption_decode_batch(t.joint, IMAGES, &decode, results, &error),
                         CAPTION_ERROR_ABORTED);
        for (int i = 0; i < IMAGES; i++) assert_null(results[i]);
        (void)compare(&t, &decode, IMAGES);
    }
    close_all(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joint_is_alone),
        cmocka_unit_test(slots_have_their_own),
        cmocka_unit_test(stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
