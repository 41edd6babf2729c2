/* Captions by a model file; see captioner.h. */
#include "tools/eval/captioner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tools/common/text.h"

enum { MAX_IMAGE_FILE = 1 << 29 };

bool eval_model_open(eval_model *m, const char *path, bool greedy, int beams, tool_error *err)
{
    caption_error error;

    memset(m, 0, sizeof *m);
    if (caption_model_open_file(&m->model, path, NULL, &error) != CAPTION_OK) {
        return tool_fail(err, "%s", error.message);
    }
    caption_session_options_init(&m->session);
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

/* Tells models apart by what they hold, not by name or date. */
static unsigned long fingerprint(const caption_model *model, int tensors)
{
    uLong crc = crc32(0, NULL, 0);
    caption_tensor_info t;
    int i;

    for (i = 0; i < tensors; i++) {
        if (caption_model_tensor(model, i, &t) != CAPTION_OK) continue;
        crc = crc32(crc, (const Bytef *)t.name, (uInt)strlen(t.name));
        crc = crc32(crc, (const Bytef *)t.dims, sizeof t.dims);
        crc = crc32(crc, (const Bytef *)&t.crc, sizeof t.crc);
    }
    return crc;
}

bool eval_model_settings(const eval_model *m, char *text, size_t size)
{
    const caption_decode_options *d = &m->decode;
    caption_model_info info;
    int length;

    caption_model_get_info(m->model, &info);
    length = snprintf(
        text, size,
        "model=%08lx\nsearch=%s\nbeams=%d\nmax-length=%d\nlength-alpha=%.6g\nrepetition-penalty=%.6g\n"
        "penalty=%s\nexif=%s\n",
        fingerprint(m->model, info.tensor_count), d->search == CAPTION_SEARCH_GREEDY ? "greedy" : "beam",
        d->search == CAPTION_SEARCH_GREEDY ? 1 : d->beams, d->max_length, (double)d->length_alpha,
        (double)d->repetition_penalty, d->penalty == CAPTION_PENALTY_PUBLISHED ? "published" : "corrected",
        m->session.no_exif ? "ignored" : "applied");
    return length > 0 && (size_t)length < size;
}

typedef struct worker {
    const eval_model *m;
    caption_session *session;
    size_t decode_memory; /* of the session */
} worker;

static bool make_session(worker *w, size_t decode_memory, tool_error *err)
{
    caption_session_options options = w->m->session;
    caption_error error;

    if (decode_memory > options.decode_memory) options.decode_memory = decode_memory;
    caption_session_close(&w->session);
    if (caption_session_create(&w->session, w->m->model, &options, &error) != CAPTION_OK) {
        return tool_fail(err, "%s", error.message);
    }
    w->decode_memory = options.decode_memory;
    return true;
}

static void *open_worker(void *context, tool_error *err)
{
    worker *w = calloc(1, sizeof *w);

    if (!w) {
        (void)tool_fail(err, "out of memory");
        return NULL;
    }
    w->m = context;
    if (!make_session(w, 0, err)) {
        free(w);
        return NULL;
    }
    return w;
}

static void close_worker(void *argument)
{
    worker *w = argument;

    caption_session_close(&w->session);
    free(w);
}

/* The file is in memory; a progressive JPEG may need a session with more room. */
static bool caption_text_of(worker *w, const tool_text *file, const char *path, const caption_result **result,
                            tool_error *err)
{
    caption_image_info info;
    caption_error error;
    tool_error cause = {{0}};
    size_t wanted = 0;

    if (caption_image_probe(file->data, file->size, &info, &error) != CAPTION_OK) {
        return tool_fail(err, "%s: %s", path, error.message);
    }
    /* an image over max_pixels gets no room: caption_image refuses it */
    if ((uint64_t)info.width * (uint64_t)info.height <= w->m->session.max_pixels) wanted = info.decode_memory;
    if ((!w->session || wanted > w->decode_memory) && !make_session(w, wanted, &cause)) {
        return tool_fail(err, "%s: %s", path, cause.message);
    }
    if (caption_image(w->session, file->data, file->size, &w->m->decode, result, &error) != CAPTION_OK) {
        return tool_fail(err, "%s: %s", path, error.message);
    }
    return true;
}

static bool caption_path(void *argument, const char *path, char *text, size_t size, tool_error *err)
{
    worker *w = argument;
    const caption_result *result = NULL;
    tool_text file;
    bool ok;

    if (!tool_text_read(&file, path, MAX_IMAGE_FILE, err)) return false;
    ok = caption_text_of(w, &file, path, &result, err);
    if (ok && (result->count < 1 || strlen(result->captions[0].text) >= size)) {
        ok = tool_fail(err, "%s: no caption of a sensible length", path);
    }
    if (ok) strcpy(text, result->captions[0].text);
    tool_text_free(&file);
    return ok;
}

eval_captioner eval_model_captioner(eval_model *m)
{
    eval_captioner captioner = {m, open_worker, caption_path, close_worker};

    return captioner;
}
