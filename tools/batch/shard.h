/* Which part of an input is this run's, so that many runs on many machines do it all once.
 *
 * Never talks to the others: the part follows from its number alone. */
#ifndef TOOLS_BATCH_SHARD_H
#define TOOLS_BATCH_SHARD_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"

enum { BATCH_MAX_SHARDS = 99999 };

typedef struct batch_shard {
    int index, count; /* 1..count; 1 of 1 is everything */
} batch_shard;

/* Reads "I/N", "auto" or "auto/N".  The last two take the number from the scheduler's environment, and the
 * first of them N as well: a Slurm array job, an Open MPI rank, or the index of a Kubernetes job. */
bool batch_shard_parse(batch_shard *shard, const char *text, tool_error *err);

/* Tars are dealt out in runs of neighbours, so that the parts' outputs in order are that of a single run. */
bool batch_shard_has_tar(const batch_shard *shard, size_t tar, size_t tars);

/* Images are dealt out by a hash of their names, so that a name's part doesn't depend on the other names. */
bool batch_shard_has_image(const batch_shard *shard, const char *name);

/* The part, 1..count, that has an image. */
int batch_shard_of_image(int count, const char *name);

#endif
