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
#include "tools/serve/session.h"

enum { POLL_MS = 10 }; /* how often a worker looks whether anybody still waits */

struct serve_worker {
    serve_workers *shared;
    pthread_t thread;
    serve_session own;
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
    char *words = serve_answer_text(serve_answer_words(w->own.model->model, p->settled, p->settled_count));
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

/* ---- maps ---- */

static bool wants_maps(const serve_job *job)
{
    return job->wish.kind == SERVE_EXPLAIN;
}

static tool_map map_of(const serve_worker *w, const serve_job *job)
{
    caption_model_info info;
    caption_model_get_info(w->own.model->model, &info);
    return job->wish.map == TOOL_MAPS ? tool_map_usual(&info) : job->wish.map;
}

static bool map_possible(const serve_worker *w, tool_map map)
{
    caption_model_info info;
    caption_model_get_info(w->own.model->model, &info);
    return tool_map_possible(map, &info);
}

/* Whether a job's maps are more than what the search leaves behind. */
static bool needs_explaining(const serve_worker *w, const serve_job *job)
{
    const tool_map map = map_of(w, job);
    return wants_maps(job) && map != TOOL_MAP_ATTENTION && map_possible(w, map);
}

/* The answer where a model lacks what the client wants. */
static void fail_map(serve_worker *w, serve_job *job, tool_map map)
{
    fail(w, job, 501,
         map == TOOL_MAP_ATTENTION ? "this model has no attention"
                                   : "Grad-CAM needs a float32 model, and this one is int8");
}

/* Answers with the captions of a slot, and a map for each word of the best one. */
static void explain(serve_worker *w, size_t slot, const caption_result *result, int beams)
{
    serve_job *job = w->slots[slot];
    const caption_model *model = w->own.model->model;
    const caption_text *best = &result->captions[0];
    const caption_explanation *found;
    caption_explain_options options;
    caption_error error = {CAPTION_OK, ""};
    const tool_map map = map_of(w, job);
    serve_maps maps = serve_attention_maps(model, best);
    if (!map_possible(w, map)) {
        fail_map(w, job, map);
        return;
    }
    w->first = slot;
    w->stop = slot + 1;
    if (needs_explaining(w, job)) {
        caption_explain_options_init(&options);
        options.method = tool_map_method(map);
        options.progress = progress;
        options.progress_user = w;
        if (caption_explain(w->own.session, (int)slot, best, &options, &found, &error) != CAPTION_OK) {
            fail_work(w, job, &error);
            return;
        }
        maps = (serve_maps){.values = found->maps, .rows = found->rows, .columns = found->columns};
    }
    finish(w, job, 200, serve_answer_explanation(model, result, beams, map, &maps));
}

/* ---- captions ---- */

/* Answers with what was found for a slot. */
static void answer(serve_worker *w, size_t slot, const caption_result *result, int beams)
{
    serve_job *job = w->slots[slot];
    if (job->wish.kind == SERVE_EXPLAIN) {
        explain(w, slot, result, beams);
    } else if (job->wish.kind == SERVE_CAPTION) {
        finish(w, job, 200, serve_answer_caption(result, beams));
    } else if (result->captions[0].alpha) {
        finish(w, job, 200, serve_answer_attention(w->own.model->model, result));
    } else {
        fail_map(w, job, TOOL_MAP_ATTENTION);
    }
}

/* Searches in slots from `first` on, which have one wish, and answers; several begin with slot 0. */
static void search(serve_worker *w, size_t first, size_t count)
{
    const serve_wish *wish = &w->slots[first]->wish;
    caption_decode_options options = w->own.decode;
    const caption_result *results[SERVE_MOST_BATCH];
    caption_error error = {CAPTION_OK, ""};
    options.search = wish->kind == SERVE_ATTENTION ? CAPTION_SEARCH_GREEDY : CAPTION_SEARCH_BEAM;
    if (wish->beams) options.beams = wish->beams;
    if (wish->max_length) options.max_length = wish->max_length;
    options.progress = progress;
    options.progress_user = w;
    w->first = first;
    w->stop = first + count;
    const caption_status status =
        count > 1 ? caption_decode_batch(w->own.session, (int)count, &options, results, &error)
                  : caption_decode(w->own.session, (int)first, &options, results, &error);
    for (size_t i = 0; i < count; i++) {
        if (status == CAPTION_OK) {
            answer(w, first + i, results[i], options.beams);
        } else {
            fail_work(w, w->slots[first + i], &error);
        }
    }
}

static bool same_wish(const serve_job *a, const serve_job *b)
{
    return a->wish.kind == b->wish.kind && a->wish.map == b->wish.map && a->wish.beams == b->wish.beams &&
           a->wish.max_length == b->wish.max_length;
}

/* Captions what is in the slots: encodes all, then searches in those that have the first one's wish together,
 * and in each of the others. */
static void caption_all(serve_worker *w)
{
    const double start = tool_now_ms();
    caption_error error = {CAPTION_OK, ""};
    caption_decode_options options = w->own.decode;
    size_t same = 0;
    if (!w->loaded) return;
    options.progress = progress;
    options.progress_user = w;
    w->first = 0;
    w->stop = w->loaded;
    memset(w->settled, 0, sizeof w->settled);
    const bool ok = caption_encode(w->own.session, (int)w->loaded, &options, &error) == CAPTION_OK;
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
    if (tool_load_picture(w->own.session, (int)w->loaded, source, &w->own.limits, &err)) {
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
    if (serve_session_renew(&w->own, need, &err)) {
        load(w, job, source);
        caption_all(w);
    } else {
        fail(w, job, 503, err.message);
    }
    caption_session_close(&w->own.session); /* the next group makes a usual one */
    (void)pthread_mutex_unlock(&w->shared->large);
}

static picture_source source_of(const serve_worker *w, const serve_job *job)
{
    return (picture_source){.name = image_name,
                            .data = (const uint8_t *)job->file.data,
                            .size = job->file.size,
                            .no_exif = w->own.options.no_exif != 0};
}

/* Puts the jobs that want maps behind the others, which need not wait for them then.  Of what is left the
 * jobs that have the first one's wish come in front. */
static void sort_wishes(serve_job **jobs, size_t count)
{
    size_t quick = 0, same = 1;
    for (size_t i = 0; i < count; i++) {
        serve_job *job = jobs[i];
        if (wants_maps(job)) continue;
        memmove(&jobs[quick + 1], &jobs[quick], (i - quick) * sizeof *jobs);
        jobs[quick++] = job;
    }
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
        } else if (!tool_load_memory(&need, &source, &w->own.limits, &err)) {
            fail_image(w, jobs[i], &err);
        } else if (need > w->own.options.decode_memory) {
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

/* Sees to a session that can do what the jobs want. */
static bool ready(serve_worker *w, serve_job *const *jobs, size_t count, tool_error *err)
{
    bool ok = serve_session_ready(&w->own, w->shared, err);
    for (size_t i = 0; ok && i < count; i++) {
        if (needs_explaining(w, jobs[i])) ok = serve_session_explain(&w->own, err);
    }
    return ok;
}

static void *run(void *user)
{
    serve_worker *w = user;
    serve_job *jobs[SERVE_MOST_BATCH];
    size_t count;
    while ((count = serve_queue_take(w->shared->queue, jobs, (size_t)w->shared->batch)) > 0) {
        tool_error err = {{0}};
        if (!atomic_load(&w->shared->cut) && ready(w, jobs, count, &err)) {
            caption_group(w, jobs, count);
            continue;
        }
        const char *reason = err.message[0] ? err.message : "the service is shutting down";
        for (size_t i = 0; i < count; i++) fail(w, jobs[i], 503, reason);
    }
    serve_session_end(&w->own, w->shared);
    return NULL;
}

/* ---- the crew ---- */

bool serve_workers_begin(serve_workers *workers, tool_error *err)
{
    const size_t wanted = workers->count;
    workers->count = 0;
    atomic_init(&workers->cut, false);
    if (!serve_session_check(workers, err)) return false;
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
