/* file.h - read-only files mapped into memory: the library's only file access. */
#ifndef CPT_FILE_H
#define CPT_FILE_H

#include "lib/platform/status.h"

typedef struct cpt_file {
    const void *data; /* page-aligned; NULL when size is 0 */
    size_t size;
} cpt_file;

/* Maps a regular file.  The message names the path.  Errors: IO, UNSUPPORTED (built with CAPTION_NO_FILES).
 */
caption_status cpt_file_map(cpt_file *file, const char *path, caption_error *error);

/* Unmaps it; accepts a file that was never mapped (all zero). */
void cpt_file_unmap(cpt_file *file);

#endif
