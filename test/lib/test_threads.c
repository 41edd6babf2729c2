/* Tests of the thread pool: every index once, reuse, tiny jobs, sleeping workers, closing. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/platform/threads.h"

#define MAX_COUNT 5000
#define MAX_THREADS 8

typedef struct job {
    atomic_int runs[MAX_COUNT];
    atomic_int bad_threads;
    long per_thread[MAX_THREADS]; /* not atomic: a thread number belongs to one thread at a time */
    int threads;
} job;

static job shared;

static void count_up(void *user, int index, int thread)
{
    job *j = user;
    if (thread < 0 || thread >= j->threads) {
        atomic_fetch_add(&j->bad_threads, 1);
        return;
    }
    atomic_fetch_add(&j->runs[index], 1);
    j->per_thread[thread]++;
}

static cpt_pool *open_pool(void **memory, int threads)
{
    bool failed = true;
    size_t size = cpt_pool_size(threads);
    *memory = size ? aligned_alloc(64, (size + 63) / 64 * 64) : NULL;
    if (size) memset(*memory, 0xA5, size); /* nothing may rely on cleared memory */
    cpt_pool *pool = cpt_pool_init(*memory, threads, &failed);
    assert_false(failed);
    assert_int_equal(cpt_pool_threads(pool), threads);
    return pool;
}

static void check_job(cpt_pool *pool, int count)
{
    long total = 0;
    memset(&shared, 0, sizeof shared);
    shared.threads = cpt_pool_threads(pool);
    cpt_pool_run(pool, count_up, &shared, count);
    for (int i = 0; i < MAX_COUNT; i++) assert_int_equal(atomic_load(&shared.runs[i]), i < count);
    for (int t = 0; t < MAX_THREADS; t++) total += shared.per_thread[t];
    assert_int_equal(total, count);
    assert_int_equal(atomic_load(&shared.bad_threads), 0);
}

static void sleep_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};
    nanosleep(&t, NULL);
}

static void every_index_once(void **state)
{
    static const int counts[] = {0, 1, 2, 3, 7, 64, 1000, MAX_COUNT};
    (void)state;
    for (int threads = 1; threads <= MAX_THREADS; threads++) {
        void *memory;
        cpt_pool *pool = open_pool(&memory, threads);
        if (threads == 1) assert_null(pool);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) check_job(pool, counts[i]);
        cpt_pool_close(pool);
        free(memory);
    }
}

static void record_order(void *user, int index, int thread)
{
    int *next = user;
    assert_int_equal(thread, 0);
    assert_int_equal(index, *next);
    ++*next;
}

static void alone_runs_in_order(void **state)
{
    int next = 0;
    (void)state;
    cpt_pool_run(NULL, record_order, &next, 100);
    assert_int_equal(next, 100);
    assert_int_equal(cpt_pool_size(1), 0);
    assert_int_equal(cpt_pool_size(0), 0);
    cpt_pool_close(NULL);
}

static void add_one(void *user, int index, int thread)
{
    int *values = user; /* plain memory: jobs must order what they write */
    (void)thread;
    values[index]++;
}

/* Each job builds on the one before, so a job that returned too early, or ran twice, shows. */
static void many_tiny_jobs(void **state)
{
    static int values[16];
    enum { JOBS = 20000 };
    (void)state;
    for (int threads = 2; threads <= 4; threads++) {
        void *memory;
        cpt_pool *pool = open_pool(&memory, threads);
        memset(values, 0, sizeof values);
        for (int j = 1; j <= JOBS; j++) {
            int count = 2 + j % 15;
            cpt_pool_run(pool, add_one, values, count);
            for (int i = 0; i < count; i++) values[i]++;
            for (int i = count; i < 16; i++) values[i] += 2;
        }
        for (int i = 0; i < 16; i++) assert_int_equal(values[i], 2 * JOBS);
        cpt_pool_close(pool);
        free(memory);
    }
}

static void workers_wake_up(void **state)
{
    void *memory;
    cpt_pool *pool = open_pool(&memory, 4);
    (void)state;
    for (int i = 0; i < 20; i++) {
        sleep_ms(2); /* longer than workers stay awake */
        check_job(pool, 100);
    }
    cpt_pool_close(pool);
    free(memory);
}

typedef struct meeting {
    atomic_int arrived, met;
} meeting;

static void wait_for_two(void *user, int index, int thread)
{
    meeting *m = user;
    (void)index;
    (void)thread;
    atomic_fetch_add(&m->arrived, 1);
    for (int i = 0; i < 5000 && atomic_load(&m->arrived) < 2; i++) sleep_ms(1);
    if (atomic_load(&m->arrived) == 2) atomic_fetch_add(&m->met, 1);
}

/* Two indexes that wait for one another: only two threads at once can finish in time. */
static void runs_in_parallel(void **state)
{
    void *memory;
    cpt_pool *pool = open_pool(&memory, 2);
    (void)state;
    meeting m;
    atomic_init(&m.arrived, 0);
    atomic_init(&m.met, 0);
    cpt_pool_run(pool, wait_for_two, &m, 2);
    assert_int_equal(atomic_load(&m.met), 2);
    cpt_pool_close(pool);
    free(memory);
}

static void close_at_any_time(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        void *memory;
        cpt_pool *pool = open_pool(&memory, 1 + i % 5);
        if (i % 3 == 1) check_job(pool, 10);
        if (i % 4 == 3) sleep_ms(1);
        cpt_pool_close(pool);
        free(memory);
    }
}

/* ---- faults ---- */

enum { PAGE = 4096 };

static volatile unsigned char *page; /* mapped, but its file has become empty */
static atomic_int faults;

/* Puts a page of zeros in the place of the one that is gone, and lets the access happen again. */
static void replace_page(int number)
{
    (void)number;
    atomic_fetch_add(&faults, 1);
    if (mmap((void *)(uintptr_t)page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED) {
        _exit(1);
    }
}

static void touch_page(void *user, int index, int thread)
{
    (void)user;
    (void)index;
    if (thread != 0 && page[0] != 0) _exit(1);
    sleep_ms(1);
}

/* A program's handler is asked where a worker reads a mapped file that became shorter. */
static void handlers_see_faults_of_workers(void **state)
{
    void *memory;
    struct sigaction action = {.sa_handler = replace_page}, before;
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), PAGE), 0);
    page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(ftruncate(fileno(file), 0), 0);
    assert_int_equal(sigaction(SIGBUS, &action, &before), 0);
    cpt_pool *pool = open_pool(&memory, 2);
    for (int i = 0; i < 1000 && atomic_load(&faults) == 0; i++) cpt_pool_run(pool, touch_page, NULL, 10);
    assert_int_not_equal(atomic_load(&faults), 0);
    cpt_pool_close(pool);
    free(memory);
    (void)sigaction(SIGBUS, &before, NULL);
    (void)munmap((void *)(uintptr_t)page, PAGE);
    (void)fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_once),
        cmocka_unit_test(alone_runs_in_order),
        cmocka_unit_test(many_tiny_jobs),
        cmocka_unit_test(workers_wake_up),
        cmocka_unit_test(runs_in_parallel),
        cmocka_unit_test(close_at_any_time),
        cmocka_unit_test(handlers_see_faults_of_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
