/* published.h - the map that the published system shows as Grad-CAM. */
#ifndef CPT_PUBLISHED_H
#define CPT_PUBLISHED_H

/* out [positions] = the mean over the channels of map [positions, channels], 0 where it is negative, then
 * moved and scaled to 0..1.  All 0 where all means are equal. */
void cpt_published_map(const float *map, int positions, int channels, float *out);

#endif
