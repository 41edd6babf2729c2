/* threads.h - a small pool of threads that share jobs.  Idle ones sleep.  In builds with CAPTION_NO_THREADS
 * there is only the calling thread. */
#ifndef CPT_THREADS_H
#define CPT_THREADS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cpt_pool cpt_pool;

/* One piece of a job: number `index` of 0..count-1.  `thread`, 0..threads-1, is the number of the thread that
 * runs it, so that each can have its own scratch memory. */
typedef void (*cpt_task)(void *user, int index, int thread);

/* Returns the bytes of a pool of `threads` threads, the caller's included.  One thread needs none: 0. */
size_t cpt_pool_size(int threads);

/* Starts threads - 1 threads beside the caller's.  `memory` has cpt_pool_size bytes, is 64-byte aligned and
 * outlives the pool.  Returns NULL for one thread and when threads can't be started; *failed says which. */
cpt_pool *cpt_pool_init(void *memory, int threads, bool *failed);

/* Ends the threads that were started.  Accepts NULL. */
void cpt_pool_close(cpt_pool *pool);

/* Returns the number of threads, the caller's included; 1 for NULL. */
int cpt_pool_threads(const cpt_pool *pool);

/* Runs `task` for every index of 0..count-1 and returns when all are done.  Pool NULL: one after the other,
 * on the calling thread.  One caller at a time. */
void cpt_pool_run(cpt_pool *pool, cpt_task task, void *user, int count);

#endif
