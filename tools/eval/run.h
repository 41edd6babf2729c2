/* Captions a data set on several threads, so that it can be interrupted and go on.
 *
 * Called by capeval.c (through captioner.h) and the tests (with a captioner of their own): knows nothing of
 * models. Shows progress and failed images on stderr. */
#ifndef TOOLS_EVAL_RUN_H
#define TOOLS_EVAL_RUN_H

#include <stddef.h>

#include "tools/common/error.h"
#include "tools/eval/store.h"

/* What makes captions: one worker a thread, made and used by that thread alone. */
typedef struct eval_captioner {
    void *context;
    void *(*open)(void *context, tool_error *err); /* NULL on failure */
    /* Writes the caption of an image file to text [size].  On failure *err says why. */
    bool (*caption)(void *worker, const char *path, char *text, size_t size, tool_error *err);
    void (*close)(void *worker);
} eval_captioner;

typedef struct eval_run {
    const eval_captioner *captioner;
    int threads;
    const char *folder;        /* of the images */
    const char *const *images; /* [n_images], distinct */
    size_t n_images;
    bool quiet; /* no progress */
    eval_store *store;
    /* results */
    size_t captioned, earlier, failed; /* now, in earlier runs, not at all */
    double seconds;
} eval_run;

/* Captions what the store does not hold yet.  Images that fail are listed on stderr and counted; false if the
 * run itself can't go on. */
bool eval_run_images(eval_run *run, tool_error *err);

#endif
