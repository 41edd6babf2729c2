/* OUT.manifest.json: what an output holds and where it came from, written once the output is complete.
 *
 * It has no times and no names of machines: the same work gives the same manifest. */
#ifndef TOOLS_BATCH_MANIFEST_H
#define TOOLS_BATCH_MANIFEST_H

#include <stdbool.h>

#include "tools/batch/journal.h"

typedef struct batch_manifest {
    char *settings; /* lines "name=value"; owned where it was read */
    batch_totals totals;
} batch_manifest;

/* "OUT.manifest.json", in memory that the caller frees; NULL when memory ran out. */
char *batch_manifest_path(const char *output);

/* Writes the manifest of an output; the failures come from the journal. */
bool batch_manifest_write(const char *output, const batch_manifest *manifest, batch_journal *journal,
                          tool_error *err);

/* Reads it.  The caller frees manifest->settings. */
bool batch_manifest_read(const char *output, batch_manifest *manifest, tool_error *err);

/* The value of a line of the settings into text [size]; false where there is no such line. */
bool batch_settings_find(const char *settings, const char *name, char *text, size_t size);

#endif
