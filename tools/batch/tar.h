/* Tars read member after member, in one pass, through libarchive: plain, gzip and zstd.
 *
 * Sizes that a tar claims are never believed: memory is taken as the bytes arrive.  Nothing is unpacked into
 * files.  Without libarchive (ARCHIVE=0) opening fails and says so.  Never prints. */
#ifndef TOOLS_BATCH_TAR_H
#define TOOLS_BATCH_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"
#include "tools/common/text.h"

typedef struct batch_tar batch_tar;

typedef struct batch_member {
    const char *name; /* valid until the next member */
    bool regular;     /* a file with bytes of its own, no folder and no link */
    uint64_t size;    /* bytes that its header claims */
    bool cut;         /* the tar, which is not compressed, has fewer bytes left */
    uint32_t mode;
    int64_t mtime; /* seconds since 1970 */
} batch_member;

typedef enum batch_step {
    BATCH_STEP_MEMBER, /* there is one */
    BATCH_STEP_DAMAGE, /* a damaged place: *err says which; what follows can still be read */
    BATCH_STEP_END     /* nothing more */
} batch_step;

/* NULL on failure. */
batch_tar *batch_tar_open(const char *path, tool_error *err);

/* Goes to the next member.  Each damaged place is told once. */
batch_step batch_tar_next(batch_tar *tar, batch_member *member, tool_error *err);

/* Reads up to `more` further bytes of the member behind those already in `data`, which the caller frees.
 * False with a message where the member is damaged; data->size grows by less than `more` at its end. */
bool batch_tar_read(batch_tar *tar, tool_text *data, size_t more, tool_error *err);

/* Bytes of the file that were read so far, still compressed. */
uint64_t batch_tar_position(const batch_tar *tar);

void batch_tar_close(batch_tar **tar);

#endif
