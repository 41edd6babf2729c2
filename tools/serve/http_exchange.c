/* One request and its answer; see http_exchange.h.
 *
 * Three threads may know an exchange: the library's, and those of the workers.  It lives until the connection
 * and the last image have let it go. */
#include "tools/serve/http_exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/grow.h"
#include "tools/serve/listen.h"

enum { FIRST_ROOM = 65536 };

/* ---- life ---- */

serve_exchange *serve_exchange_new(serve_service *service, struct MHD_Connection *connection,
                                   const char *query)
{
    serve_exchange *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *link =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    x->service = service;
    x->connection = connection;
    x->fd = fd ? (int)fd->connect_fd : -1;
    x->link = link ? link->socket_context : NULL;
    x->query = query ? strdup(query) : NULL;
    atomic_init(&x->users, 1);
    if ((query && !x->query) || pthread_mutex_init(&x->lock, NULL) != 0) {
        free(x->query);
        free(x);
        return NULL;
    }
    atomic_fetch_add(&service->requests, 1);
    return x;
}

void serve_exchange_drop_body(serve_exchange *exchange)
{
    atomic_fetch_sub(&exchange->service->body_bytes, exchange->room);
    free(exchange->body);
    exchange->body = NULL;
    exchange->size = exchange->room = 0;
}

static void let_go(serve_exchange *x)
{
    if (atomic_fetch_sub(&x->users, 1) > 1) return;
    for (size_t i = 0; i < x->count; i++) free(x->images[i].text);
    serve_exchange_drop_body(x);
    (void)pthread_mutex_destroy(&x->lock);
    atomic_fetch_sub(&x->service->requests, 1);
    free(x->images);
    free(x->query);
    free(x->out);
    free(x);
}

void serve_exchange_close(serve_exchange *exchange)
{
    (void)pthread_mutex_lock(&exchange->lock);
    exchange->closed = true;
    (void)pthread_mutex_unlock(&exchange->lock);
    let_go(exchange);
}

/* ---- the body ---- */

static bool grow_body(serve_exchange *x, size_t needed)
{
    serve_service *s = x->service;
    size_t room = x->room ? x->room : FIRST_ROOM;
    while (room < needed) room *= 2;
    if (room > s->max_bytes) room = s->max_bytes;
    const size_t more = room - x->room;
    if (atomic_fetch_add(&s->body_bytes, more) + more > s->max_body_bytes) {
        atomic_fetch_sub(&s->body_bytes, more);
        return false;
    }
    char *grown = realloc(x->body, room);
    if (!grown) {
        atomic_fetch_sub(&s->body_bytes, more);
        return false;
    }
    x->body = grown;
    x->room = room;
    return true;
}

bool serve_exchange_append(serve_exchange *exchange, const char *data, size_t size)
{
    serve_exchange *x = exchange;
    if (size > x->service->max_bytes || x->size > x->service->max_bytes - size) {
        x->refusal = 413;
    } else if (x->size + size > x->room && !grow_body(x, x->size + size)) {
        x->refusal = 503;
    } else {
        memcpy(x->body + x->size, data, size);
        x->size += size;
    }
    if (x->refusal) serve_exchange_drop_body(x);
    return x->refusal == 0;
}

/* ---- images ---- */

/* Wakes the connection; the lock is held. */
static void wake(serve_exchange *x)
{
    if (!x->suspended || x->closed) return;
    x->suspended = false;
    if (!x->lines) serve_connection_enter(&x->service->open, x->link, SERVE_SENDING);
    MHD_resume_connection(x->connection);
}

/* Appends to the lines that are to be sent; the lock is held. */
static void put(serve_exchange *x, const char *text, size_t size)
{
    char *grown = x->out_lost ? NULL : tool_grow(x->out, &x->out_room, x->out_size + size, 1);
    if (!grown) {
        x->out_lost = true;
        return;
    }
    x->out = grown;
    memcpy(x->out + x->out_size, text, size);
    x->out_size += size;
}

/* Writes an image's answer, which is an object, with its number in front: {"index":0,...}. */
static void put_object(serve_exchange *x, const serve_image *image)
{
    char head[40];
    const char *text = image->text ? image->text : "{\"detail\":\"out of memory\"}";
    put(x, head, (size_t)snprintf(head, sizeof head, "{\"index\":%zu,", image->index));
    put(x, text + 1, strlen(text) - 1);
}

static bool gone(serve_job *job)
{
    serve_exchange *x = ((serve_image *)job)->exchange;
    (void)pthread_mutex_lock(&x->lock);
    const bool is = x->closed || serve_peer_gone(x->fd);
    (void)pthread_mutex_unlock(&x->lock);
    return is;
}

static void finish(serve_job *job, int status, char *text)
{
    serve_image *image = (serve_image *)job;
    serve_exchange *x = image->exchange;
    (void)pthread_mutex_lock(&x->lock);
    image->status = status;
    image->text = text;
    x->left--;
    if (x->lines) {
        put_object(x, image);
        put(x, "\n", 1);
        if (x->left == 0 && !x->closed) serve_connection_enter(&x->service->open, x->link, SERVE_SENDING);
    }
    if (x->lines || x->left == 0) wake(x);
    (void)pthread_mutex_unlock(&x->lock);
    let_go(x);
}

/* A line {"index":0,"words":["a","dog"]}. */
static void settle(serve_job *job, const char *words)
{
    char head[40];
    serve_image *image = (serve_image *)job;
    serve_exchange *x = image->exchange;
    (void)pthread_mutex_lock(&x->lock);
    put(x, head, (size_t)snprintf(head, sizeof head, "{\"index\":%zu,\"words\":", image->index));
    put(x, words, strlen(words));
    put(x, "}\n", 2);
    wake(x);
    (void)pthread_mutex_unlock(&x->lock);
}

static bool make_images(serve_exchange *x, const serve_wish *wish, const serve_file *files, size_t count)
{
    x->images = calloc(count, sizeof *x->images);
    if (!x->images) return false;
    for (size_t i = 0; i < count; i++) {
        x->images[i] = (serve_image){.exchange = x, .index = i};
        x->images[i].job = (serve_job){.file = files[i],
                                       .wish = *wish,
                                       .gone = gone,
                                       .finish = finish,
                                       .settle = x->lines ? settle : NULL};
    }
    x->count = x->left = count;
    return true;
}

bool serve_exchange_queue(serve_exchange *exchange, const serve_wish *wish, const serve_file *files,
                          size_t count, bool lines)
{
    serve_exchange *x = exchange;
    serve_job *jobs[SERVE_MOST_FILES];
    x->lines = lines;
    if (!make_images(x, wish, files, count)) return false;
    for (size_t i = 0; i < count; i++) jobs[i] = &x->images[i].job;
    serve_connection_enter(&x->service->open, x->link, SERVE_WORKING);
    (void)pthread_mutex_lock(&x->lock);
    x->suspended = !lines;
    if (x->suspended) MHD_suspend_connection(x->connection); /* before a worker can resume it */
    (void)pthread_mutex_unlock(&x->lock);
    atomic_fetch_add(&x->users, (int)count);
    if (serve_queue_put(x->service->queue, jobs, count)) return true;
    atomic_fetch_sub(&x->users, (int)count);
    (void)pthread_mutex_lock(&x->lock);
    x->count = x->left = 0;
    x->lines = false;
    wake(x);
    (void)pthread_mutex_unlock(&x->lock);
    return false;
}

/* ---- answers ---- */

int serve_exchange_answer(serve_exchange *exchange, char **text)
{
    serve_exchange *x = exchange;
    int status = 200;
    *text = NULL;
    (void)pthread_mutex_lock(&x->lock);
    if (x->count == 1) {
        status = x->images[0].status;
        *text = x->images[0].text;
        x->images[0].text = NULL;
    } else {
        put(x, "{\"results\":[", 12);
        for (size_t i = 0; i < x->count; i++) {
            if (i) put(x, ",", 1);
            put_object(x, &x->images[i]);
        }
        put(x, "]}", 3);
        if (!x->out_lost) *text = x->out;
        if (!x->out_lost) x->out = NULL;
    }
    (void)pthread_mutex_unlock(&x->lock);
    return *text ? status : 500;
}

ssize_t serve_exchange_read(void *user, uint64_t position, char *to, size_t most)
{
    serve_exchange *x = user;
    ssize_t got = 0;
    (void)position;
    (void)pthread_mutex_lock(&x->lock);
    const size_t there = x->out_size - x->out_at, taken = there < most ? there : most;
    if (x->out_lost) {
        got = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (taken) {
        memcpy(to, x->out + x->out_at, taken);
        x->out_at += taken;
        if (x->out_at == x->out_size) x->out_at = x->out_size = 0;
        got = (ssize_t)taken;
    } else if (x->left == 0) {
        got = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        x->suspended = true;
        MHD_suspend_connection(x->connection);
    }
    (void)pthread_mutex_unlock(&x->lock);
    return got;
}
