/* Captions by a model file, for `capeval run`.
 *
 * All threads share one caption_model, and each has a caption_session.  Nothing is printed. */
#ifndef TOOLS_EVAL_CAPTIONER_H
#define TOOLS_EVAL_CAPTIONER_H

#include <caption.h>

#include "tools/common/session.h"
#include "tools/common/text.h"
#include "tools/eval/metrics.h"
#include "tools/eval/run.h"

typedef struct eval_model {
    caption_model *model;
    const char *name;                /* of the model, for messages; borrowed */
    caption_session_options session; /* see tool_session_options_init */
    caption_decode_options decode;
} eval_model;

/* m->session is set already, and the other fields are zero.  path: NULL for $CAPTION_MODEL or the bundled
 * model.  beams: 0 for the model's own width.  greedy: greedy search instead of beam search. */
bool eval_model_open(eval_model *m, const char *path, bool greedy, int beams, tool_error *err);

/* Accepts a zeroed structure. */
void eval_model_close(eval_model *m);

/* Writes what the captions depend on as lines "name=value", for the store.  False if text is too small. */
bool eval_model_settings(const eval_model *m, char *text, size_t size);

/* One thread's session with a model. */
typedef struct eval_session {
    const eval_model *m; /* borrowed */
    tool_session session;
} eval_session;

/* A caption of an image, the best that was found. */
typedef struct eval_caption {
    char text[EVAL_MAX_CAPTION + 1];
    double score; /* caption_text's */
} eval_caption;

/* m must outlive the session. */
bool eval_session_begin(eval_session *session, const eval_model *m, tool_error *err);

/* Captions an image, whose encoded bytes are in `file`; path is for messages. */
bool eval_session_caption(eval_session *session, const tool_text *file, const char *path,
                          eval_caption *caption, tool_error *err);

/* Accepts a zeroed session. */
void eval_session_end(eval_session *session);

/* m must outlive the captioner. */
eval_captioner eval_model_captioner(eval_model *m);

#endif
