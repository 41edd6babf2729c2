/* threads.c - see threads.h.
 *
 * The caller posts a job under the mutex.  Workers join it under the mutex and then take indexes from it.
 * Each thread has a share of the indexes, a run of neighbours, and takes from the other shares when its own
 * is used up.  So the same thread works on the same part of the data from job to job, and still has that part
 * in its cache.  The caller takes indexes too.  When none is left, it closes the job and waits only for the
 * workers that have joined, so a worker that wakes up late delays nobody. */
#include "lib/platform/threads.h"

#ifdef CAPTION_NO_THREADS

size_t cpt_pool_size(int threads)
{
    (void)threads;
    return 0;
}

cpt_pool *cpt_pool_init(void *memory, int threads, bool *failed)
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

/* How long a thread watches for the next job before it sleeps.  Some microseconds pass between two layers of
 * the encoder, much less than falling asleep and waking up takes.  With this, two threads gain from sharing
 * jobs of 40 us; without it they gain nothing. */
#define SPIN_NS 50000

typedef struct worker {
    _Alignas(64) atomic_uint next; /* its share of the job: the index to hand out next, which may pass end */
    unsigned end;
    cpt_pool *pool;
    pthread_t thread;
    int number; /* 0..threads-1; 0 is the caller's, for which no thread was started */
} worker;

struct cpt_pool {
    pthread_mutex_t mutex;
    pthread_cond_t posted, left;
    /* written under the mutex; atomic because they are watched without it */
    atomic_uint jobs;    /* how many were posted, modulo 2^32; the order to stop counts as one */
    atomic_int joined;   /* workers that are taking indexes */
    bool open, stopping; /* guarded by the mutex, as are the next three */
    cpt_task task;
    void *user;
    int threads;
    worker workers[]; /* [threads] */
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

/* Takes the mutex.  Both sides want it when a job begins and when it ends, and hold it for less time than
 * falling asleep and waking up takes. */
static void lock(cpt_pool *pool)
{
    for (int i = 0; i < 100; i++) {
        if (pthread_mutex_trylock(&pool->mutex) == 0) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
}

/* Watches until a job beyond the `seen`-th is posted, for SPIN_NS at most. */
static void watch_for_job(cpt_pool *pool, unsigned seen)
{
    const long long end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 16; i++) {
            if (atomic_load_explicit(&pool->jobs, memory_order_relaxed) != seen) return;
            relax();
        }
    } while (now_ns() < end);
}

/* Watches until every worker has left the job, for SPIN_NS at most. */
static void watch_for_end(cpt_pool *pool)
{
    const long long end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 16; i++) {
            if (atomic_load_explicit(&pool->joined, memory_order_relaxed) == 0) return;
            relax();
        }
    } while (now_ns() < end);
}

/* Runs the task for indexes from the thread's own share, then from the others. */
static void take_indexes(cpt_pool *pool, cpt_task task, void *user, int thread)
{
    for (int i = 0; i < pool->threads; i++) {
        worker *from = &pool->workers[(thread + i) % pool->threads];
        for (;;) {
            const unsigned index = atomic_fetch_add_explicit(&from->next, 1, memory_order_relaxed);
            if (index >= from->end) break;
            task(user, (int)index, thread);
        }
    }
}

static void *work(void *argument)
{
    const worker *self = argument;
    cpt_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        watch_for_job(pool, seen);
        lock(pool);
        while (atomic_load(&pool->jobs) == seen) pthread_cond_wait(&pool->posted, &pool->mutex);
        seen = atomic_load(&pool->jobs);
        if (pool->stopping) break;
        if (!pool->open) {
            pthread_mutex_unlock(&pool->mutex);
            continue;
        }
        atomic_fetch_add(&pool->joined, 1);
        const cpt_task task = pool->task;
        void *user = pool->user;
        pthread_mutex_unlock(&pool->mutex);

        take_indexes(pool, task, user, self->number);

        lock(pool);
        if (atomic_fetch_sub(&pool->joined, 1) == 1) pthread_cond_signal(&pool->left);
        pthread_mutex_unlock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

size_t cpt_pool_size(int threads)
{
    if (threads <= 1) return 0;
    return sizeof(cpt_pool) + (size_t)threads * sizeof(worker);
}

/* Starts a worker, which takes no signals: those are the application's.  The signals of a fault are always
 * taken by the thread that makes it; blocked, they would end the process without asking a handler.  Returns
 * whether it runs. */
static bool start(worker *w)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL};
    sigset_t most, before;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) sigdelset(&most, faults[i]);
    if (pthread_sigmask(SIG_SETMASK, &most, &before) != 0) return false;
    const int status = pthread_create(&w->thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0;
}

cpt_pool *cpt_pool_init(void *memory, int threads, bool *failed)
{
    cpt_pool *pool = memory;
    *failed = threads > 1;
    if (threads <= 1) return NULL;
    if (pthread_mutex_init(&pool->mutex, NULL) != 0) return NULL;
    if (pthread_cond_init(&pool->posted, NULL) != 0) goto fail_mutex;
    if (pthread_cond_init(&pool->left, NULL) != 0) goto fail_posted;
    atomic_init(&pool->jobs, 0);
    atomic_init(&pool->joined, 0);
    for (int i = 0; i < threads; i++) atomic_init(&pool->workers[i].next, 0);
    pool->open = pool->stopping = false;
    for (pool->threads = 1; pool->threads < threads; pool->threads++) {
        worker *w = &pool->workers[pool->threads];
        w->pool = pool;
        w->number = pool->threads;
        if (!start(w)) {
            cpt_pool_close(pool);
            return NULL;
        }
    }
    *failed = false;
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
    pool->stopping = true;
    atomic_fetch_add(&pool->jobs, 1);
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 1; i < pool->threads; i++) pthread_join(pool->workers[i].thread, NULL);
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
    lock(pool);
    pool->task = task;
    pool->user = user;
    pool->open = true;
    for (int i = 0; i < pool->threads; i++) {
        const unsigned first = (unsigned)((long long)count * i / pool->threads);
        atomic_store_explicit(&pool->workers[i].next, first, memory_order_relaxed);
        pool->workers[i].end = (unsigned)((long long)count * (i + 1) / pool->threads);
    }
    atomic_fetch_add(&pool->jobs, 1);
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->mutex);

    take_indexes(pool, task, user, 0);
    watch_for_end(pool);

    lock(pool);
    pool->open = false;
    while (atomic_load(&pool->joined) > 0) pthread_cond_wait(&pool->left, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

#endif
