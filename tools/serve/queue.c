/* Images that wait; see queue.h. */
#include "tools/serve/queue.h"

#include <time.h>

#include "tools/common/clock.h"

bool serve_queue_begin(serve_queue *queue, size_t room, int max_wait, tool_error *err)
{
    pthread_condattr_t clock;
    *queue = (serve_queue){.room = room, .max_wait = max_wait};
    if (pthread_mutex_init(&queue->lock, NULL) != 0) return tool_fail(err, "threads: can't make a lock");
    bool ok = pthread_condattr_init(&clock) == 0;
    if (ok) {
        ok = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0 &&
             pthread_cond_init(&queue->more, &clock) == 0;
        (void)pthread_condattr_destroy(&clock);
    }
    if (ok) return true;
    (void)pthread_mutex_destroy(&queue->lock);
    return tool_fail(err, "threads: can't make a lock");
}

void serve_queue_end(serve_queue *queue)
{
    (void)pthread_cond_destroy(&queue->more);
    (void)pthread_mutex_destroy(&queue->lock);
}

static void append(serve_queue *q, serve_job *job)
{
    job->next = NULL;
    if (q->last) q->last->next = job;
    if (!q->last) q->first = job;
    q->last = job;
    q->count++;
}

static serve_job *remove_first(serve_queue *q)
{
    serve_job *job = q->first;
    q->first = job->next;
    if (!q->first) q->last = NULL;
    q->count--;
    return job;
}

bool serve_queue_put(serve_queue *queue, serve_job *const *jobs, size_t count)
{
    const double now = tool_now_ms();
    (void)pthread_mutex_lock(&queue->lock);
    const bool fits = queue->count == 0 || (count <= queue->room && queue->count <= queue->room - count);
    const bool ok = fits && !queue->stopped;
    for (size_t i = 0; ok && i < count; i++) {
        jobs[i]->since = now;
        append(queue, jobs[i]);
    }
    if (ok) (void)pthread_cond_broadcast(&queue->more);
    (void)pthread_mutex_unlock(&queue->lock);
    return ok;
}

/* Waits for more jobs to be encoded together with the first, but not beyond its time. */
static void wait_for_company(serve_queue *q, size_t most)
{
    const double until = q->first->since + q->max_wait;
    struct timespec stop;
    stop.tv_sec = (time_t)(until / 1e3);
    stop.tv_nsec = (long)((until - (double)stop.tv_sec * 1e3) * 1e6);
    while (q->first && q->count < most && !q->stopped && tool_now_ms() < until) {
        if (pthread_cond_timedwait(&q->more, &q->lock, &stop) != 0) break;
    }
}

size_t serve_queue_take(serve_queue *queue, serve_job **jobs, size_t most)
{
    serve_queue *q = queue;
    size_t taken = 0;
    (void)pthread_mutex_lock(&q->lock);
    q->idle++;
    do {
        while (!q->first && !q->stopped) (void)pthread_cond_wait(&q->more, &q->lock);
        if (q->first && q->max_wait) wait_for_company(q, most);
    } while (!q->first && !q->stopped); /* another worker may have taken them meanwhile */
    const size_t share = (q->count + q->idle - 1) / q->idle;
    while (q->first && taken < most && taken < share) jobs[taken++] = remove_first(q);
    q->idle--;
    (void)pthread_mutex_unlock(&q->lock);
    return taken;
}

void serve_queue_drop_gone(serve_queue *queue)
{
    serve_job *gone = NULL, *next;
    (void)pthread_mutex_lock(&queue->lock);
    serve_job *job = queue->first;
    queue->first = queue->last = NULL;
    queue->count = 0;
    for (; job; job = next) {
        next = job->next;
        if (job->gone(job)) {
            job->next = gone;
            gone = job;
        } else {
            append(queue, job);
        }
    }
    (void)pthread_mutex_unlock(&queue->lock);
    for (job = gone; job; job = next) {
        next = job->next;
        job->finish(job, SERVE_GONE, NULL);
    }
}

void serve_queue_stop(serve_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->stopped = true;
    (void)pthread_cond_broadcast(&queue->more);
    (void)pthread_mutex_unlock(&queue->lock);
}

size_t serve_queue_length(serve_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    const size_t count = queue->count;
    (void)pthread_mutex_unlock(&queue->lock);
    return count;
}
