/* A caption_session that grows when an image needs more memory to be decoded, up to a limit.
 *
 * It is made at the first image, and made again when a larger need turns up, so that small photos need little
 * memory.  An image over a limit is refused by its header.  Never prints. */
#ifndef TOOLS_COMMON_SESSION_H
#define TOOLS_COMMON_SESSION_H

#include <caption.h>

#include "tools/common/error.h"
#include "tools/common/pictures.h"

/* Bytes to decode images with that suffice for usual ones: the encoder's own buffers are no smaller. */
enum { TOOL_USUAL_MEMORY = 12 << 20 };

typedef struct tool_session {
    const caption_model *model;      /* borrowed */
    caption_session_options limits;  /* as they were given */
    caption_session_options options; /* the session's; decode_memory grows up to the limit */
    caption_session *session;        /* NULL until the first image */
} tool_session;

/* Fills options with their defaults.  In the tools' options decode_memory is the most that an image may need:
 * 256 MB unless --max-memory says otherwise. */
void tool_session_options_init(caption_session_options *options);

/* Whether an image, whose header says `info`, is within these limits: max_pixels and decode_memory.  The
 * message says what it has or needs, and which option sets the limit. */
bool tool_session_allows(const caption_session_options *limits, const char *name,
                         const caption_image_info *info, tool_error *err);

/* The decode_memory that a session needs for an image, as its header says.  False, with an error, where the
 * header can't be read or the image is over a limit. */
bool tool_load_memory(size_t *need, const picture_source *source, const caption_session_options *limits,
                      tool_error *err);

/* Loads an image that tool_load_memory allowed into a slot of a session with that memory: JPEG and PNG by the
 * library, others by pictures.h, which looks at the limits once it knows their sizes. */
bool tool_load_picture(caption_session *session, int slot, const picture_source *source,
                       const caption_session_options *limits, tool_error *err);

/* Checks that the options, made by the function above, can be met; makes nothing yet. */
bool tool_session_begin(tool_session *session, const caption_model *model,
                        const caption_session_options *options, tool_error *err);

/* Loads an encoded image into slot 0.  `name` is for messages.  A failure concerns this image only. */
bool tool_session_load(tool_session *session, const char *name, const void *data, size_t size,
                       tool_error *err);

void tool_session_end(tool_session *session);

#endif
