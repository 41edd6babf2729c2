/* One thread's work: items become captions, encoded and searched together in batches, and captions become
 * bytes of the output.
 *
 * All threads share a job.  Each has a captioner, with a session of one thread: so the stages of different
 * threads overlap by themselves, and no thread waits for another.  Never prints. */
#ifndef TOOLS_BATCH_CAPTIONER_H
#define TOOLS_BATCH_CAPTIONER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <caption.h>

#include "tools/batch/format.h"
#include "tools/batch/source.h"

enum { BATCH_MOST = 8 }; /* images encoded and searched together */

/* Memory for images that need much to be decoded, whatever their format, shared by all threads: one of them
 * at least, and several as long as they need little together. */
typedef struct batch_budget {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    size_t used;
} batch_budget;

typedef struct batch_job {
    const caption_model *model;
    caption_session_options session; /* of one thread each */
    caption_session_options limits;  /* what an image may need; batch_job_begin takes them from `session` */
    caption_decode_options decode;
    batch_format format;
    size_t feature_count; /* numbers of an image's features */
    batch_budget budget;
} batch_job;

/* What a group of items came to.  All of it is owned. */
typedef struct batch_chunk {
    char *bytes; /* of the output */
    size_t size;
    char *failures; /* a line "NAME<TAB>MESSAGE" for each, with tabs and line ends in them escaped */
    size_t failures_size;
    uint64_t items, captioned, failed;
} batch_chunk;

/* Makes the budget, and checks that sessions can be made. */
bool batch_job_begin(batch_job *job, tool_error *err);
void batch_job_end(batch_job *job);

typedef struct batch_captioner batch_captioner;

/* NULL on failure. */
batch_captioner *batch_captioner_open(batch_job *job, tool_error *err);

/* Captions items [count, at most BATCH_MOST], and frees what they hold.  An item that fails is noted in the
 * chunk; false only where memory ran out. */
bool batch_captioner_run(batch_captioner *captioner, batch_item *items, size_t count, batch_chunk *chunk,
                         tool_error *err);

void batch_captioner_close(batch_captioner *captioner);

/* Accepts a zeroed chunk. */
void batch_chunk_free(batch_chunk *chunk);

#endif
