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

static bool write_images(const char *path, const eval_joined *joined, const eval_scores *scores,
                         bool no_synonyms, tool_error *err)
{
    tool_outfile *out = eval_own_open(&eval_own_scores, path, err);
    if (!out) return false;
    eval_report_images(joined, scores, no_synonyms, tool_outfile_stream(out));
    return tool_outfile_commit(&out, err);
}

static bool write_metrics(const char *path, const eval_report *report, tool_error *err)
{
    tool_outfile *out = eval_own_open(&eval_own_metrics, path, err);
    if (!out) return false;
    if (!eval_report_json(report, tool_outfile_stream(out))) {
        tool_outfile_abort(&out);
        return tool_fail(err, "%s: out of memory", path);
    }
    return tool_outfile_commit(&out, err);
}

static bool print_report(const eval_report *report, const eval_score_options *options, tool_error *err)
{
    tool_output output;
    if (!tool_output_open(&output, options->output, err)) return false;
    bool ok = true;
    if (options->json) {
        ok = eval_report_json(report, output.stream) || tool_fail(err, "out of memory");
    } else {
        eval_report_table(report, output.stream);
    }
    ok = ok && tool_output_close(&output, err);
    tool_output_abort(&output);
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
    if (options->per_image && !write_images(options->per_image, &joined, scores, !wordnet, err)) goto done;
    if (options->metrics && !write_metrics(options->metrics, report, err)) goto done;
    ok = print_report(report, options, err);
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
