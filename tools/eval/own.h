/* The files with fixed names that capeval writes: metrics, and tables of images.  Only a file that capeval
 * wrote as such is replaced.  What somebody else keeps under that name stays as it is. */
#ifndef TOOLS_EVAL_OWN_H
#define TOOLS_EVAL_OWN_H

#include "tools/common/output.h"

/* A kind of file is known by its first bytes. */
typedef struct eval_own {
    const char *start, *name; /* name: for messages */
} eval_own;

extern const eval_own eval_own_metrics; /* eval_report_json */
extern const eval_own eval_own_scores;  /* eval_report_images */
extern const eval_own eval_own_pairs;   /* eval_compare_report_images */

/* True where writing to `path` destroys nothing: nothing is there, or an empty file, a file of this kind, or
 * no regular file (a device, a pipe). */
bool eval_own_check(const eval_own *kind, const char *path, tool_error *err);

/* Checks, then opens. */
bool eval_own_output(const eval_own *kind, tool_output *output, const char *path, tool_error *err);

#endif
