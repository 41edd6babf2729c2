/* Captions by a model file; see captioner.h. */
#include "tools/eval/captioner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/format/names.h"
#include "tools/common/bundled.h"
#include "tools/common/cli.h"
#include "tools/common/images.h"
#include "tools/common/session.h"

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

/* with its final zero byte, so that "ab", "c" isn't "a", "bc" */
static uLong add_text(uLong crc, const char *text)
{
    return crc32(crc, (const Bytef *)text, (uInt)strlen(text) + 1);
}

static uLong add_tensor(uLong crc, const caption_tensor_info *t)
{
    const uint64_t place[] = {t->offset, t->bytes};
    crc = add_text(add_text(add_text(crc, t->name), t->dtype), t->layout);
    crc = crc32(crc, (const Bytef *)t->dims, sizeof t->dims);
    crc = crc32(crc, (const Bytef *)place, sizeof place);
    return crc32(crc, (const Bytef *)&t->crc, sizeof t->crc);
}

/* A number that differs between models with other tensors, words or metadata, whatever their files are
 * called. Tensors stand in it with their checksums, so their data need not be read. */
static unsigned long fingerprint(const caption_model *model, const caption_model_info *info)
{
    const int counts[] = {info->tensor_count, info->metadata_count, info->vocabulary_size};
    uLong crc = crc32(0, (const Bytef *)counts, sizeof counts);
    for (int i = 0; i < info->tensor_count; i++) {
        caption_tensor_info t;
        if (caption_model_tensor(model, i, &t) == CAPTION_OK) crc = add_tensor(crc, &t);
    }
    for (int i = 0; i < info->metadata_count; i++) {
        const char *key, *value;
        if (caption_model_metadata(model, i, &key, &value) != CAPTION_OK) continue;
        crc = add_text(add_text(crc, key), value);
    }
    for (int i = 0; i < info->vocabulary_size; i++) {
        const char *word = caption_model_word(model, i);
        if (word) crc = add_text(crc, word);
    }
    return crc;
}

bool eval_model_settings(const eval_model *m, char *text, size_t size)
{
    const caption_decode_options *d = &m->decode;
    caption_model_info info;
    caption_model_get_info(m->model, &info);
    const int length =
        snprintf(text, size,
                 "model=%08lx\nsearch=%s\nbeams=%d\nmax-length=%d\nmin-length=%d\nlength-alpha=%."
                 "6g\nrepetition-penalty=%.6g\n"
                 "penalty=%s\nexif=%s\n",
                 fingerprint(m->model, &info), cpt_name_of(cpt_search_names, d->search),
                 d->search == CAPTION_SEARCH_GREEDY ? 1 : d->beams, d->max_length, d->min_length,
                 (double)d->length_alpha, (double)d->repetition_penalty,
                 cpt_name_of(cpt_penalty_names, d->penalty), m->session.no_exif ? "ignored" : "applied");
    return length > 0 && (size_t)length < size;
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
