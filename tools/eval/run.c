/* A data set captioned on several threads; see run.h. */
#include "tools/eval/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/crew.h"
#include "tools/common/progress.h"
#include "tools/eval/metrics.h"

/* The work, which all threads share; only hand_in changes it. */
typedef struct shared {
    eval_run *run;
    const char **images; /* [count] those without a caption; names owned by the run */
    size_t count;
    tool_progress progress;
} shared;

/* What one thread keeps to itself. */
typedef struct worker {
    const eval_captioner *captioner;
    void *own; /* the captioner's */
    bool ok;   /* true: the last image's caption is in text; false: the reason is in cause */
    char text[EVAL_MAX_CAPTION + 1];
    tool_error cause;
} worker;

static void *begin_worker(void *context, tool_error *err)
{
    const shared *s = context;
    worker *w = calloc(1, sizeof *w);
    if (!w) {
        (void)tool_fail(err, "%s: out of memory", s->run->folder);
        return NULL;
    }
    w->captioner = s->run->captioner;
    w->own = w->captioner->open(w->captioner->context, err);
    if (w->own) return w;
    free(w);
    return NULL;
}

static void end_worker(void *argument)
{
    worker *w = argument;
    w->captioner->close(w->own);
    free(w);
}

/* An image that fails is noted and does not end the run. */
static bool caption_image_file(void *context, void *argument, size_t index, tool_error *err)
{
    const shared *s = context;
    worker *w = argument;
    const char *folder = s->run->folder, *image = s->images[index];
    const size_t size = strlen(folder) + strlen(image) + 2;
    char *path = malloc(size);
    if (!path) return tool_fail(err, "%s: out of memory", image);
    (void)snprintf(path, size, "%s/%s", folder, image);
    w->cause.message[0] = '\0';
    w->ok = w->captioner->caption(w->own, path, w->text, sizeof w->text, &w->cause);
    free(path);
    return true;
}

static bool hand_in(void *context, void *argument, size_t index, tool_error *err)
{
    shared *s = context;
    const worker *w = argument;
    eval_run *run = s->run;
    if (!w->ok) {
        if (!run->failed++) run->first_failure = w->cause;
        tool_progress_clear(&s->progress);
        (void)tool_failure("capeval", &w->cause);
    } else if (eval_store_add(run->store, s->images[index], w->text, err)) {
        run->captioned++;
    } else {
        return false;
    }
    tool_progress_update(&s->progress, run->earlier + run->captioned + run->failed);
    return true;
}

bool eval_run_images(eval_run *run, tool_error *err)
{
    shared s = {.run = run, .images = malloc((run->n_images + 1) * sizeof *s.images)};
    if (!s.images) return tool_fail(err, "%s: out of memory", run->folder);
    for (size_t i = 0; i < run->n_images; i++) {
        if (!eval_store_find(run->store, run->images[i])) s.images[s.count++] = run->images[i];
    }
    run->captioned = run->failed = 0;
    run->earlier = run->n_images - s.count;
    const tool_crew crew = {
        .threads = run->threads,
        .count = s.count,
        .context = &s,
        .begin = begin_worker,
        .work = caption_image_file,
        .hand_in = hand_in,
        .end = end_worker,
    };
    tool_progress_begin(&s.progress, "images", run->earlier, run->n_images);
    if (run->quiet) s.progress.active = false;
    const double from = tool_now_ms();
    const bool ok = tool_crew_run(&crew, err);
    run->seconds = (tool_now_ms() - from) / 1000;
    tool_progress_end(&s.progress);
    free(s.images);
    return ok;
}
