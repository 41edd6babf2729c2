/* Which model a tool uses: the one that was named, $CAPTION_MODEL, or the one compiled in.  Never prints. */
#ifndef TOOLS_COMMON_BUNDLED_H
#define TOOLS_COMMON_BUNDLED_H

#include <stddef.h>

#include <caption.h>

#include "tools/common/error.h"

/* The model that was compiled in, 64-byte aligned; NULL where there is none. */
const void *tool_bundled_data(size_t *size);

/* Which file is the model: `path`, or with path NULL what $CAPTION_MODEL says; NULL stands for the bundled
 * model.  Borrowed. */
const char *tool_model_path(const char *path);

/* Opens the model of tool_model_path(path).  *name is what to call it in messages; borrowed. */
bool tool_model_open(caption_model **model, const char *path, const char **name, tool_error *err);

#endif
