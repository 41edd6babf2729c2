/* Encoded images into a session's slots. */
#ifndef TOOLS_BATCH_LOAD_H
#define TOOLS_BATCH_LOAD_H

#include <caption.h>

#include "tools/common/error.h"
#include "tools/common/text.h"

/* The decode_memory that a session needs for an image; 0 where it makes no difference, since loading fails or
 * needs none. */
size_t batch_load_memory(const caption_session_options *options, const tool_text *data);

/* Loads an image into a slot.  `name` is for messages. */
bool batch_load(caption_session *session, int slot, const char *name, const tool_text *data, tool_error *err);

#endif
