/* Files that are built in; see files.h.  files_data.S holds the bytes. */
#include "tools/serve/files.h"

#include <stdint.h>

extern const char serve_page_begin[], serve_page_end[];
extern const char serve_docs_begin[], serve_docs_end[];
extern const char serve_openapi_begin[], serve_openapi_end[];

static serve_text text(const char *begin, const char *end)
{
    return (serve_text){begin, (size_t)((uintptr_t)end - (uintptr_t)begin)};
}

serve_text serve_file_page(void)
{
    return text(serve_page_begin, serve_page_end);
}

serve_text serve_file_docs(void)
{
    return text(serve_docs_begin, serve_docs_end);
}

serve_text serve_file_openapi(void)
{
    return text(serve_openapi_begin, serve_openapi_end);
}
