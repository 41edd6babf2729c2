/* Images that wait for a worker: a bounded queue, first come, first served, from which workers take several
 * at a time. */
#ifndef TOOLS_SERVE_QUEUE_H
#define TOOLS_SERVE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"
#include "tools/serve/request.h"

/* One image that is to be captioned.  Whoever fills it keeps it until `finish` is called, once. */
typedef struct serve_job serve_job;
struct serve_job {
    serve_job *next; /* the queue's */
    serve_file file; /* its bytes are there until `finish` */
    serve_wish wish;
    double since; /* tool_now_ms() when it was put into the queue */

    /* Whether nobody waits for the answer any more.  May be called on any thread. */
    bool (*gone)(serve_job *job);

    /* Takes the answer: a status of HTTP, and text that the callee owns from then on, NULL where memory ran
     * out. */
    void (*finish)(serve_job *job, int status, char *text);

    /* Is told the words that every caption of the search begins with, each time that there are more, as the
     * text of a JSON array, which is the caller's.  NULL: nobody wants to know. */
    void (*settle)(serve_job *job, const char *words);
};

typedef struct serve_queue {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t more;
    serve_job *first, *last;
    size_t count, room;
    size_t idle;  /* workers that wait */
    int max_wait; /* milliseconds that an image may wait for others to be encoded with */
    bool stopped;
} serve_queue;

bool serve_queue_begin(serve_queue *queue, size_t room, int max_wait, tool_error *err);
void serve_queue_end(serve_queue *queue);

/* Puts all of jobs[count] into the queue.  False, with none put, where they don't fit or it was stopped. More
 * jobs than the queue's room fit only where it is empty. */
bool serve_queue_put(serve_queue *queue, serve_job *const *jobs, size_t count);

/* Waits for jobs and takes up to `most`, but no more than this worker's share where others wait too.  Returns
 * how many; 0: the queue was stopped and is empty. */
size_t serve_queue_take(serve_queue *queue, serve_job **jobs, size_t most);

/* Takes out the jobs that nobody waits for, and finishes them. */
void serve_queue_drop_gone(serve_queue *queue);

/* From now on nothing is put in, and workers that find it empty are sent home. */
void serve_queue_stop(serve_queue *queue);

size_t serve_queue_length(serve_queue *queue);

/* The status of an answer that nobody waits for. */
enum { SERVE_GONE = 499 };

#endif
