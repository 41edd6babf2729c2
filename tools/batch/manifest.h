/* OUT.manifest.json: what an output holds and where it came from, written once the output is complete.
 *
 * It has no times and no names of machines: the same work gives the same manifest. */
#ifndef TOOLS_BATCH_MANIFEST_H
#define TOOLS_BATCH_MANIFEST_H

#include <stdbool.h>

#include <jansson.h>

#include "tools/batch/journal.h"

typedef struct batch_manifest {
    char *settings; /* lines "name=value"; owned where it was read */
    batch_totals totals;
} batch_manifest;

/* "OUT.manifest.json", in memory that the caller frees; NULL when memory ran out. */
char *batch_manifest_path(const char *output);

/* Gives one failure after the other: *line becomes "NAME<TAB>MESSAGE\n", in memory of `room` bytes that the
 * manifest frees.  False at the end. */
typedef bool (*batch_next_failure)(void *user, char **line, size_t *room);

/* Writes the manifest of an output, which lists totals.failed failures: with another number of them there is
 * no manifest, for then something was lost. */
bool batch_manifest_write(const char *output, const batch_manifest *manifest, batch_next_failure next,
                          void *user, tool_error *err);

/* Reads it.  The caller frees manifest->settings and, where `failures` isn't NULL, gives back *failures,
 * which is the array of them: {"image", "error"}. */
bool batch_manifest_read(const char *output, batch_manifest *manifest, json_t **failures, tool_error *err);

/* The value of a line of the settings into text [size]; false where there is no such line. */
bool batch_settings_find(const char *settings, const char *name, char *text, size_t size);

#endif
