/* Predicted captions, from three kinds of files.
 *
 * They are "image<TAB>caption" lines, the lines of `capdemo --json`, and the published *_predictions.json,
 * which holds its references too.  Nothing is printed. */
#ifndef TOOLS_EVAL_PREDICTIONS_H
#define TOOLS_EVAL_PREDICTIONS_H

#include <stddef.h>

#include "tools/common/error.h"
#include "tools/eval/metrics.h"
#include "tools/eval/refs.h"

typedef struct eval_prediction {
    const char *image, *caption; /* owned by the list; caption is NULL where captioning failed */
    size_t place;                /* line, or number of the item in a published file, from 1 */
} eval_prediction;

typedef struct eval_predictions {
    eval_prediction *items; /* [count] in file order */
    size_t count, capacity;
    eval_table *texts;
    eval_refs *refs;  /* of a published file; NULL otherwise */
    const char *path; /* borrowed, for messages */
} eval_predictions;

/* Reads a file ("-": standard input), whose kind is told from its first character.  On failure the list is
 * empty; errors name file and line. */
bool eval_predictions_read(eval_predictions *list, const char *path, tool_error *err);

/* Starts an empty list. */
bool eval_predictions_begin(eval_predictions *list, const char *path, tool_error *err);

/* Adds a copy of a prediction.  A caption that is NULL means that captioning failed. */
bool eval_predictions_add(eval_predictions *list, const char *image, const char *caption, size_t place,
                          tool_error *err);

void eval_predictions_free(eval_predictions *list);

typedef struct eval_joined {
    eval_corpus *corpus;
    const eval_prediction **items; /* [corpus size] the prediction behind each image */
    size_t failed;                 /* predictions without a caption: not scored */
    size_t empty;                  /* captions without a word: scored, as 0 */
    size_t missing;                /* images of the references without a prediction: not scored */
} eval_joined;

/* Pairs every prediction with its references.  Refuses an image without references, an image that comes twice
 * (as a/x.jpg and x.jpg, for example), and a list with nothing to score. */
bool eval_join(eval_joined *joined, const eval_predictions *list, const eval_refs *refs, tool_error *err);

void eval_joined_free(eval_joined *joined);

#endif
