/* Items into captions into bytes; see captioner.h. */
#include "tools/batch/captioner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/clean.h"
#include "tools/common/cli.h"
#include "tools/common/session.h"

enum { LARGE_TOTAL = 256 << 20 }; /* bytes beyond TOOL_USUAL_MEMORY, of all threads together */

struct batch_captioner {
    batch_job *job;
    caption_session_options options;
    caption_session *session;
    size_t large;   /* bytes taken from the budget for the session */
    size_t picture; /* the same for a picture of a format that the library doesn't read */
    const batch_item *slots[BATCH_MOST]; /* [loaded] what is in the session's slots */
    int loaded;
    FILE *bytes, *failures; /* streams into the chunk */
    batch_chunk *chunk;
};

/* ---- large images ---- */

static void take_large(batch_budget *budget, size_t size)
{
    (void)pthread_mutex_lock(&budget->lock);
    while (budget->used && (size > LARGE_TOTAL || budget->used > LARGE_TOTAL - size)) {
        (void)pthread_cond_wait(&budget->freed, &budget->lock);
    }
    budget->used += size;
    (void)pthread_mutex_unlock(&budget->lock);
}

static void give_large(batch_budget *budget, size_t size)
{
    (void)pthread_mutex_lock(&budget->lock);
    budget->used -= size;
    (void)pthread_cond_broadcast(&budget->freed);
    (void)pthread_mutex_unlock(&budget->lock);
}

bool batch_job_begin(batch_job *job, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    job->limits = job->session;
    job->session.threads = 1;
    job->session.max_batch = BATCH_MOST;
    job->session.decode_memory = TOOL_USUAL_MEMORY;
    job->budget.used = 0;
    if (!caption_session_size(job->model, &job->session, &error)) {
        return tool_fail(err, "%s", error.message[0] ? error.message : caption_status_string(error.status));
    }
    if (pthread_mutex_init(&job->budget.lock, NULL) != 0) return tool_fail(err, "threads: can't make a lock");
    if (pthread_cond_init(&job->budget.freed, NULL) == 0) return true;
    (void)pthread_mutex_destroy(&job->budget.lock);
    return tool_fail(err, "threads: can't make a lock");
}

void batch_job_end(batch_job *job)
{
    (void)pthread_cond_destroy(&job->budget.freed);
    (void)pthread_mutex_destroy(&job->budget.lock);
}

/* ---- sessions ---- */

/* Makes the session, or makes it again with other memory to decode with.  The old one goes first. */
static bool renew(batch_captioner *c, size_t decode_memory, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_session_close(&c->session);
    if (c->large) give_large(&c->job->budget, c->large);
    c->large = decode_memory > TOOL_USUAL_MEMORY ? decode_memory - TOOL_USUAL_MEMORY : 0;
    if (c->large) take_large(&c->job->budget, c->large);
    c->options.decode_memory = decode_memory;
    if (caption_session_create(&c->session, c->job->model, &c->options, &error) == CAPTION_OK) return true;
    return tool_fail(err, "%s", error.message);
}

batch_captioner *batch_captioner_open(batch_job *job, tool_error *err)
{
    batch_captioner *c = calloc(1, sizeof *c);
    if (!c) {
        (void)tool_fail(err, "a session: out of memory");
        return NULL;
    }
    c->job = job;
    c->options = job->session;
    if (renew(c, TOOL_USUAL_MEMORY, err)) return c;
    free(c);
    return NULL;
}

void batch_captioner_close(batch_captioner *captioner)
{
    caption_session_close(&captioner->session);
    if (captioner->large) give_large(&captioner->job->budget, captioner->large);
    free(captioner);
}

void batch_chunk_free(batch_chunk *chunk)
{
    free(chunk->bytes);
    free(chunk->failures);
    *chunk = (batch_chunk){.bytes = NULL};
}

/* ---- one batch ---- */

static void note_failure(const batch_captioner *c, const batch_item *item)
{
    tool_put_field(c->failures, item->name);
    (void)fputc('\t', c->failures);
    tool_put_field(c->failures, item->error.message);
    (void)fputc('\n', c->failures);
    c->chunk->failed++;
}

/* Writes what was found in a slot. */
static bool write_slot(batch_captioner *c, int slot, const caption_result *result, batch_item *item)
{
    batch_answer answer = {.feature_count = c->job->feature_count, .result = result};
    if (c->job->format.features) answer.features = caption_slot_features(c->session, slot);
    c->chunk->captioned++;
    return batch_format_caption(&c->job->format, c->bytes, item, &answer);
}

/* Finds the captions of what is loaded: results [loaded]. */
static bool caption_slots(batch_captioner *c, const caption_result **results, caption_error *error)
{
    const caption_decode_options *decode = &c->job->decode;
    return !c->loaded || (caption_encode(c->session, c->loaded, decode, error) == CAPTION_OK &&
                          caption_decode_batch(c->session, c->loaded, decode, results, error) == CAPTION_OK);
}

/* Captions what is loaded, and writes the items from *next to `stop`, which are all those that had their
 * turn.
 */
static bool flush(batch_captioner *c, batch_item *items, size_t *next, size_t stop, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    const caption_result *results[BATCH_MOST];
    const bool captioned = caption_slots(c, results, &error);
    bool ok = true;
    int slot = 0;
    for (; ok && *next < stop; ++*next) {
        batch_item *item = &items[*next];
        const bool loaded = slot < c->loaded && c->slots[slot] == item;
        if (loaded && captioned) {
            ok = write_slot(c, slot, results[slot], item);
        } else {
            if (loaded) (void)tool_fail_caption(&item->error, item->name, &error);
            ok = batch_format_rest(&c->job->format, c->bytes, item);
        }
        slot += loaded;
        if (item->error.message[0]) note_failure(c, item);
    }
    c->loaded = 0;
    return ok || tool_fail(err, "out of memory");
}

/* ---- a group ---- */

/* The encoded bytes of an item; `file` holds them where they have to be read first.  NULL: there are none. */
static const tool_text *bytes_of(batch_item *item, tool_text *file)
{
    if (item->count) return item->image < item->count ? &item->files[item->image].data : NULL;
    if (item->error.message[0] || !tool_image_read(file, item->name, &item->error)) return NULL;
    return file;
}

/* Takes what a picture needs from the budget while it is decoded.  Nothing else is held then, so that no two
 * threads wait for each other. */
static void take_picture(void *user, size_t bytes)
{
    batch_captioner *c = user;
    c->picture = bytes;
    take_large(&c->job->budget, bytes);
}

/* Decodes into the next slot. */
static bool load_slot(batch_captioner *c, const picture_source *source, tool_error *err)
{
    const bool ok = tool_load_picture(c->session, c->loaded, source, &c->job->limits, err);
    if (c->picture) give_large(&c->job->budget, c->picture);
    c->picture = 0;
    return ok;
}

/* Loads an item into the next slot.  An image that needs more memory than there is begins a batch of its own:
 * what was loaded before it is lost when the session is made again.  *next: see flush. */
static bool load(batch_captioner *c, batch_item *items, size_t *next, size_t index, tool_error *err)
{
    batch_item *item = &items[index];
    tool_text file = {NULL, 0};
    const tool_text *data = bytes_of(item, &file);
    if (!data) return true;
    const picture_claim claim = {take_picture, c};
    const picture_source source = {.name = item->name,
                                   .data = (const uint8_t *)data->data,
                                   .size = data->size,
                                   .no_exif = c->options.no_exif != 0,
                                   .claim = &claim};
    size_t need;
    bool ok = true;
    if (c->large && picture_is_foreign(data->data, data->size)) {
        ok = flush(c, items, next, index, err) && renew(c, TOOL_USUAL_MEMORY, err);
    }
    if (!ok) {
        data = NULL;
    } else if (!tool_load_memory(&need, &source, &c->job->limits, &item->error)) {
        data = NULL;
    } else if (need > c->options.decode_memory) {
        ok = flush(c, items, next, index, err);
        tool_error small = {{0}};
        if (ok && !renew(c, need, &small)) {
            (void)tool_fail(&item->error, "%s: needs %zu bytes to be decoded: %s", item->name, need,
                            small.message);
            ok = renew(c, TOOL_USUAL_MEMORY, err);
            data = NULL;
        }
    }
    if (ok && data && load_slot(c, &source, &item->error)) c->slots[c->loaded++] = item;
    tool_text_free(&file);
    return ok;
}

static bool open_streams(batch_captioner *c, batch_chunk *chunk, tool_error *err)
{
    c->chunk = chunk;
    c->bytes = open_memstream(&chunk->bytes, &chunk->size);
    c->failures = open_memstream(&chunk->failures, &chunk->failures_size);
    return (c->bytes && c->failures) || tool_fail(err, "out of memory");
}

static bool close_streams(batch_captioner *c, tool_error *err)
{
    FILE *streams[] = {c->bytes, c->failures};
    bool ok = true;
    for (size_t i = 0; i < 2; i++) {
        if (!streams[i]) continue;
        ok = !ferror(streams[i]) && ok;
        ok = fclose(streams[i]) == 0 && ok;
    }
    c->bytes = c->failures = NULL;
    ok = ok && c->chunk->bytes && c->chunk->failures; /* fclose may lose the bytes and say nothing (glibc) */
    return ok || tool_fail(err, "out of memory");
}

bool batch_captioner_run(batch_captioner *captioner, batch_item *items, size_t count, batch_chunk *chunk,
                         tool_error *err)
{
    batch_captioner *c = captioner;
    size_t next = 0;
    *chunk = (batch_chunk){.items = count};
    c->loaded = 0;
    bool ok = open_streams(c, chunk, err);
    for (size_t i = 0; ok && i < count; i++) ok = load(c, items, &next, i, err);
    ok = ok && flush(c, items, &next, count, err);
    ok = close_streams(c, err) && ok;
    if (ok && c->large) ok = renew(c, TOOL_USUAL_MEMORY, err);
    for (size_t i = 0; i < count; i++) batch_item_free(&items[i]);
    if (!ok) batch_chunk_free(chunk);
    return ok;
}
