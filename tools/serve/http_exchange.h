/* One request and its answer. */
#ifndef TOOLS_SERVE_HTTP_EXCHANGE_H
#define TOOLS_SERVE_HTTP_EXCHANGE_H

#include <microhttpd.h>

#include "tools/serve/files.h"
#include "tools/serve/http.h"

/* Values of MHD_Result have another type in old versions of the library. */
#if MHD_VERSION >= 0x00097002
typedef enum MHD_Result serve_result;
#else
typedef int serve_result;
#endif

typedef struct serve_exchange serve_exchange;

/* An image of the request. */
typedef struct serve_image {
    serve_job job;
    serve_exchange *exchange;
    size_t index;
    int status; /* 0: not finished */
    char *text; /* the answer, owned */
} serve_image;

typedef struct serve_route serve_route;

struct serve_exchange {
    serve_service *service;
    struct MHD_Connection *connection;
    serve_connection *link;
    int fd;
    char *query; /* owned; NULL: none */

    /* the request arrives */
    bool begun, answered;     /* its header was seen; an answer was handed over */
    bool cut;                 /* it was answered in the middle of its body, which is read and thrown away */
    const serve_route *route; /* NULL: there is none */
    serve_builtin file;       /* that was asked for, where the route is that of files */
    int refusal;              /* a status; 0: its body is wanted */
    char *body;               /* [size] */
    size_t size, room, dropped;

    /* it is worked on */
    atomic_int users;     /* its connection, and its images that are not finished */
    pthread_mutex_t lock; /* guards what follows */
    bool suspended;       /* the library leaves the connection alone until it is resumed */
    bool closed;          /* the connection is */
    bool lines;           /* the answer is JSON lines, sent as they come */
    serve_image *images;  /* [count], owned; NULL before they are queued */
    size_t count, left;
    char *out; /* [out_size, out_room] lines that are not sent yet from out_at on; owned */
    size_t out_at, out_size, out_room;
    bool out_lost; /* memory ran out */
};

/* NULL where memory ran out. */
serve_exchange *serve_exchange_new(serve_service *service, struct MHD_Connection *connection,
                                   const char *query);

/* The connection needs it no more. */
void serve_exchange_close(serve_exchange *exchange);

/* Appends to the body.  False, with x->refusal set, where it grows too large. */
bool serve_exchange_append(serve_exchange *exchange, const char *data, size_t size);

/* Frees the body. */
void serve_exchange_drop_body(serve_exchange *exchange);

/* Puts the images of files[count] into the queue; the request's body holds them.  With `lines` the answer
 * begins at once, else the connection is suspended until all are finished.  False where the queue is full, or
 * memory ran out. */
bool serve_exchange_queue(serve_exchange *exchange, const serve_wish *wish, const serve_file *files,
                          size_t count, bool lines);

/* The status and the text, owned by the caller, of the whole answer once all images are finished. */
int serve_exchange_answer(serve_exchange *exchange, char **text);

/* Gives lines to the library, as its MHD_ContentReaderCallback; `user` is the exchange. */
ssize_t serve_exchange_read(void *user, uint64_t position, char *to, size_t most);

#endif
