/* The service over HTTP; see http.h. */
#include "tools/serve/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/cli.h"
#include "tools/serve/http_routes.h"

enum {
    BODIES = 16,              /* uploads of the largest size that fit into memory together */
    DRAINED_BYTES = 64 << 10, /* a larger body that isn't wanted is not waited for */
    HEADER_BYTES = 32 << 10   /* of a request, with the library's own buffers */
};

/* ---- requests ---- */

/* The size that the request says its body has; 0: it has none, or says none. */
static uint64_t announced(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return text ? strtoull(text, NULL, 10) : 0; /* the library has checked it */
}

/* The header is there. */
static serve_result take_header(serve_exchange *x, const char *method, const char *path)
{
    const uint64_t size = announced(x->connection);
    x->begun = true;
    serve_route_find(x, method, path);
    if (!x->refusal && size > x->service->max_bytes) x->refusal = 413;
    const bool waits = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Expect") != NULL;
    if (x->refusal && (size > DRAINED_BYTES || waits)) return serve_reply_refusal(x, x->refusal);
    return MHD_YES;
}

/* A piece of the body is there. */
static serve_result take_body(serve_exchange *x, const char *data, size_t size)
{
    if (x->cut || x->refusal) {
        x->dropped += size;
        return x->dropped <= x->service->max_bytes * 2 ? MHD_YES : MHD_NO;
    }
    if (!x->route->post) return MHD_YES; /* nobody reads it */
    if (!serve_exchange_append(x, data, size)) serve_reply_cut(x);
    return MHD_YES;
}

/* Is called when the first line of a request is there; the result is *state below. */
static void *on_line(void *user, const char *uri, struct MHD_Connection *connection)
{
    const char *mark = strchr(uri, '?');
    serve_exchange *x = serve_exchange_new(user, connection, mark ? mark + 1 : NULL);
    if (x) serve_connection_enter(&x->service->open, x->link, SERVE_READING);
    return x;
}

/* Is called when the header, each piece of the body, and the end of a request are there, and when the
 * connection was resumed. */
static serve_result on_request(void *user, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *data, size_t *size,
                               void **state)
{
    serve_exchange *x = *state;
    (void)user;
    (void)connection;
    (void)version;
    if (!x) return MHD_NO;
    if (!x->begun) return take_header(x, method, path);
    if (*size) {
        const size_t taken = *size;
        *size = 0;
        return take_body(x, data, taken);
    }
    if (x->cut) return MHD_NO;
    if (x->refusal) return serve_reply_refusal(x, x->refusal);
    return x->images ? serve_reply_images(x) : x->route->act(x);
}

static void on_end(void *user, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode why)
{
    serve_exchange *x = *state;
    (void)user;
    (void)connection;
    (void)why;
    if (!x) return;
    serve_connection_enter(&x->service->open, x->link, SERVE_IDLE);
    serve_exchange_close(x);
    *state = NULL;
}

static void on_connection(void *user, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    serve_service *s = user;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info ? serve_connection_add(&s->open, (int)info->connect_fd) : NULL;
    } else {
        serve_connection_remove(&s->open, *context);
        *context = NULL;
    }
}

/* ---- the daemon ---- */

/* With poll, because with epoll the library overlooks clients that close a connection behind half a request.
 */
static unsigned flags(void)
{
    return (MHD_is_feature_supported(MHD_FEATURE_POLL) == MHD_YES ? MHD_USE_POLL_INTERNAL_THREAD
                                                                  : MHD_USE_INTERNAL_POLLING_THREAD) |
           MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
}

bool serve_http_begin(serve_service *service, int listener, tool_error *err)
{
    serve_service *s = service;
    s->max_body_bytes = s->max_bytes > SIZE_MAX / BODIES ? SIZE_MAX : s->max_bytes * BODIES;
    if (!serve_connections_begin(&s->open, s->timeout * 1e3)) {
        return tool_fail(err, "threads: can't make a lock");
    }
    errno = 0;
    s->daemon =
        MHD_start_daemon(flags(), 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, listener,
                         MHD_OPTION_URI_LOG_CALLBACK, on_line, s, MHD_OPTION_NOTIFY_COMPLETED, on_end, s,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)s->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->timeout + 1, MHD_OPTION_END);
    if (s->daemon) return true;
    serve_connections_end(&s->open);
    return tool_fail(err, "can't start to answer: %s", errno ? tool_reason(errno) : "libmicrohttpd failed");
}

void serve_http_tick(serve_service *service)
{
    for (size_t late = serve_connections_sweep(&service->open); late; late--) {
        serve_metrics_request(service->metrics, 408);
    }
    serve_queue_drop_gone(service->queue);
}

void serve_http_drain(serve_service *service)
{
    atomic_store(&service->draining, true);
    (void)MHD_quiesce_daemon(service->daemon);
}

void serve_http_end(serve_service *service)
{
    MHD_stop_daemon(service->daemon);
    serve_connections_end(&service->open);
}
