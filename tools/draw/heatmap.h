/* Heat maps over pictures: a small map is enlarged, its values become colours, and the picture shines
 * through.
 *
 * Nothing here allocates or prints. */
#ifndef TOOLS_DRAW_HEATMAP_H
#define TOOLS_DRAW_HEATMAP_H

#include <stddef.h>
#include <stdint.h>

typedef enum heatmap_colors {
    HEATMAP_VIRIDIS, /* perceptually even: equal steps of the value look equally large */
    HEATMAP_JET,     /* blue, green, red: what many published figures use */
} heatmap_colors;

/* Their names, in that order; NULL behind the last. */
extern const char *const heatmap_color_names[];

/* The part of the colour in a blended pixel; the picture has the rest. */
#define HEATMAP_WEIGHT 0.55f

/* Moves values [count] into 0..1, the smallest to 0 and the largest to 1.  Values that are all equal, or not
 * all finite, become 0. */
void heatmap_normalise(float *values, size_t count);

/* Enlarges map [side, side] to out [size, size], bilinearly: the centre of a pixel is where it lies, and the
 * map goes on at its edge as it ends.  Equals PyTorch's interpolate(mode="bilinear", align_corners=False). */
void heatmap_enlarge(float *out, int size, const float *map, int side);

/* The colour of a value, 0..1; values outside count as the nearer end. */
void heatmap_color(uint8_t rgb[3], float value, heatmap_colors colors);

/* Blends: rgb [count, 3] = weight * colour(values [count]) + (1 - weight) * rgb, rounded; weight 0..1. */
void heatmap_blend(uint8_t *rgb, const float *values, size_t count, heatmap_colors colors, float weight);

#endif
