/* Which model a tool uses: the one it was told to, $CAPTION_MODEL, or the one compiled in.
 *
 * Called by capdemo and by tests.  Never prints. */
#ifndef TOOLS_COMMON_BUNDLED_H
#define TOOLS_COMMON_BUNDLED_H

#include <stddef.h>

#include <caption.h>

#include "tools/common/error.h"

/* The model that was compiled in, 64-byte aligned; NULL where there is none. */
const void *tool_bundled_data(size_t *size);

/* Opens `path`, or with path NULL the first of $CAPTION_MODEL and the bundled model.  *name is what to call
 * it in messages; borrowed. */
bool tool_model_open(caption_model **model, const char *path, const char **name, tool_error *err);

#endif
