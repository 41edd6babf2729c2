/* `capeval score`, and the scoring at the end of `capeval run`; see score.h. */
#include "tools/eval/score.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/common/cli.h"
#include "tools/common/output.h"
#include "tools/eval/own.h"

/* Opens WordNet.  *wordnet stays NULL where it is not wanted or not installed. */
static bool open_wordnet(const char *folder, bool quiet, eval_wordnet **wordnet, tool_error *err)
{
    *wordnet = NULL;
    if (folder && strcmp(folder, "none") == 0) return true;
    if (!folder) {
        folder = EVAL_WORDNET_FOLDER;
        struct stat info;
        if (stat(folder, &info) != 0) {
            if (!quiet) {
                tool_note("capeval", "note: no WordNet in %s: METEOR is computed without synonyms", folder);
            }
            return true;
        }
    }
    *wordnet = eval_wordnet_open(folder, err);
    return *wordnet != NULL;
}

static void print_notes(const eval_joined *joined)
{
    if (joined->failed) {
        tool_note("capeval", "note: not captioned, and not scored: %zu", joined->failed);
    }
    if (joined->empty) {
        tool_note("capeval", "note: empty captions, which score 0: %zu", joined->empty);
    }
    if (joined->missing) {
        tool_note("capeval", "note: images of the references without a prediction, not scored: %zu",
                  joined->missing);
    }
}

/* ---- results ---- */

/* The files that hold the results; those that nobody wants stay zeroed. */
typedef struct results {
    tool_output images, metrics, report;
} results;

static bool open_results(results *r, const eval_score_options *options, tool_error *err)
{
    return (!options->per_image || eval_own_output(&eval_own_scores, &r->images, options->per_image, err)) &&
           (!options->metrics || eval_own_output(&eval_own_metrics, &r->metrics, options->metrics, err)) &&
           tool_output_open(&r->report, options->output, err);
}

/* All files appear, or, where one can't be made, none does. */
static bool write_results(const eval_score_options *options, const eval_report *report,
                          const eval_joined *joined, const eval_scores *scores, tool_error *err)
{
    results r = {0};
    bool ok = open_results(&r, options, err);
    if (ok && r.images.stream) eval_report_images(joined, scores, report->no_synonyms, r.images.stream);
    if (ok && r.metrics.stream) tool_output_json(&r.metrics, eval_report_json(report), EVAL_JSON_FLAGS);
    if (ok && options->json) {
        tool_output_json(&r.report, eval_report_json(report), EVAL_JSON_FLAGS);
    } else if (ok) {
        eval_report_table(report, r.report.stream);
    }
    const bool several =
        (options->per_image != NULL) + (options->metrics != NULL) + (options->output != NULL) > 1;
    if (ok && several) tool_outfile_hold_signals();
    ok = ok && tool_output_whole(&r.report, err) && tool_output_close(&r.images, err) &&
         tool_output_close(&r.metrics, err) && tool_output_close(&r.report, err);
    tool_output_abort(&r.images);
    tool_output_abort(&r.metrics);
    tool_output_abort(&r.report);
    return ok;
}

bool eval_score_and_report(const eval_predictions *list, const eval_refs *refs,
                           const eval_score_options *options, eval_report *report, tool_error *err)
{
    eval_joined joined = {0};
    eval_wordnet *wordnet = NULL;
    eval_scores *scores = NULL;
    bool ok = false;
    if (!eval_join(&joined, list, refs, err)) goto done;
    if (!open_wordnet(options->wordnet, options->quiet, &wordnet, err)) goto done;
    report->n_images = eval_corpus_size(joined.corpus);
    report->no_synonyms = !wordnet;
    scores = calloc(report->n_images, sizeof *scores);
    if (!scores) {
        (void)tool_fail(err, "%s: out of memory", list->path);
        goto done;
    }
    if (!eval_score(joined.corpus, wordnet, &report->scores, scores, err)) goto done;
    if (!options->quiet) print_notes(&joined);
    ok = write_results(options, report, &joined, scores, err);
done:
    free(scores);
    eval_wordnet_close(&wordnet);
    eval_joined_free(&joined);
    return ok;
}

bool eval_score_pair(const eval_predictions lists[2], const eval_refs *refs,
                     const eval_score_options *options, eval_scores scores[2], bool *no_synonyms,
                     tool_error *err)
{
    eval_wordnet *wordnet = NULL;
    if (!open_wordnet(options->wordnet, options->quiet, &wordnet, err)) return false;
    *no_synonyms = !wordnet;
    bool ok = true;
    for (int i = 0; i < 2 && ok; i++) {
        eval_joined joined = {0};
        ok = eval_join(&joined, &lists[i], refs, err) &&
             eval_score(joined.corpus, wordnet, &scores[i], NULL, err);
        if (ok && i == 0 && !options->quiet) print_notes(&joined);
        eval_joined_free(&joined);
    }
    eval_wordnet_close(&wordnet);
    return ok;
}

bool eval_score_command(const char *preds, const char *refs_path, const eval_score_options *options,
                        tool_error *err)
{
    eval_predictions list;
    eval_refs *refs = NULL;
    eval_report report = {.seconds = -1};
    bool ok = false;
    if (!eval_predictions_read(&list, preds, err)) return false;
    if (refs_path) {
        refs = eval_refs_read(refs_path, err);
        if (!refs) goto done;
    } else if (!list.refs) {
        (void)tool_fail(err, "%s: holds no reference captions: name a file that does with --refs", preds);
        goto done;
    }
    ok = eval_score_and_report(&list, refs ? refs : list.refs, options, &report, err);
done:
    eval_refs_free(&refs);
    eval_predictions_free(&list);
    return ok;
}
