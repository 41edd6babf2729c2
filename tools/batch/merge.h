/* `capbatch merge`: the outputs of all parts joined into one. */
#ifndef TOOLS_BATCH_MERGE_H
#define TOOLS_BATCH_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/batch/journal.h"

/* Joins the outputs parts [count] in the order of their numbers, and writes a manifest for the whole; output
 * "-" is standard output, which has none.  Names of manifests among the parts are passed over.  *totals are
 * the whole's. Fails, and leaves the output as it was, unless all parts are there once, are what their
 * manifests say, and were made with the same model, options and inputs. */
bool batch_merge(char *const *parts, size_t count, const char *output, batch_totals *totals, size_t *joined,
                 tool_error *err);

#endif
