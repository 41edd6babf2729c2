/* Files that are built into the service: its page, its documentation and its description for programs. */
#ifndef TOOLS_SERVE_FILES_H
#define TOOLS_SERVE_FILES_H

#include <stddef.h>

typedef struct serve_text {
    const char *data; /* [size] */
    size_t size;
} serve_text;

serve_text serve_file_page(void);    /* HTML */
serve_text serve_file_docs(void);    /* HTML */
serve_text serve_file_openapi(void); /* JSON */

#endif
