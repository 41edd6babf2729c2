/* Tests of the vocabulary product from int16 weights: it must choose exactly what the whole weights choose.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/model.h"
#include "lib/platform/cpu.h"
#include "test/fixture.h"

enum { WORDS = 1003, HIDDEN = 37, ROWS = 18, BEST = 5, KNOWN = 7 };

static float uniform(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return (float)(*random >> 8) / (float)(1 << 23) - 1;
}

typedef struct product {
    fixture fix;
    cptk_kernels kernels;
    cpt_decoder_run run;
    void *memory;
    float *whole; /* [ROWS, WORDS] */
} product;

static void open_product(product *p, uint32_t cpu)
{
    make_model_options options;
    cpt_arena arena;
    uint32_t random = 5;
    memset(p, 0, sizeof *p);
    make_model_defaults(&options);
    options.kind = CAPTION_KIND_BASELINE;
    options.width = 1;
    options.layers = 2;
    options.vocabulary = WORDS;
    options.hidden = HIDDEN;
    options.screen = 1;
    assert_true(fixture_open(&p->fix, &options));
    cptk_kernels_init(&p->kernels, cpu);
    p->run.decoder = &p->fix.model->decoder;
    p->run.kernels = &p->kernels;
    p->run.positions = 1;
    assert_non_null(p->run.decoder->screen.pairs);
    cpt_arena_init(&arena, NULL, 0);
    cpt_decoder_plan(&p->run, &arena, ROWS, 1);
    p->memory = aligned_alloc(CPT_ALIGN, (arena.used + CPT_ALIGN - 1) / CPT_ALIGN * CPT_ALIGN);
    assert_non_null(p->memory);
    cpt_arena_init(&arena, p->memory, arena.used);
    cpt_decoder_plan(&p->run, &arena, ROWS, 1);
    for (int i = 0; i < 2 * ROWS * HIDDEN; i++) p->run.h_next[i] = uniform(&random);
    p->whole = malloc(ROWS * WORDS * sizeof *p->whole);
    assert_non_null(p->whole);
    cpt_vocabulary_start(&p->run, ROWS, 1);
    assert_int_equal(p->run.rounded, 0);
    memcpy(p->whole, p->run.logits, ROWS * WORDS * sizeof *p->whole);
}

static void close_product(product *p)
{
    free(p->whole);
    free(p->memory);
    fixture_close(&p->fix);
}

/* States of all sizes: the bound follows; of nothing, or next to it, everything is known. */
static void sizes(void **state)
{
    static const float factors[] = {0, 1e-44f, 1e-36f, 1e-30f, 1e-3f, 1e3f, 1e12f};
    (void)state;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        product p;
        open_product(&p, CAPTION_CPU_ALL & cpt_cpu_detect());
        for (int k = 0; k < ROWS * HIDDEN; k++) p.run.h_next[ROWS * HIDDEN + k] *= factors[i];
        cpt_vocabulary_start(&p.run, ROWS, 1);
        memcpy(p.whole, p.run.logits, ROWS * WORDS * sizeof *p.whole);
        cpt_vocabulary_start(&p.run, ROWS, 0);
        for (int r = 0; r < ROWS; r++) {
            const double bound = cpt_vocabulary_error(&p.run, r, 0);
            assert_true(bound < 1e-5 + 1e-2 * (double)factors[i] * sqrt(HIDDEN));
            for (int w = 0; w < WORDS; w++)
                assert_true(fabs((double)p.run.logits[r * WORDS + w] - (double)p.whole[r * WORDS + w]) <=
                            bound);
        }
        close_product(&p);
    }
}

static void check_bound(const product *p)
{
    double most = 0;
    for (int r = 0; r < ROWS; r++) {
        const double bound = cpt_vocabulary_error(&p->run, r, 0);
        for (int w = 0; w < WORDS; w++) {
            const double off = fabs((double)p->run.logits[r * WORDS + w] - (double)p->whole[r * WORDS + w]);
            assert_true(off <= bound);
            if (off > most) most = off;
        }
    }
    assert_true(most > 1e-6); /* they are rounded */
}

/* The best words and the known one have the whole product's logits, to the bit. */
static void check_best(product *p, int rows)
{
    int index[BEST], wanted[BEST], same = 0;
    float value[BEST], best[BEST], lse, whole_lse;
    for (int r = 0; r < rows; r++) {
        const float *logits = p->run.logits + r * WORDS, *whole = p->whole + r * WORDS;
        p->kernels.top_lse(logits, WORDS, BEST, index, value, &lse);
        p->kernels.top_lse(whole, WORDS, BEST, wanted, best, &whole_lse);
        assert_memory_equal(index, wanted, sizeof index);
        assert_memory_equal(value, best, sizeof value);
        assert_memory_equal(&logits[KNOWN], &whole[KNOWN], sizeof *logits);
        assert_true(fabsf(lse - whole_lse) < 3e-5f);
        for (int w = 0; w < WORDS; w++) same += logits[w] == whole[w];
    }
    /* the rest was not computed again; the best words of many rows are everywhere */
    if (rows <= 5) assert_true(same < rows * WORDS * 4 / 5);
}

static void best_words(void **state)
{
    static const uint32_t masks[] = {0, CAPTION_CPU_AVX2, CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512,
                                     CAPTION_CPU_ALL};
    static const int counts[] = {1, 5, ROWS};
    (void)state;
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        product p;
        open_product(&p, masks[m] & cpt_cpu_detect());
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            int index[BEST];
            float value[BEST], lse;
            cpt_vocabulary_start(&p.run, ROWS, 0);
            assert_int_equal(p.run.rounded, 1);
            check_bound(&p);
            cpt_vocabulary_start(&p.run, counts[i], 0);
            for (int r = 0; r < counts[i]; r++) {
                p.kernels.top_lse(p.run.logits + r * WORDS, WORDS, BEST, index, value, &lse);
                cpt_vocabulary_doubt(&p.run, r,
                                     value[BEST - 1] - 2 * (float)cpt_vocabulary_error(&p.run, r, lse));
            }
            cpt_vocabulary_doubt_word(&p.run, KNOWN);
            cpt_vocabulary_finish(&p.run);
            check_best(&p, counts[i]);
        }
        close_product(&p);
    }
}

/* A state that is no number leaves nothing certain: every logit is computed again. */
static void not_a_number(void **state)
{
    product p;
    (void)state;
    open_product(&p, CAPTION_CPU_ALL & cpt_cpu_detect());
    p.run.h_next[(ROWS + 1) * HIDDEN] = NAN;
    p.run.h_next[(ROWS + 2) * HIDDEN] = INFINITY;
    cpt_vocabulary_start(&p.run, 3, 0);
    assert_true(isnan(cpt_vocabulary_error(&p.run, 1, 0)));
    assert_true(isinf(cpt_vocabulary_error(&p.run, 2, 0)));
    cpt_vocabulary_doubt(&p.run, 1, NAN);
    cpt_vocabulary_finish(&p.run);
    assert_memory_equal(p.run.logits, p.whole, WORDS * sizeof *p.whole); /* row 0 */
    close_product(&p);
}

static int see_logits(void *user, const caption_progress *progress)
{
    *(int *)user += progress->logits != NULL;
    return 0;
}

typedef struct settings {
    caption_kind kind;
    caption_rnn rnn;
    int beams, threads;
    float penalty;
} settings;

/* The caption with these words, or NULL. */
static const caption_text *find_caption(const caption_result *result, const caption_text *like)
{
    for (int i = 0; i < result->count; i++) {
        const caption_text *c = &result->captions[i];
        if (c->length == like->length && memcmp(c->ids, like->ids, (size_t)c->length * sizeof *c->ids) == 0)
            return c;
    }
    return NULL;
}

/* A model with and one without int16 weights say the same. */
static void compare_captions(const settings *s)
{
    make_model_options options;
    caption_session_options session_options;
    caption_decode_options decode;
    caption_session *session[3] = {NULL};
    fixture fix[2];
    int seen = 0;
    make_model_defaults(&options);
    options.kind = s->kind;
    options.rnn = s->rnn;
    options.vocabulary = WORDS;
    options.hidden = HIDDEN;
    caption_session_options_init(&session_options);
    session_options.max_beams = s->beams;
    session_options.threads = s->threads;
    for (int i = 0; i < 2; i++) {
        options.screen = i;
        assert_true(fixture_open(&fix[i], &options));
        assert_int_equal(caption_session_create(&session[i], fix[i].model, &session_options, NULL),
                         CAPTION_OK);
    }
    caption_decode_options_init(&decode, fix[0].model);
    decode.beams = s->beams;
    decode.repetition_penalty = s->penalty;
    decode.min_length = 9;
    decode.progress_user = &seen;
    for (uint32_t seed = 0; seed < 4; seed++) {
        const caption_pixel_view view = fixture_pixels(seed);
        const caption_result *r[2];
        for (int i = 0; i < 2; i++)
            assert_int_equal(caption_pixels(session[i], &view, &decode, &r[i], NULL), CAPTION_OK);
        assert_int_equal(r[0]->count, r[1]->count);
        for (int c = 0; c < r[0]->count; c++) {
            const caption_text *got = &r[1]->captions[c], *want = find_caption(r[0], got);
            assert_non_null(want);
            assert_true(fabs(got->score - want->score) < 1e-4);
            /* its place is the same too, unless the two scores can hardly be told apart */
            assert_true(fabs(got->score - r[0]->captions[c].score) < 1e-4);
        }
        /* asked for, all logits are whole, and so is the sum over them */
        decode.progress = see_logits;
        decode.logits = 1;
        assert_int_equal(caption_pixels(session[1], &view, &decode, &r[1], NULL), CAPTION_OK);
        assert_true(r[1]->captions[0].score == r[0]->captions[0].score);
        assert_true(seen > 0);
        seen = decode.logits = 0;
        assert_int_equal(caption_pixels(session[1], &view, &decode, &r[1], NULL), CAPTION_OK);
        assert_int_equal(seen, 0);
        decode.progress = NULL;
    }
    for (int i = 0; i < 2; i++) {
        caption_session_close(&session[i]);
        fixture_close(&fix[i]);
    }
}

static void same_captions(void **state)
{
    static const settings all[] = {
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, 1, 1, 1.2f},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, 5, 1, 1.2f},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_LSTM, 3, 2, 1.0f},
        {CAPTION_KIND_BASELINE, CAPTION_RNN_GRU, 20, 1, 0.8f},
        {CAPTION_KIND_BASELINE, CAPTION_RNN_LSTM, 10, 2, 2.0f},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) compare_captions(&all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_words),
        cmocka_unit_test(not_a_number),
        cmocka_unit_test(sizes),
        cmocka_unit_test(same_captions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
