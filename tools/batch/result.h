/* Where captions go: a file that appears when it is complete, or a stream.
 *
 * While a run is at it, the file is OUT.part, and OUT.journal says how far it got.  A run that was stopped is
 * gone on with.  At the end OUT.part becomes OUT, OUT.manifest.json is written, and the journal is removed.
 * A stream, which is standard output, a pipe or a device, has none of these.  Never prints. */
#ifndef TOOLS_BATCH_RESULT_H
#define TOOLS_BATCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/batch/captioner.h"
#include "tools/batch/journal.h"

typedef struct batch_result {
    const char *name;     /* of the output, for messages; borrowed */
    const char *settings; /* borrowed */
    char *part;           /* "OUT.part", owned; NULL: a stream */
    int fd;               /* of the part or stream; -1: not open */
    bool close;           /* fd is to be closed */
    bool complete;        /* an earlier run has done it all, and nothing is open */
    batch_journal journal;
    batch_totals totals; /* what the output holds, earlier runs' work too */
} batch_result;

/* Opens the output of `path`; NULL and "-" are standard output.  settings: what it was, or is to be, made
 * with. restart: begin anew whatever is there. */
bool batch_result_open(batch_result *result, const char *path, const char *settings, bool restart,
                       tool_error *err);

/* Adds bytes that belong to no group: what stands before the first. */
bool batch_result_put(batch_result *result, const char *bytes, size_t size, tool_error *err);

/* Adds a group. */
bool batch_result_add(batch_result *result, const batch_chunk *chunk, tool_error *err);

/* Everything is there but `bytes`, which stand behind the last group: puts the file in place and writes the
 * manifest. */
bool batch_result_finish(batch_result *result, const char *bytes, size_t size, tool_error *err);

/* Closes it.  What isn't finished stays for the next run; where that is nothing, no file is left.  Accepts a
 * zeroed result and a closed one. */
void batch_result_close(batch_result *result);

#endif
