/* slots.c - see slots.h. */
#include "lib/slots.h"

caption_status cpt_slot_check(const caption_session *s, int slot, caption_error *error)
{
    if (!s) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "session is NULL");
    if (slot < 0 || slot >= s->options.max_batch) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "slot is %d, must be 0 to %d", slot,
                        s->options.max_batch - 1);
    }
    return CAPTION_OK;
}

uint8_t *cpt_slot_pixels(const caption_session *s, int slot)
{
    const size_t side = (size_t)s->model->info.input_size;
    return s->images.pixels + (size_t)slot * side * side * 3;
}

size_t cpt_slot_feature_count(const caption_session *s)
{
    return (size_t)s->model->info.positions * (size_t)s->model->info.feature_channels;
}

float *cpt_slot_features(const caption_session *s, int slot)
{
    return s->images.features + (size_t)slot * cpt_slot_feature_count(s);
}

static size_t map_floats(const caption_session *s)
{
    const cpt_resnet *net = &s->model->encoder;
    return (size_t)net->out_h * (size_t)net->out_w * (size_t)net->channels;
}

const float *cpt_slot_map(const caption_session *s, int slot)
{
    if (s->model->info.kind == CAPTION_KIND_ATTENTION) return cpt_slot_features(s, slot);
    return s->mapped[slot] ? s->images.last_map + (size_t)slot * map_floats(s) : NULL;
}

/* The baseline kind's last steps: the mean over positions, and one product (batch norm is folded into it). */
static void pool_and_project(caption_session *s, const cpt_images *images, int count)
{
    const cpt_resnet *net = &s->model->encoder;
    for (int i = 0; i < count; i++) {
        const float *map = images->last_map + (size_t)i * map_floats(s);
        s->kernels.mean_rows_f32(map, s->pooled, net->out_h * net->out_w, net->channels);
        cpt_linear_positive(&s->model->decoder.project, s->pooled, s->pooled_u8,
                            images->features + (size_t)i * cpt_slot_feature_count(s), &s->kernels, s->pool);
    }
}

int cpt_images_encode(caption_session *s, const cpt_images *images, int count, cpt_layer_fn callback,
                      void *user)
{
    const cpt_resnet_batch batch = {
        .pixels = images->pixels,
        .count = count,
        .mean = s->model->mean,
        .std = s->model->std,
        .callback = callback,
        .user = user,
    };
    s->encoder.features = images->last_map;
    const int stop = cpt_resnet_encode(&s->encoder, &batch);
    if (!stop && s->model->info.kind == CAPTION_KIND_BASELINE) pool_and_project(s, images, count);
    return stop;
}
