/* What a run was told to caption, as a list of names in order: images and tars.
 *
 * Operands come first, with folders searched, then the list of --files-from.  The list stays in one piece of
 * memory and its names are not looked at before their turn, so ten million of them cost what the list costs.
 * Never prints. */
#ifndef TOOLS_BATCH_INPUTS_H
#define TOOLS_BATCH_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/batch/shard.h"
#include "tools/common/error.h"
#include "tools/common/images.h"
#include "tools/common/text.h"

typedef struct batch_inputs {
    tool_images named; /* operands, and what was found in folders */
    tool_text list;    /* of --files-from; data is NULL where there is none */
    bool zero;         /* the names in it end in zero bytes */
    size_t images, tars;
    uint32_t crc;      /* of all names in order: tells one input from another */
    batch_shard shard; /* which of them are this run's */
} batch_inputs;

/* A name that is taken for a tar: .tar, .tgz, .tzst, .tar.gz, .tar.zst.  What is in it, the bytes tell. */
bool batch_is_tar(const char *name);

/* Adds an operand: an image, a tar or a folder, which is searched for images and tars with the folders in it.
 * One that is no file may stand for many, see braces.h. */
bool batch_inputs_add(batch_inputs *inputs, const char *operand, tool_error *err);

/* Reads the list of names; `path` "-" is standard input. */
bool batch_inputs_read(batch_inputs *inputs, const char *path, bool zero, tool_error *err);

/* Counts the names, once all are there.  `shard` says which of them batch_names_next gives. */
bool batch_inputs_count(batch_inputs *inputs, batch_shard shard, tool_error *err);

void batch_inputs_free(batch_inputs *inputs);

/* Steps through the names of the shard. */
typedef struct batch_names {
    const batch_inputs *inputs;
    size_t next; /* in inputs->named */
    tool_lines lines;
    size_t tars; /* passed so far, those of other shards too */
    char *name;  /* the current name; owned */
    size_t room;
} batch_names;

void batch_names_begin(batch_names *names, const batch_inputs *inputs);

/* Makes names->name the next name of the shard.  False at the end, and with a message when memory ran out. */
bool batch_names_next(batch_names *names, tool_error *err);

void batch_names_end(batch_names *names);

#endif
