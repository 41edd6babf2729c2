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

/* Makes the session, or makes it again where it has less than `need` for decoding. */
static caption_status make_room(tool_session *session, size_t need, caption_error *error)
{
    if (session->session && need <= session->options.decode_memory) return CAPTION_OK;
    if (need < session->options.decode_memory) need = session->options.decode_memory;
    return renew(session, need, error);
}

/* More than resizing takes: the library keeps weights for every row and column, and some rows. */
static size_t resizing_bytes(const picture *p)
{
    return ((size_t)p->width + (size_t)p->height) * 32 + ((size_t)1 << 20);
}

static bool load_foreign(tool_session *session, const picture_source *source, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    picture p;
    const picture_limits limits = {.memory = session->limits.decode_memory,
                                   .pixels = session->limits.max_pixels};
    if (!picture_decode(&p, source, &limits, err)) return false;
    const caption_pixel_view view = {.rgb = p.rgb, .width = p.width, .height = p.height, .stride = p.stride};
    caption_status status = make_room(session, resizing_bytes(&p), &error);
    if (status == CAPTION_OK) status = caption_load_pixels(session->session, 0, &view, &error);
    picture_free(&p);
    return status == CAPTION_OK || tool_fail_caption(err, source->name, &error);
}

bool tool_session_load(tool_session *session, const char *name, const void *data, size_t size,
                       tool_error *err)
{
    if (picture_is_foreign(data, size)) {
        const picture_source source = {
            .name = name, .data = data, .size = size, .no_exif = session->options.no_exif != 0};
        return load_foreign(session, &source, err);
    }
    caption_error error = {CAPTION_OK, ""};
    caption_image_info info;
    caption_status status = caption_image_probe(data, size, &info, &error);
    if (status == CAPTION_OK && !tool_session_allows(&session->limits, name, &info, err)) return false;
    if (status == CAPTION_OK) status = make_room(session, info.decode_memory, &error);
    if (status == CAPTION_OK) status = caption_load_image(session->session, 0, data, size, &error);
    return status == CAPTION_OK || tool_fail_caption(err, name, &error);
}

void tool_session_end(tool_session *session)
{
    caption_session_close(&session->session);
}
