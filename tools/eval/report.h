/* Scores as a table, as JSON with the keys of the published metrics files, and image by image.
 *
 * Text is written to the stream that is given. */
#ifndef TOOLS_EVAL_REPORT_H
#define TOOLS_EVAL_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "tools/eval/metrics.h"
#include "tools/eval/predictions.h"

/* How the metrics are printed. */
#define EVAL_JSON_FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(12))

/* The metrics in the order in which they are reported. */
enum { EVAL_METEOR = 4, EVAL_N_METRICS = 7 };

/* no_synonyms: METEOR was computed without WordNet, and is named so. */
const char *eval_metric_name(size_t i, bool no_synonyms);
double eval_metric_value(const eval_scores *scores, size_t i);

/* What is known of how the captions were made.  NULL and 0 mean "not known", which is null in the JSON. */
typedef struct eval_report {
    const char *checkpoint, *split, *method, *rnn_type;
    size_t n_images;
    int beam_width, max_len;
    double seconds;   /* negative = unknown */
    bool no_synonyms; /* METEOR was computed without WordNet */
    eval_scores scores;
} eval_report;

void eval_report_table(const eval_report *report, FILE *out);

/* With the keys of the published files; NULL where it can't be made. */
json_t *eval_report_json(const eval_report *report);

/* A header line, then a line an image; scores [corpus size]. */
void eval_report_images(const eval_joined *joined, const eval_scores *scores, bool no_synonyms, FILE *out);

#endif
