/* resnet.c - the layer table of ResNet-50 version 1.5 (He et al. 2015; the 3x3 carries the stride), and the
 * loop that runs it.  The converter has folded batch norm into the weights, and with int8 the normalisation
 * of pixels too.  It allocates nothing. */
#include "lib/encoder/resnet.h"

#include <string.h>

#include "lib/encoder/maps.h"
#include "lib/encoder/stream.h"
#include "lib/layers/parts.h"

enum {
    FIRST_GROUPED_STAGE = 3, /* from here on a group of images goes through each layer together */
    WIDE_STEPS = 256         /* of a map in 16 bits, in a step of its bytes */
};

/* ---- the table ---- */

typedef struct builder {
    cpt_resnet *net;
    const cpt_weights *weights;
    caption_error *error;
    int count; /* layers so far, which is also the number of the last map */
} builder;

typedef struct layer_spec {
    const char *name;
    int in, add; /* maps; add may be CPT_NO_MAP */
    int kernel, stride, pad;
    int out_c; /* 0: the weights say */
    bool relu;
} layer_spec;

static cpt_layer *next_layer(builder *b, const layer_spec *spec)
{
    const cpt_map_shape in = cpt_map_shape_of(b->net, spec->in);
    cpt_layer *layer = &b->net->layers[b->count++];
    *layer = (cpt_layer){
        .in = spec->in,
        .add = spec->add,
        .conv =
            {
                .in_h = in.h,
                .in_w = in.w,
                .in_c = in.c,
                .in_pitch = cpt_map_pitch_of(b->net, spec->in),
                .out_h = (in.h + 2 * spec->pad - spec->kernel) / spec->stride + 1,
                .out_w = (in.w + 2 * spec->pad - spec->kernel) / spec->stride + 1,
                .out_c = spec->out_c,
                .add_pitch = spec->add == CPT_NO_MAP ? 0 : cpt_map_pitch_of(b->net, spec->add),
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
    return map == CPT_INPUT_MAP ? (cpt_range){.scale = 1} : net->layers[map - 1].range;
}

/* What an int8 convolution needs besides its weights: NAME.range and those of the maps that it reads. */
static caption_status bind_range(builder *b, cpt_layer *layer, const char *name)
{
    const caption_status status = cpt_range_bind(&layer->range, b->weights, name, b->error);
    if (status) return status;
    layer->conv.in_zero = (uint8_t)range_of(b->net, layer->in).zero_point;
    if (layer->add != CPT_NO_MAP) {
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
    conv->out_pitch = cpt_map_pitch_of(b->net, b->count);
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
            .add = c->adds ? identity : CPT_NO_MAP,
            .kernel = c->kernel,
            .stride = c->strided ? cpt_resnet50_stride(stage, block) : 1,
            .pad = c->pad,
            .out_c = c->adds ? cpt_map_shape_of(b->net, identity).c : 0,
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
        .name = "stem", .in = CPT_INPUT_MAP, .add = CPT_NO_MAP, .kernel = 7, .stride = 2, .relu = true};
    const caption_status status = add_conv(b, &stem);
    if (status) return status;
    const layer_spec pool = {
        .name = "maxpool",
        .in = b->count,
        .add = CPT_NO_MAP,
        .kernel = 3,
        .stride = 2,
        .pad = 1,
        .out_c = cpt_map_shape_of(b->net, b->count).c,
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
    const cpt_map_shape last = cpt_map_shape_of(net, b.count);
    net->out_h = last.h;
    net->out_w = last.w;
    net->channels = last.c;
    return CAPTION_OK;
}

bool cpt_resnet_uses(const cpt_resnet_run *run, caption_conv algorithm)
{
    for (int i = 0; i < CPT_RESNET_LAYERS; i++) {
        if (!run->net->layers[i].is_pool && run->algorithm[i] == algorithm) return true;
    }
    return false;
}

/* ---- running ---- */

/* Row y of map 0 in floats: normalised pixels [S, 3] with 0 around them; NULL is a row of the border. */
static void fill_floats(const cpt_resnet_run *run, const cpt_resnet_batch *b, const uint8_t *pixels,
                        float *out)
{
    const size_t s = (size_t)run->net->input_size, side = CPT_STEM_BORDER * CPT_INPUT_CHANNELS;
    const size_t inside = s * CPT_INPUT_CHANNELS;
    memset(out, 0, side * sizeof *out);
    if (pixels) {
        run->kernels->normalize_u8(pixels, out + side, (int)s, b->mean, b->std);
    } else {
        memset(out + side, 0, inside * sizeof *out);
    }
    memset(out + side + inside, 0, side * sizeof *out);
}

/* to [count, 4] = one position, again and again. */
static uint8_t *fill_positions(uint8_t *to, const uint8_t position[CPTK_QUAD], size_t count)
{
    for (size_t i = 0; i < count; i++, to += CPTK_QUAD) memcpy(to, position, CPTK_QUAD);
    return to;
}

/* The same in bytes: pixels with what the value 0 is before normalisation around them. */
static void fill_bytes(const cpt_resnet_run *run, const cpt_resnet_batch *b, const uint8_t *pixels,
                       uint8_t *out)
{
    const size_t s = (size_t)run->net->input_size;
    uint8_t border[CPTK_QUAD] = {0};
    run->kernels->quantize_u8(b->mean, border, CPT_INPUT_CHANNELS, 255.0f, 0.0f);
    out = fill_positions(out, border, CPT_STEM_BORDER);
    if (!pixels) out = fill_positions(out, border, s);
    for (size_t x = 0; pixels && x < s; x++, out += CPTK_QUAD, pixels += CPT_INPUT_CHANNELS) {
        memcpy(out, pixels, CPT_INPUT_CHANNELS);
        out[CPT_INPUT_CHANNELS] = 0;
    }
    fill_positions(out, border, CPT_STEM_BORDER);
}

/* Row y of map 0, of an image [S, S, 3], to `out`. */
static void fill_row(const cpt_resnet_run *run, const cpt_resnet_batch *b, const uint8_t *image, int y,
                     unsigned char *out)
{
    const int row = y - CPT_STEM_BORDER, size = run->net->input_size;
    const bool inside = row >= 0 && row < size;
    const uint8_t *pixels = inside ? image + (size_t)row * (size_t)size * CPT_INPUT_CHANNELS : NULL;
    if (run->net->int8) {
        fill_bytes(run, b, pixels, out);
    } else {
        fill_floats(run, b, pixels, (float *)(void *)out);
    }
}

/* Images first..first+count-1 of a batch become map 0, with its border. */
static void fill_input(cpt_resnet_run *run, const cpt_resnet_batch *b, int first, int count)
{
    const cpt_resnet *net = run->net;
    const size_t row = cpt_map_row(net, CPT_INPUT_MAP) * cpt_map_element(net);
    unsigned char *out = run->maps[CPT_INPUT_MAP];
    for (int i = first; i < first + count; i++) {
        const uint8_t *image = b->pixels + (size_t)i * cpt_resnet_pixel_bytes(net);
        for (int y = 0; y < cpt_map_shape_of(net, CPT_INPUT_MAP).h; y++, out += row) {
            fill_row(run, b, image, y, out);
        }
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
         p++, in += cpt_map_pitch_of(net, CPT_RESNET_LAYERS), features += net->channels) {
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
        .in = job->run->maps[layer->in] + image * cpt_map_bytes(net, layer->in),
        .out = job->out + image * cpt_map_bytes(net, job->layer + 1),
        .h = c->in_h,
        .w = c->in_w,
        .c = c->in_c,
        .pitch = cpt_map_pitch_of(net, layer->in),
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
    return run->maps[map] + (size_t)at * cpt_map_bytes(run->net, map);
}

/* What a layer adds, or NULL. */
static const void *added_map(const cpt_resnet_run *run, const cpt_layer *layer)
{
    if (layer->add == CPT_NO_MAP) return NULL;
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
        .pitch = (size_t)cpt_map_pitch_of(run->net, index + 1),
        .values = int8 ? NULL : (const float *)(const void *)out,
        .bytes = int8 ? out : NULL,
        .scale = int8 ? layer->range.scale : 0,
        .zero_point = int8 ? layer->range.zero_point : 0,
        .wide = run->wide[index + 1],
    };
    return b->callback ? b->callback(b->user, group->done + index + 1, group->total, &map) : 0;
}

/* ---- row by row ---- */

/* Where row y of a map is in bytes, and in 16 bits; NULL where it isn't needed. */
static unsigned char *map_at(const cpt_resnet_run *run, int map, int y)
{
    if (!run->maps[map]) return NULL;
    const size_t row = cpt_map_row(run->net, map) * cpt_map_element(run->net);
    return run->maps[map] + cptk_row_at(y, run->stream.rows[map]) * row;
}

static uint16_t *wide_at(const cpt_resnet_run *run, int map, int y)
{
    if (!run->wide[map]) return NULL;
    return run->wide[map] + cptk_row_at(y, run->stream.wide_rows[map]) * cpt_map_row(run->net, map);
}

static void pool_row(const cpt_resnet_run *run, int index, int y)
{
    const cpt_layer *layer = &run->net->layers[index];
    const cpt_conv *c = &layer->conv;
    const cptk_maxpool pool = {
        .in = run->maps[layer->in],
        .out = run->maps[index + 1],
        .h = c->in_h,
        .w = c->in_w,
        .c = c->in_c,
        .pitch = cpt_map_pitch_of(run->net, layer->in),
        .y0 = y,
        .y1 = y + 1,
        .in_ring = run->stream.rows[layer->in],
        .out_ring = run->stream.rows[index + 1],
    };
    if (run->net->int8) {
        run->kernels->maxpool_u8(&pool);
    } else {
        run->kernels->maxpool_f32(&pool);
    }
}

static void conv_row(const cpt_resnet_run *run, int index, int y)
{
    const cpt_layer *layer = &run->net->layers[index];
    const cpt_conv row = cpt_stream_conv(layer);
    cpt_conv_run_args args = {
        .algorithm = run->algorithm[index],
        .batch = 1,
        .in = run->maps[layer->in],
        .out = map_at(run, index + 1, y),
        .out_wide = wide_at(run, index + 1, y),
        .scratch = run->scratch,
        .first_row = y,
        .in_ring = run->stream.rows[layer->in],
    };
    if (layer->add != CPT_NO_MAP) {
        args.add = run->net->int8 ? (const void *)wide_at(run, layer->add, y) : map_at(run, layer->add, y);
    }
    cpt_conv_run(&row, &args, run->kernels, run->pool);
}

/* Runs the first layers for an image.  Its callback is called as often as if they ran one after the other,
 * but without maps, which are never there as a whole. */
static int stream_image(cpt_resnet_run *run, const cpt_resnet_batch *b, const group_place *group)
{
    const cpt_resnet *net = run->net;
    const int layers = run->stream.layers, height = cpt_map_shape_of(net, layers).h;
    cpt_stream_rows rows = {{0}};
    int told = 0, stop = 0;
    while (rows.made[layers] < height && !stop) {
        const int index = cpt_stream_next(net, layers, &rows), y = rows.made[index + 1]++;
        if (index < 0) {
            fill_row(run, b, b->pixels, y, map_at(run, CPT_INPUT_MAP, y));
        } else if (net->layers[index].is_pool) {
            pool_row(run, index, y);
        } else {
            conv_row(run, index, y);
        }
        while (b->callback && !stop && told < layers * rows.made[layers] / height) {
            stop = b->callback(b->user, group->done + ++told, group->total, NULL);
        }
    }
    return stop;
}

/* ---- a group ---- */

/* Encodes images first..first+count-1, one group.  Returns what the callback returned. */
static int encode_group(cpt_resnet_run *run, const cpt_resnet_batch *b, int first, int count,
                        const group_place *group)
{
    const int singles = run->split > 0 ? count : 1, streamed = run->stream.layers;
    int stop = streamed > 0 ? stream_image(run, b, group) : 0;
    for (int at = 0; at < singles && !stop && streamed == 0; at++) {
        fill_input(run, b, first + at, run->split > 0 ? 1 : count);
        for (int i = 0; i < run->split && !stop; i++) {
            run_layer(run, i, at, 1, group->features);
            if (at == count - 1) stop = report(run, b, group, i, at, 1);
        }
    }
    for (int i = cpt_max(run->split, streamed); i < CPT_RESNET_LAYERS && !stop; i++) {
        run_layer(run, i, 0, count, group->features);
        stop = report(run, b, group, i, 0, count);
    }
    if (!stop && run->net->int8) dequantise(run, count, group->features);
    return stop;
}

static int count_groups(int images)
{
    return (images + CPT_RESNET_GROUP - 1) / CPT_RESNET_GROUP;
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
