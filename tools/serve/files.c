/* Files that are built in; see files.h.  files_data.S holds the bytes. */
#include "tools/serve/files.h"

#include <stdint.h>
#include <string.h>

/* clang-format off */
#define FILES(X)                                                  \
    X("/", type_html, serve_page)                                 \
    X("/look.css", type_css, serve_look_css)                      \
    X("/look.js", type_script, serve_look_js)                     \
    X("/page.css", type_css, serve_page_css)                      \
    X("/page.js", type_script, serve_page_js)                     \
    X("/backend.js", type_script, serve_backend)                  \
    X("/docs", type_html, serve_docs)                             \
    X("/openapi.json", type_json, serve_openapi)                  \
    X("/pictures/bus.jpg", type_jpeg, serve_bus)                  \
    X("/pictures/butterfly.jpg", type_jpeg, serve_butterfly)      \
    X("/pictures/planes.jpg", type_jpeg, serve_planes)            \
    X("/pictures/umbrella.jpg", type_jpeg, serve_umbrella)        \
    X("/pictures/car.jpg", type_jpeg, serve_car)                  \
    X("/pictures/dog.jpg", type_jpeg, serve_dog)
/* clang-format on */

#define DECLARE(path, type, name) extern const char name##_begin[], name##_end[];
FILES(DECLARE)

static const char type_html[] = "text/html; charset=utf-8";
static const char type_css[] = "text/css; charset=utf-8";
static const char type_script[] = "text/javascript; charset=utf-8";
static const char type_json[] = "application/json";
static const char type_jpeg[] = "image/jpeg";

typedef struct file {
    const char *path, *type, *begin, *end;
} file;

#define ENTER(path, type, name) {path, type, name##_begin, name##_end},
static const file files[] = {FILES(ENTER)};

bool serve_builtin_find(serve_builtin *found, const char *path, size_t length)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const file *f = &files[i];
        if (strlen(f->path) != length || memcmp(f->path, path, length) != 0) continue;
        *found =
            (serve_builtin){f->path, f->type, f->begin, (size_t)((uintptr_t)f->end - (uintptr_t)f->begin)};
        return true;
    }
    return false;
}
