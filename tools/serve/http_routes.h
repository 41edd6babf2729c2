/* What the service answers under which path. */
#ifndef TOOLS_SERVE_HTTP_ROUTES_H
#define TOOLS_SERVE_HTTP_ROUTES_H

#include "tools/serve/http_exchange.h"

struct serve_route {
    const char *path;  /* NULL: of a file that is built in */
    bool post, locked; /* POST, else GET and HEAD; with a token set, only those who have it may ask */
    /* Answers, once the request is here whole. */
    serve_result (*act)(serve_exchange *x);
};

/* Finds x->route, and sets x->refusal where the request is to be refused whatever its body holds.  Called
 * when the header is there. */
void serve_route_find(serve_exchange *x, const char *method, const char *path);

/* Answers a request with an error. */
serve_result serve_reply_refusal(serve_exchange *x, int status);

/* Answers with the result of all images. */
serve_result serve_reply_images(serve_exchange *x);

/* Answers in the middle of a body, and ends our direction of the connection. */
void serve_reply_cut(serve_exchange *x);

#endif
