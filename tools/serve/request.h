/* What a client asks for, read from the parts of an HTTP request that the HTTP library leaves alone: the
 * query, the type of the body and the body.  Knows nothing of connections. */
#ifndef TOOLS_SERVE_REQUEST_H
#define TOOLS_SERVE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "tools/common/maps.h"
#include "tools/serve/multipart.h"

enum { SERVE_MOST_FILES = 64 }; /* in one request */

/* What a request may ask for, and what it gets where it says nothing. */
typedef struct serve_bounds {
    int beams, max_length;           /* the defaults; 0: the model's */
    int most_beams, most_max_length; /* the largest */
} serve_bounds;

/* What a request asks for: its path. */
typedef enum serve_kind {
    SERVE_CAPTION,   /* POST /caption */
    SERVE_ATTENTION, /* POST /caption/attention: a greedy caption with its attention weights */
    SERVE_EXPLAIN    /* POST /caption/explain: captions, and a map for each word of the best one */
} serve_kind;

/* How the images of a request are to be captioned. */
typedef struct serve_wish {
    serve_kind kind;
    tool_map map;          /* to explain; TOOL_MAPS: the model's usual one */
    int beams, max_length; /* 0: the model's */
} serve_wish;

typedef struct serve_file {
    char name[SERVE_NAME_BYTES]; /* as the client calls it, or "" */
    const char *data;            /* [size] in the body */
    size_t size;
} serve_file;

/* Why a request is refused: the status of HTTP, and the value of "detail" in the answer, owned. */
typedef struct serve_refusal {
    int status; /* 0: it isn't */
    json_t *detail;
} serve_refusal;

/* Sets a refusal in words, unless there is one.  Always returns false. */
bool serve_refuse(serve_refusal *refusal, int status, const char *detail);

/* The parts of a request, borrowed. */
typedef struct serve_input {
    const char *query;        /* without its '?'; NULL: none */
    const char *content_type; /* the header's value; NULL: none */
    const char *body;         /* [size] */
    size_t size;
    serve_kind kind;
} serve_input;

/* Reads a request for captions.  files: [SERVE_MOST_FILES]; *count are there, 1 or more.  False with a
 * refusal as FastAPI words it: 422 for a parameter or file that is missing or wrong, 400 for a form that
 * can't be read. */
bool serve_request_read(const serve_input *input, const serve_bounds *bounds, serve_wish *wish,
                        serve_file *files, size_t *count, serve_refusal *refusal);

/* Whether an Accept header, which may be NULL, asks for JSON lines (application/x-ndjson). */
bool serve_accepts_lines(const char *accept);

/* Whether an Authorization header, which may be NULL, holds this bearer token.  Takes the same time for any
 * wrong token of the same length. */
bool serve_authorised(const char *authorization, const char *token);

#endif
