/* Paths and answers; see http_routes.h. */
#include "tools/serve/http_routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/common/json.h"
#include "tools/serve/answer.h"
#include "tools/serve/listen.h"

static const char type_json[] = "application/json";

/* ---- replies ---- */

/* What an answer consists of. */
typedef struct reply {
    int status;
    const char *type;
    void *data; /* [size] */
    size_t size;
    bool owned;         /* the data is freed with the answer */
    const char *policy; /* of a page; NULL: nothing may be loaded or run */
} reply;

/* Headers that an answer of this status has. */
static void add_status_headers(const serve_exchange *x, struct MHD_Response *response, int status)
{
    char text[40];
    serve_service *s = x->service;
    if (status == 503) {
        const int seconds = serve_metrics_wait(s->metrics, serve_queue_length(s->queue), s->workers->count);
        (void)snprintf(text, sizeof text, "%d", seconds);
        (void)MHD_add_response_header(response, "Retry-After", text);
    } else if (status == 401) {
        (void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    } else if (status == 405 && x->route) {
        (void)MHD_add_response_header(response, "Allow", x->route->post ? "POST" : "GET, HEAD");
    }
}

/* Hands an answer over, with the headers that all answers have.  Takes over `response`. */
static serve_result hand_over(serve_exchange *x, struct MHD_Response *response, const reply *r)
{
    static const char nothing[] = "default-src 'none'; frame-ancestors 'none'";
    if (!response) return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", r->type);
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Content-Security-Policy", r->policy ? r->policy : nothing);
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    add_status_headers(x, response, r->status);
    if (atomic_load(&x->service->draining)) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    const serve_result result = MHD_queue_response(x->connection, (unsigned)r->status, response);
    MHD_destroy_response(response);
    x->answered = true;
    serve_metrics_request(x->service->metrics, r->status);
    return result;
}

static serve_result send_reply(serve_exchange *x, const reply *r)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        r->size, r->data, r->owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response && r->owned) free(r->data);
    serve_connection_enter(&x->service->open, x->link, SERVE_SENDING);
    return hand_over(x, response, r);
}

/* text: owned, or NULL where memory ran out */
static serve_result send_json(serve_exchange *x, int status, char *text)
{
    static char lost[] = "{\"detail\":\"out of memory\"}";
    if (text) {
        return send_reply(
            x,
            &(reply){.status = status, .type = type_json, .data = text, .size = strlen(text), .owned = true});
    }
    return send_reply(x, &(reply){.status = status == SERVE_GONE ? status : 500,
                                  .type = type_json,
                                  .data = lost,
                                  .size = sizeof lost - 1});
}

static serve_result send_detail(serve_exchange *x, int status, json_t *detail)
{
    return send_json(x, status, serve_answer_text(serve_answer_error(detail)));
}

static const char *phrase(const serve_exchange *x, int status)
{
    switch (status) {
    case 401:
        return "Not authenticated";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "the upload is too large";
    default:
        return atomic_load(&x->service->draining) ? "the service is shutting down"
                                                  : "too many images are waiting";
    }
}

/* The same path without the '/' at its end, as Starlette does it. */
static serve_result redirect(serve_exchange *x)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    const char *path = x->route->path ? x->route->path : x->file.path;
    const size_t size = strlen(path) + (x->query ? strlen(x->query) : 0) + 2;
    char *place = malloc(size);
    if (response && place) {
        (void)snprintf(place, size, "%s%s%s", path, x->query ? "?" : "", x->query ? x->query : "");
        (void)MHD_add_response_header(response, "Location", place);
    }
    free(place);
    serve_connection_enter(&x->service->open, x->link, SERVE_SENDING);
    return hand_over(x, response, &(reply){.status = 307, .type = "text/plain"});
}

serve_result serve_reply_refusal(serve_exchange *x, int status)
{
    if (status == 307) return redirect(x);
    return send_detail(x, status, json_string(phrase(x, status)));
}

serve_result serve_reply_images(serve_exchange *x)
{
    char *text;
    const int status = serve_exchange_answer(x, &text);
    return send_json(x, status, text);
}

void serve_reply_cut(serve_exchange *x)
{
    char text[256];
    const char *what = phrase(x, x->refusal);
    const int length =
        snprintf(text, sizeof text,
                 "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n"
                 "{\"detail\":\"%s\"}",
                 x->refusal, x->refusal == 413 ? "Content Too Large" : "Service Unavailable", type_json,
                 x->refusal == 503 ? "Retry-After: 1\r\n" : "", strlen(what) + 13, what);
    serve_send_now(x->fd, text, (size_t)length);
    serve_end_sending(x->fd);
    x->cut = true;
    serve_metrics_request(x->service->metrics, x->refusal);
}

/* ---- pages ---- */

/* Pages load and run what the service itself sends, and nothing else. */
static const char page_policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
                                  "blob: data:; connect-src 'self'; "
                                  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static serve_result act_file(serve_exchange *x)
{
    const serve_builtin *file = &x->file;
    return send_reply(x, &(reply){.status = 200,
                                  .type = file->type,
                                  .data = (void *)(uintptr_t)file->data,
                                  .size = file->size,
                                  .policy = strncmp(file->type, "text/html", 9) == 0 ? page_policy : NULL});
}

/* ---- what there is to know ---- */

static serve_result act_health(serve_exchange *x)
{
    json_t *answer = json_object();
    tool_json_set(&answer, "status", json_string("ok"));
    tool_json_set(&answer, "model_loaded", json_true());
    tool_json_set(&answer, "uptime_s", json_real(serve_metrics_uptime(x->service->metrics)));
    tool_json_set(&answer, "device", json_string("cpu"));
    return send_json(x, 200, serve_answer_text(answer));
}

static serve_result act_model(serve_exchange *x)
{
    serve_model *m = serve_models_take(x->service->models);
    const char *slash = strrchr(m->name, '/');
    json_t *answer = serve_answer_model(m->model, slash ? slash + 1 : m->name);
    serve_models_give(x->service->models, m);
    return send_json(x, 200, serve_answer_text(answer));
}

static serve_result act_metrics(serve_exchange *x)
{
    serve_service *s = x->service;
    const serve_gauges gauges = {.queued = serve_queue_length(s->queue),
                                 .requests = atomic_load(&s->requests),
                                 .connections = serve_connections_count(&s->open),
                                 .body_bytes = atomic_load(&s->body_bytes)};
    size_t size;
    char *text = serve_metrics_text(s->metrics, &gauges, &size);
    if (!text) return send_json(x, 500, NULL);
    return send_reply(x, &(reply){.status = 200,
                                  .type = "text/plain; version=0.0.4; charset=utf-8",
                                  .data = text,
                                  .size = size,
                                  .owned = true});
}

/* ---- captions ---- */

static const char *header(const serve_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* The answer of lines begins while images wait. */
static serve_result begin_lines(serve_exchange *x)
{
    enum { BLOCK = 4096 };
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, serve_exchange_read, x, NULL);
    return hand_over(x, response, &(reply){.status = 200, .type = "application/x-ndjson"});
}

static serve_result caption(serve_exchange *x, serve_kind kind)
{
    serve_wish wish;
    serve_refusal refusal = {0, NULL};
    serve_file *files = calloc(SERVE_MOST_FILES, sizeof *files);
    size_t count;
    if (!files) return send_json(x, 500, NULL);
    const serve_input input = {.query = x->query,
                               .content_type = header(x, "Content-Type"),
                               .body = x->body,
                               .size = x->size,
                               .kind = kind};
    const bool lines = serve_accepts_lines(header(x, "Accept"));
    const bool ok = serve_request_read(&input, &x->service->workers->bounds, &wish, files, &count, &refusal);
    const bool queued = ok && serve_exchange_queue(x, &wish, files, count, lines);
    free(files);
    if (!ok) return send_detail(x, refusal.status, refusal.detail);
    if (queued) return lines ? begin_lines(x) : MHD_YES;
    x->refusal = 503;
    return lines || !x->images ? serve_reply_refusal(x, 503) : MHD_YES; /* it was suspended: called again */
}

static serve_result act_caption(serve_exchange *x)
{
    return caption(x, SERVE_CAPTION);
}

static serve_result act_attention(serve_exchange *x)
{
    return caption(x, SERVE_ATTENTION);
}

static serve_result act_explain(serve_exchange *x)
{
    return caption(x, SERVE_EXPLAIN);
}

/* ---- routes ---- */

static const serve_route routes[] = {
    {"/health", false, false, act_health},
    {"/model-info", false, true, act_model},
    {"/metrics", false, true, act_metrics},
    {"/caption", true, true, act_caption},
    {"/caption/attention", true, true, act_attention},
    {"/caption/explain", true, true, act_explain},
};

/* Files that are built in have one route; x->file says which it is. */
static const serve_route file_route = {NULL, false, false, act_file};

/* The route of a path [length], or NULL. */
static const serve_route *find_route(serve_exchange *x, const char *path, size_t length)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strlen(routes[i].path) == length && memcmp(routes[i].path, path, length) == 0) return &routes[i];
    }
    return serve_builtin_find(&x->file, path, length) ? &file_route : NULL;
}

void serve_route_find(serve_exchange *x, const char *method, const char *path)
{
    serve_service *s = x->service;
    const size_t length = strlen(path);
    const bool slash = length > 2 && path[length - 1] == '/';
    const serve_route *route = x->route = find_route(x, path, slash ? length - 1 : length);
    const bool post = strcmp(method, "POST") == 0;
    const bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!route) {
        x->refusal = 404;
    } else if (slash) {
        x->refusal = 307;
    } else if (route->post ? !post : !get) {
        x->refusal = 405;
    } else if (route->locked && s->token && !serve_authorised(header(x, "Authorization"), s->token)) {
        x->refusal = 401;
    } else if (route->post && atomic_load(&s->draining)) {
        x->refusal = 503;
    }
}
