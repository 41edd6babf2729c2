/* stream.c - the order in which rows are made, and how many of them are alive at once.  Plans and runs go
 * through the same order, so they can't disagree. */
#include "lib/encoder/stream.h"

#include "lib/encoder/maps.h"
#include "lib/layers/parts.h"

/* The first row of its input that a layer reads for row y of its output, or for any row after it. */
static int first_read(const cpt_layer *layer, int y)
{
    const cpt_conv *c = &layer->conv;
    return y < c->out_h ? cpt_max(0, y * c->stride - c->pad) : c->in_h;
}

/* The row behind the last one that it reads for row y. */
static int end_read(const cpt_layer *layer, int y)
{
    const cpt_conv *c = &layer->conv;
    return cpt_min(c->in_h, y * c->stride - c->pad + c->kernel);
}

int cpt_stream_next(const cpt_resnet *net, int layers, const cpt_stream_rows *rows)
{
    for (int i = layers - 1; i >= 0; i--) {
        const cpt_layer *layer = &net->layers[i];
        const int y = rows->made[i + 1];
        if (y < layer->conv.out_h && rows->made[layer->in] >= end_read(layer, y) &&
            (layer->add == CPT_NO_MAP || rows->made[layer->add] > y)) {
            return i;
        }
    }
    return -1;
}

/* Counts the rows of a map that are still needed, one more of which has just been made. */
static void count_rows(cpt_stream *stream, const cpt_resnet *net, int map, const cpt_stream_rows *rows)
{
    int read = rows->made[map], added = read; /* the first rows that are still needed */
    for (int i = map; i < stream->layers; i++) {
        const cpt_layer *layer = &net->layers[i];
        if (layer->in == map) read = cpt_min(read, first_read(layer, rows->made[i + 1]));
        if (layer->add == map) added = cpt_min(added, rows->made[i + 1]);
    }
    if (!net->int8) read = added = cpt_min(read, added);
    stream->rows[map] = (uint16_t)cpt_max(stream->rows[map], rows->made[map] - read);
    stream->wide_rows[map] = (uint16_t)cpt_max(stream->wide_rows[map], rows->made[map] - added);
}

/* Whether the last map's rows so far fit into the place of the pixels that aren't needed any more. */
static bool fits_over_pixels(const cpt_resnet *net, int last, const cpt_stream_rows *rows)
{
    const int read = cpt_min(rows->made[CPT_INPUT_MAP] - CPT_STEM_BORDER, net->input_size);
    const size_t written = (size_t)rows->made[last] * cpt_map_row(net, last) * cpt_map_element(net);
    return read > 0 && written <= (size_t)read * (size_t)net->input_size * CPT_INPUT_CHANNELS;
}

void cpt_stream_plan(cpt_stream *stream, const cpt_resnet *net, int layers)
{
    cpt_stream_rows rows = {{0}};
    *stream = (cpt_stream){.layers = layers, .over_pixels = true};
    while (rows.made[layers] < cpt_map_shape_of(net, layers).h) {
        const int map = cpt_stream_next(net, layers, &rows) + 1;
        rows.made[map]++;
        count_rows(stream, net, map, &rows);
        if (map == layers && !fits_over_pixels(net, map, &rows)) stream->over_pixels = false;
    }
    stream->rows[layers] = stream->wide_rows[layers] = (uint16_t)cpt_map_shape_of(net, layers).h;
}

cpt_conv cpt_stream_conv(const cpt_layer *layer)
{
    cpt_conv conv = layer->conv;
    conv.out_h = 1;
    return conv;
}
