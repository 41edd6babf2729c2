/* The session of a worker: made again when there is another model, or when a request wants what it has no
 * memory for. */
#ifndef TOOLS_SERVE_SESSION_H
#define TOOLS_SERVE_SESSION_H

#include "tools/serve/workers.h"

typedef struct serve_session {
    caption_session *session; /* NULL: there is none yet */
    serve_model *model;       /* the session's, or NULL */
    caption_session_options options;
    caption_session_options limits; /* the same with the memory that an image may need at most */
    caption_decode_options decode;
} serve_session;

/* Whether sessions can be made at all. */
bool serve_session_check(const serve_workers *workers, tool_error *err);

/* Sees to a session of the current model. */
bool serve_session_ready(serve_session *session, const serve_workers *workers, tool_error *err);

/* Sees to memory for caption_explain, which the session has from the first call until there is another model.
 */
bool serve_session_explain(serve_session *session, tool_error *err);

/* Makes the session again with the model that it had, and this memory for decoding an image.  The old one
 * goes first. */
bool serve_session_renew(serve_session *session, size_t decode_memory, tool_error *err);

/* Accepts a session that is all zeros. */
void serve_session_end(serve_session *session, const serve_workers *workers);

#endif
