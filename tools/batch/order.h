/* Puts the images of all parts of a list back into the list's order.
 *
 * Each part has its images in that order already, and a name's part follows from the name.  So the list is
 * walked once, and each name takes the next record of its part: nothing is kept or searched.  Never prints.
 */
#ifndef TOOLS_BATCH_ORDER_H
#define TOOLS_BATCH_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "tools/batch/format.h"
#include "tools/batch/inputs.h"

/* A part of a list; they stand in the order of their numbers. */
typedef struct batch_order_part {
    FILE *file; /* open for reading at its start; the caller's */
    const char *path;
    const json_t *failures; /* of its manifest: {"image", "error"}, in order; borrowed */
    size_t failed;          /* of them passed */
} batch_order_part;

typedef struct batch_order {
    const batch_inputs *inputs; /* the list, with no tars in it */
    batch_kind kind;            /* of the outputs: lines, or CSV with a header in part 1 */
    batch_order_part *parts;    /* [count] */
    size_t count;
    uint32_t *failures; /* [failed] the part of each failure, in the list's order; owned */
    size_t failed, room;
} batch_order;

/* Gives bytes of the joined output. */
typedef void batch_order_put(void *user, const char *bytes, size_t size);

/* Gives all records in the list's order.  False with a message where the parts don't have what the list
 * names, and when memory ran out.  The caller frees order->failures. */
bool batch_order_join(batch_order *order, batch_order_put *put, void *user, tool_error *err);

#endif
