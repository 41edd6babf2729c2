/* api.c - the public functions that make captions: argument checks, the ladder from file to steps, and what
 * can be read back.  Called by programs; all work is done by image/, encoder/ and decoder/. */
#include <string.h>

#include "lib/session.h"

const char *caption_version(void)
{
    return CAPTION_VERSION_STRING;
}

/* ---- options ---- */

void caption_decode_options_defaults(caption_decode_options *options, const caption_model *model,
                                     int abi_version)
{
    if (!options) return;
    if (model) {
        *options = model->defaults;
    } else {
        memset(options, 0, sizeof *options);
        options->beams = 5;
        options->max_length = 20;
        options->length_alpha = 0.7f;
        options->repetition_penalty = 1.2f;
    }
    options->abi_version = abi_version;
}

static caption_status option_range(caption_error *error, const char *name, double value, double low,
                                   double high)
{
    return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "decoding option %s is %g, must be %g to %g", name, value,
                    low, high);
}

static caption_status check_decode_options(const caption_session *s, const caption_decode_options *o,
                                           caption_error *error)
{
    const int beam = o->search == CAPTION_SEARCH_BEAM;
    if (o->abi_version != CAPTION_ABI_VERSION) {
        return cpt_fail(error, CAPTION_ERROR_VERSION, "decoding options of version %d, this library has %d",
                        o->abi_version, CAPTION_ABI_VERSION);
    }
    if (!beam && o->search != CAPTION_SEARCH_GREEDY) {
        return option_range(error, "search", (double)o->search, 0, 1);
    }
    if (beam && (o->beams < 1 || o->beams > s->options.max_beams)) {
        return option_range(error, "beams", o->beams, 1, s->options.max_beams);
    }
    if (beam && (o->nbest < 0 || o->nbest > o->beams)) {
        return option_range(error, "nbest", o->nbest, 0, o->beams);
    }
    if (o->max_length < 1 || o->max_length > s->options.max_length) {
        return option_range(error, "max_length", o->max_length, 1, s->options.max_length);
    }
    if (o->min_length < 0 || o->min_length > o->max_length) {
        return option_range(error, "min_length", o->min_length, 0, o->max_length);
    }
    if (!(o->length_alpha >= 0 && o->length_alpha <= 10)) {
        return option_range(error, "length_alpha", (double)o->length_alpha, 0, 10);
    }
    if (!(o->repetition_penalty >= 0.01f && o->repetition_penalty <= 100)) {
        return option_range(error, "repetition_penalty", (double)o->repetition_penalty, 0.01, 100);
    }
    if (o->penalty != CAPTION_PENALTY_PUBLISHED && o->penalty != CAPTION_PENALTY_CORRECTED) {
        return option_range(error, "penalty", (double)o->penalty, 0, 1);
    }
    return CAPTION_OK;
}

static caption_status check_slot(const caption_session *s, int slot, caption_error *error)
{
    if (!s) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    if (slot < 0 || slot >= s->options.max_batch) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "slot %d: the session has 0 to %d", slot,
                        s->options.max_batch - 1);
    }
    return CAPTION_OK;
}

/* ---- loading ---- */

static uint8_t *slot_pixels(const caption_session *s, int slot)
{
    const size_t side = (size_t)s->model->info.input_size;
    return s->pixels + (size_t)slot * side * side * 3;
}

static float *slot_features(const caption_session *s, int slot)
{
    const caption_model_info *info = &s->model->info;
    return s->features + (size_t)slot * (size_t)info->positions * (size_t)info->feature_channels;
}

/* A slot about to be filled holds nothing until that succeeded. */
static void empty_slot(caption_session *s, int slot)
{
    s->loaded[slot] = s->encoded[slot] = 0;
    s->warnings[slot] = 0;
    s->warning[slot][0] = '\0';
}

caption_status caption_load_image(caption_session *session, int slot, const void *data, size_t size,
                                  caption_error *error)
{
    caption_status status = check_slot(session, slot, error);
    if (status) return status;
    empty_slot(session, slot);
    if (!data && size) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "data is NULL");
    status = cpt_image_decode(session->image, data, size, slot_pixels(session, slot),
                              &session->warnings[slot], session->warning[slot], error);
    if (status) return status;
    session->loaded[slot] = 1;
    return cpt_ok(error);
}

caption_status caption_load_file(caption_session *session, int slot, const char *path, caption_error *error)
{
    cpt_file file = {0};
    caption_status status = check_slot(session, slot, error);
    if (status) return status;
    empty_slot(session, slot);
    if (!path) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "path is NULL");
    status = cpt_file_map(&file, path, error);
    if (status) return status;
    status = caption_load_image(session, slot, file.data, file.size, error);
    cpt_file_unmap(&file);
    if (status && error) { /* put the path in front of what is wrong with the file */
        caption_error inner = *error;
        cpt_fail(error, status, "%.100s: %.150s", path, inner.message);
    }
    return status;
}

caption_status caption_load_pixels(caption_session *session, int slot, const caption_pixel_view *pixels,
                                   caption_error *error)
{
    caption_status status = check_slot(session, slot, error);
    if (status) return status;
    empty_slot(session, slot);
    if (!pixels || !pixels->rgb) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "pixels is NULL");
    status = cpt_image_resize(session->image, pixels, slot_pixels(session, slot), error);
    if (status) return status;
    session->loaded[slot] = 1;
    return cpt_ok(error);
}

/* ---- encoding and decoding ---- */

typedef struct layer_progress {
    caption_progress_fn call;
    void *user;
} layer_progress;

static int report_layer(void *user, int done, int total)
{
    const layer_progress *p = user;
    const caption_progress progress = {CAPTION_STAGE_ENCODER, done, total, 0, NULL};
    return p->call(p->user, &progress);
}

/* The baseline's last steps: mean over positions, project (batch norm folded in). */
static void pool_and_project(caption_session *s, int count)
{
    const cpt_resnet *net = &s->model->encoder;
    const int positions = net->out_h * net->out_w;
    const float *pooled = s->pooled;
    for (int i = 0; i < count; i++) {
        s->kernels.mean_rows(s->last_map + (size_t)i * (size_t)positions * (size_t)net->channels, s->pooled,
                             positions, net->channels);
        cpt_linear_rows(&s->model->decoder.project, &pooled, 1, slot_features(s, i), &s->kernels, s->pool);
    }
}

caption_status caption_encode(caption_session *session, int count, const caption_decode_options *options,
                              caption_error *error)
{
    caption_status status = check_slot(session, count - 1, error);
    layer_progress progress = {NULL, NULL};
    const caption_model *m;
    if (status) return status;
    if (options && options->abi_version != CAPTION_ABI_VERSION) {
        return cpt_fail(error, CAPTION_ERROR_VERSION, "decoding options of version %d, this library has %d",
                        options->abi_version, CAPTION_ABI_VERSION);
    }
    for (int i = 0; i < count; i++) {
        if (!session->loaded[i]) {
            return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "slot %d has no image loaded", i);
        }
        session->encoded[i] = 0;
    }
    if (options) progress = (layer_progress){options->progress, options->progress_user};
    m = session->model;
    const cpt_resnet_batch batch = {
        session->pixels, count, m->mean, m->std, progress.call ? report_layer : NULL, &progress};
    if (cpt_resnet_encode(&session->encoder, &batch)) {
        return cpt_fail(error, CAPTION_ERROR_ABORTED, "aborted by the progress callback");
    }
    if (m->info.kind == CAPTION_KIND_BASELINE) pool_and_project(session, count);
    memset(session->encoded, 1, (size_t)count);
    return cpt_ok(error);
}

caption_status caption_decode(caption_session *session, int slot, const caption_decode_options *options,
                              const caption_result **result, caption_error *error)
{
    caption_status status = check_slot(session, slot, error);
    int count;
    if (status) return status;
    if (!result) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "result is NULL");
    *result = NULL;
    if (!session->encoded[slot]) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "slot %d is not encoded", slot);
    }
    if (!options) options = &session->model->defaults;
    status = check_decode_options(session, options, error);
    if (status) return status;
    count = cpt_search_run(&session->search, slot_features(session, slot), options);
    if (count < 0) return cpt_fail(error, CAPTION_ERROR_ABORTED, "aborted by the progress callback");
    session->result.count = count;
    session->result.captions = session->search.captions;
    session->result.warnings = session->warnings[slot];
    session->result.warning = session->warnings[slot] ? session->warning[slot] : NULL;
    *result = &session->result;
    return cpt_ok(error);
}

/* What the one-call functions check before they touch anything, so that a bad option costs no work. */
static caption_status check_call(caption_session *s, const caption_decode_options *options,
                                 const caption_result **result, caption_error *error)
{
    const caption_status status = check_slot(s, 0, error);
    if (status) return status;
    if (!result) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "result is NULL");
    *result = NULL;
    return options ? check_decode_options(s, options, error) : CAPTION_OK;
}

static caption_status encode_and_decode(caption_session *s, const caption_decode_options *options,
                                        const caption_result **result, caption_error *error)
{
    const caption_status status = caption_encode(s, 1, options, error);
    return status ? status : caption_decode(s, 0, options, result, error);
}

caption_status caption_file(caption_session *session, const char *path, const caption_decode_options *options,
                            const caption_result **result, caption_error *error)
{
    caption_status status = check_call(session, options, result, error);
    if (!status) status = caption_load_file(session, 0, path, error);
    return status ? status : encode_and_decode(session, options, result, error);
}

caption_status caption_image(caption_session *session, const void *data, size_t size,
                             const caption_decode_options *options, const caption_result **result,
                             caption_error *error)
{
    caption_status status = check_call(session, options, result, error);
    if (!status) status = caption_load_image(session, 0, data, size, error);
    return status ? status : encode_and_decode(session, options, result, error);
}

caption_status caption_pixels(caption_session *session, const caption_pixel_view *pixels,
                              const caption_decode_options *options, const caption_result **result,
                              caption_error *error)
{
    caption_status status = check_call(session, options, result, error);
    if (!status) status = caption_load_pixels(session, 0, pixels, error);
    return status ? status : encode_and_decode(session, options, result, error);
}

/* ---- reading back ---- */

const uint8_t *caption_slot_pixels(const caption_session *session, int slot)
{
    return check_slot(session, slot, NULL) || !session->loaded[slot] ? NULL : slot_pixels(session, slot);
}

const float *caption_slot_features(const caption_session *session, int slot)
{
    return check_slot(session, slot, NULL) || !session->encoded[slot] ? NULL : slot_features(session, slot);
}

caption_status caption_set_features(caption_session *session, int slot, const float *features,
                                    caption_error *error)
{
    const caption_status status = check_slot(session, slot, error);
    const caption_model_info *info;
    if (status) return status;
    if (!features) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "features is NULL");
    info = &session->model->info;
    memmove(slot_features(session, slot), features,
            (size_t)info->positions * (size_t)info->feature_channels * sizeof(float));
    empty_slot(session, slot);
    session->encoded[slot] = 1;
    return cpt_ok(error);
}

caption_status caption_session_layer(const caption_session *session, int index, caption_layer_info *info)
{
    static const char *const algorithms[] = {"auto", "direct", "winograd", "im2col"};
    const cpt_layer *layer;
    if (!session || !info || index < 0 || index >= CPT_RESNET_LAYERS) return CAPTION_ERROR_ARGUMENT;
    layer = &session->model->encoder.layers[index];
    info->name = layer->name;
    info->algorithm = layer->is_pool ? "maxpool" : algorithms[session->encoder.algorithm[index]];
    info->in_height = layer->conv.in_h;
    info->in_width = layer->conv.in_w;
    info->in_channels = layer->conv.in_c;
    info->out_height = layer->conv.out_h;
    info->out_width = layer->conv.out_w;
    info->out_channels = layer->conv.out_c;
    info->kernel = layer->conv.kernel;
    info->stride = layer->conv.stride;
    info->multiply_adds = layer->is_pool ? 0.0
                                         : (double)layer->conv.out_h * layer->conv.out_w * layer->conv.out_c *
                                               layer->conv.in_c * layer->conv.kernel * layer->conv.kernel;
    return CAPTION_OK;
}

const char *caption_session_cpu(const caption_session *session)
{
    return session ? session->kernels.name : "";
}
