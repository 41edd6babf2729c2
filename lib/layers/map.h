/* map.h - how a map [height, width, channels] lies in memory. */
#ifndef CPT_MAP_H
#define CPT_MAP_H

/* The pitch of a map of floats: floats from one position to the next.
 *
 * A product reads the same channel of many positions one after the other.  When a position's channels fill a
 * multiple of 2 KiB, those reads fall into a few sets of the first-level cache (often 8 lines of every 4 KiB)
 * and drive each other out.  Such maps leave one cache line free after each position. */
static inline int cpt_map_pitch(int channels)
{
    enum { CONFLICT = 512, LINE = 16 }; /* floats */
    return channels % CONFLICT == 0 ? channels + LINE : channels;
}

/* The same for bytes, whose positions are filled up to whole quads. */
static inline int cpt_map_pitch_u8(int channels)
{
    enum { CONFLICT = 2048, LINE = 64, QUAD = 4 }; /* bytes */
    return channels % CONFLICT == 0 ? channels + LINE : (channels + QUAD - 1) / QUAD * QUAD;
}

#endif
