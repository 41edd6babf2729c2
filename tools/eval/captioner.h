/* Captions by a model file, for `capeval run`.
 *
 * All threads share one caption_model, and each has a caption_session.  Nothing is printed. */
#ifndef TOOLS_EVAL_CAPTIONER_H
#define TOOLS_EVAL_CAPTIONER_H

#include <caption.h>

#include "tools/eval/run.h"

typedef struct eval_model {
    caption_model *model;
    const char *name; /* of the model, for messages; borrowed */
    caption_session_options session;
    caption_decode_options decode;
} eval_model;

/* path: NULL for $CAPTION_MODEL or the bundled model.  beams: 0 for the model's own width.  greedy: greedy
 * search instead of beam search. */
bool eval_model_open(eval_model *m, const char *path, bool greedy, int beams, tool_error *err);

/* Accepts a zeroed structure. */
void eval_model_close(eval_model *m);

/* Writes what the captions depend on as lines "name=value", for the store.  False if text is too small. */
bool eval_model_settings(const eval_model *m, char *text, size_t size);

/* m must outlive the captioner. */
eval_captioner eval_model_captioner(eval_model *m);

#endif
