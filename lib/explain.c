/* explain.c - caption_explain: checks, and the three methods.  The derivatives are those of lib/explain. */
#include <string.h>

#include "lib/explain/published.h"
#include "lib/layers/parts.h"
#include "lib/options.h"
#include "lib/slots.h"

/* ---- checks ---- */

static caption_status check_caption(const caption_session *s, const caption_text *caption,
                                    caption_error *error)
{
    if (!caption) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "caption is NULL");
    if (caption->length < 1 || caption->length > s->options.max_length) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "caption: length is %d, must be 1 to %d",
                        caption->length, s->options.max_length);
    }
    if (!caption->ids) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "caption: ids is NULL");
    const int words = s->model->info.vocabulary_size;
    for (int t = 0; t < caption->length; t++) {
        if (caption->ids[t] < 0 || caption->ids[t] >= words) {
            return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "caption: token %d is %d, must be 0 to %d", t,
                            caption->ids[t], words - 1);
        }
    }
    return CAPTION_OK;
}

/* Whether the session, its model and the slot have what the method needs. */
static caption_status check_method(const caption_session *s, int slot, caption_explain_method method,
                                   caption_error *error)
{
    if (!s->options.explain) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT,
                        "the session was made without the option explain: it has no memory for explanations");
    }
    if (!s->encoded[slot]) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "slot %d is not encoded", slot);
    if (method == CAPTION_EXPLAIN_GRADCAM && s->model->decoder.int8) {
        return cpt_fail(error, CAPTION_ERROR_UNSUPPORTED,
                        "Grad-CAM needs a float32 model, and this one is int8; occlusion works with both");
    }
    if (method == CAPTION_EXPLAIN_OCCLUSION && !s->loaded[slot]) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "slot %d has features, but no image to cover", slot);
    }
    if (method != CAPTION_EXPLAIN_OCCLUSION && !cpt_slot_map(s, slot)) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT,
                        "slot %d has the image's vector alone, and no feature map", slot);
    }
    return CAPTION_OK;
}

/* ---- methods ----
 *
 * Each fills the explainer's arrays, and returns false when the progress function wants to stop. */

typedef struct explain_job {
    caption_session *s;
    int slot;
    cpt_told told;
    cpt_work work;
} explain_job;

static int count_positions(const caption_session *s)
{
    return s->model->encoder.out_h * s->model->encoder.out_w;
}

static bool gradcam(explain_job *job)
{
    cpt_explainer *e = &job->s->explainer;
    const cpt_gradcam out = {.map = cpt_slot_map(job->s, job->slot),
                             .weights = e->weights,
                             .maps = e->maps,
                             .log_probability = e->y};
    job->work.total = cpt_adjoint_parts(job->told.length);
    return cpt_adjoint_run(&e->adjoint, &job->told, &out, &job->work);
}

static bool published(explain_job *job)
{
    float *maps = job->s->explainer.maps;
    const size_t positions = (size_t)count_positions(job->s);
    cpt_published_map(cpt_slot_map(job->s, job->slot), (int)positions, job->s->model->encoder.channels, maps);
    for (int t = 1; t < job->told.length; t++) {
        memcpy(maps + (size_t)t * positions, maps, positions * sizeof *maps);
    }
    job->work.total = 1;
    return cpt_work_goes_on(&job->work);
}

/* ---- occlusion ---- */

static int count_layer(void *user, int done, int total, const caption_map *map)
{
    (void)done, (void)total, (void)map;
    return !cpt_work_goes_on(user);
}

/* The 8-bit colour whose distance from the mean of the pixels that the model was trained with is least. */
static uint8_t mean_byte(float mean)
{
    const float scaled = mean * 255 + 0.5f;
    return scaled < 0 ? 0 : scaled > 255 ? 255 : (uint8_t)scaled;
}

/* to [S, S, 3] = the slot's image with the square of position p covered. */
static void cover(const caption_session *s, int slot, int p, uint8_t *to)
{
    const cpt_resnet *net = &s->model->encoder;
    const float *mean = s->model->mean;
    const uint8_t colour[3] = {mean_byte(mean[0]), mean_byte(mean[1]), mean_byte(mean[2])};
    const int side = s->model->info.input_size, row = p / net->out_w, column = p % net->out_w;
    memcpy(to, cpt_slot_pixels(s, slot), (size_t)side * (size_t)side * sizeof colour);
    for (int y = side * row / net->out_h; y < side * (row + 1) / net->out_h; y++) {
        for (int x = side * column / net->out_w; x < side * (column + 1) / net->out_w; x++) {
            memcpy(to + ((size_t)y * (size_t)side + (size_t)x) * sizeof colour, colour, sizeof colour);
        }
    }
}

static void score(explain_job *job, const float *features, float *y)
{
    cpt_trace *trace = &job->s->explainer.trace;
    job->told.features = features;
    cpt_trace_run(trace, &job->told);
    cpt_trace_score(trace, &job->told, y);
}

/* Positions first..first+count-1, whose images are encoded together. */
static bool occlude(explain_job *job, int first, int count)
{
    caption_session *s = job->s;
    cpt_explainer *e = &s->explainer;
    const size_t positions = (size_t)count_positions(s), side = (size_t)s->model->info.input_size;
    for (int i = 0; i < count; i++) {
        cover(s, job->slot, first + i, e->covered.pixels + (size_t)i * side * side * 3);
    }
    if (cpt_images_encode(s, &e->covered, count, count_layer, &job->work)) return false;
    for (int i = 0; i < count; i++) {
        score(job, e->covered.features + (size_t)i * cpt_slot_feature_count(s), e->y_covered);
        for (int t = 0; t < job->told.length; t++) {
            e->maps[(size_t)t * positions + (size_t)(first + i)] = e->y[t] - e->y_covered[t];
        }
        if (!cpt_work_goes_on(&job->work)) return false;
    }
    return true;
}

static bool occlusion(explain_job *job)
{
    caption_session *s = job->s;
    const int positions = count_positions(s), batch = s->options.max_batch;
    job->work.total = 1;
    for (int p = 0; p < positions; p += batch) {
        const int count = cpt_min(batch, positions - p);
        job->work.total += cpt_resnet_parts(count) + count;
    }
    score(job, cpt_slot_features(s, job->slot), s->explainer.y);
    if (!cpt_work_goes_on(&job->work)) return false;
    for (int p = 0; p < positions; p += batch) {
        if (!occlude(job, p, cpt_min(batch, positions - p))) return false;
    }
    return true;
}

/* ---- all of it ---- */

static bool explain(explain_job *job, caption_explain_method method)
{
    if (method == CAPTION_EXPLAIN_PUBLISHED) return published(job);
    return method == CAPTION_EXPLAIN_OCCLUSION ? occlusion(job) : gradcam(job);
}

caption_status caption_explain(caption_session *session, int slot, const caption_text *caption,
                               const caption_explain_options *options,
                               const caption_explanation **explanation, caption_error *error)
{
    if (explanation) *explanation = NULL;
    caption_explain_options own;
    caption_status status = cpt_slot_check(session, slot, error);
    if (status) return status;
    if (!explanation) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "explanation is NULL");
    status = cpt_explain_options_read(&own, options, error);
    if (!status) status = check_caption(session, caption, error);
    if (!status) status = check_method(session, slot, own.method, error);
    if (status) return status;
    explain_job job = {.s = session,
                       .slot = slot,
                       .told = {.features = cpt_slot_features(session, slot),
                                .ids = caption->ids,
                                .length = caption->length},
                       .work = {.progress = own.progress, .user = own.progress_user, .slot = slot}};
    if (!explain(&job, own.method)) {
        return cpt_fail(error, CAPTION_ERROR_ABORTED, "aborted by the progress function");
    }
    cpt_explainer *e = &session->explainer;
    const cpt_resnet *net = &session->model->encoder;
    e->result = (caption_explanation){
        .method = own.method,
        .length = caption->length,
        .rows = net->out_h,
        .columns = net->out_w,
        .channels = net->channels,
        .maps = e->maps,
        .log_probabilities = own.method == CAPTION_EXPLAIN_PUBLISHED ? NULL : e->y,
        .weights = own.method == CAPTION_EXPLAIN_GRADCAM ? e->weights : NULL,
    };
    *explanation = &e->result;
    return cpt_ok(error);
}
