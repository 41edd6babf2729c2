/* Parts of a form; see multipart.h. */
#include "tools/serve/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MOST_HEADER_BYTES = 8192 }; /* of one part */

/* ---- parameters of a header: ; name=value; name="value" ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

typedef struct text {
    const char *at, *stop;
} text;

static void skip_blanks(text *t)
{
    while (t->at < t->stop && is_blank(*t->at)) t->at++;
}

/* Takes the value of a parameter into value [room], cut to fit. */
static void take_value(text *t, char *value, size_t room)
{
    size_t used = 0;
    const bool quoted = t->at < t->stop && *t->at == '"';
    if (quoted) t->at++;
    while (t->at < t->stop) {
        char c = *t->at;
        if (quoted ? c == '"' : c == ';' || is_blank(c)) break;
        if (quoted && c == '\\' && t->at + 1 < t->stop && (t->at[1] == '"' || t->at[1] == '\\')) c = *++t->at;
        t->at++;
        if (used + 1 < room) value[used++] = c;
    }
    value[used] = '\0';
    if (quoted && t->at < t->stop) t->at++;
}

/* Takes the next parameter off the header; false at its end.  A name that doesn't fit is cut. */
static bool next_parameter(text *t, char *name, char *value, size_t room)
{
    size_t used = 0;
    while (t->at < t->stop && *t->at != ';') t->at++;
    if (t->at == t->stop) return false;
    t->at++;
    skip_blanks(t);
    while (t->at < t->stop && *t->at != '=' && *t->at != ';' && !is_blank(*t->at)) {
        if (used + 1 < room) name[used++] = *t->at;
        t->at++;
    }
    name[used] = '\0';
    value[0] = '\0';
    skip_blanks(t);
    if (t->at < t->stop && *t->at == '=') {
        t->at++;
        skip_blanks(t);
        take_value(t, value, room);
    }
    return true;
}

/* Whether the header's value begins with this word, in any case, and ends or goes on with parameters. */
static bool starts_with(const text *t, const char *word)
{
    const size_t length = strlen(word), left = (size_t)(t->stop - t->at);
    if (left < length || strncasecmp(t->at, word, length) != 0) return false;
    return left == length || t->at[length] == ';' || is_blank(t->at[length]);
}

bool serve_multipart_boundary(const char *content_type, char boundary[SERVE_BOUNDARY_BYTES])
{
    char name[SERVE_NAME_BYTES], value[SERVE_NAME_BYTES];
    boundary[0] = '\0';
    if (!content_type) return false;
    text t = {content_type, content_type + strlen(content_type)};
    skip_blanks(&t);
    if (!starts_with(&t, "multipart/form-data")) return false;
    while (!boundary[0] && next_parameter(&t, name, value, sizeof name)) {
        if (strcasecmp(name, "boundary") != 0 || strlen(value) >= SERVE_BOUNDARY_BYTES) continue;
        if (strpbrk(value, "\r\n")) continue;
        strcpy(boundary, value);
    }
    return true;
}

/* ---- parts ---- */

void serve_multipart_begin(serve_multipart *reader, const char *boundary, const char *body, size_t size)
{
    *reader = (serve_multipart){.at = body, .stop = body + size};
    const int length = snprintf(reader->delimiter, sizeof reader->delimiter, "\r\n--%.*s",
                                SERVE_BOUNDARY_BYTES - 1, boundary);
    reader->length = (size_t)length;
}

/* The first place of `what` [length, at least 1] in the text; NULL: there is none. */
static const char *find(text t, const char *what, size_t length)
{
    while ((size_t)(t.stop - t.at) >= length) {
        const char *p = memchr(t.at, what[0], (size_t)(t.stop - t.at) - length + 1);
        if (!p || memcmp(p, what, length) == 0) return p;
        t.at = p + 1;
    }
    return NULL;
}

/* Takes what follows a boundary: "--" ends the body, a line end begins a part. */
static serve_multipart_status after_boundary(serve_multipart *r)
{
    const size_t left = (size_t)(r->stop - r->at);
    if (left >= 2 && memcmp(r->at, "--", 2) == 0) {
        r->ended = true;
        return SERVE_MULTIPART_END;
    }
    text t = {r->at, r->stop};
    skip_blanks(&t);
    if (t.stop - t.at < 2 || memcmp(t.at, "\r\n", 2) != 0) return SERVE_MULTIPART_BROKEN;
    r->at = t.at + 2;
    return SERVE_MULTIPART_PART;
}

/* The first boundary, which begins the body; line ends may stand before it. */
static serve_multipart_status first_boundary(serve_multipart *r)
{
    r->begun = true;
    while (r->stop - r->at >= 2 && memcmp(r->at, "\r\n", 2) == 0) r->at += 2;
    if ((size_t)(r->stop - r->at) < r->length - 2 || memcmp(r->at, r->delimiter + 2, r->length - 2) != 0) {
        return SERVE_MULTIPART_BROKEN;
    }
    r->at += r->length - 2;
    return after_boundary(r);
}

/* A line of a part's header. */
static void read_header(text line, serve_part *part)
{
    static const char wanted[] = "content-disposition:";
    const size_t length = sizeof wanted - 1;
    char name[SERVE_NAME_BYTES], value[SERVE_NAME_BYTES];
    if ((size_t)(line.stop - line.at) < length || strncasecmp(line.at, wanted, length) != 0) return;
    line.at += length;
    skip_blanks(&line);
    if (!starts_with(&line, "form-data")) return;
    while (next_parameter(&line, name, value, sizeof name)) {
        if (strcasecmp(name, "name") == 0) {
            strcpy(part->name, value);
        } else if (strcasecmp(name, "filename") == 0) {
            part->is_file = true;
            strcpy(part->filename, value);
        } else if (strcasecmp(name, "filename*") == 0) {
            part->is_file = true;
        }
    }
}

serve_multipart_status serve_multipart_next(serve_multipart *reader, serve_part *part)
{
    serve_multipart *r = reader;
    *part = (serve_part){.data = NULL};
    if (!r->begun) {
        const serve_multipart_status status = first_boundary(r);
        if (status != SERVE_MULTIPART_PART) return status;
    } else if (r->ended) {
        return SERVE_MULTIPART_END;
    }
    const size_t left = (size_t)(r->stop - r->at);
    text header = {r->at, r->at + (left < MOST_HEADER_BYTES ? left : MOST_HEADER_BYTES)};
    for (;;) {
        const char *end = find(header, "\r\n", 2);
        if (!end) return SERVE_MULTIPART_BROKEN;
        const text line = {header.at, end};
        header.at = end + 2;
        if (line.at == line.stop) break;
        read_header(line, part);
    }
    part->data = header.at;
    /* the line end before the boundary belongs to it, so an empty part's is the one behind the header */
    const char *end = find((text){header.at - 2, r->stop}, r->delimiter, r->length);
    if (!end) return SERVE_MULTIPART_BROKEN;
    part->size = end > part->data ? (size_t)(end - part->data) : 0;
    r->at = end + r->length;
    return after_boundary(r) == SERVE_MULTIPART_BROKEN ? SERVE_MULTIPART_BROKEN : SERVE_MULTIPART_PART;
}
