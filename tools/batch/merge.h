/* `capbatch merge`: the outputs of all parts joined into one. */
#ifndef TOOLS_BATCH_MERGE_H
#define TOOLS_BATCH_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/batch/journal.h"

/* What `capbatch merge` was told. */
typedef struct batch_merging {
    char *const *parts; /* [count] */
    size_t count;
    const char *output; /* "-": standard output */
    const char
        *list; /* that the parts were made of: the joined output has its order; NULL: that of the parts */
    bool zero; /* its names end in zero bytes */
} batch_merging;

/* Joins the outputs parts [count] in the order of their numbers, or of the list, and writes a manifest for
 * the whole; output
 * "-" is standard output, which has none.  Names of manifests among the parts are passed over.  *totals are
 * the whole's. Fails, and leaves the output as it was, unless all parts are there once, are what their
 * manifests say, and were made with the same model, options and inputs. */
bool batch_merge(const batch_merging *merging, batch_totals *totals, size_t *joined, tool_error *err);

#endif
