/* Heat maps over pictures; see heatmap.h. */
#include "tools/draw/heatmap.h"

#include <math.h>

/* ---- values ---- */

void heatmap_normalise(float *values, size_t count)
{
    float least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            least = most = 0;
            break;
        }
        least = fminf(least, values[i]);
        most = fmaxf(most, values[i]);
    }
    const float range = most - least;
    for (size_t i = 0; i < count; i++) {
        values[i] = range > 0 && isfinite(range) ? (values[i] - least) / range : 0;
    }
}

/* Where a pixel of the large map lies in the small one: between `first` and `second`. */
typedef struct spot {
    int first, second;
    float weight; /* of `second` */
} spot;

static spot find_spot(int index, int size, int side)
{
    const float scale = (float)side / (float)size;
    const float at = fmaxf(scale * ((float)index + 0.5f) - 0.5f, 0);
    const int first = (int)at < side - 1 ? (int)at : side - 1;
    return (spot){first, first < side - 1 ? first + 1 : first, at - (float)first};
}

void heatmap_enlarge(float *out, int size, const float *map, int side)
{
    for (int y = 0; y < size; y++) {
        const spot row = find_spot(y, size, side);
        const float *above = map + (size_t)row.first * (size_t)side;
        const float *below = map + (size_t)row.second * (size_t)side;
        for (int x = 0; x < size; x++) {
            const spot column = find_spot(x, size, side);
            const float left = 1 - column.weight, right = column.weight;
            *out++ = (1 - row.weight) * (left * above[column.first] + right * above[column.second]) +
                     row.weight * (left * below[column.first] + right * below[column.second]);
        }
    }
}

/* ---- colours ---- */

const char *const heatmap_color_names[] = {"viridis", "jet", NULL};

/* Colours at even distances, and straight lines between them. */
typedef struct ramp {
    const uint8_t (*colors)[3]; /* [count] */
    int count;
} ramp;

/* viridis, by Stefan van der Walt and Nathaniel Smith (2015; CC0): every fifth of its 256 colours.  Between
 * them a straight line differs from the original by less than 1. */
/* clang-format off */
static const uint8_t viridis[][3] = {
    {68, 1, 84}, {70, 8, 92}, {71, 16, 99}, {72, 23, 105}, {72, 29, 111}, {72, 36, 117}, {71, 42, 122},
    {70, 48, 126}, {69, 55, 129}, {67, 61, 132}, {65, 66, 135}, {63, 72, 137}, {61, 78, 138}, {58, 83, 139},
    {56, 89, 140}, {53, 94, 141}, {51, 99, 141}, {49, 104, 142}, {46, 109, 142}, {44, 113, 142}, {42, 118, 142},
    {41, 123, 142}, {39, 128, 142}, {37, 132, 142}, {35, 137, 142}, {33, 142, 141}, {32, 146, 140}, {31, 151, 139},
    {30, 156, 137}, {31, 161, 136}, {33, 165, 133}, {36, 170, 131}, {40, 174, 128}, {46, 179, 124}, {53, 183, 121},
    {61, 188, 116}, {70, 192, 111}, {80, 196, 106}, {90, 200, 100}, {101, 203, 94}, {112, 207, 87}, {124, 210, 80},
    {137, 213, 72}, {149, 216, 64}, {162, 218, 55}, {176, 221, 47}, {189, 223, 38}, {202, 225, 31}, {216, 226, 25},
    {229, 228, 25}, {241, 229, 29}, {253, 231, 37},
};
/* clang-format on */

static void mix_ramp(float rgb[3], float value, const ramp *r)
{
    const float at = value * (float)(r->count - 1);
    const int first = (int)at < r->count - 1 ? (int)at : r->count - 2;
    const float weight = at - (float)first;
    for (int c = 0; c < 3; c++) {
        rgb[c] = (1 - weight) * (float)r->colors[first][c] + weight * (float)r->colors[first + 1][c];
    }
}

/* Each channel is a trapezium as wide as half the range: 1.5 - |4 value - middle|, cut to 0..1, where the
 * middle of blue is 1, of green 2 and of red 3. */
static void mix_jet(float rgb[3], float value)
{
    for (int c = 0; c < 3; c++) {
        const float height = 1.5f - fabsf(4 * value - (float)(3 - c));
        rgb[c] = 255 * fminf(fmaxf(height, 0), 1);
    }
}

static void mix_color(float rgb[3], float value, heatmap_colors colors)
{
    static const ramp even = {viridis, (int)(sizeof viridis / sizeof viridis[0])};
    const float inside = fminf(fmaxf(value, 0), 1); /* NaN becomes 0 */
    if (colors == HEATMAP_JET) {
        mix_jet(rgb, inside);
    } else {
        mix_ramp(rgb, inside, &even);
    }
}

void heatmap_color(uint8_t rgb[3], float value, heatmap_colors colors)
{
    float mixed[3];
    mix_color(mixed, value, colors);
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(mixed[c] + 0.5f);
}

void heatmap_blend(uint8_t *rgb, const float *values, size_t count, heatmap_colors colors, float weight)
{
    for (size_t i = 0; i < count; i++) {
        float mixed[3];
        mix_color(mixed, values[i], colors);
        for (int c = 0; c < 3; c++) {
            uint8_t *byte = &rgb[3 * i + (size_t)c];
            *byte = (uint8_t)(weight * mixed[c] + (1 - weight) * (float)*byte + 0.5f);
        }
    }
}
