/* `capeval run`: a model, a folder of images and their reference captions in; predictions and figures out.
 *
 * Prints the result to standard output; progress, notes and failed images go to standard error. */
#ifndef TOOLS_EVAL_RUN_COMMAND_H
#define TOOLS_EVAL_RUN_COMMAND_H

#include <caption.h>

#include "tools/eval/score.h"

typedef struct eval_run_options {
    const char *model;         /* NULL: $CAPTION_MODEL or the bundled one */
    const char *compare;       /* a second model, or NULL; see compare_command.h */
    const char *images, *refs; /* refs may be NULL where models are compared */
    const char *list;          /* file of image names, or NULL: all images of refs */
    const char *output;        /* predictions file */
    bool null;                 /* the names in `list` end in zero bytes, not in newlines */
    bool greedy;
    caption_session_options session; /* how images are read; the model sets the rest */
    int beams;                       /* 0: the model's own */
    int threads;                     /* 0: one a processor */
    eval_score_options score;        /* metrics NULL: named after the output */
} eval_run_options;

/* Images that can't be captioned are left out of the scores; in the end they make this false. */
bool eval_run_command(const eval_run_options *options, tool_error *err);

#endif
