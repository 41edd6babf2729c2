/* Counts of what the service did, and their text for Prometheus (exposition format 0.0.4). */
#ifndef TOOLS_SERVE_METRICS_H
#define TOOLS_SERVE_METRICS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERVE_BUCKETS = 12, SERVE_STATUSES = 600 };

typedef struct serve_metrics {
    pthread_mutex_t lock;
    double start;                      /* tool_now_ms() */
    uint64_t requests[SERVE_STATUSES]; /* answered, by status */
    uint64_t captioned, failed, gone;  /* images */
    uint64_t batches, batched;         /* groups that were encoded, and the images in them */
    uint64_t buckets[SERVE_BUCKETS];   /* images by seconds from the queue to the answer; the last: slower */
    double seconds;                    /* the sum of these */
    double pace;                       /* milliseconds of a worker for an image, lately; 0: not known */
} serve_metrics;

/* What is so at the moment that metrics are written. */
typedef struct serve_gauges {
    size_t queued, requests, connections, body_bytes;
} serve_gauges;

bool serve_metrics_begin(serve_metrics *metrics);
void serve_metrics_end(serve_metrics *metrics);

double serve_metrics_uptime(const serve_metrics *metrics); /* seconds */

/* A request was answered. */
void serve_metrics_request(serve_metrics *metrics, int status);

/* An image was finished so many milliseconds after it came into the queue. */
void serve_metrics_image(serve_metrics *metrics, int status, double ms);

/* `count` images were encoded and decoded together in so many milliseconds. */
void serve_metrics_batch(serve_metrics *metrics, size_t count, double ms);

/* Seconds, 1 or more, in which `queued` images will have been captioned by `workers`. */
int serve_metrics_wait(serve_metrics *metrics, size_t queued, size_t workers);

/* The text, owned by the caller; NULL where memory ran out. */
char *serve_metrics_text(serve_metrics *metrics, const serve_gauges *gauges, size_t *size);

#endif
