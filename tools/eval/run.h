/* Captions a data set on several threads.  A run that was interrupted goes on where it stopped.
 *
 * An eval_captioner makes the captions: captioner.h has one that runs a model, tests bring their own.
 * Progress and failed images are shown on standard error. */
#ifndef TOOLS_EVAL_RUN_H
#define TOOLS_EVAL_RUN_H

#include <stddef.h>

#include "tools/common/error.h"
#include "tools/eval/store.h"

/* What makes captions.  Every thread opens a worker, uses it alone, and closes it. */
typedef struct eval_captioner {
    void *context;
    void *(*open)(void *context, tool_error *err); /* NULL on failure */
    /* Writes the caption of an image file to text [size].  On failure *err says why. */
    bool (*caption)(void *worker, const char *path, char *text, size_t size, tool_error *err);
    void (*close)(void *worker);
} eval_captioner;

typedef struct eval_run {
    const eval_captioner *captioner;
    int threads;               /* at least 1 */
    const char *folder;        /* of the images */
    const char *const *images; /* [n_images], distinct */
    size_t n_images;
    bool quiet; /* no progress */
    eval_store *store;
    /* results */
    size_t captioned, earlier, failed; /* now, in earlier runs, not at all */
    tool_error first_failure;          /* why the first of those failed */
    double seconds;
} eval_run;

/* Captions the images that the store doesn't hold yet.  An image that fails is shown and counted.  False if
 * the run itself can't go on: no worker can be opened, or the store can't be written. */
bool eval_run_images(eval_run *run, tool_error *err);

#endif
