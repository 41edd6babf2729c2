/* Captions by a model file; see captioner.h. */
#include "tools/eval/captioner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/bundled.h"
#include "tools/common/cli.h"
#include "tools/common/images.h"
#include "tools/common/session.h"
#include "tools/common/settings.h"

bool eval_model_open(eval_model *m, const char *path, bool greedy, int beams, tool_error *err)
{
    if (!tool_model_open(&m->model, path, &m->name, err)) return false;
    caption_decode_options_init(&m->decode, m->model);
    m->decode.nbest = 1;
    if (greedy) m->decode.search = CAPTION_SEARCH_GREEDY;
    if (beams) {
        m->decode.search = CAPTION_SEARCH_BEAM;
        m->decode.beams = beams;
        m->session.max_beams = beams;
    }
    return true;
}

void eval_model_close(eval_model *m)
{
    caption_model_close(&m->model);
}

bool eval_model_settings(const eval_model *m, char *text, size_t size)
{
    return tool_settings(text, size, m->model, &m->session, &m->decode);
}

bool eval_session_begin(eval_session *session, const eval_model *m, tool_error *err)
{
    session->m = m;
    return tool_session_begin(&session->session, m->model, &m->session, err);
}

void eval_session_end(eval_session *session)
{
    tool_session_end(&session->session);
}

bool eval_session_caption(eval_session *session, const tool_text *file, const char *path,
                          eval_caption *caption, tool_error *err)
{
    const caption_decode_options *decode = &session->m->decode;
    const caption_result *result = NULL;
    caption_error error;
    if (!tool_session_load(&session->session, path, file->data, file->size, err)) return false;
    if (caption_encode(session->session.session, 1, decode, &error) != CAPTION_OK ||
        caption_decode(session->session.session, 0, decode, &result, &error) != CAPTION_OK) {
        return tool_fail_caption(err, path, &error);
    }
    if (result->count < 1 || strlen(result->captions[0].text) >= sizeof caption->text) {
        return tool_fail(err, "%s: no caption of a sensible length", path);
    }
    strcpy(caption->text, result->captions[0].text);
    caption->score = result->captions[0].score;
    return true;
}

/* ---- a captioner for run.h ---- */

typedef struct worker {
    eval_session session;
    eval_caption caption;
} worker;

static void *open_worker(void *context, tool_error *err)
{
    worker *w = calloc(1, sizeof *w);
    if (!w) {
        (void)tool_fail(err, "a session: out of memory");
        return NULL;
    }
    if (eval_session_begin(&w->session, context, err)) return w;
    free(w);
    return NULL;
}

static void close_worker(void *argument)
{
    worker *w = argument;
    eval_session_end(&w->session);
    free(w);
}

static bool caption_path(void *argument, const char *path, char *text, size_t size, tool_error *err)
{
    worker *w = argument;
    tool_text file;
    if (!tool_image_read(&file, path, err)) return false;
    bool ok = eval_session_caption(&w->session, &file, path, &w->caption, err);
    if (ok && strlen(w->caption.text) >= size) {
        ok = tool_fail(err, "%s: no caption of a sensible length", path);
    }
    if (ok) strcpy(text, w->caption.text);
    tool_text_free(&file);
    return ok;
}

eval_captioner eval_model_captioner(eval_model *m)
{
    return (eval_captioner){
        .context = m, .open = open_worker, .caption = caption_path, .close = close_worker};
}
