/* Connections and their limits of time; see connections.h. */
#include "tools/serve/connections.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "tools/common/clock.h"
#include "tools/serve/listen.h"

struct serve_connection {
    serve_connection *next, *before;
    int fd;
    serve_phase phase;
    double since; /* of the phase */
    bool shut;
};

bool serve_connections_begin(serve_connections *list, double limit)
{
    *list = (serve_connections){.limit = limit};
    return pthread_mutex_init(&list->lock, NULL) == 0;
}

void serve_connections_end(serve_connections *list)
{
    (void)pthread_mutex_destroy(&list->lock);
}

serve_connection *serve_connection_add(serve_connections *list, int fd)
{
    serve_connection *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->fd = fd;
    c->since = tool_now_ms();
    (void)pthread_mutex_lock(&list->lock);
    c->next = list->first;
    if (c->next) c->next->before = c;
    list->first = c;
    list->count++;
    (void)pthread_mutex_unlock(&list->lock);
    return c;
}

void serve_connection_remove(serve_connections *list, serve_connection *connection)
{
    if (!connection) return;
    (void)pthread_mutex_lock(&list->lock);
    if (connection->next) connection->next->before = connection->before;
    if (connection->before) connection->before->next = connection->next;
    if (list->first == connection) list->first = connection->next;
    list->count--;
    (void)pthread_mutex_unlock(&list->lock);
    free(connection);
}

void serve_connection_enter(serve_connections *list, serve_connection *connection, serve_phase phase)
{
    if (!connection) return;
    (void)pthread_mutex_lock(&list->lock);
    connection->phase = phase;
    connection->since = tool_now_ms();
    (void)pthread_mutex_unlock(&list->lock);
}

size_t serve_connections_sweep(serve_connections *list)
{
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
                               "Content-Type: application/json\r\nContent-Length: 28\r\n\r\n"
                               "{\"detail\":\"Request Timeout\"}";
    const double now = tool_now_ms();
    size_t told = 0;
    (void)pthread_mutex_lock(&list->lock);
    for (serve_connection *c = list->first; c; c = c->next) {
        if (c->shut || c->phase == SERVE_WORKING || now - c->since <= list->limit) continue;
        if (c->phase == SERVE_READING) {
            serve_send_now(c->fd, late, sizeof late - 1);
            told++;
        }
        c->shut = true;
        (void)shutdown(c->fd, SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&list->lock);
    return told;
}

size_t serve_connections_count(serve_connections *list)
{
    (void)pthread_mutex_lock(&list->lock);
    const size_t count = list->count;
    (void)pthread_mutex_unlock(&list->lock);
    return count;
}
