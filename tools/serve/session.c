/* The session of a worker; see session.h. */
#include "tools/serve/session.h"

#include "tools/common/session.h"

void serve_session_end(serve_session *session, const serve_workers *workers)
{
    caption_session_close(&session->session);
    if (session->model) serve_models_give(workers->models, session->model);
    session->model = NULL;
}

bool serve_session_renew(serve_session *session, size_t decode_memory, tool_error *err)
{
    serve_session *s = session;
    caption_error error = {CAPTION_OK, ""};
    caption_session_close(&s->session);
    s->options.decode_memory = decode_memory;
    if (caption_session_create(&s->session, s->model->model, &s->options, &error) == CAPTION_OK) return true;
    return tool_fail(err, "%s", error.message);
}

/* Options for a model.  Of the session's only memory, threads and maps are left to be set. */
static bool set_options(const serve_workers *workers, const caption_model *model,
                        caption_session_options *session, caption_decode_options *decode, tool_error *err)
{
    tool_options options = workers->options;
    if (!tool_options_apply(&options, model, decode, err)) return false;
    *session = options.session;
    session->max_batch = workers->batch;
    if (session->max_beams < workers->bounds.most_beams) session->max_beams = workers->bounds.most_beams;
    if (session->max_length < workers->bounds.most_max_length) {
        session->max_length = workers->bounds.most_max_length;
    }
    return true;
}

bool serve_session_ready(serve_session *session, const serve_workers *workers, tool_error *err)
{
    serve_session *s = session;
    serve_model *current = serve_models_take(workers->models);
    if (current == s->model && s->session) {
        serve_models_give(workers->models, current);
        return true;
    }
    serve_session_end(s, workers);
    s->model = current;
    if (!set_options(workers, current->model, &s->limits, &s->decode, err)) return false;
    s->options = s->limits;
    return serve_session_renew(s, TOOL_USUAL_MEMORY, err);
}

bool serve_session_explain(serve_session *session, tool_error *err)
{
    serve_session *s = session;
    if (s->options.explain) return true;
    s->options.explain = 1;
    return serve_session_renew(s, s->options.decode_memory, err);
}

bool serve_session_check(const serve_workers *workers, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_session_options session;
    caption_decode_options decode;
    serve_model *m = serve_models_take(workers->models);
    bool ok = set_options(workers, m->model, &session, &decode, err);
    session.decode_memory = TOOL_USUAL_MEMORY;
    if (ok && caption_session_size(m->model, &session, &error) == 0) {
        ok = tool_fail(err, "%s", error.message);
    }
    serve_models_give(workers->models, m);
    return ok;
}
