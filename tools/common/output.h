/* Where a tool writes its results: standard output, or the file that -o names.
 *
 * A file appears complete or not at all (see outfile.h).  Every lost write is found by tool_output_flush or
 * tool_output_close. */
#ifndef TOOLS_COMMON_OUTPUT_H
#define TOOLS_COMMON_OUTPUT_H

#include <stdio.h>

#include "tools/common/outfile.h"

typedef struct tool_output {
    FILE *stream;
    bool terminal;      /* the stream is one, so names must be escaped */
    const char *name;   /* for messages; borrowed */
    tool_outfile *file; /* NULL for standard output */
} tool_output;

/* Opens `path`; NULL and "-" are standard output. */
bool tool_output_open(tool_output *output, const char *path, tool_error *err);

/* Writes a name or a caption: escaped for a terminal, else with tabs and line ends alone escaped. */
void tool_output_text(const tool_output *output, const char *text);

/* False when anything written so far was lost. */
bool tool_output_flush(const tool_output *output, tool_error *err);

/* Puts the file in place. */
bool tool_output_close(tool_output *output, tool_error *err);

/* Drops the file.  Accepts a zeroed and an already closed output. */
void tool_output_abort(tool_output *output);

#endif
