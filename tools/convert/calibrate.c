/* Ranges from pictures: the float model runs over them, and each layer's output is counted; see ranges.h.
 * It keeps histograms and no values, so its memory does not grow with the pictures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/images.h"
#include "tools/common/progress.h"
#include "tools/common/session.h"
#include "tools/convert/fit.h"

enum { FEW_PICTURES = 16 };

typedef struct calibration {
    const convert_pictures *pictures;
    convert_ranges *ranges;
    convert_histogram counts[CPT_RESNET50_CONVOLUTIONS];    /* of the values of each layer */
    int channels[CPT_RESNET50_CONVOLUTIONS], pool_channels; /* of the maps that have means */
    int next;                                               /* the layer whose output comes next */
    const char *picture;                                    /* that is shown now */
    tool_images images;
    tool_session session;
    tool_error *err;
} calibration;

/* ---- counting ---- */

/* The layers of which the first picture tells the names. */
static bool begin_layer(calibration *c, const char *name)
{
    convert_ranges *ranges = c->ranges;
    if (ranges->count == CPT_RESNET50_CONVOLUTIONS) {
        return tool_fail(c->err, "%s: one layer more than a ResNet-50 has", name);
    }
    /* all other convolutions end in a ReLU */
    const size_t length = strlen(name), tail = strlen("downsample");
    const bool with_sign = length >= tail && strcmp(name + length - tail, "downsample") == 0;
    convert_range *range = &ranges->layers[ranges->count];
    (void)snprintf(range->layer, sizeof range->layer, "%s", name);
    return convert_histogram_open(&c->counts[ranges->count++], with_sign) ||
           tool_fail(c->err, "%s: out of memory", name);
}

/* Adds the means of a map's channels over its positions to *means, which the first picture makes. */
static bool add_means(calibration *c, const caption_map *map, double **means)
{
    const size_t positions = (size_t)map->height * (size_t)map->width, channels = (size_t)map->channels;
    if (!*means) *means = calloc(channels, sizeof **means);
    if (!*means) return tool_fail(c->err, "%s: out of memory", map->layer);
    for (size_t p = 0; p < positions; p++) {
        for (size_t ch = 0; ch < channels; ch++) {
            (*means)[ch] += (double)map->values[p * map->pitch + ch] / (double)positions;
        }
    }
    return true;
}

static void divide_means(convert_ranges *ranges, double *means, int channels)
{
    for (int i = 0; means && i < channels; i++) means[i] /= ranges->pictures;
}

static bool count_map(calibration *c, const caption_map *map)
{
    if (c->next == c->ranges->count && !begin_layer(c, map->layer)) return false;
    if (!add_means(c, map, &c->ranges->means[c->next])) return false;
    c->channels[c->next] = map->channels;
    convert_histogram *h = &c->counts[c->next++];
    const size_t positions = (size_t)map->height * (size_t)map->width, channels = (size_t)map->channels;
    const bool gaps = map->pitch != channels;
    for (size_t i = 0; i < (gaps ? positions : 1); i++) {
        if (convert_histogram_add(h, map->values + i * map->pitch, gaps ? channels : positions * channels)) {
            continue;
        }
        return tool_fail(c->err, "%s: layer %s: values that are not finite, with %s", c->pictures->model,
                         map->layer, c->picture);
    }
    return true;
}

static int take_map(void *user, const caption_progress *progress)
{
    calibration *c = user;
    const caption_map *map = progress->map;
    if (!map) return 0;
    if (!map->values) return !tool_fail(c->err, "%s: has bytes already, no floats", map->layer);
    if (strcmp(map->layer, "maxpool") == 0) {
        c->pool_channels = map->channels;
        return !add_means(c, map, &c->ranges->pool_means);
    }
    return !count_map(c, map);
}

/* The input of a baseline decoder's first step. */
static void count_vector(calibration *c, const caption_model_info *info)
{
    const float *vector = caption_slot_features(c->session.session, 0);
    if (info->kind != CAPTION_KIND_BASELINE || !vector) return;
    for (int i = 0; i < info->feature_channels; i++) {
        c->ranges->largest_input = fmaxf(c->ranges->largest_input, fabsf(vector[i]));
    }
}

/* ---- pictures ---- */

static bool load(calibration *c, const char *name, tool_error *err)
{
    tool_text data = {NULL, 0};
    const bool ok =
        tool_image_read(&data, name, err) && tool_session_load(&c->session, name, data.data, data.size, err);
    tool_text_free(&data);
    return ok;
}

/* False when counting failed; a picture that can't be read is only reported. */
static bool show_picture(calibration *c, const char *name, tool_progress *progress)
{
    caption_error error = {CAPTION_OK, ""};
    tool_error failure = {{0}};
    if (!load(c, name, &failure)) {
        tool_progress_clear(progress);
        (void)tool_failure(c->pictures->tool, &failure);
        c->ranges->unreadable++;
        return true;
    }
    caption_model_info info;
    caption_decode_options options;
    caption_model_get_info(c->session.model, &info);
    caption_decode_options_init(&options, c->session.model);
    options.progress = take_map;
    options.progress_user = c;
    c->next = 0;
    c->picture = name;
    if (caption_encode(c->session.session, 1, &options, &error) != CAPTION_OK) {
        return tool_fail_caption(c->err, name, &error);
    }
    count_vector(c, &info);
    c->ranges->pictures++;
    return true;
}

static bool show_pictures(calibration *c)
{
    const convert_pictures *pictures = c->pictures;
    tool_progress progress;
    tool_progress_begin(&progress, "pictures", 0, c->images.count);
    if (pictures->quiet) progress.active = false;
    bool ok = true;
    for (size_t i = 0; ok && i < c->images.count; i++) {
        tool_progress_update(&progress, i);
        ok = show_picture(c, c->images.names[i], &progress);
    }
    tool_progress_end(&progress);
    if (!ok) return false;
    const int count = c->ranges->pictures;
    if (count == 0) return tool_fail(c->err, "%s: no picture in it can be read", pictures->name);
    if (count < FEW_PICTURES && !pictures->quiet) {
        tool_note(pictures->tool, "%s: warning: %d picture%s may not show all ranges; %d or more are better",
                  pictures->name, count, count == 1 ? "" : "s", FEW_PICTURES);
    }
    return true;
}

static bool list_pictures(calibration *c)
{
    const convert_pictures *pictures = c->pictures;
    if (tool_is_picture(pictures->name)) {
        return tool_fail(c->err, "%s: is a picture; name a folder or a list of pictures", pictures->name);
    }
    const bool ok = tool_is_folder(pictures->name)
                        ? tool_images_add(&c->images, pictures->name, false, c->err)
                        : tool_images_add_list(&c->images, pictures->name, false, false, c->err);
    if (!ok) return false;
    const size_t others = c->images.passed_over;
    if (others && !pictures->quiet) {
        tool_note(pictures->tool, "%s: %zu file%s no picture%s passed over, the first is %s", pictures->name,
                  others, others == 1 ? " that is" : "s that are", others == 1 ? " was" : "s were",
                  c->images.named[0]);
    }
    return true;
}

/* ---- all ---- */

static bool begin_session(calibration *c, const caption_model *model)
{
    caption_session_options options = c->pictures->session;
    options.max_beams = 1; /* nothing is decoded */
    options.max_length = 1;
    return tool_session_begin(&c->session, model, &options, c->err);
}

static void fit_layers(calibration *c)
{
    divide_means(c->ranges, c->ranges->pool_means, c->pool_channels);
    for (int i = 0; i < c->ranges->count; i++) {
        divide_means(c->ranges, c->ranges->means[i], c->channels[i]);
        convert_fit_best(&c->ranges->layers[i], &c->counts[i]);
    }
}

void convert_ranges_free(convert_ranges *ranges)
{
    for (int i = 0; i < CPT_RESNET50_CONVOLUTIONS; i++) {
        free(ranges->means[i]);
        ranges->means[i] = NULL;
    }
    free(ranges->pool_means);
    ranges->pool_means = NULL;
}

bool convert_ranges_from_pictures(convert_ranges *ranges, const caption_model *model,
                                  const convert_pictures *pictures, tool_error *err)
{
    *ranges = (convert_ranges){.count = 0};
    calibration *c = calloc(1, sizeof *c);
    if (!c) return tool_fail(err, "%s: out of memory", pictures->name);
    c->pictures = pictures;
    c->ranges = ranges;
    c->err = err;
    const bool ok = begin_session(c, model) && list_pictures(c) && show_pictures(c);
    if (ok) fit_layers(c);
    tool_session_end(&c->session);
    tool_images_free(&c->images);
    for (int i = 0; i < CPT_RESNET50_CONVOLUTIONS; i++) convert_histogram_close(&c->counts[i]);
    free(c);
    return ok;
}
