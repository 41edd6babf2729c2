/* The predictions file of a run that may be interrupted at any moment and go on later.
 *
 * Called by run.c.  "image<TAB>caption" lines are appended as they are finished, each in one write; a last
 * line that was cut off is dropped on reopening.  Beside it FILE.run holds the settings the captions were
 * made with; other settings are refused.  One process at a time.  Never prints. */
#ifndef TOOLS_EVAL_STORE_H
#define TOOLS_EVAL_STORE_H

#include <stddef.h>

#include "tools/common/error.h"

typedef struct eval_store eval_store;

/* Opens or begins a file.  settings: lines "name=value", each with its newline.  NULL on failure. */
eval_store *eval_store_open(const char *path, const char *settings, tool_error *err);

/* Flushes to disk; accepts NULL and a cleared pointer. */
void eval_store_close(eval_store **store);

/* The caption of an image that was finished, in this run or before; NULL if it was not.  Owned by the store.
 */
const char *eval_store_find(const eval_store *store, const char *image);

/* Appends a finished image. */
bool eval_store_add(eval_store *store, const char *image, const char *caption, tool_error *err);

#endif
