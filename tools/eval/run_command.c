/* `capeval run`; see run_command.h. */
#include "tools/eval/run_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/names.h"
#include "tools/common/cli.h"
#include "tools/common/crew.h"
#include "tools/common/images.h"
#include "tools/eval/captioner.h"
#include "tools/eval/own.h"

/* ---- output ---- */

/* predictions.tsv becomes predictions.metrics.json, in memory that the caller frees. */
static char *metrics_path(const char *output, tool_error *err)
{
    const char *slash = strrchr(output, '/'), *dot = strrchr(output, '.');
    const size_t keep =
        dot && dot != output && (!slash || dot > slash + 1) ? (size_t)(dot - output) : strlen(output);
    char *path = malloc(keep + sizeof ".metrics.json");
    if (!path) {
        (void)tool_fail(err, "%s: out of memory", output);
        return NULL;
    }
    memcpy(path, output, keep);
    strcpy(path + keep, ".metrics.json");
    return path;
}

/* What can't be written in the end is refused before the work begins. */
static bool check_outputs(const eval_run_options *options, tool_error *err)
{
    const eval_score_options *score = &options->score;
    const char *const output = options->output;
    if (strcmp(output, score->metrics) == 0 || (score->per_image && strcmp(output, score->per_image) == 0)) {
        return tool_fail(err, "%s: is named for two outputs", output);
    }
    return eval_own_check(&eval_own_metrics, score->metrics, err) &&
           (!score->per_image || eval_own_check(&eval_own_scores, score->per_image, err));
}

static bool score_run(const eval_run_options *options, const eval_run *run, const eval_refs *refs,
                      const eval_model *m, tool_error *err)
{
    eval_predictions list = {0};
    eval_report report = {0};
    const bool greedy = m->decode.search == CAPTION_SEARCH_GREEDY;
    bool ok = eval_predictions_begin(&list, options->output, err);
    for (size_t i = 0; i < run->n_images && ok; i++) {
        ok = eval_predictions_add(&list, run->images[i], eval_store_find(run->store, run->images[i]), i + 1,
                                  err);
    }
    caption_model_info info;
    caption_model_get_info(m->model, &info);
    report.checkpoint = m->name;
    report.method = cpt_name_of(cpt_search_names, m->decode.search);
    report.beam_width = greedy ? 0 : m->decode.beams;
    report.max_len = m->decode.max_length;
    report.rnn_type = cpt_name_of(cpt_rnn_names, info.rnn);
    report.seconds = run->earlier ? -1 : run->seconds; /* of a resumed run the time is not known */
    ok = ok && eval_score_and_report(&list, refs, &options->score, &report, err);
    eval_predictions_free(&list);
    return ok;
}

static void print_summary(const eval_run *run)
{
    (void)fprintf(stderr, "capeval: %zu images captioned in %.1f s", run->captioned, run->seconds);
    if (run->captioned && run->seconds > 0) {
        (void)fprintf(stderr, " (%.2f images/s)", (double)run->captioned / run->seconds);
    }
    if (run->earlier) (void)fprintf(stderr, ", %zu earlier", run->earlier);
    if (run->failed) (void)fprintf(stderr, ", %zu failed", run->failed);
    (void)fputc('\n', stderr);
}

/* ---- all of it ---- */

/* options->score.metrics is there */
static bool caption_and_score(const eval_run_options *options, tool_error *err)
{
    eval_model m = {0};
    eval_refs *refs = NULL;
    eval_captioner captioner = eval_model_captioner(&m);
    eval_run run = {.captioner = &captioner, .folder = options->images, .quiet = options->score.quiet};
    const char **images = NULL;
    bool ok = false;
    if (!check_outputs(options, err)) return false;
    run.threads = options->threads ? options->threads : tool_processors(TOOL_CREW_MOST);
    if (!tool_is_folder(options->images)) {
        (void)tool_fail(err, "%s: no such folder", options->images);
        goto done;
    }
    refs = eval_refs_read(options->refs, err);
    if (!refs) goto done;
    images = (options->null ? eval_refs_list_null : eval_refs_list)(refs, options->list, &run.n_images, err);
    if (!images) goto done;
    run.images = images;
    m.session = options->session;
    if (!eval_model_open(&m, options->model, options->greedy, options->beams, err)) goto done;
    char settings[512];
    if (!eval_model_settings(&m, settings, sizeof settings)) {
        (void)tool_fail(err, "%s: settings too long", m.name);
        goto done;
    }
    run.store = eval_store_open(options->output, settings, images, run.n_images, err);
    if (!run.store || !eval_run_images(&run, err)) goto done;
    if (!run.quiet) print_summary(&run);
    if (!run.captioned && !run.earlier) {
        (void)tool_fail(err, "none of %zu images captioned: %s", run.n_images, run.first_failure.message);
        goto done;
    }
    ok = score_run(options, &run, refs, &m, err);
    if (ok && run.failed) ok = tool_fail(err, "%zu of %zu images failed", run.failed, run.n_images);
done:
    eval_store_close(&run.store);
    eval_model_close(&m);
    eval_refs_free(&refs);
    free(images);
    return ok;
}

bool eval_run_command(const eval_run_options *options, tool_error *err)
{
    eval_run_options all = *options;
    if (options->score.metrics) return caption_and_score(options, err);
    char *path = metrics_path(options->output, err);
    if (!path) return false;
    all.score.metrics = path;
    const bool ok = caption_and_score(&all, err);
    free(path);
    return ok;
}
