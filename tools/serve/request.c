/* What a client asks for; see request.h. */
#include "tools/serve/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/common/json.h"
#include "tools/serve/query.h"

enum { VALUE_BYTES = 256 }; /* of a parameter; longer values are cut, and are no numbers */

bool serve_refuse(serve_refusal *refusal, int status, const char *detail)
{
    if (!refusal->status) *refusal = (serve_refusal){status, tool_json_text(detail)};
    return false;
}

/* ---- errors of validation: [{"type", "loc", "msg", "input"}, ...] ---- */

/* An error about place.name.  Takes over `input`. */
static json_t *new_error(const char *type, const char *const location[2], const char *message, json_t *input)
{
    json_t *error = json_object(), *where = json_array();
    tool_json_append(&where, json_string(location[0]));
    tool_json_append(&where, json_string(location[1]));
    tool_json_set(&error, "type", json_string(type));
    tool_json_set(&error, "loc", where);
    tool_json_set(&error, "msg", json_string(message));
    tool_json_set(&error, "input", input);
    return error;
}

/* Takes over `error`. */
static void add_error(serve_refusal *refusal, json_t *error)
{
    if (!refusal->status) *refusal = (serve_refusal){422, json_array()};
    tool_json_append(&refusal->detail, error);
}

/* ---- parameters ---- */

typedef struct parameter {
    const char *name;
    int initial, most;
} parameter;

static void out_of_range(serve_refusal *refusal, const parameter *p, bool low, const char *value)
{
    char message[80];
    const int bound = low ? 1 : p->most;
    (void)snprintf(message, sizeof message, "Input should be %s than or equal to %d",
                   low ? "greater" : "less", bound);
    json_t *context = json_object();
    tool_json_set(&context, low ? "ge" : "le", json_integer(bound));
    json_t *error = new_error(low ? "greater_than_equal" : "less_than_equal",
                              (const char *const[2]){"query", p->name}, message, tool_json_text(value));
    tool_json_set(&error, "ctx", context);
    add_error(refusal, error);
}

static int read_parameter(const char *query, const parameter *p, serve_refusal *refusal)
{
    char value[VALUE_BYTES];
    long number;
    if (!serve_query_find(query, p->name, value, sizeof value)) return p->initial;
    if (strlen(value) + 1 == sizeof value || !serve_query_int(value, &number)) {
        add_error(refusal, new_error("int_parsing", (const char *const[2]){"query", p->name},
                                     "Input should be a valid integer, unable to parse string as an integer",
                                     tool_json_text(value)));
        return p->initial;
    }
    if (number < 1 || number > p->most) {
        out_of_range(refusal, p, number < 1, value);
        return p->initial;
    }
    return (int)number;
}

/* The kind of map, by name; TOOL_MAPS where the request names none. */
static tool_map read_map(const char *query, serve_refusal *refusal)
{
    static const char expected[] = "'attention', 'gradcam' or 'occlusion'";
    char value[VALUE_BYTES], message[80];
    if (!serve_query_find(query, "map", value, sizeof value)) return TOOL_MAPS;
    for (tool_map map = 0; map < TOOL_MAPS; map++) {
        if (strcmp(value, tool_map_names[map]) == 0) return map;
    }
    (void)snprintf(message, sizeof message, "Input should be %s", expected);
    json_t *context = json_object();
    tool_json_set(&context, "expected", json_string(expected));
    json_t *error =
        new_error("literal_error", (const char *const[2]){"query", "map"}, message, tool_json_text(value));
    tool_json_set(&error, "ctx", context);
    add_error(refusal, error);
    return TOOL_MAPS;
}

/* ---- files ---- */

static const char *const file_field[2] = {"body", "file"};

static void no_file(serve_refusal *refusal)
{
    add_error(refusal, new_error("missing", file_field, "Field required", json_null()));
}

/* A field "file" that is no file, but text. */
static void text_for_file(serve_refusal *refusal, const serve_part *part)
{
    char input[VALUE_BYTES];
    (void)snprintf(input, sizeof input, "%.*s",
                   (int)(part->size < sizeof input ? part->size : sizeof input - 1), part->data);
    json_t *context = json_object();
    tool_json_set(&context, "error", json_object());
    json_t *error =
        new_error("value_error", file_field, "Value error, Expected UploadFile, received: <class 'str'>",
                  tool_json_text(input));
    tool_json_set(&error, "ctx", context);
    add_error(refusal, error);
}

/* What a body holds. */
typedef struct upload {
    serve_file *files; /* [SERVE_MOST_FILES] */
    size_t count;
    serve_part text; /* the last field "file" that is no file; its data is NULL: there is none */
} upload;

static bool too_many(serve_refusal *refusal)
{
    char message[80];
    (void)snprintf(message, sizeof message, "Too many files. Maximum number of files is %d.",
                   SERVE_MOST_FILES);
    return serve_refuse(refusal, 400, message);
}

static bool read_form(const serve_input *input, const char *boundary, upload *u, serve_refusal *refusal)
{
    serve_multipart reader;
    serve_part part;
    serve_multipart_status status;
    serve_multipart_begin(&reader, boundary, input->body, input->size);
    while ((status = serve_multipart_next(&reader, &part)) == SERVE_MULTIPART_PART) {
        if (strcmp(part.name, "file") != 0) continue;
        if (!part.is_file) {
            u->text = part;
            continue;
        }
        if (u->count == SERVE_MOST_FILES) return too_many(refusal);
        serve_file *file = &u->files[u->count++];
        file->data = part.data;
        file->size = part.size;
        strcpy(file->name, part.filename);
    }
    return status == SERVE_MULTIPART_END || serve_refuse(refusal, 400, "There was an error parsing the body");
}

static bool read_body(const serve_input *input, upload *u, serve_refusal *refusal)
{
    char boundary[SERVE_BOUNDARY_BYTES];
    if (serve_multipart_boundary(input->content_type, boundary)) {
        if (!boundary[0]) return serve_refuse(refusal, 400, "Missing boundary in multipart.");
        return read_form(input, boundary, u, refusal);
    }
    if (input->content_type && strncasecmp(input->content_type, "image/", 6) == 0 && input->size) {
        u->files[u->count++] = (serve_file){.data = input->body, .size = input->size};
    }
    return true;
}

/* ---- requests ---- */

bool serve_request_read(const serve_input *input, const serve_bounds *bounds, serve_wish *wish,
                        serve_file *files, size_t *count, serve_refusal *refusal)
{
    const parameter beams = {"beam_width", bounds->beams, bounds->most_beams};
    const parameter length = {"max_len", bounds->max_length, bounds->most_max_length};
    upload u = {.files = files};
    *count = 0;
    *wish = (serve_wish){.kind = input->kind, .map = TOOL_MAPS, .beams = 1};
    if (!read_body(input, &u, refusal)) return false;
    if (input->kind != SERVE_ATTENTION) wish->beams = read_parameter(input->query, &beams, refusal);
    wish->max_length = read_parameter(input->query, &length, refusal);
    if (input->kind == SERVE_EXPLAIN) wish->map = read_map(input->query, refusal);
    if (u.count == 0 && u.text.data) {
        text_for_file(refusal, &u.text);
    } else if (u.count == 0) {
        no_file(refusal);
    }
    *count = u.count;
    return refusal->status == 0;
}

bool serve_accepts_lines(const char *accept)
{
    static const char wanted[] = "application/x-ndjson";
    while (accept && *accept) {
        accept += strspn(accept, " \t,");
        const size_t length = strcspn(accept, " \t,;");
        if (length == sizeof wanted - 1 && strncasecmp(accept, wanted, length) == 0) return true;
        accept += strcspn(accept, ",");
    }
    return false;
}

bool serve_authorised(const char *authorization, const char *token)
{
    static const char scheme[] = "Bearer ";
    const size_t length = sizeof scheme - 1, size = strlen(token);
    if (!authorization || strncasecmp(authorization, scheme, length) != 0) return false;
    const char *given = authorization + length;
    while (*given == ' ') given++;
    if (strlen(given) != size) return false;
    volatile unsigned char differs = 0;
    for (size_t i = 0; i < size; i++) differs = (unsigned char)(differs | (given[i] ^ token[i]));
    return !differs;
}
