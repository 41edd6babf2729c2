/* Threads that take, caption and hand in; see run.h. */
#include "tools/batch/run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/crew.h"

enum {
    AHEAD = 4,                 /* groups for each thread that may be under way */
    MOST_GROUP_BYTES = 8 << 20 /* bytes from tars in a group, after which no item is added */
};

/* What all threads share. */
typedef struct shared {
    batch_run *run;
    pthread_mutex_t taking; /* held while items are taken: guards source, taken and ended */
    uint64_t taken;         /* groups */
    bool ended;
    pthread_mutex_t giving; /* guards all below */
    pthread_cond_t moved;   /* `handed` or `stopped` has changed */
    batch_chunk *waiting;   /* [window] finished groups before their turn, at their number modulo `window` */
    bool *is_waiting;       /* [window] */
    bool locks;             /* the locks are there */
    size_t window;
    uint64_t handed;   /* groups that are in the output */
    bool stopped;      /* an error ends the run */
    uint64_t position; /* in the tars, when the last group was taken */
    tool_progress progress;
} shared;

static void stop(shared *s)
{
    (void)pthread_mutex_lock(&s->giving);
    s->stopped = true;
    (void)pthread_cond_broadcast(&s->moved);
    (void)pthread_mutex_unlock(&s->giving);
}

/* ---- taking ---- */

/* How many images the next group may have: the last groups are smaller, so that all threads end together. */
static size_t group_size(const shared *s)
{
    const batch_run *run = s->run;
    const uint64_t most = (uint64_t)run->batch;
    if (run->tar_bytes) return (size_t)most;
    const uint64_t given = run->source->given, left = given < run->images ? run->images - given : 0;
    const uint64_t share = left / (uint64_t)run->threads;
    return (size_t)(share < 1 ? 1 : share < most ? share : most);
}

/* Waits until group `taken` may be under way; false where the run has stopped. */
static bool wait_for_turn(shared *s)
{
    (void)pthread_mutex_lock(&s->giving);
    while (!s->stopped && s->taken - s->handed >= s->window) (void)pthread_cond_wait(&s->moved, &s->giving);
    const bool on = !s->stopped;
    s->position = batch_source_position(s->run->source);
    (void)pthread_mutex_unlock(&s->giving);
    return on;
}

/* Takes the next group; *count 0 at the end. */
static bool take(shared *s, batch_item items[BATCH_MOST], size_t *count, uint64_t *number, tool_error *err)
{
    tool_error own = {{0}};
    *count = 0;
    (void)pthread_mutex_lock(&s->taking);
    if (!s->ended && wait_for_turn(s)) {
        const size_t most = group_size(s);
        uint64_t bytes = 0;
        *number = s->taken;
        while (*count < most && bytes < MOST_GROUP_BYTES) {
            if (!batch_source_next(s->run->source, &items[*count], &own)) {
                s->ended = true;
                break;
            }
            bytes += items[(*count)++].size;
        }
        s->taken += *count > 0;
    }
    (void)pthread_mutex_unlock(&s->taking);
    if (!own.message[0]) return true;
    while (*count) batch_item_free(&items[--*count]);
    return tool_fail(err, "%s", own.message);
}

/* ---- handing in ---- */

static void show_failures(const shared *s, const batch_chunk *chunk)
{
    for (const char *line = chunk->failures; line && *line; line += strcspn(line, "\n") + 1) {
        const char *message = strchr(line, '\t');
        tool_error failure = {{0}};
        const int length = (int)strcspn(message ? message + 1 : line, "\n");
        (void)tool_fail(&failure, "%.*s", length, message ? message + 1 : line);
        (void)tool_failure(s->run->tool, &failure);
    }
}

static void show_progress(shared *s)
{
    const batch_run *run = s->run;
    const batch_totals *t = &run->result->totals;
    const uint64_t done = t->captioned + t->failed;
    if (run->tar_bytes && s->position) { /* how many there are is guessed from how far the tars are read */
        const double part = (double)s->position / (double)run->tar_bytes;
        const double all = (double)done / (part < 1 ? part : 1);
        s->progress.total = all > (double)done ? (uint64_t)all : done;
    }
    tool_progress_update(&s->progress, done);
    tool_progress_log(&s->progress, run->tool, done);
}

static size_t place_of(const shared *s, uint64_t number)
{
    return (size_t)(number % s->window);
}

/* Writes the groups whose turn it is. */
static bool write_waiting(shared *s, tool_error *err)
{
    for (size_t at = place_of(s, s->handed); s->is_waiting[at]; at = place_of(s, s->handed)) {
        batch_chunk *chunk = &s->waiting[at];
        if (chunk->failed) {
            tool_progress_clear(&s->progress);
            show_failures(s, chunk);
        }
        if (!batch_result_add(s->run->result, chunk, err)) return false;
        batch_chunk_free(chunk);
        s->is_waiting[at] = false;
        s->handed++;
    }
    show_progress(s);
    return true;
}

static bool hand_in(shared *s, batch_chunk *chunk, uint64_t number, tool_error *err)
{
    (void)pthread_mutex_lock(&s->giving);
    const size_t at = place_of(s, number);
    s->waiting[at] = *chunk;
    s->is_waiting[at] = true;
    /* once a write has failed nothing more is written, for it would leave a gap */
    const bool ok = s->stopped || write_waiting(s, err);
    if (!ok) s->stopped = true;
    (void)pthread_cond_broadcast(&s->moved);
    (void)pthread_mutex_unlock(&s->giving);
    return ok;
}

/* ---- threads ---- */

static void *begin_worker(void *context, tool_error *err)
{
    shared *s = context;
    batch_captioner *captioner = batch_captioner_open(s->run->job, err);
    if (!captioner) stop(s);
    return captioner;
}

static void end_worker(void *worker)
{
    batch_captioner_close(worker);
}

/* A thread's work: all groups that it gets. */
static bool work(void *context, void *worker, size_t index, tool_error *err)
{
    shared *s = context;
    (void)index;
    for (;;) {
        batch_item items[BATCH_MOST];
        batch_chunk chunk;
        size_t count = 0;
        uint64_t number = 0;
        bool ok = take(s, items, &count, &number, err);
        if (ok && !count) return true;
        ok = ok && batch_captioner_run(worker, items, count, &chunk, err) && hand_in(s, &chunk, number, err);
        if (!ok) {
            stop(s);
            return false;
        }
    }
}

static bool run_threads(shared *s, tool_error *err)
{
    const tool_crew crew = {.threads = s->run->threads,
                            .count = (size_t)s->run->threads,
                            .context = s,
                            .begin = begin_worker,
                            .work = work,
                            .end = end_worker};
    return tool_crew_run(&crew, err);
}

static bool make_shared(shared *s, batch_run *run, tool_error *err)
{
    *s = (shared){.run = run, .window = (size_t)run->threads * AHEAD};
    s->waiting = calloc(s->window, sizeof *s->waiting);
    s->is_waiting = calloc(s->window, sizeof *s->is_waiting);
    if (!s->waiting || !s->is_waiting) return tool_fail(err, "out of memory");
    if (pthread_mutex_init(&s->taking, NULL) != 0 || pthread_mutex_init(&s->giving, NULL) != 0 ||
        pthread_cond_init(&s->moved, NULL) != 0) {
        return tool_fail(err, "threads: can't make a lock");
    }
    s->locks = true;
    return true;
}

static void free_shared(shared *s)
{
    for (size_t i = 0; s->waiting && i < s->window; i++) batch_chunk_free(&s->waiting[i]);
    free(s->waiting);
    free(s->is_waiting);
    if (!s->locks) return;
    (void)pthread_cond_destroy(&s->moved);
    (void)pthread_mutex_destroy(&s->giving);
    (void)pthread_mutex_destroy(&s->taking);
}

/* ---- the run ---- */

/* What stands before the first or behind the last group. */
static bool fixed_text(const batch_format *format, void (*put)(const batch_format *, FILE *), char **text,
                       size_t *size)
{
    FILE *stream = open_memstream(text, size);
    if (!stream) return false;
    put(format, stream);
    return fclose(stream) == 0 && *text;
}

static bool begin_output(const batch_run *run, tool_error *err)
{
    char *text = NULL;
    size_t size = 0;
    if (run->result->totals.items) return true;
    const bool ok = fixed_text(&run->job->format, batch_format_begin, &text, &size)
                        ? batch_result_put(run->result, text, size, err)
                        : tool_fail(err, "out of memory");
    free(text);
    return ok;
}

static bool end_output(const batch_run *run, tool_error *err)
{
    char *text = NULL;
    size_t size = 0;
    const bool ok = fixed_text(&run->job->format, batch_format_end, &text, &size)
                        ? batch_result_finish(run->result, text, size, err)
                        : tool_fail(err, "out of memory");
    free(text);
    return ok;
}

bool batch_run_all(batch_run *run, tool_error *err)
{
    const batch_totals *totals = &run->result->totals;
    if (run->result->journal.ended) return end_output(run, err);
    shared s;
    bool ok = make_shared(&s, run, err) && begin_output(run, err) &&
              batch_source_skip(run->source, totals->items, err);
    tool_progress_begin(&s.progress, "images", totals->captioned + totals->failed, run->images);
    s.progress.log = !run->quiet;
    if (run->quiet) s.progress.active = false;
    ok = ok && run_threads(&s, err);
    tool_progress_end(&s.progress);
    free_shared(&s);
    return ok && end_output(run, err);
}
