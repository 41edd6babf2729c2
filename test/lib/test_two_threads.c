/* Two sessions on one model, in two threads at once, give what one session gives alone.  Meant to run under
 * ThreadSanitizer too (`make tsan`). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/fixture.h"

enum { IMAGES = 6, ROUNDS = 2 };

typedef struct expected {
    unsigned char *jpeg;
    size_t size;
    char text[512];
    double score;
} expected;

typedef struct worker {
    const caption_model *model;
    const expected *all; /* [IMAGES] */
    int first, threads;
    char failure[320]; /* "" when all went well; cmocka's assertions belong to the main thread */
} worker;

static void *work(void *user)
{
    worker *w = user;
    caption_session_options options;
    caption_session *session = NULL;
    caption_session_options_init(&options);
    options.threads = w->threads;
    caption_error error;
    if (caption_session_create(&session, w->model, &options, &error) != CAPTION_OK) {
        (void)snprintf(w->failure, sizeof w->failure, "%s", error.message);
        return NULL;
    }
    for (int i = 0; i < IMAGES * ROUNDS && !w->failure[0]; i++) {
        const expected *e = &w->all[(i + w->first) % IMAGES];
        const caption_result *r;
        if (caption_image(session, e->jpeg, e->size, NULL, &r, &error) != CAPTION_OK) {
            (void)snprintf(w->failure, sizeof w->failure, "%s", error.message);
        } else if (strcmp(r->captions[0].text, e->text) != 0 || r->captions[0].score != e->score) {
            (void)snprintf(w->failure, sizeof w->failure, "image %d: another caption",
                           (i + w->first) % IMAGES);
        }
    }
    caption_session_close(&session);
    return NULL;
}

static void prepare(expected *all, const caption_model *model)
{
    caption_session *session = NULL;
    assert_int_equal(caption_session_create(&session, model, NULL, NULL), CAPTION_OK);
    for (uint32_t i = 0; i < IMAGES; i++) {
        all[i].jpeg = fixture_jpeg(i, &all[i].size);
        assert_non_null(all[i].jpeg);
        const caption_result *r;
        assert_int_equal(caption_image(session, all[i].jpeg, all[i].size, NULL, &r, NULL), CAPTION_OK);
        (void)snprintf(all[i].text, sizeof all[i].text, "%s", r->captions[0].text);
        all[i].score = r->captions[0].score;
    }
    caption_session_close(&session);
}

static void both(caption_kind kind, int threads)
{
    make_model_options options;
    make_model_defaults(&options);
    options.kind = kind;
    options.winograd = 1;
    options.coarse = true;
    fixture fix;
    assert_true(fixture_open(&fix, &options));
    expected all[IMAGES];
    prepare(all, fix.model);
    worker workers[2];
    pthread_t ids[2];
    for (int i = 0; i < 2; i++) {
        workers[i] = (worker){.model = fix.model, .all = all, .first = i * 3, .threads = threads};
        assert_int_equal(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(ids[i], NULL), 0);
        assert_string_equal(workers[i].failure, "");
    }
    for (int i = 0; i < IMAGES; i++) free(all[i].jpeg);
    fixture_close(&fix);
}

static void attention(void **state)
{
    (void)state;
    both(CAPTION_KIND_ATTENTION, 1);
}

static void baseline(void **state)
{
    (void)state;
    both(CAPTION_KIND_BASELINE, 1);
}

/* Each session with workers of its own: still the same captions. */
static void pools(void **state)
{
    (void)state;
    both(CAPTION_KIND_ATTENTION, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attention), cmocka_unit_test(baseline),
                                       cmocka_unit_test(pools)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
