/* Which model a tool uses; see bundled.h.  bundled_data.S holds the bytes where the build found a model. */
#include "tools/common/bundled.h"

#include <stdint.h>
#include <stdlib.h>

#include "tools/common/cli.h"
#include "tools/common/mapped.h"

#ifdef TOOL_BUNDLED
extern const unsigned char tool_bundled_begin[], tool_bundled_end[];

const void *tool_bundled_data(size_t *size)
{
    *size = (size_t)((uintptr_t)tool_bundled_end - (uintptr_t)tool_bundled_begin);
    return tool_bundled_begin;
}
#else
const void *tool_bundled_data(size_t *size)
{
    *size = 0;
    return NULL;
}
#endif

const char *tool_model_path(const char *path)
{
    if (path) return path;
    path = getenv("CAPTION_MODEL");
    return path && path[0] ? path : NULL;
}

bool tool_model_open(caption_model **model, const char *path, const char **name, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_status status = CAPTION_OK;
    path = tool_model_path(path);
    *name = path ? path : "bundled model";
    *model = NULL;
    if (path) {
        tool_mapped_watch(path);
        status = caption_model_open_file(model, path, NULL, &error);
    } else {
        size_t size = 0;
        const void *data = tool_bundled_data(&size);
        if (!data) {
            return tool_fail(err, "no model: name one with -m MODEL.capw or in the environment variable "
                                  "CAPTION_MODEL (capconvert makes one from a checkpoint)");
        }
        status = caption_model_open_memory(model, data, size, NULL, &error);
    }
    return status == CAPTION_OK || tool_fail_caption(err, *name, &error);
}
