/* Threads that take images from the queue and caption them, each with a session of its own. */
#ifndef TOOLS_SERVE_WORKERS_H
#define TOOLS_SERVE_WORKERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "tools/common/error.h"
#include "tools/common/options.h"
#include "tools/serve/metrics.h"
#include "tools/serve/models.h"
#include "tools/serve/queue.h"

enum { SERVE_MOST_BATCH = 8 }; /* images encoded together */

typedef struct serve_worker serve_worker;

typedef struct serve_workers {
    serve_queue *queue; /* these three are borrowed */
    serve_models *models;
    serve_metrics *metrics;
    tool_options options;  /* how to search and to read images; threads are those of one session */
    serve_bounds bounds;   /* what requests may ask for */
    int batch;             /* images encoded together at most, 1 to SERVE_MOST_BATCH */
    size_t count;          /* threads */
    atomic_bool cut;       /* work is broken off, and its requests are answered with 503 */
    pthread_mutex_t large; /* held while an image that needs much memory is decoded */
    serve_worker *all;     /* [count] */
} serve_workers;

/* Starts the threads; the fields above `cut` are set. */
bool serve_workers_begin(serve_workers *workers, tool_error *err);

/* Waits for the threads, which end once the queue was stopped and is empty. */
void serve_workers_end(serve_workers *workers);

#endif
