/* One output's run: threads take groups of items in order, caption them, and hand in what they wrote.
 *
 * Taking and handing in follow the order of the items, whatever the threads do in between.  So few finished
 * groups wait for an earlier one that memory stays bounded.  Progress and failures are shown on standard
 * error. */
#ifndef TOOLS_BATCH_RUN_H
#define TOOLS_BATCH_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/batch/captioner.h"
#include "tools/batch/result.h"
#include "tools/batch/source.h"
#include "tools/common/progress.h"

typedef struct batch_run {
    batch_job *job;
    int threads, batch;   /* batch: images of a group, 1..BATCH_MOST */
    const char *tool;     /* for messages */
    batch_source *source; /* at its first item */
    batch_result *result; /* open */
    uint64_t images;      /* that come by name; of tars it isn't known how many they hold */
    uint64_t tar_bytes;   /* of all tars */
    bool quiet;
} batch_run;

/* Captions what the result doesn't hold yet.  False where the run can't go on; what was done is kept. */
bool batch_run_all(batch_run *run, tool_error *err);

#endif
