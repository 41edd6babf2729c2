/* capdemo --html: one page with all images, their captions, and the maps of their words.  Nothing is loaded
 * from elsewhere. */
#ifndef TOOLS_DEMO_REPORT_H
#define TOOLS_DEMO_REPORT_H

#include "tools/common/output.h"
#include "tools/demo/show.h"
#include "tools/demo/why.h"

typedef struct demo_report {
    tool_output output;
    bool begun, some; /* the page was begun; it has an image */
} demo_report;

/* Opens the page's file, which appears when the report is closed. */
bool demo_report_open(demo_report *report, const char *path, tool_error *err);

/* Adds an image.  `first` is the map that the page shows at first. */
bool demo_report_add(demo_report *report, const demo_answer *answer, const demo_why *why, tool_map first,
                     tool_error *err);

/* Adds an image that could not be captioned, and why. */
void demo_report_add_error(demo_report *report, const char *image, const char *message);

/* Puts the file in place; one that was never opened has nothing to be put. */
bool demo_report_close(demo_report *report, tool_error *err);

/* Drops the file.  Accepts a report that is all zeros, and a closed one. */
void demo_report_abort(demo_report *report);

#endif
