/* A session that grows with the images; see session.h. */
#include "tools/common/session.h"

#include "tools/common/cli.h"

bool tool_session_begin(tool_session *session, const caption_model *model,
                        const caption_session_options *options, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    *session = (tool_session){.model = model, .options = *options};
    if (caption_session_size(model, options, &error) > 0) return true;
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

bool tool_session_load(tool_session *session, const char *name, const void *data, size_t size,
                       tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_image_info info;
    size_t need = session->options.decode_memory;
    caption_status status = caption_image_probe(data, size, &info, &error);
    /* an image over the limit is for caption_load_image to refuse, not a reason to take memory */
    if (status == CAPTION_OK && info.width > 0 &&
        (uint64_t)info.height <= session->options.max_pixels / (uint64_t)info.width &&
        info.decode_memory > need) {
        need = info.decode_memory;
    }
    if (status == CAPTION_OK && (!session->session || need > session->options.decode_memory)) {
        status = renew(session, need, &error);
    }
    if (status == CAPTION_OK) status = caption_load_image(session->session, 0, data, size, &error);
    return status == CAPTION_OK || tool_fail_caption(err, name, &error);
}

void tool_session_end(tool_session *session)
{
    caption_session_close(&session->session);
}
