/* What capinfo prints, as text or JSON.
 *
 * Called by capinfo; writes to standard output only. */
#ifndef TOOLS_INFO_REPORT_H
#define TOOLS_INFO_REPORT_H

#include <caption.h>
#include <capw.h>

#include "tools/common/error.h"
#include "tools/info/plan.h"

typedef struct info_sections {
    bool summary; /* header, sizes and metadata */
    bool tensors, words, plan;
} info_sections;

typedef struct info_report {
    const char *name; /* of the file */
    const caption_model *model;
    caption_model_info info;
    capw_header header; /* filled for the summary */
    info_sections sections;
    bool verified;
    int damaged; /* tensors with a wrong checksum, when verified */
    const info_plan *plan;
} info_report;

/* Reads the header's fields whatever the machine's byte order. */
bool info_read_header(capw_header *header, const char *path, tool_error *err);

void info_print_text(const info_report *report);

/* False when memory ran out. */
bool info_print_json(const info_report *report);

#endif
