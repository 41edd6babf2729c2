/* A body of multipart/form-data (RFC 7578), cut into its parts where it lies.  Copies and allocates nothing.
 */
#ifndef TOOLS_SERVE_MULTIPART_H
#define TOOLS_SERVE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SERVE_BOUNDARY_BYTES = 71, /* a boundary has at most 70 (RFC 2046), and a zero byte follows */
    SERVE_NAME_BYTES = 128     /* of a field or a file; longer names are cut */
};

typedef struct serve_part {
    char name[SERVE_NAME_BYTES];     /* of the field */
    bool is_file;                    /* it has a file's name, which may be empty */
    char filename[SERVE_NAME_BYTES]; /* "" where there is none */
    const char *data;                /* [size] inside the body */
    size_t size;
} serve_part;

/* Finds the boundary in the value of a Content-Type header, which may be NULL.  False where the header says
 * something else than multipart/form-data; `boundary` is "" where it says that, and has no usable boundary.
 */
bool serve_multipart_boundary(const char *content_type, char boundary[SERVE_BOUNDARY_BYTES]);

/* Where the next part begins. */
typedef struct serve_multipart {
    const char *at, *stop;
    char delimiter[SERVE_BOUNDARY_BYTES + 4]; /* CR LF "--" boundary */
    size_t length;                            /* of the delimiter */
    bool begun, ended;
} serve_multipart;

typedef enum serve_multipart_status {
    SERVE_MULTIPART_PART,
    SERVE_MULTIPART_END,
    SERVE_MULTIPART_BROKEN
} serve_multipart_status;

/* body: [size], there for as long as its parts are used */
void serve_multipart_begin(serve_multipart *reader, const char *boundary, const char *body, size_t size);

/* Takes the next part.  A body without its last boundary is broken. */
serve_multipart_status serve_multipart_next(serve_multipart *reader, serve_part *part);

#endif
