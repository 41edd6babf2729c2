/* session.c - plans the memory of sessions, makes and closes them.
 *
 * The same code counts the bytes and lays them out.  Decoding of images, encoder and decoder never work at
 * the same time, so their buffers share one region.  In a session for explanations the search has its own,
 * because its results outlive them, and what explanations need in between takes its place. */
#include "lib/session.h"

#include <string.h>

#include "lib/options.h"
#include "lib/slots.h"
#include "lib/platform/cpu.h"
#include "lib/platform/memory.h"
#ifndef CAPTION_NO_MALLOC
#include <stdlib.h>
#endif

/* ---- the plan ---- */

static bool is_baseline(const caption_session *s)
{
    return s->model->info.kind == CAPTION_KIND_BASELINE;
}

/* The baseline kind's maps before pooling. */
static void lay_out_last_map(const caption_session *s, cpt_images *images, cpt_arena *arena)
{
    const cpt_resnet *net = &s->model->encoder;
    const size_t positions = (size_t)net->out_h * (size_t)net->out_w;
    images->last_map = images->features;
    if (!is_baseline(s)) return;
    images->last_map = cpt_arena_take(arena, (size_t)s->options.max_batch * positions * (size_t)net->channels,
                                      sizeof(float));
}

static void lay_out_features(const caption_session *s, cpt_images *images, cpt_arena *arena)
{
    const size_t batch = (size_t)s->options.max_batch;
    images->features = cpt_arena_take(arena, batch * cpt_slot_feature_count(s), sizeof(float));
}

static void lay_out_images(const caption_session *s, cpt_images *images, cpt_arena *arena)
{
    const size_t batch = (size_t)s->options.max_batch;
    images->pixels = cpt_arena_take(arena, batch, cpt_resnet_pixel_bytes(&s->model->encoder));
    lay_out_features(s, images, arena);
}

static void lay_out_encoder(caption_session *s, cpt_arena *arena)
{
    const cpt_resnet *net = &s->model->encoder;
    const caption_session_options *o = &s->options;
    if (!o->explain && !o->low_memory) lay_out_last_map(s, &s->images, arena);
    cpt_resnet_plan(&s->encoder, arena, o->max_batch, o->threads, o->conv, s->images.last_map);
    if (o->low_memory) {
        s->images.pixels = s->encoder.pixels;
        s->images.last_map = s->encoder.features;
        if (!is_baseline(s)) s->images.features = s->images.last_map;
    }
    if (is_baseline(s)) {
        s->pooled = cpt_arena_take(arena, (size_t)net->channels, sizeof(float));
        if (net->int8) s->pooled_u8 = cpt_arena_take(arena, cpt_quad_bytes(net->channels), 1);
    }
}

/* What an explanation keeps while the encoder works, and its results. */
static void lay_out_explanation(caption_session *s, cpt_arena *arena)
{
    cpt_explainer *e = &s->explainer;
    const cpt_resnet *net = &s->model->encoder;
    const size_t length = (size_t)s->options.max_length, positions = (size_t)net->out_h * (size_t)net->out_w;
    lay_out_images(s, &e->covered, arena);
    lay_out_last_map(s, &e->covered, arena);
    e->maps = cpt_arena_take(arena, length * positions, sizeof *e->maps);
    e->y = cpt_arena_take(arena, length, sizeof *e->y);
    e->y_covered = cpt_arena_take(arena, length, sizeof *e->y_covered);
    if (!net->int8) e->weights = cpt_arena_take(arena, length * (size_t)net->channels, sizeof *e->weights);
}

/* What it computes with while the encoder rests. */
static void lay_out_explainer(caption_session *s, cpt_arena *arena)
{
    cpt_explainer *e = &s->explainer;
    const cpt_resnet *net = &s->model->encoder;
    e->trace.decoder = &s->model->decoder;
    e->trace.info = &s->model->info;
    e->trace.kernels = e->adjoint.kernels = &s->kernels;
    e->trace.max_length = s->options.max_length;
    e->adjoint.trace = &e->trace;
    e->adjoint.map_positions = net->out_h * net->out_w;
    cpt_trace_plan(&e->trace, arena, s->options.threads);
    if (!s->model->decoder.int8) cpt_adjoint_plan(&e->adjoint, arena);
}

/* What lies where encoder, search and decoding of images share memory, and how much of its beginning each
 * must leave alone. */
typedef struct shared_memory {
    size_t start;  /* of the arena */
    size_t search; /* bytes for features that the search reads, with low_memory */
    size_t image;  /* bytes for the pixels that are decoded, with low_memory */
} shared_memory;

/* Memory that stays, but for that of the search. */
static shared_memory lay_out_kept(caption_session *s, cpt_arena *arena)
{
    shared_memory shared = {.search = 0, .image = 0};
    if (!s->options.low_memory) {
        lay_out_images(s, &s->images, arena);
        return shared;
    }
    const size_t features = cpt_slot_feature_count(s) * sizeof(float);
    shared.image = cpt_resnet_pixel_bytes(&s->model->encoder);
    if (is_baseline(s)) {
        lay_out_features(s, &s->images, arena);
    } else {
        shared.search = features;
    }
    return shared;
}

/* Every buffer of a session whose model, options and kernels are set.  In a dry run (arena->base is NULL) it
 * only counts.  Error: MEMORY. */
static caption_status lay_out(caption_session *s, cpt_arena *arena, caption_error *error)
{
    const caption_session_options *o = &s->options;
    cpt_image_config image = {
        .out_size = s->model->info.input_size,
        .no_exif = o->no_exif != 0,
        .strict = o->strict != 0,
        .max_pixels = o->max_pixels,
        .decode_memory = o->decode_memory,
    };
    const caption_status status = cpt_image_decoder_init(&s->image, arena, &image, error);
    if (status) return status;
    s->warnings = cpt_arena_take(arena, (size_t)o->max_batch, sizeof *s->warnings);
    shared_memory shared = lay_out_kept(s, arena);
    s->encoder.net = &s->model->encoder;
    s->encoder.kernels = &s->kernels;
    s->encoder.low_memory = o->low_memory != 0;
    const cpt_search_setup search = {
        .decoder = &s->model->decoder,
        .weights = &s->model->weights,
        .info = &s->model->info,
        .kernels = &s->kernels,
        .max_images = o->max_batch,
        .max_beams = o->max_beams,
        .max_length = o->max_length,
        .threads = o->threads,
    };
    cpt_search_plan_kept(&s->search, arena, &search);
    if (o->explain) {
        lay_out_last_map(s, &s->images, arena);
        cpt_search_plan(&s->search, arena, &search);
        lay_out_explanation(s, arena);
    }

    shared.start = arena->used;
    lay_out_encoder(s, arena);
    const size_t encoder_end = arena->used;
    arena->used = shared.start;
    cpt_arena_take(arena, shared.search, 1);
    if (o->explain) {
        lay_out_explainer(s, arena);
    } else {
        cpt_search_plan(&s->search, arena, &search);
    }
    const size_t end = arena->used > encoder_end ? arena->used : encoder_end;
    arena->used = shared.start;
    cpt_arena_take(arena, shared.image, 1);
    if (image.decode_memory == 0) image.decode_memory = end - arena->used;
    cpt_image_decoder_plan_workspace(s->image, arena, &image);
    if (arena->used < end) arena->used = end;
    return CAPTION_OK;
}

/* Sets what the plan depends on; everything else becomes 0. */
static caption_status prepare(caption_session *s, const caption_model *model,
                              const caption_session_options *options, caption_error *error)
{
    memset(s, 0, sizeof *s);
    if (!model) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "model is NULL");
    s->model = model;
    const caption_status status = cpt_session_options_read(&s->options, options, model, error);
#ifdef CAPTION_NO_THREADS
    if (!status && s->options.threads > 1) {
        return cpt_fail(error, CAPTION_ERROR_UNSUPPORTED, "this build has one thread in a session, not %d",
                        s->options.threads);
    }
#endif
    if (!status) cptk_kernels_init(&s->kernels, cpt_cpu_detect() & s->options.cpu);
    return status;
}

/* The bytes of the structure, its buffers and its threads. */
static caption_status count_bytes(const caption_model *model, const caption_session_options *options,
                                  size_t *bytes, caption_error *error)
{
    caption_session dry;
    caption_status status = prepare(&dry, model, options, error);
    if (status) return status;
    cpt_arena arena;
    cpt_arena_init(&arena, NULL, 0);
    cpt_arena_take(&arena, 1, sizeof dry);
    status = lay_out(&dry, &arena, error);
    if (status) return status;
    cpt_arena_take(&arena, cpt_pool_size(dry.options.threads), 1);
    if (arena.failed) {
        return cpt_fail(error, CAPTION_ERROR_MEMORY, "a session with these options does not fit into memory");
    }
    *bytes = arena.used;
    return CAPTION_OK;
}

size_t caption_session_size(const caption_model *model, const caption_session_options *options,
                            caption_error *error)
{
    size_t bytes;
    if (count_bytes(model, options, &bytes, error)) return 0;
    cpt_ok(error);
    return bytes;
}

/* ---- making ---- */

/* Makes the session in a block that is large enough. */
static caption_status make(caption_session *s, size_t bytes, const caption_model *model,
                           const caption_session_options *options, caption_error *error)
{
    caption_status status = prepare(s, model, options, error);
    if (status) return status;
    cpt_arena arena;
    cpt_arena_init(&arena, s, bytes);
    cpt_arena_take(&arena, 1, sizeof *s);
    status = lay_out(s, &arena, error);
    if (status) goto fail;
    const int threads = s->options.threads;
    bool failed = false;
    s->pool = cpt_pool_init(cpt_arena_take(&arena, cpt_pool_size(threads), 1), threads, &failed);
    if (failed || arena.failed) {
        status = cpt_fail(error, CAPTION_ERROR_MEMORY, "%d threads can't be started", threads);
        goto fail;
    }
    s->encoder.pool = s->pool;
    if (cpt_resnet_uses(&s->encoder, CAPTION_CONV_IM2COL)) cptk_gemm_load(&s->kernels);
    cpt_search_set_pool(&s->search, s->pool);
    cpt_trace_set_pool(&s->explainer.trace, s->pool);
    s->explainer.adjoint.pool = s->pool;
    return cpt_ok(error);
fail:
    cpt_image_decoder_close(s->image);
    return status;
}

caption_status caption_session_init(caption_session **session, void *memory, size_t memory_size,
                                    const caption_model *model, const caption_session_options *options,
                                    caption_error *error)
{
    if (!session) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    *session = NULL;
    size_t needed = 0;
    caption_status status = count_bytes(model, options, &needed, error);
    if (status) return status;
    if (!memory || (uintptr_t)memory % CPT_ALIGN) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "a session's memory must be 64-byte aligned");
    }
    if (memory_size < needed) {
        return cpt_fail(error, CAPTION_ERROR_MEMORY, "a session needs %zu bytes, there are %zu", needed,
                        memory_size);
    }
    status = make(memory, memory_size, model, options, error);
    if (!status) *session = memory;
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
    if (!session) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    *session = NULL;
    size_t bytes = 0;
    caption_status status = count_bytes(model, options, &bytes, error);
    if (status) return status;
    void *memory = cpt_memory_take(bytes);
    if (!memory) {
        return cpt_fail(error, CAPTION_ERROR_MEMORY, "out of memory for a session of %zu bytes", bytes);
    }
    status = make(memory, bytes, model, options, error);
    if (status) {
        free(memory);
        return status;
    }
    *session = memory;
    (*session)->owned = memory;
    return CAPTION_OK;
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
