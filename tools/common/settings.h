/* What captions depend on, as text: lines "name=value".  A run that goes on compares them with those that it
 * was begun with. */
#ifndef TOOLS_COMMON_SETTINGS_H
#define TOOLS_COMMON_SETTINGS_H

#include <stddef.h>

#include <caption.h>

#include "tools/common/error.h"

/* Writes the lines of model and search to text [size].  False if that is too small. */
bool tool_settings(char *text, size_t size, const caption_model *model,
                   const caption_session_options *session, const caption_decode_options *decode);

/* Compares line by line, so that the message can show the first line that differs.  `path` is what was begun.
 */
bool tool_settings_compare(const char *path, const char *kept, const char *wanted, tool_error *err);

#endif
