/* Two models on one set of images; see compare.h. */
#include "tools/eval/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/crew.h"
#include "tools/common/images.h"
#include "tools/common/progress.h"

/* The work, which all threads share; only hand_in changes it. */
typedef struct shared {
    eval_comparison *comparison;
    tool_progress progress;
} shared;

/* What one thread keeps to itself. */
typedef struct worker {
    eval_session sessions[2];
    eval_caption captions[2]; /* of the last image */
    bool ok;                  /* false: the last image failed, and the reason is in cause */
    tool_error cause;
} worker;

static void end_worker(void *argument)
{
    worker *w = argument;
    for (int m = 0; m < 2; m++) eval_session_end(&w->sessions[m]);
    free(w);
}

static void *begin_worker(void *context, tool_error *err)
{
    const shared *s = context;
    worker *w = calloc(1, sizeof *w);
    bool ok = w || tool_fail(err, "%s: out of memory", s->comparison->folder);
    for (int m = 0; ok && m < 2; m++) {
        ok = eval_session_begin(&w->sessions[m], s->comparison->models[m], err);
    }
    if (ok) return w;
    if (w) end_worker(w);
    return NULL;
}

/* An image that fails is noted and does not end the run. */
static bool caption_image_file(void *context, void *argument, size_t index, tool_error *err)
{
    const eval_comparison *comparison = ((const shared *)context)->comparison;
    worker *w = argument;
    const char *image = comparison->images[index];
    const size_t size = strlen(comparison->folder) + strlen(image) + 2;
    char *path = malloc(size);
    if (!path) return tool_fail(err, "%s: out of memory", image);
    (void)snprintf(path, size, "%s/%s", comparison->folder, image);
    w->cause.message[0] = '\0';
    tool_text file = {NULL, 0};
    w->ok = tool_image_read(&file, path, &w->cause);
    for (int m = 0; w->ok && m < 2; m++) {
        w->ok = eval_session_caption(&w->sessions[m], &file, path, &w->captions[m], &w->cause);
    }
    tool_text_free(&file);
    free(path);
    return true;
}

static bool keep(eval_pair *pair, const worker *w)
{
    for (int m = 0; m < 2; m++) {
        const size_t size = strlen(w->captions[m].text) + 1;
        pair->text[m] = malloc(size);
        if (!pair->text[m]) return false;
        memcpy(pair->text[m], w->captions[m].text, size);
        pair->score[m] = w->captions[m].score;
    }
    return true;
}

static bool hand_in(void *context, void *argument, size_t index, tool_error *err)
{
    shared *s = context;
    const worker *w = argument;
    eval_comparison *comparison = s->comparison;
    if (!w->ok) {
        if (!comparison->failed++) comparison->first_failure = w->cause;
        tool_progress_clear(&s->progress);
        (void)tool_failure("capeval", &w->cause);
    } else if (keep(&comparison->pairs[index], w)) {
        comparison->captioned++;
    } else {
        return tool_fail(err, "%s: out of memory", comparison->images[index]);
    }
    tool_progress_update(&s->progress, comparison->captioned + comparison->failed);
    return true;
}

/* In the order of the images, so that the sums don't depend on which thread was faster. */
static void sum_up(eval_comparison *comparison)
{
    for (size_t i = 0; i < comparison->n_images; i++) {
        const eval_pair *pair = &comparison->pairs[i];
        if (!pair->text[0]) continue;
        const double difference = fabs(pair->score[1] - pair->score[0]);
        if (strcmp(pair->text[0], pair->text[1]) == 0) comparison->equal++;
        if (!comparison->largest_name || difference > comparison->largest) {
            comparison->largest = difference;
            comparison->largest_name = comparison->images[i];
        }
        comparison->mean += difference / (double)comparison->captioned;
        for (int m = 0; m < 2; m++) {
            comparison->mean_score[m] += pair->score[m] / (double)comparison->captioned;
        }
    }
}

bool eval_compare(eval_comparison *comparison, tool_error *err)
{
    shared s = {.comparison = comparison};
    comparison->pairs = calloc(comparison->n_images + 1, sizeof *comparison->pairs);
    if (!comparison->pairs) return tool_fail(err, "%s: out of memory", comparison->folder);
    const tool_crew crew = {
        .threads = comparison->threads,
        .count = comparison->n_images,
        .context = &s,
        .begin = begin_worker,
        .work = caption_image_file,
        .hand_in = hand_in,
        .end = end_worker,
    };
    tool_progress_begin(&s.progress, "images", 0, comparison->n_images);
    if (comparison->quiet) s.progress.active = false;
    const bool ok = tool_crew_run(&crew, err);
    tool_progress_end(&s.progress);
    if (ok) sum_up(comparison);
    return ok;
}

bool eval_compare_list(eval_predictions *list, const eval_comparison *comparison, int model, tool_error *err)
{
    bool ok = eval_predictions_begin(list, comparison->models[model]->name, err);
    for (size_t i = 0; i < comparison->n_images && ok; i++) {
        ok = eval_predictions_add(list, comparison->images[i], comparison->pairs[i].text[model], i + 1, err);
    }
    return ok;
}

void eval_comparison_free(eval_comparison *comparison)
{
    for (size_t i = 0; comparison->pairs && i < comparison->n_images; i++) {
        for (int m = 0; m < 2; m++) free(comparison->pairs[i].text[m]);
    }
    free(comparison->pairs);
    comparison->pairs = NULL;
}
