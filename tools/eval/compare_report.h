/* What `capeval run --compare` found, as text, as JSON, and image by image.
 *
 * Text is written to the stream that is given. */
#ifndef TOOLS_EVAL_COMPARE_REPORT_H
#define TOOLS_EVAL_COMPARE_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "tools/eval/compare.h"

/* Lines have at most 40 columns, except those with names of models and images. */
void eval_compare_report_text(const eval_comparison *comparison, FILE *out);

/* NULL where it can't be made. */
json_t *eval_compare_report_json(const eval_comparison *comparison);

/* A header line, then a line for each image that was captioned. */
void eval_compare_report_images(const eval_comparison *comparison, FILE *out);

#endif
