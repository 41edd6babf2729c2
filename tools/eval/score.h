/* What `capeval score` and the end of `capeval run` share: WordNet, scoring, output.
 *
 * Called by capeval.c and run.c.  Prints results to stdout and notes to stderr. */
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

/* Scores the list against refs and writes everything out.  *report holds what the caller knows of the
 * captions; the rest is filled here. */
bool eval_score_and_report(const eval_predictions *list, const eval_refs *refs,
                           const eval_score_options *options, eval_report *report, tool_error *err);

/* `capeval score`: refs may be NULL for a published file. */
bool eval_score_command(const char *preds, const char *refs, const eval_score_options *options,
                        tool_error *err);

#endif
