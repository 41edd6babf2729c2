/* Captions by a model file: what `capeval run` hands to run.c.
 *
 * Called by run_command.c.  One caption_model, a caption_session per thread.  Never prints. */
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

/* path NULL: $CAPTION_MODEL or the bundled model; beams 0: the model's own; greedy: no beam search. */
bool eval_model_open(eval_model *m, const char *path, bool greedy, int beams, tool_error *err);

/* Accepts a zeroed structure. */
void eval_model_close(eval_model *m);

/* What decides the captions, as lines "name=value" for the store; false if text is too small. */
bool eval_model_settings(const eval_model *m, char *text, size_t size);

/* m must stay while the captioner is used. */
eval_captioner eval_model_captioner(eval_model *m);

#endif
