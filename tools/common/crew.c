/* Threads that share numbered pieces of work; see crew.h. */
#include "tools/common/crew.h"

#include <pthread.h>
#include <stdint.h>

typedef struct shared {
    const tool_crew *crew;
    pthread_mutex_t giving; /* guards what follows */
    size_t next;            /* the first piece that was not given out */
    size_t failed;          /* the lowest piece that failed; SIZE_MAX: none did */
    tool_error err;         /* of that piece */
    pthread_mutex_t taking; /* held while a result is handed in */
} shared;

/* The next piece; false if there is none, or if one has failed. */
static bool take(shared *s, size_t *index)
{
    (void)pthread_mutex_lock(&s->giving);
    const bool any = s->failed == SIZE_MAX && s->next < s->crew->count;
    if (any) *index = s->next++;
    (void)pthread_mutex_unlock(&s->giving);
    return any;
}

static void report(shared *s, size_t index, const tool_error *err)
{
    (void)pthread_mutex_lock(&s->giving);
    if (index < s->failed) {
        s->failed = index;
        s->err = *err;
    }
    (void)pthread_mutex_unlock(&s->giving);
}

static bool hand_in(shared *s, void *worker, size_t index, tool_error *err)
{
    if (!s->crew->hand_in) return true;
    (void)pthread_mutex_lock(&s->taking);
    const bool ok = s->crew->hand_in(s->crew->context, worker, index, err);
    (void)pthread_mutex_unlock(&s->taking);
    return ok;
}

static void *run_thread(void *argument)
{
    shared *s = argument;
    const tool_crew *crew = s->crew;
    void *worker = NULL;
    bool begun = false;
    for (size_t index; take(s, &index);) {
        tool_error err = {{0}};
        if (!begun && crew->begin) worker = crew->begin(crew->context, &err);
        begun = begun || !crew->begin || worker;
        if (!begun || !crew->work(crew->context, worker, index, &err) || !hand_in(s, worker, index, &err)) {
            report(s, index, &err);
            break;
        }
    }
    if (begun && crew->end) crew->end(worker);
    return NULL;
}

static void run_threads(shared *s, size_t most)
{
    pthread_t others[TOOL_CREW_MOST];
    size_t started = 0;
    while (started + 1 < most && pthread_create(&others[started], NULL, run_thread, s) == 0) started++;
    (void)run_thread(s);
    while (started > 0) (void)pthread_join(others[--started], NULL);
}

bool tool_crew_run(const tool_crew *crew, tool_error *err)
{
    shared s = {.crew = crew, .failed = SIZE_MAX};
    size_t most = crew->threads < 1 ? 1 : (size_t)crew->threads;
    if (most > TOOL_CREW_MOST) most = TOOL_CREW_MOST;
    if (most > crew->count) most = crew->count;
    if (pthread_mutex_init(&s.giving, NULL) != 0) return tool_fail(err, "threads: can't make a lock");
    if (pthread_mutex_init(&s.taking, NULL) != 0) {
        (void)pthread_mutex_destroy(&s.giving);
        return tool_fail(err, "threads: can't make a lock");
    }
    run_threads(&s, most);
    (void)pthread_mutex_destroy(&s.taking);
    (void)pthread_mutex_destroy(&s.giving);
    return s.failed == SIZE_MAX || tool_fail(err, "%s", s.err.message);
}
