/* A session that grows with the images; see session.h. */
#include "tools/common/session.h"

#include "tools/common/cli.h"
#include "tools/common/pictures.h"

enum { MAX_MEMORY = 256 << 20 };

void tool_session_options_init(caption_session_options *options)
{
    caption_session_options_init(options);
    options->decode_memory = MAX_MEMORY;
}

bool tool_session_begin(tool_session *session, const caption_model *model,
                        const caption_session_options *options, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    *session = (tool_session){.model = model, .limits = *options, .options = *options};
    if (options->decode_memory > CAPTION_DEFAULT_DECODE_MEMORY) {
        session->options.decode_memory = CAPTION_DEFAULT_DECODE_MEMORY;
    }
    if (caption_session_size(model, &session->options, &error) > 0) return true;
    return tool_fail(err, "%s", error.message[0] ? error.message : caption_status_string(error.status));
}

/* Makes the session, or makes it again with `decode_memory`.  The old one is closed first, for both together
 * might not fit.  After a failure the next image starts from the memory of the session before. */
static caption_status renew(tool_session *session, size_t decode_memory, caption_error *error)
{
    const size_t before = session->options.decode_memory;
    caption_session_close(&session->session);
    session->options.decode_memory = decode_memory;
    const caption_status status =
        caption_session_create(&session->session, session->model, &session->options, error);
    if (status != CAPTION_OK) session->options.decode_memory = before;
    return status;
}

bool tool_session_allows(const caption_session_options *limits, const char *name,
                         const caption_image_info *info, tool_error *err)
{
    const picture_limits most = {.memory = limits->decode_memory, .pixels = limits->max_pixels};
    const picture_size size = {(uint32_t)info->width, (uint32_t)info->height, info->decode_memory};
    return picture_allowed(&most, name, &size, err);
}

/* More than resizing the largest picture takes: the library keeps weights for every row and column, and some
 * rows. */
enum { RESIZING_BYTES = 2 * CAPTION_MAX_IMAGE_SIDE * 32 + (1 << 20) };

bool tool_load_memory(size_t *need, const picture_source *source, const caption_session_options *limits,
                      tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_image_info info;
    *need = RESIZING_BYTES;
    if (picture_is_foreign(source->data, source->size)) return true;
    if (caption_image_probe(source->data, source->size, &info, &error) != CAPTION_OK) {
        return tool_fail_caption(err, source->name, &error);
    }
    *need = info.decode_memory;
    return tool_session_allows(limits, source->name, &info, err);
}

static bool load_foreign(caption_session *session, int slot, const picture_source *source,
                         const picture_limits *limits, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    picture p;
    if (!picture_decode(&p, source, limits, err)) return false;
    const caption_pixel_view view = {.rgb = p.rgb, .width = p.width, .height = p.height, .stride = p.stride};
    const caption_status status = caption_load_pixels(session, slot, &view, &error);
    picture_free(&p);
    return status == CAPTION_OK || tool_fail_caption(err, source->name, &error);
}

bool tool_load_picture(caption_session *session, int slot, const picture_source *source,
                       const caption_session_options *limits, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    if (picture_is_foreign(source->data, source->size)) {
        const picture_limits most = {.memory = limits->decode_memory, .pixels = limits->max_pixels};
        return load_foreign(session, slot, source, &most, err);
    }
    return caption_load_image(session, slot, source->data, source->size, &error) == CAPTION_OK ||
           tool_fail_caption(err, source->name, &error);
}

bool tool_session_load(tool_session *session, const char *name, const void *data, size_t size,
                       tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    const picture_source source = {
        .name = name, .data = data, .size = size, .no_exif = session->options.no_exif != 0};
    size_t need;
    if (!tool_load_memory(&need, &source, &session->limits, err)) return false;
    if (need < session->options.decode_memory) need = session->options.decode_memory;
    if ((!session->session || need > session->options.decode_memory) &&
        renew(session, need, &error) != CAPTION_OK) {
        return tool_fail_caption(err, name, &error);
    }
    return tool_load_picture(session->session, 0, &source, &session->limits, err);
}

void tool_session_end(tool_session *session)
{
    caption_session_close(&session->session);
}
