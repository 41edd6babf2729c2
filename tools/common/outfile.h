/* Output files that appear complete or not at all.
 *
 * The data go to a temporary file in the target's folder, which replaces the target on commit.  Where the
 * file system allows it that file has no name until then, so that nothing is left of it however the process
 * ends. Elsewhere abort and the signals that end a process remove it, but for SIGKILL.  A target that is a
 * device or a pipe (/dev/stdout) is written directly.  Never leaves a half-written target, never prints. */
#ifndef TOOLS_COMMON_OUTFILE_H
#define TOOLS_COMMON_OUTFILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/common/error.h"

typedef struct tool_outfile tool_outfile;

/* Opens for writing (and reading back).  The caller ends it with commit or abort.  NULL on failure. */
tool_outfile *tool_outfile_open(const char *path, tool_error *err);

/* The stream, for fprintf; owned by the outfile.  Write errors on it are found by commit. */
FILE *tool_outfile_stream(tool_outfile *out);

bool tool_outfile_write(tool_outfile *out, const void *data, size_t size, tool_error *err);

/* Makes the file `size` zeros long before anything is written, so that a full disk is noticed early.  It does
 * so in pieces of a large page: file systems that can then keep the file in large pages, which makes mapping
 * it ten times as cheap, until it leaves the page cache.  Does nothing to a target that is written directly.
 */
bool tool_outfile_reserve(tool_outfile *out, uint64_t size, tool_error *err);

/* Moves the write position, counted from the start, so that a header can be filled in once the rest is known.
 */
bool tool_outfile_seek(tool_outfile *out, uint64_t offset, tool_error *err);

/* Flushes to disk and puts the file in place.  On failure the temporary is removed and the target is as
 * before.  Frees and clears *out either way. */
bool tool_outfile_commit(tool_outfile **out, tool_error *err);

/* Removes the temporary.  Accepts NULL and an already ended *out, so clean-up paths may always call it. */
void tool_outfile_abort(tool_outfile **out);

/* From here on no signal that can be held back ends the process, so that of several files that are about to
 * be put in place all are or none.  For the end of a run: they stay held back. */
void tool_outfile_hold_signals(void);

/* Removes the temporaries of all files that are open, for a process that ends at once.  A signal handler may
 * call it. */
void tool_outfile_remove_all(void);

#endif
