/* Parts of a list in its order; see order.h. */
#include "tools/batch/order.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/clean.h"
#include "tools/common/grow.h"
#include "tools/common/json.h"

/* ---- records ---- */

/* Gives the next record of a part: a line, or in CSV what ends at the first line end outside of quotes. */
static bool give_record(const batch_order *order, const batch_order_part *part, batch_order_put *put,
                        void *user, tool_error *err)
{
    char *line = NULL;
    size_t room = 0;
    bool quoted = false, any = false;
    do {
        const ssize_t got = getline(&line, &room, part->file);
        if (got <= 0) break;
        any = true;
        for (ssize_t i = 0; order->kind == BATCH_CSV && i < got; i++) quoted ^= line[i] == '"';
        put(user, line, (size_t)got);
    } while (quoted);
    free(line);
    return (any && !quoted) || tool_fail(err, "%s: has fewer images than the list names for it", part->path);
}

/* ---- failures ---- */

/* A name as the failures of a manifest have it; NULL when memory ran out. */
static json_t *failure_name(const char *name)
{
    char *text = NULL;
    size_t size = 0;
    json_t *value = NULL;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return NULL;
    tool_put_field(stream, name);
    if (fclose(stream) == 0 && text) value = tool_json_text(text);
    free(text);
    return value;
}

/* Whether the next failure of the part is this name's, which is then passed. */
static bool is_failure(batch_order *order, size_t number, const char *name, bool *is, tool_error *err)
{
    batch_order_part *part = &order->parts[number];
    const json_t *next = json_object_get(json_array_get(part->failures, part->failed), "image");
    *is = false;
    if (!next) return true;
    json_t *own = failure_name(name);
    if (!own) return tool_fail(err, "out of memory");
    *is = json_equal(own, next) != 0;
    json_decref(own);
    if (!*is) return true;
    uint32_t *failures = tool_grow(order->failures, &order->room, order->failed + 1, sizeof *failures);
    if (!failures) return tool_fail(err, "out of memory");
    order->failures = failures;
    failures[order->failed++] = (uint32_t)number;
    part->failed++;
    return true;
}

/* ---- all ---- */

static bool check_ends(const batch_order *order, tool_error *err)
{
    for (size_t i = 0; i < order->count; i++) {
        const batch_order_part *part = &order->parts[i];
        if (getc(part->file) != EOF || part->failed != json_array_size(part->failures)) {
            return tool_fail(err, "%s: has more images than the list names for it", part->path);
        }
    }
    return true;
}

bool batch_order_join(batch_order *order, batch_order_put *put, void *user, tool_error *err)
{
    batch_names names;
    tool_error own = {{0}};
    bool ok =
        order->kind != BATCH_CSV || give_record(order, &order->parts[0], put, user, err); /* the header */
    batch_names_begin(&names, order->inputs);
    while (ok && batch_names_next(&names, &own)) {
        const size_t number = (size_t)batch_shard_of_image((int)order->count, names.name) - 1;
        bool failed = false;
        ok = is_failure(order, number, names.name, &failed, err);
        /* in lines of JSON a failure has a record, too */
        if (ok && (!failed || order->kind == BATCH_JSONL)) {
            ok = give_record(order, &order->parts[number], put, user, err);
        }
    }
    batch_names_end(&names);
    if (ok && own.message[0]) ok = tool_fail(err, "%s", own.message);
    return ok && check_ends(order, err);
}
