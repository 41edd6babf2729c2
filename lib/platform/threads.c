/* threads.c - see threads.h.  Used by sessions only, one caller at a time.
 *
 * A job is published under the mutex; workers join it under the mutex and then draw indexes from a counter.
 * The caller draws too, and when the counter has run out it closes the job and waits only for those who
 * joined: a worker that wakes late delays nobody. */
#include "lib/platform/threads.h"

#ifdef CAPTION_NO_THREADS

size_t cpt_pool_size(int threads)
{
    (void)threads;
    return 0;
}

cpt_pool *cpt_pool_init(void *memory, int threads, int *failed)
{
    (void)memory;
    *failed = threads > 1;
    return NULL;
}

void cpt_pool_close(cpt_pool *pool)
{
    (void)pool;
}

int cpt_pool_threads(const cpt_pool *pool)
{
    (void)pool;
    return 1;
}

void cpt_pool_run(cpt_pool *pool, cpt_task task, void *user, int count)
{
    (void)pool;
    for (int i = 0; i < count; i++) task(user, i, 0);
}

#else

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* Between two layers of the encoder pass some microseconds, much less than going to sleep and waking up
 * takes: with this, two threads share jobs of 40 us; without it they gain nothing. */
#define SPIN_NS 50000

typedef struct worker {
    cpt_pool *pool;
    pthread_t thread;
    int number; /* 1..threads-1; the caller is 0 */
} worker;

struct cpt_pool {
    pthread_mutex_t mutex;
    pthread_cond_t posted, left;
    /* written under the mutex; atomic because they are watched without it while spinning */
    atomic_uint jobs;   /* jobs posted so far (wrapping), the order to stop included */
    atomic_int joined;  /* workers inside the job */
    int open, stopping; /* guarded by the mutex, as are the next three */
    cpt_task task;
    void *user;
    unsigned count;
    int threads;
    _Alignas(64) atomic_uint next; /* the index to hand out next; may pass count */
    _Alignas(64) worker workers[];
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void spin_until_posted(cpt_pool *pool, unsigned seen)
{
    long long end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 16; i++) {
            if (atomic_load_explicit(&pool->jobs, memory_order_relaxed) != seen) return;
            relax();
        }
    } while (now_ns() < end);
}

static void spin_until_left(cpt_pool *pool)
{
    long long end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 16; i++) {
            if (atomic_load_explicit(&pool->joined, memory_order_relaxed) == 0) return;
            relax();
        }
    } while (now_ns() < end);
}

static void draw(cpt_pool *pool, cpt_task task, void *user, unsigned count, int thread)
{
    for (;;) {
        unsigned i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (i >= count) return;
        task(user, (int)i, thread);
    }
}

static void *work(void *argument)
{
    const worker *self = argument;
    cpt_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        cpt_task task;
        void *user;
        unsigned count;
        spin_until_posted(pool, seen);
        pthread_mutex_lock(&pool->mutex);
        while (atomic_load(&pool->jobs) == seen) pthread_cond_wait(&pool->posted, &pool->mutex);
        seen = atomic_load(&pool->jobs);
        if (pool->stopping) break;
        if (!pool->open) {
            pthread_mutex_unlock(&pool->mutex);
            continue;
        }
        atomic_fetch_add(&pool->joined, 1);
        task = pool->task;
        user = pool->user;
        count = pool->count;
        pthread_mutex_unlock(&pool->mutex);

        draw(pool, task, user, count, self->number);

        pthread_mutex_lock(&pool->mutex);
        if (atomic_fetch_sub(&pool->joined, 1) == 1) pthread_cond_signal(&pool->left);
        pthread_mutex_unlock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

size_t cpt_pool_size(int threads)
{
    if (threads <= 1) return 0;
    return sizeof(cpt_pool) + (size_t)(threads - 1) * sizeof(worker);
}

/* Workers take no signals: those are the application's. */
static int start(worker *w)
{
    sigset_t all, before;
    int status;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return 0;
    status = pthread_create(&w->thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0;
}

cpt_pool *cpt_pool_init(void *memory, int threads, int *failed)
{
    cpt_pool *pool = memory;
    *failed = 0;
    if (threads <= 1) return NULL;
    *failed = 1;
    if (pthread_mutex_init(&pool->mutex, NULL) != 0) return NULL;
    if (pthread_cond_init(&pool->posted, NULL) != 0) goto fail_mutex;
    if (pthread_cond_init(&pool->left, NULL) != 0) goto fail_posted;
    atomic_init(&pool->jobs, 0);
    atomic_init(&pool->joined, 0);
    atomic_init(&pool->next, 0);
    pool->open = pool->stopping = 0;
    for (pool->threads = 1; pool->threads < threads; pool->threads++) {
        worker *w = &pool->workers[pool->threads - 1];
        w->pool = pool;
        w->number = pool->threads;
        if (!start(w)) {
            cpt_pool_close(pool);
            return NULL;
        }
    }
    *failed = 0;
    return pool;
fail_posted:
    pthread_cond_destroy(&pool->posted);
fail_mutex:
    pthread_mutex_destroy(&pool->mutex);
    return NULL;
}

void cpt_pool_close(cpt_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = 1;
    atomic_fetch_add(&pool->jobs, 1);
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 1; i < pool->threads; i++) pthread_join(pool->workers[i - 1].thread, NULL);
    pthread_cond_destroy(&pool->left);
    pthread_cond_destroy(&pool->posted);
    pthread_mutex_destroy(&pool->mutex);
}

int cpt_pool_threads(const cpt_pool *pool)
{
    return pool ? pool->threads : 1;
}

void cpt_pool_run(cpt_pool *pool, cpt_task task, void *user, int count)
{
    if (!pool || count < 2) {
        for (int i = 0; i < count; i++) task(user, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->task = task;
    pool->user = user;
    pool->count = (unsigned)count;
    pool->open = 1;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_fetch_add(&pool->jobs, 1);
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->mutex);

    draw(pool, task, user, (unsigned)count, 0);
    spin_until_left(pool);

    pthread_mutex_lock(&pool->mutex);
    pool->open = 0;
    while (atomic_load(&pool->joined) > 0) pthread_cond_wait(&pool->left, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

#endif
