/* resnet.c - the layer table of ResNet-50 v1.5 (He et al. 2015; the 3x3 carries the stride), its memory plan,
 * and the loop that runs it.  Batch norm was folded by the converter.  Called by model.c and session.c;
 * allocates nothing. */
#include "lib/encoder/resnet.h"

#include <stdio.h>
#include <string.h>

static const int stage_blocks[4] = {3, 4, 6, 3};

/* ---- the table ---- */

typedef struct builder {
    cpt_resnet *net;
    const cpt_weights *weights;
    caption_error *error;
    int count; /* layers so far; the last map is number `count` */
} builder;

typedef struct layer_spec {
    int in, add;
    int kernel, stride, pad;
    int out_c; /* 0: any */
    int relu;
} layer_spec;

static void map_size(const cpt_resnet *net, int map, int size[3])
{
    if (map == 0) {
        size[0] = size[1] = net->input_size + 2 * CPT_STEM_BORDER;
        size[2] = 3;
    } else {
        const cpt_conv *conv = &net->layers[map - 1].conv;
        size[0] = conv->out_h;
        size[1] = conv->out_w;
        size[2] = conv->out_c;
    }
}

/* Floats from one position to the next.  The last map is the caller's, and the max pool and what is before it
 * know no gaps. */
static int map_pitch(const cpt_resnet *net, int map)
{
    int size[3];
    map_size(net, map, size);
    return map > 2 && map < CPT_RESNET_LAYERS ? cpt_conv_pitch(size[2]) : size[2];
}

static cpt_layer *next_layer(builder *b, const char *name, const layer_spec *spec)
{
    cpt_layer *layer = &b->net->layers[b->count++];
    cpt_conv *conv = &layer->conv;
    int in[3];
    memset(layer, 0, sizeof *layer);
    snprintf(layer->name, sizeof layer->name, "%s", name);
    map_size(b->net, spec->in, in);
    layer->in = spec->in;
    layer->add = spec->add;
    conv->in_h = in[0];
    conv->in_w = in[1];
    conv->in_c = in[2];
    conv->in_pitch = map_pitch(b->net, spec->in);
    if (spec->add >= 0) conv->add_pitch = map_pitch(b->net, spec->add);
    conv->kernel = spec->kernel;
    conv->stride = spec->stride;
    conv->pad = spec->pad;
    conv->relu = spec->relu;
    conv->out_h = (in[0] + 2 * spec->pad - spec->kernel) / spec->stride + 1;
    conv->out_w = (in[1] + 2 * spec->pad - spec->kernel) / spec->stride + 1;
    conv->out_c = spec->out_c;
    return layer;
}

static caption_status add_conv(builder *b, const char *name, const layer_spec *spec)
{
    char tensor[64];
    cpt_conv *conv = &next_layer(b, name, spec)->conv;
    cpt_shape weight = {4, {conv->out_c, conv->kernel, conv->kernel, conv->in_c}}, bias = {1, {0}};
    snprintf(tensor, sizeof tensor, "encoder.%s.weight", name);
    conv->weight = cpt_weights_bind(b->weights, tensor, CAPW_PANELS, &weight, b->error);
    if (!conv->weight) return CAPTION_ERROR_MODEL;
    conv->out_c = bias.dims[0] = weight.dims[0];
    conv->out_pitch = map_pitch(b->net, b->count);
    snprintf(tensor, sizeof tensor, "encoder.%s.bias", name);
    conv->bias = cpt_weights_bind(b->weights, tensor, CAPW_ROWS, &bias, b->error);
    if (!conv->bias) return CAPTION_ERROR_MODEL;
    snprintf(tensor, sizeof tensor, "encoder.%s.winograd", name);
    const capw_tensor *winograd = cpt_weights_find(b->weights, tensor);
    if (winograd) {
        const capw_layout layout = winograd->layout == CAPW_WINOGRAD2 ? CAPW_WINOGRAD2 : CAPW_WINOGRAD;
        conv->winograd_size = (int)capw_winograd_side(layout) - 2;
        conv->winograd = cpt_weights_bind(b->weights, tensor, layout, &weight, b->error);
        if (!conv->winograd) return CAPTION_ERROR_MODEL;
    }
    return CAPTION_OK;
}

/* conv1 1x1, conv2 3x3 (stride here), conv3 1x1 + identity; the identity of a stage's first block is
 * projected. */
static caption_status add_block(builder *b, int stage, int block)
{
    const int input = b->count, stride = stage > 1 && block == 0 ? 2 : 1;
    int identity = input, size[3];
    char name[40];
    caption_status status;
    map_size(b->net, input, size);
    snprintf(name, sizeof name, "layer%d.%d.conv1", stage, block);
    status = add_conv(b, name, &(layer_spec){input, -1, 1, 1, 0, 0, 1});
    if (status) return status;
    snprintf(name, sizeof name, "layer%d.%d.conv2", stage, block);
    status = add_conv(b, name, &(layer_spec){b->count, -1, 3, stride, 1, 0, 1});
    if (status) return status;
    const int bottleneck = b->count;
    if (block == 0) {
        snprintf(name, sizeof name, "layer%d.%d.downsample", stage, block);
        status = add_conv(b, name, &(layer_spec){input, -1, 1, stride, 0, 0, 0});
        if (status) return status;
        identity = b->count;
        map_size(b->net, identity, size);
    }
    snprintf(name, sizeof name, "layer%d.%d.conv3", stage, block);
    return add_conv(b, name, &(layer_spec){bottleneck, identity, 1, 1, 0, size[2], 1});
}

caption_status cpt_resnet_bind(cpt_resnet *net, const cpt_weights *weights, int input_size,
                               caption_error *error)
{
    builder b = {net, weights, error, 0};
    cpt_conv *pool;
    int size[3];
    caption_status status;
    net->input_size = input_size;
    status = add_conv(&b, "stem", &(layer_spec){0, -1, 7, 2, 0, 0, 1});
    if (status) return status;
    map_size(net, b.count, size);
    next_layer(&b, "maxpool", &(layer_spec){b.count, -1, 3, 2, 1, size[2], 0});
    net->layers[b.count - 1].is_pool = 1;
    pool = &net->layers[b.count - 1].conv;
    pool->out_c = pool->in_c;
    for (int stage = 1; stage <= 4; stage++) {
        if (stage == 3) net->split = b.count;
        for (int block = 0; block < stage_blocks[stage - 1]; block++) {
            status = add_block(&b, stage, block);
            if (status) return status;
        }
    }
    map_size(net, b.count, size);
    net->out_h = size[0];
    net->out_w = size[1];
    net->channels = size[2];
    return CAPTION_OK;
}

/* ---- the memory plan ---- */

typedef struct span {
    size_t offset, bytes;
    int last; /* the last layer that reads it */
} span;

static size_t round_up(size_t bytes)
{
    return (bytes + CPT_ALIGN - 1) / CPT_ALIGN * CPT_ALIGN;
}

/* The lowest offset at which `bytes` fit between the spans alive at `layer` (first fit). */
static size_t first_fit(const span *spans, int count, int layer, size_t bytes)
{
    size_t offset = 0;
    for (int moved = 1; moved;) {
        moved = 0;
        for (int i = 0; i < count; i++) {
            const span *s = &spans[i];
            if (s->last >= layer && offset < s->offset + s->bytes && s->offset < offset + bytes) {
                offset = s->offset + s->bytes;
                moved = 1;
            }
        }
    }
    return offset;
}

static size_t map_bytes(const cpt_resnet *net, int map, int batch, cpt_arena *arena)
{
    int size[3];
    size_t bytes;
    map_size(net, map, size);
    if (!cpt_mul((size_t)size[0] * (size_t)size[1], (size_t)map_pitch(net, map), &bytes) ||
        !cpt_mul(bytes, sizeof(float) * (size_t)batch, &bytes) || bytes > SIZE_MAX / 256) {
        arena->failed = 1;
        return 0;
    }
    return round_up(bytes);
}

/* A sum may replace what was added, which nobody else reads then: half the traffic. */
static int in_place(const cpt_resnet_run *run, const span *spans, int map)
{
    const cpt_layer *layer = &run->net->layers[map - 1];
    return layer->add >= 0 && spans[layer->add].last == map - 1 && layer->in != layer->add &&
           map != run->split;
}

static void plan_maps(cpt_resnet_run *run, cpt_arena *arena, int batch)
{
    const cpt_resnet *net = run->net;
    span spans[CPT_RESNET_LAYERS] = {{0}};
    size_t total = 0;
    unsigned char *base;
    for (int i = 0; i < CPT_RESNET_LAYERS; i++) {
        spans[net->layers[i].in].last = i;
        if (net->layers[i].add >= 0) spans[net->layers[i].add].last = i;
    }
    for (int map = 0; map < CPT_RESNET_LAYERS; map++) { /* the last map is the caller's */
        /* map `split` collects images while the maps before it are used again for the next one */
        const int alive_at = map == run->split ? 0 : map - 1;
        spans[map].bytes = map_bytes(net, map, map < run->split ? 1 : batch, arena);
        if (map > 0 && in_place(run, spans, map)) {
            spans[map].offset = spans[net->layers[map - 1].add].offset;
        } else {
            spans[map].offset = first_fit(spans, map, alive_at, spans[map].bytes);
        }
        if (spans[map].offset + spans[map].bytes > total) total = spans[map].offset + spans[map].bytes;
    }
    base = cpt_arena_take(arena, total, 1);
    for (int map = 0; base && map < CPT_RESNET_LAYERS; map++) {
        run->maps[map] = (float *)(void *)(base + spans[map].offset);
    }
}

void cpt_resnet_plan(cpt_resnet_run *run, cpt_arena *arena, int batch, int threads, caption_conv wish,
                     float *features)
{
    size_t scratch = 0;
    batch = batch < CPT_RESNET_GROUP ? batch : CPT_RESNET_GROUP;
    run->split = batch > 1 ? run->net->split : 0;
    for (int i = 0; i < CPT_RESNET_LAYERS; i++) {
        const cpt_layer *layer = &run->net->layers[i];
        size_t bytes;
        if (layer->is_pool) continue;
        run->algorithm[i] = cpt_conv_choose(&layer->conv, wish, run->kernels);
        bytes = cpt_conv_scratch(&layer->conv, run->algorithm[i], i < run->split ? 1 : batch, threads);
        if (bytes > scratch) scratch = bytes;
    }
    plan_maps(run, arena, batch);
    run->scratch = cpt_arena_take(arena, scratch, 1);
    run->features = features;
}

/* ---- running ---- */

/* u8 pixels [count, S, S, 3] -> normalised input map with its border of zeros. */
static void fill_input(cpt_resnet_run *run, const uint8_t *pixels, int count, const float mean[3],
                       const float std[3])
{
    const size_t s = (size_t)run->net->input_size, full = s + 2 * CPT_STEM_BORDER, row = full * 3;
    const size_t border = CPT_STEM_BORDER * row, side = CPT_STEM_BORDER * 3;
    float *out = run->maps[0]; /* [count, S + 6, S + 6, 3] */
    for (int i = 0; i < count; i++) {
        memset(out, 0, border * sizeof *out);
        out += border;
        for (size_t y = 0; y < s; y++, out += row, pixels += s * 3) {
            memset(out, 0, side * sizeof *out);
            run->kernels->normalize(pixels, out + side, (int)s, mean, std);
            memset(out + side + s * 3, 0, side * sizeof *out);
        }
        memset(out, 0, border * sizeof *out);
        out += border;
    }
}

typedef struct pool_job {
    const cptk_kernels *kernels;
    const cpt_conv *conv;
    const float *in; /* [batch, in_h, in_w, c] */
    float *out;      /* [batch, out_h, out_w, c] */
    int bands;       /* pieces that an image is cut into */
} pool_job;

static void pool_band(void *user, int index, int thread)
{
    const pool_job *job = user;
    const cpt_conv *c = job->conv;
    const int image = index / job->bands, band = index % job->bands;
    const int y0 = c->out_h * band / job->bands, y1 = c->out_h * (band + 1) / job->bands;
    (void)thread;
    const cptk_maxpool pool = {
        .in = job->in + (size_t)image * (size_t)c->in_h * (size_t)c->in_w * (size_t)c->in_c,
        .out = job->out + (size_t)image * (size_t)c->out_h * (size_t)c->out_w * (size_t)c->out_c,
        .h = c->in_h,
        .w = c->in_w,
        .c = c->in_c,
        .y0 = y0,
        .y1 = y1};
    job->kernels->maxpool(&pool);
}

/* A layer over `count` images; before the split over one, image `at` of the group. */
static void run_layer(cpt_resnet_run *run, int index, int at, int count, float *features)
{
    const cpt_layer *layer = &run->net->layers[index];
    const cpt_conv *c = &layer->conv;
    const float *in = run->maps[layer->in];
    float *out = index + 1 < CPT_RESNET_LAYERS ? run->maps[index + 1] : features;
    if (index + 1 == run->split) {
        out += (size_t)at * (size_t)c->out_h * (size_t)c->out_w * (size_t)map_pitch(run->net, index + 1);
    }
    if (layer->is_pool) {
        pool_job job = {run->kernels, &layer->conv, in, out, cpt_pool_threads(run->pool)};
        cpt_pool_run(run->pool, pool_band, &job, count * job.bands);
    } else {
        const float *add = layer->add >= 0 ? run->maps[layer->add] : NULL;
        cpt_conv_run_args args = {run->algorithm[index], count, in, add, out, run->scratch};
        cpt_conv_run(&layer->conv, &args, run->kernels, run->pool);
    }
}

/* One group.  Layers that earlier groups went through count as `done`. */
static int encode_group(cpt_resnet_run *run, const cpt_resnet_batch *b, int first, int count, int done,
                        int total)
{
    const size_t image = (size_t)run->net->input_size * (size_t)run->net->input_size * 3;
    const uint8_t *pixels = b->pixels + (size_t)first * image;
    float *features = run->features + (size_t)first * (size_t)run->net->out_h * (size_t)run->net->out_w *
                                          (size_t)run->net->channels;
    const int singles = run->split > 0 ? count : 1;
    int stop = 0;
    for (int at = 0; at < singles && !stop; at++) {
        fill_input(run, pixels + (size_t)at * image, run->split > 0 ? 1 : count, b->mean, b->std);
        for (int i = 0; i < run->split && !stop; i++) {
            run_layer(run, i, at, 1, features);
            if (b->callback && at == count - 1) stop = b->callback(b->user, done + i + 1, total);
        }
    }
    for (int i = run->split; i < CPT_RESNET_LAYERS && !stop; i++) {
        run_layer(run, i, 0, count, features);
        if (b->callback) stop = b->callback(b->user, done + i + 1, total);
    }
    return stop;
}

int cpt_resnet_encode(cpt_resnet_run *run, const cpt_resnet_batch *batch)
{
    const int groups = (batch->count + CPT_RESNET_GROUP - 1) / CPT_RESNET_GROUP;
    int stop = 0;
    for (int g = 0; g < groups && !stop; g++) {
        const int first = batch->count * g / groups, end = batch->count * (g + 1) / groups;
        stop =
            encode_group(run, batch, first, end - first, g * CPT_RESNET_LAYERS, groups * CPT_RESNET_LAYERS);
    }
    return stop;
}
