/* Zip archives as torch.save writes them: stored entries, zip64, data descriptors.
 *
 * The central directory at the end of the file is believed; local headers and descriptors must agree with it.
 * Entries must not overlap, and names must not repeat.  Nothing is ever inflated, written or printed. */
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

/* Opens the archive and checks its headers; no data are read.  Close it whatever the result. */
bool torch_zip_open(torch_zip *zip, const char *path, tool_error *err);

/* Accepts an archive that was zeroed or failed to open. */
void torch_zip_close(torch_zip *zip);

/* The entry of this name; NULL if there is none. */
torch_zip_entry *torch_zip_find(const torch_zip *zip, const char *name);

/* Reads an entry into memory that the caller frees, puts a zero byte behind it, and checks its checksum.
 * Entries of more than `limit` bytes are refused. */
unsigned char *torch_zip_read(const torch_zip *zip, torch_zip_entry *entry, uint64_t limit, tool_error *err);

/* Reads `size` bytes at `offset` of the entry's data.  The first read of an entry checks its checksum, which
 * costs a pass over its data unless all of them are read.  May be called from several threads. */
bool torch_zip_read_at(const torch_zip *zip, torch_zip_entry *entry, uint64_t offset, void *buffer,
                       size_t size, tool_error *err);

#endif
