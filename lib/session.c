/* session.c - plans a session's memory (the same code counts it and lays it out), makes and closes sessions.
 * Encoder and decoder are never at work together, so their buffers share one region. */
#include "lib/session.h"

#include <string.h>

#include "lib/platform/cpu.h"
#ifndef CAPTION_NO_MALLOC
#include <stdlib.h>
#endif

static caption_status out_of_range(caption_error *error, const char *name, long long value, long long low,
                                   long long high)
{
    return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session option %s is %lld, must be %lld to %lld", name,
                    value, low, high);
}

/* Copies the options with their defaults resolved, or refuses them. */
static caption_status resolve_options(caption_session_options *to, const caption_session_options *from,
                                      const caption_model *model, caption_error *error)
{
    const caption_decode_options *defaults = &model->defaults;
    if (from && from->abi_version != CAPTION_ABI_VERSION) {
        return cpt_fail(error, CAPTION_ERROR_VERSION, "session options of version %d, this library has %d",
                        from->abi_version, CAPTION_ABI_VERSION);
    }
    if (from) {
        *to = *from;
    } else {
        caption_session_options_init(to);
    }
    if (to->max_beams == 0) to->max_beams = defaults->beams > 5 ? defaults->beams : 5;
    if (to->max_length == 0) to->max_length = defaults->max_length > 20 ? defaults->max_length : 20;
    if (to->threads < 1 || to->threads > 64) return out_of_range(error, "threads", to->threads, 1, 64);
    if (to->max_batch < 1 || to->max_batch > CPT_MAX_BATCH) {
        return out_of_range(error, "max_batch", to->max_batch, 1, CPT_MAX_BATCH);
    }
    if (to->max_beams < 1 || to->max_beams > CPT_MAX_BEAMS) {
        return out_of_range(error, "max_beams", to->max_beams, 1, CPT_MAX_BEAMS);
    }
    if (to->max_length < 1 || to->max_length > 1024) {
        return out_of_range(error, "max_length", to->max_length, 1, 1024);
    }
    if ((int)to->conv < 0 || to->conv > CAPTION_CONV_IM2COL) {
        return out_of_range(error, "conv", (long long)to->conv, 0, CAPTION_CONV_IM2COL);
    }
    if (to->max_pixels == 0) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session option max_pixels is 0");
    return CAPTION_OK;
}

/* The session's own fields and every buffer; `s` is a scratch structure in a dry run. */
static caption_status lay_out(caption_session *s, cpt_arena *arena, caption_error *error)
{
    const caption_model *m = s->model;
    const caption_session_options *o = &s->options;
    const caption_model_info *info = &m->info;
    const size_t batch = (size_t)o->max_batch, side = (size_t)info->input_size;
    const size_t map = (size_t)m->encoder.out_h * (size_t)m->encoder.out_w;
    const cpt_image_config image = {info->input_size, o->no_exif, o->strict, o->max_pixels, o->decode_memory};
    const cpt_search_setup search = {.decoder = &m->decoder,
                                     .weights = &m->weights,
                                     .info = info,
                                     .kernels = &s->kernels,
                                     .max_beams = o->max_beams,
                                     .max_length = o->max_length,
                                     .threads = o->threads};
    size_t mark, encoder_end;
    caption_status status = cpt_image_decoder_init(&s->image, arena, &image, error);
    if (status) return status;
    s->warning = cpt_arena_take(arena, batch, sizeof *s->warning);
    s->pixels = cpt_arena_take(arena, batch * side * side, 3);
    s->features = cpt_arena_take(arena, batch * (size_t)info->positions * (size_t)info->feature_channels,
                                 sizeof(float));
    s->encoder.net = &m->encoder;
    s->encoder.kernels = &s->kernels;

    mark = arena->used;
    s->last_map = s->features;
    if (info->kind == CAPTION_KIND_BASELINE) {
        s->last_map = cpt_arena_take(arena, batch * map * (size_t)m->encoder.channels, sizeof(float));
        s->pooled = cpt_arena_take(arena, (size_t)m->encoder.channels, sizeof(float));
    }
    cpt_resnet_plan(&s->encoder, arena, o->max_batch, o->threads, o->conv, s->last_map);
    encoder_end = arena->used;
    arena->used = mark;
    cpt_search_plan(&s->search, arena, &search);
    if (arena->used < encoder_end) arena->used = encoder_end;
    return CAPTION_OK;
}

/* The bytes of the structure, its buffers and the pool; 0 when they can't be counted. */
static size_t count_bytes(caption_session *s, caption_error *error)
{
    cpt_arena arena;
    cpt_arena_init(&arena, NULL, 0);
    cpt_arena_take(&arena, 1, sizeof *s);
    if (lay_out(s, &arena, error)) return 0;
    cpt_arena_take(&arena, cpt_pool_size(s->options.threads), 1);
    if (arena.failed) {
        cpt_fail(error, CAPTION_ERROR_MEMORY, "a session with these options does not fit into memory");
        return 0;
    }
    return arena.used;
}

static caption_status prepare(caption_session *s, const caption_model *model,
                              const caption_session_options *options, caption_error *error)
{
    caption_status status;
    memset(s, 0, sizeof *s);
    if (!model) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "model is NULL");
    s->model = model;
    status = resolve_options(&s->options, options, model, error);
    if (!status) cptk_kernels_init(&s->kernels, cpt_cpu_detect() & s->options.cpu);
    return status;
}

size_t caption_session_size(const caption_model *model, const caption_session_options *options,
                            caption_error *error)
{
    caption_session dry;
    size_t bytes;
    if (prepare(&dry, model, options, error)) return 0;
    bytes = count_bytes(&dry, error);
    if (bytes) cpt_ok(error);
    return bytes;
}

caption_status caption_session_init(caption_session **session, void *memory, size_t memory_size,
                                    const caption_model *model, const caption_session_options *options,
                                    caption_error *error)
{
    caption_session *s = memory;
    cpt_arena arena;
    size_t needed;
    int failed = 0;
    caption_status status;
    if (!session) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    *session = NULL;
    needed = caption_session_size(model, options, error);
    if (needed == 0) return error ? error->status : CAPTION_ERROR_ARGUMENT;
    if (!memory || (uintptr_t)memory % CPT_ALIGN) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "a session's memory must be 64-byte aligned");
    }
    if (memory_size < needed) {
        return cpt_fail(error, CAPTION_ERROR_MEMORY, "a session needs %zu bytes, there are %zu", needed,
                        memory_size);
    }
    status = prepare(s, model, options, error);
    if (status) return status;
    cpt_arena_init(&arena, memory, memory_size);
    cpt_arena_take(&arena, 1, sizeof *s);
    status = lay_out(s, &arena, error);
    if (status) goto fail;
    s->pool = cpt_pool_init(cpt_arena_take(&arena, cpt_pool_size(s->options.threads), 1), s->options.threads,
                            &failed);
    if (failed || arena.failed) {
        status = cpt_fail(error, CAPTION_ERROR_MEMORY, "%d threads can't be started", s->options.threads);
        goto fail;
    }
    s->encoder.pool = s->pool;
    cpt_search_set_pool(&s->search, s->pool);
    *session = s;
    return cpt_ok(error);
fail:
    if (s->image) cpt_image_decoder_close(s->image);
    return status;
}

#ifdef CAPTION_NO_MALLOC

caption_status caption_session_create(caption_session **session, const caption_model *model,
                                      const caption_session_options *options, caption_error *error)
{
    (void)model, (void)options;
    if (session) *session = NULL;
    return cpt_fail(error, CAPTION_ERROR_UNSUPPORTED,
                    "this build does not allocate: use caption_session_init");
}

static void release(void *memory)
{
    (void)memory;
}

#else

caption_status caption_session_create(caption_session **session, const caption_model *model,
                                      const caption_session_options *options, caption_error *error)
{
    caption_error local;
    caption_status status;
    size_t bytes;
    void *memory;
    if (!session) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    *session = NULL;
    if (!error) error = &local;
    bytes = caption_session_size(model, options, error);
    if (bytes == 0) return error->status;
    memory = aligned_alloc(CPT_ALIGN, bytes); /* bytes is a multiple of the alignment: the arena rounds up */
    if (!memory) {
        return cpt_fail(error, CAPTION_ERROR_MEMORY, "out of memory for a session of %zu bytes", bytes);
    }
    status = caption_session_init(session, memory, bytes, model, options, error);
    if (status) {
        free(memory);
    } else {
        (*session)->owned = memory;
    }
    return status;
}

static void release(void *memory)
{
    free(memory);
}

#endif

void caption_session_close(caption_session **session)
{
    if (!session || !*session) return;
    cpt_pool_close((*session)->pool);
    cpt_image_decoder_close((*session)->image);
    release((*session)->owned);
    *session = NULL;
}
