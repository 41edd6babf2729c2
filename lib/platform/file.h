/* file.h - maps files into memory, for reading only.  The library opens files nowhere else. */
#ifndef CPT_FILE_H
#define CPT_FILE_H

#include "lib/platform/status.h"

typedef struct cpt_file {
    const void *data; /* page-aligned; NULL when size is 0 */
    size_t size;
} cpt_file;

/* Maps a regular file; an empty one has no data.  The message names the path.  Errors: IO, and UNSUPPORTED in
 * builds with CAPTION_NO_FILES. */
caption_status cpt_file_map(cpt_file *file, const char *path, caption_error *error);

/* Unmaps it.  Accepts a file that is all zero, so that was never mapped. */
void cpt_file_unmap(cpt_file *file);

#endif
