/* Threads that caption; see workers.h. */
#include "tools/serve/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/json.h"
#include "tools/common/session.h"
#include "tools/serve/answer.h"

enum {
    USUAL_MEMORY = 12 << 20, /* bytes that a session decodes with: the encoder's own buffers are no smaller */
    POLL_MS = 10             /* how often a worker looks whether anybody still waits */
};

struct serve_worker {
    serve_workers *shared;
    pthread_t thread;
    caption_session_options options; /* of the session */
    caption_session_options limits;  /* the same with the memory that an image may need at most */
    caption_decode_options decode;
    caption_session *session;           /* NULL: there is none yet */
    serve_model *model;                 /* the session's, or NULL */
    serve_job *slots[SERVE_MOST_BATCH]; /* [loaded] what is in the session's slots */
    size_t loaded;
    size_t first, stop;            /* slots that are worked on */
    int settled[SERVE_MOST_BATCH]; /* tokens of each slot's captions that were told */
    double looked;                 /* when this worker last looked whether anybody waits */
};

/* ---- answers ---- */

static void finish(serve_worker *w, serve_job *job, int status, json_t *value)
{
    char *text = serve_answer_text(value);
    if (!text) status = 500;
    serve_metrics_image(w->shared->metrics, status, tool_now_ms() - job->since);
    job->finish(job, status, text);
}

static void finish_gone(serve_worker *w, serve_job *job)
{
    serve_metrics_image(w->shared->metrics, SERVE_GONE, 0);
    job->finish(job, SERVE_GONE, NULL);
}

static void fail(serve_worker *w, serve_job *job, int status, const char *reason)
{
    finish(w, job, status, serve_answer_error(tool_json_text(reason)));
}

/* An image that can't be decoded.  Messages begin with the image's name, which is of no use to the client. */
static const char image_name[] = "image";

static void fail_image(serve_worker *w, serve_job *job, const tool_error *err)
{
    char text[sizeof err->message + 64];
    const char *reason = err->message;
    if (strncmp(reason, "image: ", sizeof image_name + 1) == 0) reason += sizeof image_name + 1;
    (void)snprintf(text, sizeof text, "could not decode image: %s", reason);
    fail(w, job, 400, text);
}

/* What the library said of encoding or searching. */
static void fail_work(serve_worker *w, serve_job *job, const caption_error *error)
{
    if (atomic_load(&w->shared->cut)) {
        fail(w, job, 503, "the service is shutting down");
    } else if (error->status == CAPTION_ERROR_ABORTED) {
        finish_gone(w, job);
    } else {
        fail(w, job, error->status == CAPTION_ERROR_MEMORY ? 503 : 500, error->message);
    }
}

/* ---- breaking off ---- */

static bool all_gone(const serve_worker *w)
{
    for (size_t i = w->first; i < w->stop; i++) {
        if (!w->slots[i]->gone(w->slots[i])) return false;
    }
    return true;
}

/* Tells a job its words that are final, where there are more than before. */
static void settle(serve_worker *w, const caption_progress *p)
{
    serve_job *job = w->slots[p->slot];
    if (!job->settle || p->settled_count <= w->settled[p->slot]) return;
    w->settled[p->slot] = p->settled_count;
    char *words = serve_answer_text(serve_answer_words(w->model->model, p->settled, p->settled_count));
    if (words) job->settle(job, words);
    free(words);
}

static int progress(void *user, const caption_progress *p)
{
    serve_worker *w = user;
    const double now = tool_now_ms();
    if (atomic_load(&w->shared->cut)) return 1;
    if (p->stage == CAPTION_STAGE_DECODER) settle(w, p);
    if (now - w->looked < POLL_MS) return 0;
    w->looked = now;
    return all_gone(w);
}

/* ---- sessions ---- */

static void close_session(serve_worker *w)
{
    caption_session_close(&w->session);
    if (w->model) serve_models_give(w->shared->models, w->model);
    w->model = NULL;
}

/* Makes the session again, with the model that it had.  The old one goes first. */
static bool renew(serve_worker *w, size_t decode_memory, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_session_close(&w->session);
    w->options.decode_memory = decode_memory;
    if (caption_session_create(&w->session, w->model->model, &w->options, &error) == CAPTION_OK) return true;
    return tool_fail(err, "%s", error.message);
}

/* Options for a model.  Of the session's only memory and threads are left to be set. */
static bool set_options(const serve_workers *workers, const caption_model *model,
                        caption_session_options *session, caption_decode_options *decode, tool_error *err)
{
    tool_options options = workers->options;
    if (!tool_options_apply(&options, model, decode, err)) return false;
    *session = options.session;
    session->max_batch = workers->batch;
    if (session->max_beams < workers->bounds.most_beams) session->max_beams = workers->bounds.most_beams;
    if (session->max_length < workers->bounds.most_max_length) {
        session->max_length = workers->bounds.most_max_length;
    }
    return true;
}

/* Sees to a session of the current model. */
static bool ready(serve_worker *w, tool_error *err)
{
    serve_model *current = serve_models_take(w->shared->models);
    if (current == w->model && w->session) {
        serve_models_give(w->shared->models, current);
        return true;
    }
    close_session(w);
    w->model = current;
    if (!set_options(w->shared, current->model, &w->limits, &w->decode, err)) return false;
    w->options = w->limits;
    return renew(w, USUAL_MEMORY, err);
}

/* ---- captions ---- */

/* Answers with what was found. */
static void answer(serve_worker *w, serve_job *job, const caption_result *result, int beams)
{
    if (!job->wish.attention) {
        finish(w, job, 200, serve_answer_caption(result, beams));
    } else if (result->captions[0].alpha) {
        finish(w, job, 200, serve_answer_attention(w->model->model, result));
    } else {
        fail(w, job, 501, "this model has no attention");
    }
}

/* Searches in slots from `first` on, which have one wish, and answers; several begin with slot 0. */
static void search(serve_worker *w, size_t first, size_t count)
{
    const serve_wish *wish = &w->slots[first]->wish;
    caption_decode_options options = w->decode;
    const caption_result *results[SERVE_MOST_BATCH];
    caption_error error = {CAPTION_OK, ""};
    options.search = wish->attention ? CAPTION_SEARCH_GREEDY : CAPTION_SEARCH_BEAM;
    if (wish->beams) options.beams = wish->beams;
    if (wish->max_length) options.max_length = wish->max_length;
    options.progress = progress;
    options.progress_user = w;
    w->first = first;
    w->stop = first + count;
    const caption_status status =
        count > 1 ? caption_decode_batch(w->session, (int)count, &options, results, &error)
                  : caption_decode(w->session, (int)first, &options, results, &error);
    for (size_t i = 0; i < count; i++) {
        if (status == CAPTION_OK) {
            answer(w, w->slots[first + i], results[i], options.beams);
        } else {
            fail_work(w, w->slots[first + i], &error);
        }
    }
}

static bool same_wish(const serve_job *a, const serve_job *b)
{
    return a->wish.attention == b->wish.attention && a->wish.beams == b->wish.beams &&
           a->wish.max_length == b->wish.max_length;
}

/* Captions what is in the slots: encodes all, then searches in those that have the first one's wish together,
 * and in each of the others. */
static void caption_all(serve_worker *w)
{
    const double start = tool_now_ms();
    caption_error error = {CAPTION_OK, ""};
    caption_decode_options options = w->decode;
    size_t same = 0;
    if (!w->loaded) return;
    options.progress = progress;
    options.progress_user = w;
    w->first = 0;
    w->stop = w->loaded;
    memset(w->settled, 0, sizeof w->settled);
    const bool ok = caption_encode(w->session, (int)w->loaded, &options, &error) == CAPTION_OK;
    while (ok && same < w->loaded && same_wish(w->slots[0], w->slots[same])) same++;
    if (ok) search(w, 0, same);
    for (size_t i = same; i < w->loaded; i++) {
        if (ok) {
            search(w, i, 1);
        } else {
            fail_work(w, w->slots[i], &error);
        }
    }
    if (ok) serve_metrics_batch(w->shared->metrics, w->loaded, tool_now_ms() - start);
    w->loaded = 0;
}

/* Loads an image into the next slot; an image that can't be is answered. */
static void load(serve_worker *w, serve_job *job, const picture_source *source)
{
    tool_error err = {{0}};
    if (tool_load_picture(w->session, (int)w->loaded, source, &w->limits, &err)) {
        w->slots[w->loaded++] = job;
    } else {
        fail_image(w, job, &err);
    }
}

/* An image that needs more memory than sessions have.  There is one of these at a time. */
static void caption_large(serve_worker *w, serve_job *job, const picture_source *source, size_t need)
{
    tool_error err = {{0}};
    (void)pthread_mutex_lock(&w->shared->large);
    if (renew(w, need, &err)) {
        load(w, job, source);
        caption_all(w);
    } else {
        fail(w, job, 503, err.message);
    }
    caption_session_close(&w->session); /* the next group makes a usual one */
    (void)pthread_mutex_unlock(&w->shared->large);
}

static picture_source source_of(const serve_worker *w, const serve_job *job)
{
    return (picture_source){.name = image_name,
                            .data = (const uint8_t *)job->file.data,
                            .size = job->file.size,
                            .no_exif = w->options.no_exif != 0};
}

/* Puts the jobs that have the first one's wish in front. */
static void sort_wishes(serve_job **jobs, size_t count)
{
    size_t same = 1;
    for (size_t i = 1; i < count; i++) {
        serve_job *job = jobs[i];
        if (!same_wish(jobs[0], job)) continue;
        memmove(&jobs[same + 1], &jobs[same], (i - same) * sizeof *jobs);
        jobs[same++] = job;
    }
}

static void caption_group(serve_worker *w, serve_job **jobs, size_t count)
{
    serve_job *large[SERVE_MOST_BATCH];
    size_t needs[SERVE_MOST_BATCH], large_count = 0;
    sort_wishes(jobs, count);
    for (size_t i = 0; i < count; i++) {
        const picture_source source = source_of(w, jobs[i]);
        tool_error err = {{0}};
        size_t need;
        if (jobs[i]->gone(jobs[i])) {
            finish_gone(w, jobs[i]);
        } else if (!tool_load_memory(&need, &source, &w->limits, &err)) {
            fail_image(w, jobs[i], &err);
        } else if (need > w->options.decode_memory) {
            needs[large_count] = need;
            large[large_count++] = jobs[i];
        } else {
            load(w, jobs[i], &source);
        }
    }
    caption_all(w);
    for (size_t i = 0; i < large_count; i++) {
        const picture_source source = source_of(w, large[i]);
        caption_large(w, large[i], &source, needs[i]);
    }
}

static void *run(void *user)
{
    serve_worker *w = user;
    serve_job *jobs[SERVE_MOST_BATCH];
    size_t count;
    while ((count = serve_queue_take(w->shared->queue, jobs, (size_t)w->shared->batch)) > 0) {
        tool_error err = {{0}};
        if (!atomic_load(&w->shared->cut) && ready(w, &err)) {
            caption_group(w, jobs, count);
            continue;
        }
        const char *reason = err.message[0] ? err.message : "the service is shutting down";
        for (size_t i = 0; i < count; i++) fail(w, jobs[i], 503, reason);
    }
    close_session(w);
    return NULL;
}

/* ---- the crew ---- */

/* Whether sessions of these options can be made at all. */
static bool check(const serve_workers *workers, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_session_options session;
    caption_decode_options decode;
    serve_model *m = serve_models_take(workers->models);
    bool ok = set_options(workers, m->model, &session, &decode, err);
    session.decode_memory = USUAL_MEMORY;
    if (ok && caption_session_size(m->model, &session, &error) == 0) {
        ok = tool_fail(err, "%s", error.message);
    }
    serve_models_give(workers->models, m);
    return ok;
}

bool serve_workers_begin(serve_workers *workers, tool_error *err)
{
    const size_t wanted = workers->count;
    workers->count = 0;
    atomic_init(&workers->cut, false);
    if (!check(workers, err)) return false;
    if (pthread_mutex_init(&workers->large, NULL) != 0) return tool_fail(err, "threads: can't make a lock");
    workers->all = calloc(wanted, sizeof *workers->all);
    if (!workers->all) (void)tool_fail(err, "out of memory");
    while (workers->all && workers->count < wanted) {
        serve_worker *w = &workers->all[workers->count];
        w->shared = workers;
        const int code = pthread_create(&w->thread, NULL, run, w);
        if (code != 0) {
            (void)tool_fail_errno(err, "threads", code);
            break;
        }
        workers->count++;
    }
    if (workers->all && workers->count == wanted) return true;
    serve_queue_stop(workers->queue);
    serve_workers_end(workers);
    return false;
}

void serve_workers_end(serve_workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) (void)pthread_join(workers->all[i].thread, NULL);
    free(workers->all);
    workers->all = NULL;
    workers->count = 0;
    (void)pthread_mutex_destroy(&workers->large);
}
