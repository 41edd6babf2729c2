/* Files that are built into the service: its page with its scripts, styles and pictures, its documentation,
 * and its description for programs.  There are no others: nothing is read from a folder. */
#ifndef TOOLS_SERVE_FILES_H
#define TOOLS_SERVE_FILES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct serve_builtin {
    const char *path; /* "/page.css" */
    const char *type; /* of its bytes, as HTTP names it */
    const char *data; /* [size] */
    size_t size;
} serve_builtin;

/* Finds the file of a path [length]; false where there is none. */
bool serve_builtin_find(serve_builtin *file, const char *path, size_t length);

#endif
