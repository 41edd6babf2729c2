/* resnet.c - the layer table of ResNet-50 version 1.5 (He et al. 2015; the 3x3 carries the stride), its
 * memory plan, and the loop that runs it.  The converter has folded batch norm into the weights, and with
 * int8 the normalisation of pixels too.  It allocates nothing. */
#include "lib/encoder/resnet.h"

#include <string.h>

#include "lib/layers/map.h"
#include "lib/layers/parts.h"

enum {
    INPUT_MAP = 0,
    INPUT_CHANNELS = 3,
    POOL_MAP = 2, /* the max pool's output; map 1 is the stem's */
    NO_MAP = -1,
    FIRST_GROUPED_STAGE = 3, /* from here on a group of images goes through each layer together */
    GROUP = 4,               /* images at most in a group; more are no faster */
    WIDE_STEPS = 256         /* of a map in 16 bits, in a step of its bytes */
};

/* ---- the table ---- */

typedef struct map_shape {
    int h, w, c;
} map_shape;

static map_shape shape_of(const cpt_resnet *net, int map)
{
    const int side = net->input_size + 2 * CPT_STEM_BORDER;
    if (map == INPUT_MAP) return (map_shape){side, side, INPUT_CHANNELS};
    const cpt_conv *conv = &net->layers[map - 1].conv;
    return (map_shape){conv->out_h, conv->out_w, conv->out_c};
}

/* Bytes of an element of any map. */
static size_t element_of(const cpt_resnet *net)
{
    return net->int8 ? sizeof(uint8_t) : sizeof(float);
}

/* Elements from one position to the next.  A last map of floats is the caller's, without gaps; so are those
 * of the max pool and before it, as they never have many channels. */
static int pitch_of(const cpt_resnet *net, int map)
{
    const int channels = shape_of(net, map).c;
    if (net->int8) return cpt_map_pitch_u8(channels);
    return map > POOL_MAP && map < CPT_RESNET_LAYERS ? cpt_map_pitch(channels) : channels;
}

/* Elements of one image of a map; no map of a network that was bound is too large for a size_t. */
static size_t image_elements(const cpt_resnet *net, int map)
{
    const map_shape shape = shape_of(net, map);
    return (size_t)shape.h * (size_t)shape.w * (size_t)pitch_of(net, map);
}

static size_t image_bytes(const cpt_resnet *net, int map)
{
    return image_elements(net, map) * element_of(net);
}

typedef struct builder {
    cpt_resnet *net;
    const cpt_weights *weights;
    caption_error *error;
    int count; /* layers so far, which is also the number of the last map */
} builder;

typedef struct layer_spec {
    const char *name;
    int in, add; /* maps; add may be NO_MAP */
    int kernel, stride, pad;
    int out_c; /* 0: the weights say */
    bool relu;
} layer_spec;

static cpt_layer *next_layer(builder *b, const layer_spec *spec)
{
    const map_shape in = shape_of(b->net, spec->in);
    cpt_layer *layer = &b->net->layers[b->count++];
    *layer = (cpt_layer){
        .in = spec->in,
        .add = spec->add,
        .conv =
            {
                .in_h = in.h,
                .in_w = in.w,
                .in_c = in.c,
                .in_pitch = pitch_of(b->net, spec->in),
                .out_h = (in.h + 2 * spec->pad - spec->kernel) / spec->stride + 1,
                .out_w = (in.w + 2 * spec->pad - spec->kernel) / spec->stride + 1,
                .out_c = spec->out_c,
                .add_pitch = spec->add == NO_MAP ? 0 : pitch_of(b->net, spec->add),
                .kernel = spec->kernel,
                .stride = spec->stride,
                .pad = spec->pad,
                .relu = spec->relu,
            },
    };
    cpt_format(layer->name, sizeof layer->name, "%s", spec->name);
    return layer;
}

/* The range of a map of an int8 network.  The input map's bytes are the pixels. */
static cpt_range range_of(const cpt_resnet *net, int map)
{
    return map == INPUT_MAP ? (cpt_range){.scale = 1} : net->layers[map - 1].range;
}

/* What an int8 convolution needs besides its weights: NAME.range and those of the maps that it reads. */
static caption_status bind_range(builder *b, cpt_layer *layer, const char *name)
{
    const caption_status status = cpt_range_bind(&layer->range, b->weights, name, b->error);
    if (status) return status;
    layer->conv.in_zero = (uint8_t)range_of(b->net, layer->in).zero_point;
    if (layer->add != NO_MAP) {
        layer->conv.add_scale = range_of(b->net, layer->add).scale / layer->range.scale / WIDE_STEPS;
    }
    return CAPTION_OK;
}

static caption_status add_conv(builder *b, const layer_spec *spec)
{
    cpt_layer *layer = next_layer(b, spec);
    cpt_conv *conv = &layer->conv;
    cpt_matrix_spec matrix = {
        .form = b->net->int8 ? CPT_MATRIX_QUADS : CPT_MATRIX_WEIGHT,
        .out = conv->out_c,
        .in = conv->in_c,
        .kernel = conv->kernel,
        .has_bias = true,
    };
    char name[CAPW_NAME_BYTES];
    cpt_format(name, sizeof name, "encoder.%s", spec->name);
    const caption_status status = cpt_matrix_bind(&conv->filters, b->weights, name, &matrix, b->error);
    if (status) return status;
    conv->out_c = matrix.out = conv->filters.out;
    conv->out_pitch = pitch_of(b->net, b->count);
    if (b->net->int8) return bind_range(b, layer, name);
    matrix.form = CPT_MATRIX_WINOGRAD;
    matrix.has_bias = false;
    matrix.optional = true;
    return cpt_matrix_bind(&conv->winograd, b->weights, name, &matrix, b->error);
}

/* A convolution of a block. */
typedef struct block_conv {
    const char *name;
    int kernel, pad;
    bool strided;  /* has the block's stride; the others have 1 */
    bool projects; /* only in a stage's first block: gives the block's input the shape of its output */
    bool adds;     /* adds the block's input, or its projection */
    bool relu;
} block_conv;

/* In the order in which they run.  Each but the projection reads what the one before it wrote. */
static const block_conv block_convs[] = {
    {.name = "conv1", .kernel = 1, .relu = true},
    {.name = "conv2", .kernel = 3, .pad = 1, .strided = true, .relu = true},
    {.name = "downsample", .kernel = 1, .strided = true, .projects = true},
    {.name = "conv3", .kernel = 1, .adds = true, .relu = true},
};

static caption_status add_block(builder *b, int stage, int block)
{
    const int input = b->count;
    int last = input, identity = input; /* maps */
    for (size_t i = 0; i < sizeof block_convs / sizeof *block_convs; i++) {
        const block_conv *c = &block_convs[i];
        if (c->projects && block > 0) continue;
        char name[CPT_LAYER_NAME_BYTES];
        cpt_format(name, sizeof name, "layer%d.%d.%s", stage, block, c->name);
        const layer_spec spec = {
            .name = name,
            .in = c->projects ? input : last,
            .add = c->adds ? identity : NO_MAP,
            .kernel = c->kernel,
            .stride = c->strided ? cpt_resnet50_stride(stage, block) : 1,
            .pad = c->pad,
            .out_c = c->adds ? shape_of(b->net, identity).c : 0,
            .relu = c->relu,
        };
        const caption_status status = add_conv(b, &spec);
        if (status) return status;
        if (c->projects) {
            identity = b->count;
        } else {
            last = b->count;
        }
    }
    return CAPTION_OK;
}

/* The 7x7 stem and the max pool. */
static caption_status add_stem(builder *b)
{
    const layer_spec stem = {
        .name = "stem", .in = INPUT_MAP, .add = NO_MAP, .kernel = 7, .stride = 2, .relu = true};
    const caption_status status = add_conv(b, &stem);
    if (status) return status;
    const layer_spec pool = {
        .name = "maxpool",
        .in = b->count,
        .add = NO_MAP,
        .kernel = 3,
        .stride = 2,
        .pad = 1,
        .out_c = shape_of(b->net, b->count).c,
    };
    cpt_layer *layer = next_layer(b, &pool);
    layer->is_pool = true;
    layer->range = range_of(b->net, layer->in);
    return CAPTION_OK;
}

caption_status cpt_resnet_bind(cpt_resnet *net, const cpt_weights *weights, int input_size,
                               caption_error *error)
{
    builder b = {.net = net, .weights = weights, .error = error};
    net->input_size = input_size;
    caption_status status = add_stem(&b);
    for (int stage = 1; stage <= CPT_RESNET50_STAGES; stage++) {
        if (stage == FIRST_GROUPED_STAGE) net->split = b.count;
        for (int block = 0; !status && block < cpt_resnet50_stage_at(stage)->blocks; block++) {
            status = add_block(&b, stage, block);
        }
    }
    if (status) return status;
    if (net->int8 && range_of(net, b.count).zero_point != 0) {
        return cpt_fail(
            error, CAPTION_ERROR_MODEL,
            "model file: tensor encoder.%s.range: its zero point is %d, must be 0 for the features",
            net->layers[b.count - 1].name, range_of(net, b.count).zero_point);
    }
    const map_shape last = shape_of(net, b.count);
    net->out_h = last.h;
    net->out_w = last.w;
    net->channels = last.c;
    return CAPTION_OK;
}

/* ---- the memory plan ---- */

/* A piece of memory: a map, or with int8 its 16-bit form. */
typedef struct span {
    size_t offset, bytes;
    int first,
        last; /* the layer that writes it, and the last one that reads it; last < 0: it is not needed */
} span;

/* Spans of map m are number FORMS * m, and with 1 more its 16-bit form. */
enum { FORMS = 2, SPANS = FORMS * (CPT_RESNET_LAYERS + 1) };

/* The span that `layer` adds; layer->add is a map. */
static int added_span(const cpt_resnet *net, const cpt_layer *layer)
{
    return FORMS * layer->add + (net->int8 ? 1 : 0);
}

/* The lowest offset at which a span fits between the first `count` that are alive with it (first fit). */
static size_t first_fit(const span *spans, int count, const span *wanted)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < count; i++) {
            const span *s = &spans[i];
            if (s->last >= wanted->first && offset < s->offset + s->bytes &&
                s->offset < offset + wanted->bytes) {
                offset = s->offset + s->bytes;
                moved = true;
            }
        }
    }
    return offset;
}

/* Bytes of a span of `images` images; 0 and a failed arena when they can't be counted. */
static size_t span_bytes(const cpt_resnet *net, int index, int images, cpt_arena *arena)
{
    /* so that offsets, sums over all spans, can't overflow */
    const size_t most = SIZE_MAX / (2 * SPANS);
    const int map = index / FORMS;
    const map_shape shape = shape_of(net, map);
    const size_t element = index % FORMS == 1 ? sizeof(uint16_t) : element_of(net);
    size_t bytes;
    if (!cpt_mul((size_t)shape.h * (size_t)shape.w, (size_t)pitch_of(net, map), &bytes) ||
        !cpt_mul(bytes, element * (size_t)images, &bytes) || bytes > most) {
        arena->failed = 1;
        return 0;
    }
    return cpt_align_up(bytes);
}

/* Fills in which layers write and read each span. */
static void find_lives(const cpt_resnet_run *run, span *spans)
{
    const cpt_resnet *net = run->net;
    for (int i = 0; i < SPANS; i++) spans[i] = (span){.first = i / FORMS - 1, .last = -1};
    /* Map `split` collects images while the maps before it are used again for the next one. */
    if (run->split > 0) spans[FORMS * run->split].first = 0;
    for (int i = 0; i < CPT_RESNET_LAYERS; i++) {
        const cpt_layer *layer = &net->layers[i];
        spans[FORMS * layer->in].last = i;
        if (layer->add != NO_MAP) spans[added_span(net, layer)].last = i;
    }
    /* The last map is read after all layers.  One of floats is the caller's. */
    if (net->int8) spans[FORMS * CPT_RESNET_LAYERS].last = CPT_RESNET_LAYERS;
}

/* The span whose place a layer's output can take since that is what it adds and no later layer reads it; -1
 * where there is none.  It halves the memory traffic. */
static int replaced(const cpt_resnet_run *run, const span *spans, int index)
{
    const int map = index / FORMS;
    if (map == INPUT_MAP || index % FORMS != (run->net->int8 ? 1 : 0) || map == run->split) return -1;
    const cpt_layer *layer = &run->net->layers[map - 1];
    if (layer->add == NO_MAP || layer->in == layer->add) return -1;
    const int added = added_span(run->net, layer);
    return spans[added].last == map - 1 ? added : -1;
}

static void plan_maps(cpt_resnet_run *run, cpt_arena *arena, int batch)
{
    const cpt_resnet *net = run->net;
    span spans[SPANS];
    size_t total = 0;
    find_lives(run, spans);
    for (int i = 0; i < SPANS; i++) {
        span *s = &spans[i];
        if (s->last < 0) continue;
        s->bytes = span_bytes(net, i, i / FORMS < run->split ? 1 : batch, arena);
        const int other = replaced(run, spans, i);
        s->offset = other >= 0 ? spans[other].offset : first_fit(spans, i, s);
        if (s->offset + s->bytes > total) total = s->offset + s->bytes;
    }
    unsigned char *base = cpt_arena_take(arena, total, 1);
    /* Kernels multiply the bytes between a position's channels and the end of its last quad by 0, so these
     * may be anything, but something that was written. */
    if (base && net->int8) memset(base, 0, total);
    for (int i = 0; base && i < SPANS; i += FORMS) {
        const span *wide = &spans[i + 1];
        run->maps[i / FORMS] = spans[i].last < 0 ? NULL : base + spans[i].offset;
        run->wide[i / FORMS] = wide->last < 0 ? NULL : (uint16_t *)(void *)(base + wide->offset);
    }
}

void cpt_resnet_plan(cpt_resnet_run *run, cpt_arena *arena, int batch, int threads, caption_conv wish,
                     float *features)
{
    size_t scratch = 0;
    batch = batch < GROUP ? batch : GROUP;
    run->split = batch > 1 ? run->net->split : 0;
    for (int i = 0; i < CPT_RESNET_LAYERS; i++) {
        const cpt_layer *layer = &run->net->layers[i];
        if (layer->is_pool) continue;
        run->algorithm[i] = cpt_conv_choose(&layer->conv, wish, run->kernels);
        const int images = i < run->split ? 1 : batch;
        const size_t bytes = cpt_conv_scratch(&layer->conv, run->algorithm[i], images, threads);
        if (bytes > scratch) scratch = bytes;
    }
    plan_maps(run, arena, batch);
    run->scratch = cpt_arena_take(arena, scratch, 1);
    run->features = features;
}

bool cpt_resnet_uses(const cpt_resnet_run *run, caption_conv algorithm)
{
    for (int i = 0; i < CPT_RESNET_LAYERS; i++) {
        if (!run->net->layers[i].is_pool && run->algorithm[i] == algorithm) return true;
    }
    return false;
}

/* ---- running ---- */

/* Normalises the pixels of a batch's images first..first+count-1 into map 0, with its border of zeros. */
static void fill_floats(cpt_resnet_run *run, const cpt_resnet_batch *b, const uint8_t *pixels, int count)
{
    const size_t s = (size_t)run->net->input_size, row = (s + 2 * CPT_STEM_BORDER) * INPUT_CHANNELS;
    const size_t border = CPT_STEM_BORDER * row, side = CPT_STEM_BORDER * INPUT_CHANNELS; /* floats */
    float *out = (float *)(void *)run->maps[INPUT_MAP]; /* [count, S + 6, S + 6, 3] */
    for (int i = 0; i < count; i++) {
        memset(out, 0, border * sizeof *out);
        out += border;
        for (size_t y = 0; y < s; y++, out += row, pixels += s * INPUT_CHANNELS) {
            memset(out, 0, side * sizeof *out);
            run->kernels->normalize_u8(pixels, out + side, (int)s, b->mean, b->std);
            memset(out + side + s * INPUT_CHANNELS, 0, side * sizeof *out);
        }
        memset(out, 0, border * sizeof *out);
        out += border;
    }
}

/* to [count, 4] = one position, again and again. */
static uint8_t *fill_positions(uint8_t *to, const uint8_t position[CPTK_QUAD], size_t count)
{
    for (size_t i = 0; i < count; i++, to += CPTK_QUAD) memcpy(to, position, CPTK_QUAD);
    return to;
}

/* Copies pixels into map 0, with a border of what the value 0 is before normalisation. */
static void fill_bytes(cpt_resnet_run *run, const cpt_resnet_batch *b, const uint8_t *pixels, int count)
{
    const size_t s = (size_t)run->net->input_size, side = s + 2 * CPT_STEM_BORDER;
    uint8_t border[CPTK_QUAD] = {0}, *out = run->maps[INPUT_MAP]; /* [count, S + 6, S + 6, 4] */
    run->kernels->quantize_u8(b->mean, border, INPUT_CHANNELS, 255.0f, 0.0f);
    for (int i = 0; i < count; i++) {
        out = fill_positions(out, border, CPT_STEM_BORDER * side + CPT_STEM_BORDER);
        for (size_t y = 0; y < s; y++) {
            for (size_t x = 0; x < s; x++, out += CPTK_QUAD, pixels += INPUT_CHANNELS) {
                memcpy(out, pixels, INPUT_CHANNELS);
                out[INPUT_CHANNELS] = 0;
            }
            if (y + 1 < s) out = fill_positions(out, border, 2 * CPT_STEM_BORDER);
        }
        out = fill_positions(out, border, CPT_STEM_BORDER * side + CPT_STEM_BORDER);
    }
}

static void fill_input(cpt_resnet_run *run, const cpt_resnet_batch *b, int first, int count)
{
    const size_t s = (size_t)run->net->input_size;
    const uint8_t *pixels = b->pixels + (size_t)first * s * s * INPUT_CHANNELS;
    if (run->net->int8) {
        fill_bytes(run, b, pixels, count);
    } else {
        fill_floats(run, b, pixels, count);
    }
}

/* features [count, P, C] = the values of the last map's bytes. */
static void dequantise(const cpt_resnet_run *run, int count, float *features)
{
    const cpt_resnet *net = run->net;
    const cpt_range range = range_of(net, CPT_RESNET_LAYERS);
    const uint8_t *in = run->maps[CPT_RESNET_LAYERS]; /* [count, P, pitch] */
    const size_t positions = (size_t)count * (size_t)net->out_h * (size_t)net->out_w;
    for (size_t p = 0; p < positions;
         p++, in += pitch_of(net, CPT_RESNET_LAYERS), features += net->channels) {
        for (int c = 0; c < net->channels; c++) features[c] = range.scale * (float)in[c];
    }
}

typedef struct pool_job {
    const cpt_resnet_run *run;
    int layer;
    unsigned char *out;
    int bands; /* pieces that an image is cut into */
} pool_job;

static void pool_band(void *user, int index, int thread)
{
    const pool_job *job = user;
    const cpt_resnet *net = job->run->net;
    const cpt_layer *layer = &net->layers[job->layer];
    const cpt_conv *c = &layer->conv;
    const size_t image = (size_t)(index / job->bands);
    const int band = index % job->bands;
    (void)thread;
    const cptk_maxpool pool = {
        .in = job->run->maps[layer->in] + image * image_bytes(net, layer->in),
        .out = job->out + image * image_bytes(net, job->layer + 1),
        .h = c->in_h,
        .w = c->in_w,
        .c = c->in_c,
        .pitch = pitch_of(net, layer->in),
        .y0 = c->out_h * band / job->bands,
        .y1 = c->out_h * (band + 1) / job->bands,
    };
    if (net->int8) {
        job->run->kernels->maxpool_u8(&pool);
    } else {
        job->run->kernels->maxpool_f32(&pool);
    }
}

/* Where a layer writes; `at` is the first image of the group that it works on. */
static unsigned char *output_of(const cpt_resnet_run *run, int index, int at, float *features)
{
    const int map = index + 1;
    if (map == CPT_RESNET_LAYERS && !run->net->int8) return (unsigned char *)features;
    if (map != run->split) return run->maps[map];
    return run->maps[map] + (size_t)at * image_bytes(run->net, map);
}

/* What a layer adds, or NULL. */
static const void *added_map(const cpt_resnet_run *run, const cpt_layer *layer)
{
    if (layer->add == NO_MAP) return NULL;
    return run->net->int8 ? (const void *)run->wide[layer->add] : run->maps[layer->add];
}

/* Runs a layer for `count` images of a group, from image `at` on.  Before the split that is one image. */
static void run_layer(cpt_resnet_run *run, int index, int at, int count, float *features)
{
    const cpt_layer *layer = &run->net->layers[index];
    unsigned char *out = output_of(run, index, at, features);
    if (layer->is_pool) {
        pool_job job = {.run = run, .layer = index, .out = out, .bands = cpt_pool_threads(run->pool)};
        cpt_pool_run(run->pool, pool_band, &job, count * job.bands);
    } else {
        const cpt_conv_run_args args = {
            .algorithm = run->algorithm[index],
            .batch = count,
            .in = run->maps[layer->in],
            .add = added_map(run, layer),
            .out = out,
            .out_wide = run->wide[index + 1],
            .scratch = run->scratch,
        };
        cpt_conv_run(&layer->conv, &args, run->kernels, run->pool);
    }
}

/* A group's place in the whole work. */
typedef struct group_place {
    int done, total; /* layers that ran for earlier groups, and all */
    float *features; /* where the group's features go */
} group_place;

/* Tells the callback about a layer that has just run for `count` images from `at` on. */
static int report(const cpt_resnet_run *run, const cpt_resnet_batch *b, const group_place *group, int index,
                  int at, int count)
{
    const cpt_layer *layer = &run->net->layers[index];
    const unsigned char *out = output_of(run, index, at, group->features);
    const bool int8 = run->net->int8;
    const caption_map map = {
        .layer = layer->name,
        .images = count,
        .height = layer->conv.out_h,
        .width = layer->conv.out_w,
        .channels = layer->conv.out_c,
        .pitch = (size_t)pitch_of(run->net, index + 1),
        .values = int8 ? NULL : (const float *)(const void *)out,
        .bytes = int8 ? out : NULL,
        .scale = int8 ? layer->range.scale : 0,
        .zero_point = int8 ? layer->range.zero_point : 0,
        .wide = run->wide[index + 1],
    };
    return b->callback ? b->callback(b->user, group->done + index + 1, group->total, &map) : 0;
}

/* Encodes images first..first+count-1, one group.  Returns what the callback returned. */
static int encode_group(cpt_resnet_run *run, const cpt_resnet_batch *b, int first, int count,
                        const group_place *group)
{
    const int singles = run->split > 0 ? count : 1;
    int stop = 0;
    for (int at = 0; at < singles && !stop; at++) {
        fill_input(run, b, first + at, run->split > 0 ? 1 : count);
        for (int i = 0; i < run->split && !stop; i++) {
            run_layer(run, i, at, 1, group->features);
            if (at == count - 1) stop = report(run, b, group, i, at, 1);
        }
    }
    for (int i = run->split; i < CPT_RESNET_LAYERS && !stop; i++) {
        run_layer(run, i, 0, count, group->features);
        stop = report(run, b, group, i, 0, count);
    }
    if (!stop && run->net->int8) dequantise(run, count, group->features);
    return stop;
}

static int count_groups(int images)
{
    return (images + GROUP - 1) / GROUP;
}

int cpt_resnet_parts(int count)
{
    return count_groups(count) * CPT_RESNET_LAYERS;
}

int cpt_resnet_encode(cpt_resnet_run *run, const cpt_resnet_batch *batch)
{
    const cpt_resnet *net = run->net;
    const size_t features = (size_t)net->out_h * (size_t)net->out_w * (size_t)net->channels;
    const int groups = count_groups(batch->count);
    int stop = 0;
    for (int g = 0; g < groups && !stop; g++) {
        const int first = batch->count * g / groups, end = batch->count * (g + 1) / groups;
        const group_place place = {.done = g * CPT_RESNET_LAYERS,
                                   .total = cpt_resnet_parts(batch->count),
                                   .features = run->features + (size_t)first * features};
        stop = encode_group(run, batch, first, end - first, &place);
    }
    return stop;
}
