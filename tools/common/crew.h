/* A crew of threads that shares numbered pieces of work.
 *
 *     tool_crew crew = {.threads = 4, .count = n_images, .context = &job, .work = caption, .hand_in = store};
 *     ok = tool_crew_run(&crew, &err);
 *
 * Pieces are given out in order, each to whichever thread is free.  Making a piece's result (`work`) runs in
 * parallel; handing it in (`hand_in`) runs for one piece at a time, in no certain order.  After the first
 * error no piece is given out any more, and those in work are finished.  The error that is reported is that
 * of the piece with the lowest number, so it does not depend on timing. */
#ifndef TOOLS_COMMON_CREW_H
#define TOOLS_COMMON_CREW_H

#include <stddef.h>

#include "tools/common/error.h"

enum { TOOL_CREW_MOST = 256 }; /* threads */

typedef struct tool_crew {
    int threads;   /* at most so many, the calling one included; values outside 1 .. TOOL_CREW_MOST are cut */
    size_t count;  /* pieces, numbered from 0 */
    void *context; /* handed to every function; shared by all threads */

    /* Makes what one thread keeps to itself: its worker.  Runs on that thread, once it has its first piece.
     * NULL and an error on failure.  Without this function (NULL) the worker is NULL. */
    void *(*begin)(void *context, tool_error *err);

    /* Makes the result of a piece, and leaves it in the worker. */
    bool (*work)(void *context, void *worker, size_t index, tool_error *err);

    /* Takes the result from the worker; may be NULL.  Never runs on two threads at once. */
    bool (*hand_in)(void *context, void *worker, size_t index, tool_error *err);

    /* Frees a worker; may be NULL. */
    void (*end)(void *worker);
} tool_crew;

/* Returns when all pieces are done, or after the first error.  Where fewer threads can be started than asked
 * for, fewer do the work. */
bool tool_crew_run(const tool_crew *crew, tool_error *err);

#endif
