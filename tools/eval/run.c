/* A data set captioned on several threads; see run.h.
 *
 * Threads meet twice an image: to take the next one and to hand in its caption. */
#include "tools/eval/run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/common/cli.h"
#include "tools/common/progress.h"
#include "tools/eval/metrics.h"

enum { MAX_THREADS = 256 };

typedef struct shared {
    eval_run *run;
    pthread_mutex_t lock; /* over everything below, the run's results, the store, stderr */
    size_t next;
    bool stop;
    tool_error *err;
    tool_progress progress;
} shared;

/* The next image without a caption; NULL when there is none left. */
static const char *take_image(shared *s)
{
    const char *image = NULL;
    (void)pthread_mutex_lock(&s->lock);
    while (!image && !s->stop && s->next < s->run->n_images) {
        image = s->run->images[s->next++];
        if (eval_store_find(s->run->store, image)) image = NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return image;
}

static void stop(shared *s, const tool_error *cause)
{
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)tool_fail(s->err, "%s", cause->message);
    (void)pthread_mutex_unlock(&s->lock);
}

/* caption is NULL if it failed, and cause says why. */
static void hand_in(shared *s, const char *image, const char *caption, const tool_error *cause)
{
    (void)pthread_mutex_lock(&s->lock);
    if (!caption) {
        s->run->failed++;
        tool_progress_clear(&s->progress);
        (void)tool_failure("capeval", cause);
    } else if (eval_store_add(s->run->store, image, caption, s->err)) {
        s->run->captioned++;
    } else {
        s->stop = true;
    }
    tool_progress_update(&s->progress, s->run->earlier + s->run->captioned + s->run->failed);
    (void)pthread_mutex_unlock(&s->lock);
}

static void caption_image_file(shared *s, void *worker, const char *image)
{
    size_t size = strlen(s->run->folder) + strlen(image) + 2;
    char *path = malloc(size);
    char text[EVAL_MAX_CAPTION + 1];
    tool_error cause = {{0}};
    bool ok = path || tool_fail(&cause, "%s: out of memory", image);
    if (ok) {
        (void)snprintf(path, size, "%s/%s", s->run->folder, image);
        ok = s->run->captioner->caption(worker, path, text, sizeof text, &cause);
    }
    hand_in(s, image, ok ? text : NULL, &cause);
    free(path);
}

static void *work(void *argument)
{
    shared *s = argument;
    const eval_captioner *captioner = s->run->captioner;
    tool_error cause = {{0}};
    const char *image = take_image(s);
    void *worker;
    if (!image) return NULL;
    worker = captioner->open(captioner->context, &cause);
    if (!worker) {
        stop(s, &cause);
        return NULL;
    }
    for (; image; image = take_image(s)) caption_image_file(s, worker, image);
    captioner->close(worker);
    return NULL;
}

/* The calling thread works too. */
static void work_in_parallel(shared *s, int threads)
{
    pthread_t others[MAX_THREADS];
    int started = 0;
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    while (started < threads - 1 && pthread_create(&others[started], NULL, work, s) == 0) started++;
    (void)work(s);
    while (started > 0) (void)pthread_join(others[--started], NULL);
}

bool eval_run_images(eval_run *run, tool_error *err)
{
    shared s = {.run = run, .err = err};
    struct timespec from, to;
    size_t i;
    run->captioned = run->earlier = run->failed = 0;
    for (i = 0; i < run->n_images; i++) run->earlier += eval_store_find(run->store, run->images[i]) != NULL;
    if (pthread_mutex_init(&s.lock, NULL) != 0) return tool_fail(err, "can't make a lock");
    tool_progress_begin(&s.progress, "images", run->earlier, run->n_images);
    if (run->quiet) s.progress.active = false;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    work_in_parallel(&s, run->threads);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    tool_progress_end(&s.progress);
    (void)pthread_mutex_destroy(&s.lock);
    run->seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    return !s.stop;
}
