/* Tests of tools/common/crew: every piece is done once, hand-in excludes itself, errors stop the work. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/common/crew.h"

enum { PIECES = 1000 };

typedef struct job {
    atomic_int done[PIECES]; /* how often each piece was worked on */
    int handed_in[PIECES];   /* guarded by the crew */
    atomic_int begun, ended, inside;
    bool overlapped; /* two threads were in hand_in at once */
    size_t bad[2];   /* pieces whose work fails; SIZE_MAX: none */
    size_t bad_hand_in;
    int open_failures; /* workers that can't be made, from the first */
} job;

typedef struct worker {
    job *job;
    size_t result;
} worker;

static void *begin(void *context, tool_error *err)
{
    job *j = context;
    if (atomic_fetch_add(&j->begun, 1) < j->open_failures) {
        (void)tool_fail(err, "no worker");
        return NULL;
    }
    worker *w = calloc(1, sizeof *w);
    if (!w) abort();
    w->job = j;
    return w;
}

static void end(void *argument)
{
    worker *w = argument;
    atomic_fetch_add(&w->job->ended, 1);
    free(w);
}

static bool work(void *context, void *argument, size_t index, tool_error *err)
{
    job *j = context;
    worker *w = argument;
    atomic_fetch_add(&j->done[index], 1);
    if (w) w->result = index * index;
    if (index == j->bad[0] || index == j->bad[1]) return tool_fail(err, "piece %zu failed", index);
    return true;
}

static bool hand_in(void *context, void *argument, size_t index, tool_error *err)
{
    job *j = context;
    const worker *w = argument;
    if (atomic_fetch_add(&j->inside, 1) != 0) j->overlapped = true;
    j->handed_in[index]++;
    if (w && w->result != index * index) j->overlapped = true;
    atomic_fetch_sub(&j->inside, 1);
    return index != j->bad_hand_in || tool_fail(err, "hand-in %zu failed", index);
}

static job j;

static tool_crew start(int threads)
{
    memset(&j, 0, sizeof j);
    j.bad[0] = j.bad[1] = j.bad_hand_in = SIZE_MAX;
    return (tool_crew){.threads = threads,
                       .count = PIECES,
                       .context = &j,
                       .begin = begin,
                       .work = work,
                       .hand_in = hand_in,
                       .end = end};
}

static void every_piece_once(void **state)
{
    static const int threads[] = {-3, 0, 1, 2, 7, 100000};
    (void)state;
    for (size_t k = 0; k < sizeof threads / sizeof threads[0]; k++) {
        const tool_crew crew = start(threads[k]);
        tool_error err = {{0}};
        if (!tool_crew_run(&crew, &err)) fail_msg("%s", err.message);
        for (size_t i = 0; i < PIECES; i++) {
            assert_int_equal(j.done[i], 1);
            assert_int_equal(j.handed_in[i], 1);
        }
        assert_false(j.overlapped);
        assert_int_equal(j.begun, j.ended);
        assert_true(j.begun >= 1 && j.begun <= (threads[k] < 1 ? 1 : TOOL_CREW_MOST));
        assert_string_equal(err.message, "");
    }
}

static void without_workers(void **state)
{
    tool_crew crew = start(3);
    (void)state;
    crew.begin = NULL;
    crew.end = NULL;
    crew.hand_in = NULL;
    assert_true(tool_crew_run(&crew, NULL));
    for (size_t i = 0; i < PIECES; i++) assert_int_equal(j.done[i], 1);
    crew.count = 0;
    assert_true(tool_crew_run(&crew, NULL));
}

static void nothing_to_do(void **state)
{
    tool_crew crew = start(4);
    (void)state;
    crew.count = 0;
    j.open_failures = 1;
    assert_true(tool_crew_run(&crew, NULL)); /* no worker is made, so none can fail */
    assert_int_equal(j.begun, 0);
}

/* Pieces are given out in order: those before the lowest bad one are all done, whatever the timing. */
static void lowest_error_wins(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 8; threads++) {
        const tool_crew crew = start(threads);
        tool_error err = {{0}};
        j.bad[0] = 500;
        j.bad[1] = 501;
        assert_false(tool_crew_run(&crew, &err));
        assert_string_equal(err.message, "piece 500 failed");
        for (size_t i = 0; i < 500; i++) assert_int_equal(j.handed_in[i], 1);
        assert_int_equal(j.handed_in[500], 0);
        assert_int_equal(j.begun, j.ended);
    }
}

static void alone_stops_at_once(void **state)
{
    const tool_crew crew = start(1);
    tool_error err = {{0}};
    (void)state;
    j.bad_hand_in = 3;
    assert_false(tool_crew_run(&crew, &err));
    assert_string_equal(err.message, "hand-in 3 failed");
    assert_int_equal(j.done[3], 1);
    assert_int_equal(j.done[4], 0);
}

static void workers_that_fail(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        const tool_crew crew = start(threads);
        tool_error err = {{0}};
        j.open_failures = threads;
        assert_false(tool_crew_run(&crew, &err));
        assert_string_equal(err.message, "no worker");
        assert_int_equal(j.ended, 0);
        for (size_t i = 0; i < PIECES; i++) assert_int_equal(j.done[i], 0);
    }
}

static void first_error_stays(void **state)
{
    const tool_crew crew = start(2);
    tool_error err = {{0}};
    (void)state;
    j.bad[0] = 0;
    (void)tool_fail(&err, "earlier");
    assert_false(tool_crew_run(&crew, &err));
    assert_string_equal(err.message, "earlier");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_once),    cmocka_unit_test(without_workers),
        cmocka_unit_test(nothing_to_do),       cmocka_unit_test(lowest_error_wins),
        cmocka_unit_test(alone_stops_at_once), cmocka_unit_test(workers_that_fail),
        cmocka_unit_test(first_error_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
