/* Tars written: headers of POSIX.1-2001 (ustar, with pax records where a name is long).
 *
 * Each member is whole bytes of its own, so members that were written apart may be put one behind the other.
 * Lost writes are found on the stream. */
#ifndef TOOLS_BATCH_TAR_OUT_H
#define TOOLS_BATCH_TAR_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct batch_tar_entry {
    const char *name;
    uint32_t mode;
    int64_t mtime;
    const void *data; /* [size] */
    size_t size;      /* below 8 GiB */
} batch_tar_entry;

/* Writes one member: headers, bytes, and zeros up to the next block. */
void batch_tar_put(FILE *stream, const batch_tar_entry *entry);

/* Writes what ends a tar. */
void batch_tar_put_end(FILE *stream);

#endif
