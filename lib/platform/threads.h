/* threads.h - a small pool of worker threads.  Idle workers sleep; without CAPTION_NO_THREADS only. */
#ifndef CPT_THREADS_H
#define CPT_THREADS_H

#include <stddef.h>

typedef struct cpt_pool cpt_pool;

/* One piece of a job: `index` of 0..count-1, run by `thread` of 0..threads-1 (for per-thread scratch). */
typedef void (*cpt_task)(void *user, int index, int thread);

/* Bytes that a pool of `threads` threads (the caller's included) occupies; 0 for one thread, which needs
 * none. */
size_t cpt_pool_size(int threads);

/* Starts threads - 1 workers in `memory`.  NULL when threads is 1, or when threads can't be started (*failed
 * is 1). */
cpt_pool *cpt_pool_init(void *memory, int threads, int *failed);

/* Ends the workers.  Accepts NULL. */
void cpt_pool_close(cpt_pool *pool);

/* 1 for NULL. */
int cpt_pool_threads(const cpt_pool *pool);

/* Runs task for every index and returns when all are done.  With pool NULL: in order, on the calling thread.
 */
void cpt_pool_run(cpt_pool *pool, cpt_task task, void *user, int count);

#endif
