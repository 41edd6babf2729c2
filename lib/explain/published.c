/* published.c - see published.h.
 *
 * Its target is the mean of all features, whose gradient is the same everywhere.  So all channels weigh the
 * same, and what that weight is disappears when the map is scaled. */
#include "lib/explain/published.h"

#include <stddef.h>

void cpt_published_map(const float *map, int positions, int channels, float *out)
{
    float least = 0, most = 0;
    for (int p = 0; p < positions; p++, map += (size_t)channels) {
        double sum = 0;
        for (int c = 0; c < channels; c++) sum += (double)map[c];
        const float mean = (float)(sum / channels);
        out[p] = mean < 0 ? 0 : mean; /* NaN is not below 0 */
        if (p == 0 || out[p] < least) least = out[p];
        if (p == 0 || out[p] > most) most = out[p];
    }
    for (int p = 0; p < positions; p++) out[p] = most > least ? (out[p] - least) / (most - least) : 0;
}
