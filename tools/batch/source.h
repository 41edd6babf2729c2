/* The images of a run, one after the other: files by name, and what is in tars.
 *
 * What fails to be read is an item too, with the reason, so that it is counted and listed where it stands.
 * The order is always the same, and a run that goes on skips what it has.  Never prints. */
#ifndef TOOLS_BATCH_SOURCE_H
#define TOOLS_BATCH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/batch/inputs.h"
#include "tools/batch/tar.h"

typedef struct batch_file {
    char *name; /* in the tar; owned */
    tool_text data;
    uint32_t mode;
    int64_t mtime;
} batch_file;

typedef struct batch_item {
    char *name;        /* what results call it, PATH or TAR/MEMBER; owned */
    tool_error error;  /* a message: it failed already */
    batch_file *files; /* [count] read from a tar, owned; count 0: `name` is the path of a file to read */
    size_t count, room;
    size_t image;  /* which of the files is the image; SIZE_MAX: none, they are there to be copied */
    uint64_t size; /* bytes of all files */
} batch_item;

typedef struct batch_source {
    batch_names names;
    const char *only; /* the one tar to read; NULL: all names */
    bool samples; /* an item is a sample: the neighbours in a tar whose names are equal up to the first dot */
    bool begun;   /* `only` was opened */
    batch_tar *tar; /* open; NULL between tars */
    char *tar_name; /* owned */
    bool waiting;   /* `member` was read and belongs to the next sample */
    batch_member member;
    uint64_t tar_bytes; /* of the tars that are done */
    uint64_t given;     /* items, those that were skipped too */
} batch_source;

void batch_source_begin(batch_source *source, const batch_inputs *inputs, const char *only, bool samples);

/* Makes *item the next one; the caller frees it.  False at the end, and with a message when memory ran out.
 */
bool batch_source_next(batch_source *source, batch_item *item, tool_error *err);

/* Passes over `count` items without reading more than it must. */
bool batch_source_skip(batch_source *source, uint64_t count, tool_error *err);

/* Bytes of tars that were read. */
uint64_t batch_source_position(const batch_source *source);

void batch_source_end(batch_source *source);

/* Accepts a zeroed item. */
void batch_item_free(batch_item *item);

#endif
