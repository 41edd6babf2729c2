/* OUT.journal: what of an output is finished, so that a run that was stopped at any instant goes on.
 *
 * It says with which settings the output was begun, and for each group of items how far the output reached
 * and the checksum of all its bytes so far.  So what a power cut left of either file is found out, whichever
 * of them reached the disk first.  It is also the lock: only the run that holds it writes to the output.
 * Never prints. */
#ifndef TOOLS_BATCH_JOURNAL_H
#define TOOLS_BATCH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/common/error.h"

/* What an output holds so far. */
typedef struct batch_totals {
    uint64_t items, captioned, failed; /* items: taken from the source, with those that have no image */
    uint64_t bytes;
    uint32_t crc; /* of these bytes */
} batch_totals;

typedef struct batch_journal {
    FILE *file; /* NULL: not open */
    char *path; /* owned */
    long first; /* where the records begin */
    bool fresh; /* it was begun just now */
    bool ended; /* its last record says that the output is complete */
} batch_journal;

/* Opens or begins the journal and takes the lock; fails where another run has it, and names that.  Fails
 * where the settings differ from those that it was begun with.  restart: what it holds is thrown away. */
bool batch_journal_open(batch_journal *journal, const char *path, const char *settings, bool restart,
                        tool_error *err);

/* Finds out what the output (a file open for reading, at its start) holds for certain: *totals.  Records
 * beyond that are dropped. */
bool batch_journal_check(batch_journal *journal, FILE *output, batch_totals *totals, tool_error *err);

/* Adds the record of a group.  failures [size]: its lines "NAME<TAB>MESSAGE". */
bool batch_journal_add(batch_journal *journal, const batch_totals *totals, const char *failures, size_t size,
                       tool_error *err);

/* Adds the last record: with it the output is complete. */
bool batch_journal_end(batch_journal *journal, const batch_totals *totals, tool_error *err);

/* Goes back to the first record, for batch_journal_failure. */
void batch_journal_rewind(batch_journal *journal);

/* The next failure: *line is "NAME<TAB>MESSAGE\n", in memory that the caller frees after the last call. False
 * at the end. */
bool batch_journal_failure(batch_journal *journal, char **line, size_t *room);

/* Closes it, and removes the file where `remove` says so.  Accepts a zeroed journal. */
void batch_journal_close(batch_journal *journal, bool remove);

#endif
