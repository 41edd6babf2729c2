/* Where a tool writes its results: standard output, or the file that -o names.
 *
 * A file appears complete or not at all (see outfile.h).  A failure sticks: a write that is lost, and text
 * that can't be made for lack of memory, are found by tool_output_flush or tool_output_close, so no write
 * needs a check of its own.  So is JSON that could not be read for lack of memory, because what it says would
 * be missing. */
#ifndef TOOLS_COMMON_OUTPUT_H
#define TOOLS_COMMON_OUTPUT_H

#include <stdio.h>

#include "tools/common/json.h"
#include "tools/common/outfile.h"

typedef struct tool_output {
    FILE *stream;
    bool terminal;      /* the stream is one, so names must be escaped */
    const char *name;   /* for messages; borrowed */
    tool_outfile *file; /* NULL for standard output */
    const char *lost;   /* why something is missing; NULL: nothing is */
} tool_output;

/* Opens `path`; NULL and "-" are standard output. */
bool tool_output_open(tool_output *output, const char *path, tool_error *err);

/* Writes a name or a caption: escaped for a terminal, else with tabs and line ends alone escaped. */
void tool_output_text(const tool_output *output, const char *text);

/* Writes a value as JSON and ends the line.  Takes over `value`; NULL is a failure.  Text that can't be made
 * whole is not begun. */
void tool_output_json(tool_output *output, json_t *value, size_t flags);

/* Notes that something that should be written could not be made for lack of memory. */
void tool_output_lose(tool_output *output);

/* False when something that should be written could not be made.  Writes nothing. */
bool tool_output_whole(const tool_output *output, tool_error *err);

/* False when anything written so far was lost. */
bool tool_output_flush(const tool_output *output, tool_error *err);

/* Puts the file in place.  A zeroed output, which was never opened, has nothing to be put. */
bool tool_output_close(tool_output *output, tool_error *err);

/* Drops the file.  Accepts a zeroed and an already closed output. */
void tool_output_abort(tool_output *output);

#endif
