/* exif.c - see exif.h. */
#include "lib/image/exif.h"

#include <stdbool.h>
#include <string.h>

static unsigned u16(const uint8_t *p, bool little)
{
    return little ? (unsigned)(p[0] | p[1] << 8) : (unsigned)(p[0] << 8 | p[1]);
}

static size_t u32(const uint8_t *p, bool little)
{
    const size_t first = u16(p, little), second = u16(p + 2, little);
    return little ? first | second << 16 : first << 16 | second;
}

int cpt_exif_orientation(const uint8_t *tiff, size_t size)
{
    if (size < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0)) return 1;
    const bool little = tiff[0] == 'I';
    size_t at = u32(tiff + 4, little);
    if (at > size - 2) return 1;
    size_t entries = u16(tiff + at, little);
    at += 2;
    for (; entries > 0 && size - at >= 12; entries--, at += 12) {
        const uint8_t *entry = tiff + at; /* tag, type, count, value */
        if (u16(entry, little) == 0x0112) {
            const unsigned type = u16(entry + 2, little);
            const size_t value = type == 3 ? u16(entry + 8, little) : type == 4 ? u32(entry + 8, little) : 0;
            return u32(entry + 4, little) >= 1 && value >= 1 && value <= 8 ? (int)value : 1;
        }
    }
    return 1;
}
