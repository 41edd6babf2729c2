/* Zip archives as torch.save writes them: stored entries, zip64, data descriptors.
 *
 * Called by checkpoint.c and tensor.c.  The central directory is the truth; local headers and descriptors
 * must agree with it, entries must not overlap and names must not repeat.  Reads with pread, so that a file
 * cut short meanwhile is an error and not a signal.  Never inflates anything, never writes, never prints. */
#ifndef TOOLS_SOURCE_TORCH_ZIP_H
#define TOOLS_SOURCE_TORCH_ZIP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/source/input.h"

typedef struct torch_zip_entry {
    const char *name; /* owned by the archive; no control characters */
    uint64_t header;  /* offset of the local header */
    uint64_t data;    /* offset of the first byte */
    uint64_t size;
    uint64_t end; /* behind the data and their descriptor */
    uint32_t crc;
    uint32_t flags;
    atomic_bool checked; /* its checksum was found right */
} torch_zip_entry;

typedef struct torch_zip {
    source_input input;
    torch_zip_entry *entries; /* [count], sorted by name */
    size_t count;
    char *names;
} torch_zip;

/* Whether torch.save wrote a file that starts with these bytes, an old one that can't be opened included. */
bool torch_zip_knows(const unsigned char *start, size_t size);

/* Opens and checks the archive; nothing but headers is read.  Close it whatever the result. */
bool torch_zip_open(torch_zip *zip, const char *path, tool_error *err);

/* Accepts an archive that was zeroed or failed to open. */
void torch_zip_close(torch_zip *zip);

/* NULL if there is none. */
torch_zip_entry *torch_zip_find(const torch_zip *zip, const char *name);

/* The whole entry into memory that the caller frees, with a zero byte behind it; checksum checked.  Entries
 * above `limit` bytes are refused. */
unsigned char *torch_zip_read(const torch_zip *zip, torch_zip_entry *entry, uint64_t limit, tool_error *err);

/* `size` bytes at `offset` of the entry's data.  Its checksum is checked on the entry's first use, in passing
 * where the whole entry is read.  May be called from several threads. */
bool torch_zip_read_at(const torch_zip *zip, torch_zip_entry *entry, uint64_t offset, void *buffer,
                       size_t size, tool_error *err);

#endif
