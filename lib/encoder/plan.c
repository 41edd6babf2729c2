/* plan.c - the encoder's memory: which maps are alive together, and where each lies.  Also runs dry. */
#include <string.h>

#include "lib/encoder/maps.h"
#include "lib/encoder/stream.h"
#include "lib/layers/parts.h"

size_t cpt_resnet_pixel_bytes(const cpt_resnet *net)
{
    return (size_t)net->input_size * (size_t)net->input_size * CPT_INPUT_CHANNELS;
}

/* A piece of memory: a map, or with int8 its 16-bit form. */
typedef struct span {
    size_t offset;
    int8_t first, last; /* the layer that writes it, and the last one that reads it; -1: it isn't needed */
    bool placed;        /* it has its offset */
} span;

/* Spans of map m are number FORMS * m, and with 1 more its 16-bit form.  With low_memory pixels and features
 * are spans as well. */
enum {
    FORMS = 2,
    PIXELS = FORMS * (CPT_RESNET_LAYERS + 1),
    FEATURES,
    SPANS,
};

/* A plan in the making.  It lies on the stack of small machines, so sizes are worked out again when needed.
 */
typedef struct plan {
    const cpt_resnet_run *run;
    int batch;
    span spans[SPANS];
} plan;

/* The span that `layer` adds; layer->add is a map. */
static int added_span(const cpt_resnet *net, const cpt_layer *layer)
{
    return FORMS * layer->add + (net->int8 ? 1 : 0);
}

/* Rows of a map or its 16-bit form that are in memory. */
static int rows_of(const cpt_resnet_run *run, int index)
{
    const int map = index / FORMS;
    if (map > run->stream.layers || run->stream.layers == 0) return cpt_map_shape_of(run->net, map).h;
    return index % FORMS == 1 ? run->stream.wide_rows[map] : run->stream.rows[map];
}

/* Bytes of the features. */
static size_t feature_bytes(const cpt_resnet *net)
{
    return (size_t)net->out_h * (size_t)net->out_w * (size_t)net->channels * sizeof(float);
}

/* Bytes of a span; 0 when they can't be counted. */
static size_t span_bytes(const plan *p, int index)
{
    const cpt_resnet_run *run = p->run;
    if (index == PIXELS) return cpt_align_up(cpt_resnet_pixel_bytes(run->net));
    if (index == FEATURES) return cpt_align_up(feature_bytes(run->net));
    /* so that offsets, sums over all spans, can't overflow */
    const size_t most = SIZE_MAX / (2 * SPANS);
    const int map = index / FORMS, images = map < run->split ? 1 : p->batch;
    const size_t element = index % FORMS == 1 ? sizeof(uint16_t) : cpt_map_element(run->net);
    const size_t positions = (size_t)rows_of(run, index) * (size_t)cpt_map_shape_of(run->net, map).w;
    size_t bytes;
    if (!cpt_mul(positions, (size_t)cpt_map_pitch_of(run->net, map), &bytes) ||
        !cpt_mul(bytes, element * (size_t)images, &bytes) || bytes > most) {
        return 0;
    }
    return cpt_align_up(bytes);
}

/* The lowest offset at which a span of `bytes` fits between those that have their places and are alive with
 * it (first fit). */
static size_t first_fit(const plan *p, const span *wanted, size_t bytes)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < SPANS; i++) {
            const span *s = &p->spans[i];
            if (!s->placed || s->last < wanted->first || s->first > wanted->last) continue;
            if (s->offset >= offset + bytes || offset >= s->offset + span_bytes(p, i)) continue;
            offset = s->offset + span_bytes(p, i);
            moved = true;
        }
    }
    return offset;
}

/* What runs row by row is all alive at once, before any later layer. */
static void join_lives(const cpt_resnet_run *run, span *spans)
{
    const int layers = run->stream.layers;
    for (int i = 0; i < FORMS * (layers + 1); i++) {
        if (spans[i].last < 0) continue;
        spans[i].first = -1;
        if (spans[i].last < layers) spans[i].last = (int8_t)(layers - 1);
    }
}

/* Fills in which layers write and read each span. */
static void find_lives(const cpt_resnet_run *run, span *spans)
{
    const cpt_resnet *net = run->net;
    for (int i = 0; i < SPANS; i++) spans[i] = (span){.first = (int8_t)(i / FORMS - 1), .last = -1};
    /* Map `split` collects images while the maps before it are used again for the next one. */
    if (run->split > 0) spans[FORMS * run->split].first = 0;
    for (int i = 0; i < CPT_RESNET_LAYERS; i++) {
        const cpt_layer *layer = &net->layers[i];
        spans[FORMS * layer->in].last = (int8_t)i;
        if (layer->add != CPT_NO_MAP) spans[added_span(net, layer)].last = (int8_t)i;
    }
    /* The last map is read after all layers.  One of floats is the caller's. */
    if (net->int8) spans[FORMS * CPT_RESNET_LAYERS].last = CPT_RESNET_LAYERS;
    if (run->stream.layers > 0) join_lives(run, spans);
}

/* The span whose place a layer's output can take since that is what it adds and no later layer reads it; -1
 * where there is none.  It halves the memory traffic. */
static int replaced(const plan *p, int index)
{
    const cpt_resnet_run *run = p->run;
    const int map = index / FORMS;
    if (map == CPT_INPUT_MAP || index % FORMS != (run->net->int8 ? 1 : 0) || map == run->split) return -1;
    if (map <= run->stream.layers) return -1;
    const cpt_layer *layer = &run->net->layers[map - 1];
    if (layer->add == CPT_NO_MAP || layer->in == layer->add) return -1;
    const int added = added_span(run->net, layer);
    return p->spans[added].last == map - 1 ? added : -1;
}

/* Returns how far the span reaches. */
static size_t place(plan *p, int index, size_t offset)
{
    p->spans[index].offset = offset;
    p->spans[index].placed = true;
    return offset + span_bytes(p, index);
}

/* Pixels and features begin where the arena stands.  Returns how far they reach. */
static size_t place_pixels_and_features(plan *p)
{
    const int layers = CPT_RESNET_LAYERS;
    p->spans[PIXELS] = (span){.first = -1, .last = (int8_t)(p->run->stream.layers - 1)};
    p->spans[FEATURES] = (span){.first = p->run->net->int8 ? layers : layers - 1, .last = layers};
    const size_t end = place(p, PIXELS, 0);
    return cpt_max_size(end, place(p, FEATURES, 0));
}

static void plan_maps(cpt_resnet_run *run, cpt_arena *arena, int batch)
{
    const cpt_resnet *net = run->net;
    plan p = {.run = run, .batch = batch};
    size_t total = 0;
    find_lives(run, p.spans);
    if (run->low_memory) total = place_pixels_and_features(&p);
    for (int i = 0; i < PIXELS; i++) {
        if (p.spans[i].last < 0) continue;
        const size_t bytes = span_bytes(&p, i);
        if (bytes == 0) arena->failed = true;
        const int other = replaced(&p, i);
        const bool over_pixels = run->stream.over_pixels && i == FORMS * run->stream.layers;
        size_t offset = other >= 0 ? p.spans[other].offset : 0;
        if (other < 0 && !over_pixels) offset = first_fit(&p, &p.spans[i], bytes);
        total = cpt_max_size(total, place(&p, i, offset));
    }
    unsigned char *base = cpt_arena_take(arena, total, 1);
    /* Kernels multiply the bytes between a position's channels and the end of its last quad by 0, so these
     * may be anything, but something that was written. */
    if (base && net->int8) memset(base, 0, total);
    for (int i = 0; base && i < PIXELS; i += FORMS) {
        const span *wide = &p.spans[i + 1];
        run->maps[i / FORMS] = p.spans[i].last < 0 ? NULL : base + p.spans[i].offset;
        run->wide[i / FORMS] = wide->last < 0 ? NULL : (uint16_t *)(void *)(base + wide->offset);
    }
    if (!base || !run->low_memory) return;
    run->pixels = base;
    run->features = (float *)(void *)base;
}

/* Chooses layer i's algorithm and returns the scratch that it needs. */
static size_t choose(cpt_resnet_run *run, int i, int images, int threads, caption_conv wish)
{
    const cpt_layer *layer = &run->net->layers[i];
    if (i < run->stream.layers) {
        const cpt_conv row = cpt_stream_conv(layer);
        run->algorithm[i] = CAPTION_CONV_DIRECT; /* the others need whole maps */
        return cpt_conv_scratch(&row, run->algorithm[i], 1, threads);
    }
    run->algorithm[i] = cpt_conv_choose(&layer->conv, wish, run->kernels);
    return cpt_conv_scratch(&layer->conv, run->algorithm[i], images, threads);
}

void cpt_resnet_plan(cpt_resnet_run *run, cpt_arena *arena, int batch, int threads, caption_conv wish,
                     float *features)
{
    size_t scratch = 0;
    batch = batch < CPT_RESNET_GROUP ? batch : CPT_RESNET_GROUP;
    run->split = batch > 1 ? run->net->split : 0;
    run->features = features;
    if (run->low_memory) cpt_stream_plan(&run->stream, run->net, run->net->split);
    for (int i = 0; i < CPT_RESNET_LAYERS; i++) {
        if (run->net->layers[i].is_pool) continue;
        const size_t bytes = choose(run, i, i < run->split ? 1 : batch, threads, wish);
        scratch = cpt_max_size(scratch, bytes);
    }
    plan_maps(run, arena, batch);
    run->scratch = cpt_arena_take(arena, scratch, 1);
}
