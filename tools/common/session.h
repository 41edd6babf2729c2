/* A caption_session that grows when an image needs more memory to be decoded.
 *
 * It is made at the first image, and made again when a larger need turns up, so that small photos need little
 * memory. Never prints. */
#ifndef TOOLS_COMMON_SESSION_H
#define TOOLS_COMMON_SESSION_H

#include <caption.h>

#include "tools/common/error.h"
#include "tools/common/pictures.h"

/* What the pixels of a picture may take that the library doesn't read itself. */
#define TOOL_PICTURE_MEMORY ((size_t)256 << 20)

typedef struct tool_session {
    const caption_model *model;      /* borrowed */
    caption_session_options options; /* decode_memory grows */
    caption_session *session;        /* NULL until the first image */
    picture_limits limits;           /* of pictures.h; its pixels are max_pixels of the options */
} tool_session;

/* Checks that the options can be met; makes nothing yet. */
bool tool_session_begin(tool_session *session, const caption_model *model,
                        const caption_session_options *options, tool_error *err);

/* Loads an encoded image into slot 0: JPEG and PNG by the library, others by pictures.h.  `name` is for
 * messages.  A failure concerns this image only. */
bool tool_session_load(tool_session *session, const char *name, const void *data, size_t size,
                       tool_error *err);

void tool_session_end(tool_session *session);

#endif
