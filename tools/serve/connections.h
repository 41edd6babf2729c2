/* The open connections, so that those that take too long to send a request, or to read an answer, can be
 * shut.
 *
 * The HTTP library closes a connection on which nothing happens.  A client that sends a byte now and then is
 * found here: each request has a time by which it must have arrived whole. */
#ifndef TOOLS_SERVE_CONNECTIONS_H
#define TOOLS_SERVE_CONNECTIONS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum serve_phase {
    SERVE_IDLE,    /* between requests, or before the first line of one */
    SERVE_READING, /* a request arrives */
    SERVE_WORKING, /* the service is to act: no limit */
    SERVE_SENDING  /* an answer is sent */
} serve_phase;

typedef struct serve_connection serve_connection;

typedef struct serve_connections {
    pthread_mutex_t lock; /* guards the list */
    serve_connection *first;
    size_t count;
    double limit; /* milliseconds for each phase */
} serve_connections;

bool serve_connections_begin(serve_connections *list, double limit);
void serve_connections_end(serve_connections *list);

/* NULL where memory ran out. */
serve_connection *serve_connection_add(serve_connections *list, int fd);

/* Its descriptor is still open. */
void serve_connection_remove(serve_connections *list, serve_connection *connection);

void serve_connection_enter(serve_connections *list, serve_connection *connection, serve_phase phase);

/* Shuts the connections whose phase lasts too long; of a request that arrives, with the answer 408.  Returns
 * how many got that answer. */
size_t serve_connections_sweep(serve_connections *list);

size_t serve_connections_count(serve_connections *list);

#endif
