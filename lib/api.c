/* api.c - the public functions that make captions: they check arguments, and lead from a file, an image or
 * pixels to the steps.  All work is done by image/, encoder/ and decoder/. */
#include <string.h>

#include "lib/format/names.h"
#include "lib/options.h"
#include "lib/slots.h"

const char *caption_version(void)
{
    return CAPTION_VERSION;
}

/* The number of slots, from slot 0 on, that are to be worked on together. */
static caption_status check_count(const caption_session *s, int count, caption_error *error)
{
    if (count >= 1 && count <= s->options.max_batch) return CAPTION_OK;
    return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "count is %d, must be 1 to %d", count,
                    s->options.max_batch);
}

/* ---- loading ---- */

/* A slot that is about to be filled holds nothing until that has succeeded. */
static caption_status empty_slot(caption_session *s, int slot, caption_error *error)
{
    const caption_status status = cpt_slot_check(s, slot, error);
    if (status) return status;
    s->loaded[slot] = s->encoded[slot] = s->mapped[slot] = false;
    s->warnings[slot].count = 0;
    s->warnings[slot].first[0] = '\0';
    return CAPTION_OK;
}

static caption_status fill_slot(caption_session *s, int slot, caption_status status, caption_error *error)
{
    if (status) return status;
    s->loaded[slot] = true;
    return cpt_ok(error);
}

caption_status caption_load_image(caption_session *session, int slot, const void *data, size_t size,
                                  caption_error *error)
{
    caption_status status = empty_slot(session, slot, error);
    if (status) return status;
    if (!data && size) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "data is NULL");
    status = cpt_image_decode(session->image, &(cpt_image_bytes){data, size}, cpt_slot_pixels(session, slot),
                              &session->warnings[slot], error);
    return fill_slot(session, slot, status, error);
}

caption_status caption_load_file(caption_session *session, int slot, const char *path, caption_error *error)
{
    caption_status status = empty_slot(session, slot, error);
    if (status) return status;
    if (!path) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "path is NULL");
    cpt_file file;
    status = cpt_file_map(&file, path, error);
    if (status) return status;
    status = caption_load_image(session, slot, file.data, file.size, error);
    cpt_file_unmap(&file);
    return status ? cpt_fail_in_file(error, status, path) : CAPTION_OK;
}

caption_status caption_load_pixels_sized(caption_session *session, int slot, const caption_pixel_view *pixels,
                                         size_t pixels_size, caption_error *error)
{
    static const cpt_structure structure = {"pixel view", offsetof(caption_pixel_view, stride),
                                            sizeof(caption_pixel_view)};
    caption_pixel_view view = {.stride = 0};
    caption_status status = empty_slot(session, slot, error);
    if (!status) status = cpt_take_in(&structure, &view, pixels, pixels_size, error);
    if (!status) status = cpt_image_resize(session->image, &view, cpt_slot_pixels(session, slot), error);
    return fill_slot(session, slot, status, error);
}

/* ---- encoding ---- */

static int report_layer(void *user, int done, int total, const caption_map *map)
{
    const caption_decode_options *options = user;
    const caption_progress progress = {
        .stage = CAPTION_STAGE_ENCODER, .done = done, .total = total, .map = map};
    return options->progress(options->progress_user, &progress);
}

/* The slots must be loaded, and the options taken in by cpt_decode_options_read. */
static caption_status encode_slots(caption_session *s, int count, caption_decode_options *options,
                                   caption_error *error)
{
    for (int i = 0; i < count; i++) s->encoded[i] = s->mapped[i] = false;
    if (s->options.low_memory) s->loaded[0] = false;
    if (cpt_images_encode(s, &s->images, count, options->progress ? report_layer : NULL, options)) {
        return cpt_fail(error, CAPTION_ERROR_ABORTED, "aborted by the progress function");
    }
    for (int i = 0; i < count; i++) s->encoded[i] = s->mapped[i] = true;
    return cpt_ok(error);
}

caption_status caption_encode(caption_session *session, int count, const caption_decode_options *options,
                              caption_error *error)
{
    if (!session) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    caption_status status = check_count(session, count, error);
    if (status) return status;
    caption_decode_options own;
    status = cpt_decode_options_read(&own, options, session->model, error);
    if (status) return status;
    for (int i = 0; i < count; i++) {
        if (!session->loaded[i]) {
            return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "slot %d has no image loaded", i);
        }
    }
    return encode_slots(session, count, &own, error);
}

/* ---- decoding ---- */

/* Options that fit the session: *own are the ones to use. */
static caption_status read_options(const caption_session *s, const caption_decode_options *options,
                                   caption_decode_options *own, caption_error *error)
{
    const caption_status status = cpt_decode_options_read(own, options, s->model, error);
    return status ? status : cpt_decode_options_check(own, &s->options, error);
}

/* What is checked before a caption is made, so that a bad option costs no work: everything but the image.
 * *own are the options to use. */
static caption_status check_call(const caption_session *s, const caption_decode_options *options,
                                 const caption_result **result, caption_decode_options *own,
                                 caption_error *error)
{
    if (result) *result = NULL;
    if (!s) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    if (!result) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "result is NULL");
    return read_options(s, options, own, error);
}

static caption_status check_encoded(const caption_session *s, int slot, caption_error *error)
{
    if (s->encoded[slot]) return CAPTION_OK;
    return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "slot %d is not encoded", slot);
}

/* Fills results [count] of slots first..first+count-1, which must be encoded, the options checked. */
static caption_status decode_slots(caption_session *s, int first, int count,
                                   const caption_decode_options *options, const caption_result **results,
                                   caption_error *error)
{
    if (!cpt_search_run(&s->search, s->images.features, first, count, options)) {
        return cpt_fail(error, CAPTION_ERROR_ABORTED, "aborted by the progress function");
    }
    for (int slot = first; slot < first + count; slot++) {
        const cpt_image_warnings *warnings = &s->warnings[slot];
        caption_result *result = &s->search.results[slot];
        result->warnings = warnings->count;
        result->warning = warnings->count ? warnings->first : NULL;
        results[slot - first] = result;
    }
    return cpt_ok(error);
}

caption_status caption_decode(caption_session *session, int slot, const caption_decode_options *options,
                              const caption_result **result, caption_error *error)
{
    caption_decode_options own;
    caption_status status = check_call(session, options, result, &own, error);
    if (!status) status = cpt_slot_check(session, slot, error);
    if (status) return status;
    status = check_encoded(session, slot, error);
    return status ? status : decode_slots(session, slot, 1, &own, result, error);
}

caption_status caption_decode_batch(caption_session *session, int count,
                                    const caption_decode_options *options, const caption_result **results,
                                    caption_error *error)
{
    if (!session) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    if (!results) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "results is NULL");
    caption_status status = check_count(session, count, error);
    if (status) return status;
    for (int i = 0; i < count; i++) results[i] = NULL;
    caption_decode_options own;
    status = read_options(session, options, &own, error);
    for (int slot = 0; slot < count && !status; slot++) status = check_encoded(session, slot, error);
    return status ? status : decode_slots(session, 0, count, &own, results, error);
}

/* ---- one image, one call ---- */

/* Captions slot 0.  `loaded` is the status of loading it. */
static caption_status caption_slot(caption_session *s, caption_status loaded, caption_decode_options *options,
                                   const caption_result **result, caption_error *error)
{
    if (loaded) return loaded;
    const caption_status status = encode_slots(s, 1, options, error);
    return status ? status : decode_slots(s, 0, 1, options, result, error);
}

caption_status caption_file(caption_session *session, const char *path, const caption_decode_options *options,
                            const caption_result **result, caption_error *error)
{
    caption_decode_options own;
    const caption_status status = check_call(session, options, result, &own, error);
    if (status) return status;
    return caption_slot(session, caption_load_file(session, 0, path, error), &own, result, error);
}

caption_status caption_image(caption_session *session, const void *data, size_t size,
                             const caption_decode_options *options, const caption_result **result,
                             caption_error *error)
{
    caption_decode_options own;
    const caption_status status = check_call(session, options, result, &own, error);
    if (status) return status;
    return caption_slot(session, caption_load_image(session, 0, data, size, error), &own, result, error);
}

caption_status caption_pixels_sized(caption_session *session, const caption_pixel_view *pixels,
                                    size_t pixels_size, const caption_decode_options *options,
                                    const caption_result **result, caption_error *error)
{
    caption_decode_options own;
    caption_status status = check_call(session, options, result, &own, error);
    if (status) return status;
    status = caption_load_pixels_sized(session, 0, pixels, pixels_size, error);
    return caption_slot(session, status, &own, result, error);
}

/* ---- what a slot holds ---- */

const uint8_t *caption_slot_pixels(const caption_session *session, int slot)
{
    return cpt_slot_check(session, slot, NULL) || !session->loaded[slot] ? NULL
                                                                         : cpt_slot_pixels(session, slot);
}

const float *caption_slot_features(const caption_session *session, int slot)
{
    return cpt_slot_check(session, slot, NULL) || !session->encoded[slot] ? NULL
                                                                          : cpt_slot_features(session, slot);
}

caption_status caption_set_features(caption_session *session, int slot, const float *features,
                                    caption_error *error)
{
    caption_status status = cpt_slot_check(session, slot, error);
    if (status) return status;
    if (!features) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "features is NULL");
    /* memmove: they may be this slot's own */
    memmove(cpt_slot_features(session, slot), features, cpt_slot_feature_count(session) * sizeof *features);
    status = empty_slot(session, slot, error);
    if (status) return status;
    session->encoded[slot] = true;
    return cpt_ok(error);
}

/* ---- layers ---- */

static caption_layer_info describe_layer(const caption_session *s, int index)
{
    const cpt_layer *layer = &s->model->encoder.layers[index];
    const cpt_conv *c = &layer->conv;
    const int border = index == 0 ? 2 * CPT_STEM_BORDER : 0; /* zeros that are part of the first map */
    const double sums = (double)c->out_h * c->out_w * c->out_c,
                 terms = (double)c->in_c * c->kernel * c->kernel;
    return (caption_layer_info){
        .name = layer->name,
        .algorithm = layer->is_pool ? "maxpool" : cpt_name_of(cpt_conv_names, s->encoder.algorithm[index]),
        .in_height = c->in_h - border,
        .in_width = c->in_w - border,
        .in_channels = c->in_c,
        .out_height = c->out_h,
        .out_width = c->out_w,
        .out_channels = c->out_c,
        .kernel = c->kernel,
        .stride = c->stride,
        .multiply_adds = layer->is_pool ? 0 : sums * terms,
    };
}

caption_status caption_session_layer_sized(const caption_session *session, int index,
                                           caption_layer_info *info, size_t info_size, caption_error *error)
{
    static const cpt_structure structure = {"layer information", sizeof(const char *),
                                            sizeof(caption_layer_info)};
    if (!session) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    if (index < 0 || index >= CPT_RESNET_LAYERS) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "layer is %d, must be 0 to %d", index,
                        CPT_RESNET_LAYERS - 1);
    }
    const caption_layer_info own = describe_layer(session, index);
    return cpt_hand_out(&structure, info, info_size, &own, error);
}

const char *caption_session_cpu(const caption_session *session)
{
    return session ? session->kernels.name : "";
}
