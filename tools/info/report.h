/* What capinfo prints, as text or JSON. */
#ifndef TOOLS_INFO_REPORT_H
#define TOOLS_INFO_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include <caption.h>
#include <capw.h>

#include "tools/common/error.h"
#include "tools/info/plan.h"

typedef struct info_sections {
    bool summary; /* kind, sizes, words, origin, search, metrics, bytes */
    bool details; /* header and metadata */
    bool tensors, ranges, words, plan;
} info_sections;

typedef struct info_report {
    const char *name; /* of the file */
    const caption_model *model;
    caption_model_info info;
    capw_header header; /* filled for summary and details */
    info_sections sections;
    bool verified, quiet; /* quiet: no line that all checksums are right */
    int damaged;          /* tensors with a wrong checksum, when verified */
    const info_plan *plan;
} info_report;

/* The values that a byte can stand for in a map of an int8 model. */
typedef struct info_range {
    const char *layer; /* [length], whose map it is; owned by the model */
    int length;
    double scale; /* of a step of 1 */
    int zero_point;
    double lowest, largest; /* of bytes 0 and 255 */
} info_range;

/* False where the tensor of this number is no range. */
bool info_find_range(const caption_model *model, int tensor, info_range *range);

/* Reads the fields of a header, size bytes of which are there, whatever the machine's byte order.  False
 * where the bytes are too few. */
bool info_parse_header(capw_header *header, const unsigned char *bytes, size_t size);

/* Lines have at most 80 columns, except those with names of files or metadata. */
void info_print_text(const info_report *report, FILE *stream);

/* The summary alone. */
void info_print_summary(const info_report *report, FILE *stream);

/* One object; NULL where it can't be made. */
json_t *info_report_json(const info_report *report);

/* "attention" or "baseline"; "GRU" or "LSTM" */
const char *info_kind_name(const caption_model_info *info);
const char *info_rnn_name(const caption_model_info *info);

#endif
