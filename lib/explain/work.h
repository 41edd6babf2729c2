/* work.h - how far an explanation has got, and whether it is to stop. */
#ifndef CPT_WORK_H
#define CPT_WORK_H

#include <caption.h>
#include <stdbool.h>

typedef struct cpt_work {
    caption_progress_fn progress; /* or NULL */
    void *user;
    int slot;        /* of the image */
    int done, total; /* parts */
    bool stopped;    /* the progress function wanted it */
} cpt_work;

/* One more part is done.  Returns false when the work is to stop. */
static inline bool cpt_work_goes_on(cpt_work *work)
{
    const caption_progress progress = {
        .stage = CAPTION_STAGE_EXPLAIN, .done = ++work->done, .total = work->total, .slot = work->slot};
    if (work->progress && work->progress(work->user, &progress)) work->stopped = true;
    return !work->stopped;
}

#endif
