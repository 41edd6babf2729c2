/* `capeval score`, and the scoring at the end of `capeval run`.
 *
 * Prints results to standard output and notes to standard error. */
#ifndef TOOLS_EVAL_SCORE_H
#define TOOLS_EVAL_SCORE_H

#include "tools/eval/report.h"

typedef struct eval_score_options {
    const char *wordnet;   /* folder; "none": METEOR without synonyms; NULL: Debian's folder if it is there */
    const char *per_image; /* file for the scores image by image, or NULL */
    const char *metrics;   /* file for the metrics JSON, or NULL */
    const char *output;    /* file for the result; NULL and "-": standard output */
    bool json;             /* the result is JSON instead of the table */
    bool quiet;            /* no notes on standard error */
} eval_score_options;

/* Scores the list against refs and writes the results.  The caller fills *report with what it knows of the
 * captions; their number and scores are filled in here. */
bool eval_score_and_report(const eval_predictions *list, const eval_refs *refs,
                           const eval_score_options *options, eval_report *report, tool_error *err);

/* Scores two lists of the same images against refs, for `capeval run --compare`.  Of the options only wordnet
 * and quiet are used. */
bool eval_score_pair(const eval_predictions lists[2], const eval_refs *refs,
                     const eval_score_options *options, eval_scores scores[2], bool *no_synonyms,
                     tool_error *err);

/* `capeval score`.  refs may be NULL if preds is a published file, which has its own. */
bool eval_score_command(const char *preds, const char *refs, const eval_score_options *options,
                        tool_error *err);

#endif
