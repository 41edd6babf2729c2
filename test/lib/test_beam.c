/* Tests of the beam alone, with log-probabilities made by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/decoder/beam.h"

enum { END = 2, A = 4, B, C, D, MAX_WIDTH = 5, MAX_LENGTH = 6 };

/* A beam in memory of just its size, so that sanitizers see every step beyond it. */
typedef struct test_beam {
    cpt_beam beam;
    void *memory;
} test_beam;

static cpt_beam *open_beam(test_beam *t, int width, double length_alpha)
{
    cpt_arena arena;
    cpt_arena_init(&arena, NULL, 0);
    cpt_beam_plan(&t->beam, &arena, MAX_WIDTH, MAX_LENGTH);
    t->memory = aligned_alloc(CPT_ALIGN, (arena.used + CPT_ALIGN - 1) / CPT_ALIGN * CPT_ALIGN);
    assert_non_null(t->memory);
    cpt_arena_init(&arena, t->memory, arena.used);
    cpt_beam_plan(&t->beam, &arena, MAX_WIDTH, MAX_LENGTH);
    assert_false(arena.failed);
    cpt_beam_start(&t->beam, width, length_alpha, END);
    return &t->beam;
}

static void close_beam(test_beam *t)
{
    free(t->memory);
}

/* Asserts that row `row` is alive and has this last token and this sum. */
static void check_row(const cpt_beam *beam, int row, int token, double score)
{
    assert_true(row < beam->alive_count);
    int count;
    const cpt_used_word *words = cpt_beam_words(beam, row, &count);
    assert_true(count > 0);
    assert_int_equal(words[0].token, token);
    assert_true(cpt_beam_score(beam, row) == score);
}

/* `wanted`: the row's words and how often it has each, "A2 B1". */
static void check_words(const cpt_beam *beam, int row, const char *wanted)
{
    char text[128] = "";
    int count;
    const cpt_used_word *words = cpt_beam_words(beam, row, &count);
    for (int i = 0; i < count; i++) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%c%d", i ? " " : "", 'A' + words[i].token - A,
                       words[i].times);
    }
    assert_string_equal(text, wanted);
}

static void check_done(const cpt_beam *beam, int place, int token, double score)
{
    assert_true(place < beam->done_count);
    assert_int_equal(beam->nodes[beam->done[place].node].token, token);
    assert_true(fabs(beam->done[place].score - score) < 1e-12);
}

static void begins_empty(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 3, 1);
    (void)state;
    assert_int_equal(beam->alive_count, 1);
    assert_int_equal(cpt_beam_slots(beam), 3);
    int count = -1;
    (void)cpt_beam_words(beam, 0, &count);
    assert_int_equal(count, 0);
    assert_true(cpt_beam_score(beam, 0) == 0);
    cpt_beam_finish(beam); /* a hypothesis without tokens is no caption */
    assert_int_equal(beam->done_count, 0);
    assert_int_equal(beam->alive_count, 0);
    close_beam(&t);
}

/* The children of several rows compete; sums, tokens and parents follow them. */
static void keeps_the_best(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 2, 1);
    (void)state;
    cpt_beam_offer(beam, 0, A, -1);
    cpt_beam_offer(beam, 0, B, -2);
    cpt_beam_offer(beam, 0, C, -3);
    cpt_beam_advance(beam);
    assert_int_equal(beam->alive_count, 2);
    check_row(beam, 0, A, -1);
    check_row(beam, 1, B, -2);
    cpt_beam_offer(beam, 0, A, -4);    /* -5 */
    cpt_beam_offer(beam, 0, B, -5);    /* -6 */
    cpt_beam_offer(beam, 1, C, -0.5f); /* -2.5 */
    cpt_beam_offer(beam, 1, D, -1);    /* -3 */
    cpt_beam_advance(beam);
    assert_int_equal(beam->alive_count, 2);
    check_row(beam, 0, C, -2.5);
    check_row(beam, 1, D, -3);
    assert_int_equal(beam->parents[0], 1);
    assert_int_equal(beam->parents[1], 1);
    check_words(beam, 1, "D1 B1");
    close_beam(&t);
}

/* Each row counts its own words, whichever row it comes from; the word that came last stands first. */
static void counts_words(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 2, 1);
    (void)state;
    cpt_beam_offer(beam, 0, A, -1);
    cpt_beam_offer(beam, 0, B, -2);
    cpt_beam_advance(beam);
    cpt_beam_offer(beam, 0, A, -1); /* A A, then B A */
    cpt_beam_offer(beam, 1, A, -2);
    cpt_beam_advance(beam);
    check_words(beam, 0, "A2");
    check_words(beam, 1, "A1 B1");
    cpt_beam_offer(beam, 1, B, -0.5f); /* B A B before A A C */
    cpt_beam_offer(beam, 0, C, -9);
    cpt_beam_advance(beam);
    check_words(beam, 0, "B2 A1");
    check_words(beam, 1, "C1 A2");
    cpt_beam_start(beam, 2, 1, END); /* a new search has no words */
    check_words(beam, 0, "");
    close_beam(&t);
}

/* Of equal scores the one that was offered first wins: within a row, and the lower row. */
static void ties(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 2, 1);
    (void)state;
    cpt_beam_offer(beam, 0, D, -1);
    cpt_beam_offer(beam, 0, B, -1);
    cpt_beam_offer(beam, 0, A, -1);
    cpt_beam_advance(beam);
    check_row(beam, 0, D, -1);
    check_row(beam, 1, B, -1);
    cpt_beam_offer(beam, 0, A, -3);
    cpt_beam_offer(beam, 0, B, -4);
    cpt_beam_offer(beam, 1, C, -2);
    cpt_beam_offer(beam, 1, D, -3);
    cpt_beam_advance(beam);
    check_row(beam, 0, C, -3);
    check_row(beam, 1, A, -4); /* row 0 came before row 1 */
    close_beam(&t);
}

static void not_a_number(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 3, 1);
    (void)state;
    cpt_beam_offer(beam, 0, A, NAN);
    cpt_beam_offer(beam, 0, B, -INFINITY);
    cpt_beam_offer(beam, 0, C, -2);
    cpt_beam_offer(beam, 0, D, NAN);
    cpt_beam_advance(beam);
    assert_int_equal(beam->alive_count, 3);
    check_row(beam, 0, C, -2);
    check_row(beam, 1, B, (double)-INFINITY);
    assert_int_equal(beam->nodes[beam->alive[2]].token, A); /* the first of those that are NaN */
    assert_true(isnan(cpt_beam_score(beam, 2)));
    cpt_beam_offer(beam, 2, END, -1); /* NaN - 1 */
    cpt_beam_offer(beam, 0, END, -1);
    cpt_beam_advance(beam);
    assert_int_equal(beam->done_count, 2);
    check_done(beam, 0, END, -1.5);
    assert_true(isnan(beam->done[1].score));
    close_beam(&t);
}

static void all_nan(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 2, 0.7);
    (void)state;
    for (int step = 0; step < MAX_LENGTH; step++) {
        const int rows = beam->alive_count;
        for (int r = 0; r < rows; r++) {
            for (int token = A; token <= D; token++) cpt_beam_offer(beam, r, token, NAN);
        }
        cpt_beam_advance(beam);
        assert_int_equal(beam->alive_count, 2);
    }
    cpt_beam_finish(beam);
    assert_int_equal(beam->done_count, 2);
    close_beam(&t);
}

static void all_end_at_once(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 3, 1);
    (void)state;
    cpt_beam_offer(beam, 0, A, -1);
    cpt_beam_offer(beam, 0, B, -2);
    cpt_beam_offer(beam, 0, C, -3);
    cpt_beam_advance(beam);
    for (int r = 0; r < 3; r++) {
        cpt_beam_offer(beam, r, END, -1);
        cpt_beam_offer(beam, r, A, -9);
    }
    cpt_beam_advance(beam);
    assert_int_equal(beam->alive_count, 0);
    assert_int_equal(beam->done_count, 3);
    assert_int_equal(cpt_beam_slots(beam), 0);
    cpt_beam_finish(beam);
    assert_int_equal(beam->done_count, 3);
    check_done(beam, 0, END, -1); /* (-1 - 1) / 2 */
    check_done(beam, 1, END, -1.5);
    check_done(beam, 2, END, -2);
    close_beam(&t);
}

/* Two words and a beam of five: 1, 2, 4 and 5 rows. */
static void fewer_words_than_beams(void **state)
{
    static const int rows_after[] = {2, 4, 5, 5};
    test_beam t;
    cpt_beam *beam = open_beam(&t, 5, 1);
    (void)state;
    for (int step = 0; step < 4; step++) {
        const int rows = beam->alive_count;
        for (int r = 0; r < rows; r++) {
            cpt_beam_offer(beam, r, A, -1);
            cpt_beam_offer(beam, r, B, -3);
        }
        cpt_beam_advance(beam);
        assert_int_equal(beam->alive_count, rows_after[step]);
    }
    check_row(beam, 0, A, -4);
    check_row(beam, 4, A, -6); /* A A A B, A A B A and A B A A were there before B A A A */
    cpt_beam_finish(beam);
    assert_int_equal(beam->done_count, 5);
    close_beam(&t);
}

/* 2^24 and 1 have no sum in float.  In double the longer caption is worse, by just 1. */
static void sums_in_double(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 2, 0);
    (void)state;
    cpt_beam_offer(beam, 0, A, -16777216);
    cpt_beam_offer(beam, 0, END, -16777216);
    cpt_beam_advance(beam);
    cpt_beam_offer(beam, 0, END, -1);
    cpt_beam_advance(beam);
    check_done(beam, 0, END, -16777216);
    check_done(beam, 1, END, -16777217);
    close_beam(&t);
}

/* A step that was offered nothing ends the search. */
static void no_words(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 2, 1);
    (void)state;
    cpt_beam_advance(beam);
    assert_int_equal(beam->alive_count, 0);
    cpt_beam_finish(beam);
    assert_int_equal(beam->done_count, 0);
    close_beam(&t);
}

/* A finished hypothesis keeps its slot, however bad it is beside what comes later. */
static void finished_takes_a_slot(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 2, 0);
    (void)state;
    cpt_beam_offer(beam, 0, A, -1);
    cpt_beam_offer(beam, 0, END, -50);
    cpt_beam_advance(beam);
    assert_int_equal(beam->done_count, 1);
    assert_int_equal(beam->alive_count, 1);
    assert_int_equal(cpt_beam_slots(beam), 1);
    cpt_beam_offer(beam, 0, B, -1);
    cpt_beam_offer(beam, 0, C, -1.5f);
    cpt_beam_advance(beam);
    assert_int_equal(beam->alive_count, 1);
    check_row(beam, 0, B, -2);
    cpt_beam_offer(beam, 0, END, -1);
    cpt_beam_offer(beam, 0, C, -2);
    cpt_beam_advance(beam);
    assert_int_equal(beam->alive_count, 0);
    cpt_beam_finish(beam);
    assert_int_equal(beam->done_count, 2);
    check_done(beam, 0, END, -3);
    check_done(beam, 1, END, -50);
    close_beam(&t);
}

/* The tokens that all hypotheses begin with, "AB". */
static void check_settled(const cpt_beam *beam, const char *wanted)
{
    int tokens[MAX_LENGTH];
    const int count = cpt_beam_settled(beam, tokens);
    assert_int_equal(count, strlen(wanted));
    for (int i = 0; i < count; i++) assert_int_equal(tokens[i], wanted[i] - 'A' + A);
}

/* A B, A C; then both go on from A C, as A C A and A C B; then one ends, and the other doesn't settle more.
 */
static void settles(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 2, 0);
    (void)state;
    check_settled(beam, "");
    cpt_beam_offer(beam, 0, A, -1);
    cpt_beam_advance(beam);
    check_settled(beam, "A");
    cpt_beam_offer(beam, 0, B, -1);
    cpt_beam_offer(beam, 0, C, -2);
    cpt_beam_advance(beam);
    check_settled(beam, "A");
    cpt_beam_offer(beam, 1, A, -1);
    cpt_beam_offer(beam, 1, B, -2);
    cpt_beam_offer(beam, 0, C, -90);
    cpt_beam_advance(beam);
    check_settled(beam, "AC");
    cpt_beam_offer(beam, 0, END, -1);
    cpt_beam_offer(beam, 1, D, -1);
    cpt_beam_advance(beam);
    check_settled(beam, "AC");
    cpt_beam_offer(beam, 0, D, -1);
    cpt_beam_advance(beam);
    check_settled(beam, "AC");
    cpt_beam_finish(beam);
    check_settled(beam, "AC");
    close_beam(&t);
}

/* Divided by length^0.5, a longer caption of a smaller sum can be the better one. */
static void length_normalisation(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 3, 0.5);
    (void)state;
    cpt_beam_offer(beam, 0, END, -3); /* -3 / 1 */
    cpt_beam_offer(beam, 0, A, -1);
    cpt_beam_advance(beam);
    cpt_beam_offer(beam, 0, B, -1);
    cpt_beam_advance(beam);
    cpt_beam_offer(beam, 0, C, -1);
    cpt_beam_offer(beam, 0, END, -2); /* -4 / sqrt(3) = -2.3094010767585034 */
    cpt_beam_advance(beam);
    cpt_beam_offer(beam, 0, END, -1); /* -4 / sqrt(4) = -2 */
    cpt_beam_advance(beam);
    cpt_beam_finish(beam);
    assert_int_equal(beam->done_count, 3);
    check_done(beam, 0, END, -2);
    check_done(beam, 1, END, -2.3094010767585034);
    check_done(beam, 2, END, -3);
    assert_int_equal(beam->nodes[beam->done[0].node].length, 4);
    assert_true(beam->nodes[beam->done[0].node].score == -4);
    close_beam(&t);
}

/* The hypotheses left alive are finished too; equal scores stay in the order in which they finished. */
static void final_order(void **state)
{
    test_beam t;
    cpt_beam *beam = open_beam(&t, 4, 1);
    (void)state;
    cpt_beam_offer(beam, 0, A, -1);
    cpt_beam_offer(beam, 0, END, -2);
    cpt_beam_offer(beam, 0, B, -5);
    cpt_beam_advance(beam);
    cpt_beam_offer(beam, 0, C, -1); /* -2 / 2 */
    cpt_beam_offer(beam, 0, D, -3); /* -4 / 2: as good as <end>, which finished before */
    cpt_beam_offer(beam, 1, C, -7); /* -12 / 2 */
    cpt_beam_advance(beam);
    cpt_beam_finish(beam);
    assert_int_equal(beam->alive_count, 0);
    assert_int_equal(beam->done_count, 4);
    check_done(beam, 0, C, -1);
    check_done(beam, 1, END, -2);
    check_done(beam, 2, D, -2);
    check_done(beam, 3, C, -6);
    close_beam(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_empty),
        cmocka_unit_test(keeps_the_best),
        cmocka_unit_test(counts_words),
        cmocka_unit_test(ties),
        cmocka_unit_test(not_a_number),
        cmocka_unit_test(all_nan),
        cmocka_unit_test(all_end_at_once),
        cmocka_unit_test(fewer_words_than_beams),
        cmocka_unit_test(sums_in_double),
        cmocka_unit_test(no_words),
        cmocka_unit_test(settles),
        cmocka_unit_test(finished_takes_a_slot),
        cmocka_unit_test(length_normalisation),
        cmocka_unit_test(final_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
