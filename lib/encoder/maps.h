/* maps.h - the shapes of the encoder's maps, and how they lie in memory. */
#ifndef CPT_MAPS_H
#define CPT_MAPS_H

#include "lib/encoder/resnet.h"
#include "lib/layers/map.h"

enum {
    CPT_INPUT_MAP = 0,
    CPT_INPUT_CHANNELS = 3,
    CPT_POOL_MAP = 2, /* the max pool's output; map 1 is the stem's */
    CPT_NO_MAP = -1,
    CPT_RESNET_GROUP = 4 /* images at most in a group; more are no faster */
};

typedef struct cpt_map_shape {
    int h, w, c;
} cpt_map_shape;

static inline cpt_map_shape cpt_map_shape_of(const cpt_resnet *net, int map)
{
    const int side = net->input_size + 2 * CPT_STEM_BORDER;
    if (map == CPT_INPUT_MAP) return (cpt_map_shape){side, side, CPT_INPUT_CHANNELS};
    const cpt_conv *conv = &net->layers[map - 1].conv;
    return (cpt_map_shape){conv->out_h, conv->out_w, conv->out_c};
}

/* Bytes of an element of any map. */
static inline size_t cpt_map_element(const cpt_resnet *net)
{
    return net->int8 ? sizeof(uint8_t) : sizeof(float);
}

/* Elements from one position to the next.  A last map of floats is the caller's, without gaps; so are those
 * of the max pool and before it, as they never have many channels. */
static inline int cpt_map_pitch_of(const cpt_resnet *net, int map)
{
    const int channels = cpt_map_shape_of(net, map).c;
    if (net->int8) return cpt_map_pitch_u8(channels);
    return map > CPT_POOL_MAP && map < CPT_RESNET_LAYERS ? cpt_map_pitch(channels) : channels;
}

/* Elements of one row of a map; no map of a network that was bound is too large for a size_t. */
static inline size_t cpt_map_row(const cpt_resnet *net, int map)
{
    return (size_t)cpt_map_shape_of(net, map).w * (size_t)cpt_map_pitch_of(net, map);
}

/* Bytes of one image of a map. */
static inline size_t cpt_map_bytes(const cpt_resnet *net, int map)
{
    return (size_t)cpt_map_shape_of(net, map).h * cpt_map_row(net, map) * cpt_map_element(net);
}

#endif
