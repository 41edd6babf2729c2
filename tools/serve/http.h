/* The service over HTTP, by libmicrohttpd.  One thread reads and writes all connections; the workers' threads
 * caption.  This and http_*.c are the only files that know the library. */
#ifndef TOOLS_SERVE_HTTP_H
#define TOOLS_SERVE_HTTP_H

#include <stdatomic.h>

#include "tools/serve/connections.h"
#include "tools/serve/workers.h"

struct MHD_Daemon;

typedef struct serve_service {
    /* borrowed */
    serve_queue *queue;
    serve_models *models;
    serve_metrics *metrics;
    serve_workers *workers;
    const char *token; /* NULL: everybody may ask */
    size_t max_bytes;  /* of an upload */
    int timeout;       /* seconds for a request to arrive, and for an answer to be taken */
    int connections;   /* at most */

    /* set by serve_http_begin */
    struct MHD_Daemon *daemon;
    serve_connections open;
    size_t max_body_bytes;    /* of all uploads together */
    atomic_size_t body_bytes; /* that they have now */
    atomic_size_t requests;   /* that were begun and not ended */
    atomic_bool draining;     /* no more captions are taken on */
} serve_service;

/* Begins to answer on the socket `listener`. */
bool serve_http_begin(serve_service *service, int listener, tool_error *err);

/* What has to be done about four times a second. */
void serve_http_tick(serve_service *service);

/* No new connections and captions; requests that were begun go on. */
void serve_http_drain(serve_service *service);

/* All workers have ended.  The socket is still open. */
void serve_http_end(serve_service *service);

#endif
