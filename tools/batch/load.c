/* Encoded images into a session's slots; see load.h. */
#include "tools/batch/load.h"

#include "tools/common/cli.h"

size_t batch_load_memory(const caption_session_options *options, const tool_text *data)
{
    caption_image_info info;
    if (caption_image_probe(data->data, data->size, &info, NULL) != CAPTION_OK) return 0;
    /* an image over the limit is for caption_load_image to refuse, not a reason to take memory */
    if (info.width < 1 || (uint64_t)info.height > options->max_pixels / (uint64_t)info.width) return 0;
    return info.decode_memory;
}

bool batch_load(caption_session *session, int slot, const char *name, const tool_text *data, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    return caption_load_image(session, slot, data->data, data->size, &error) == CAPTION_OK ||
           tool_fail_caption(err, name, &error);
}
