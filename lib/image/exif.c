/* exif.c - see exif.h. */
#include "lib/image/exif.h"

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

/* C0 to CF begin a frame, except DHT (C4), JPG (C8) and DAC (CC). */
static bool is_frame(unsigned marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static bool read_frame(const uint8_t *p, size_t length, unsigned marker, cpt_jpeg_header *h)
{
    int max_h = 1, max_v = 1;
    if (length < 6 || length < 6 + 3 * (size_t)p[5]) return false;
    h->height = (int)u16(p + 1, false);
    h->width = (int)u16(p + 3, false);
    h->components = p[5];
    h->staged = marker == 0xC2 || marker == 0xC6 || marker == 0xCA || marker == 0xCE;
    for (int i = 0; i < h->components; i++) {
        const int factors = p[7 + 3 * i];
        if (factors >> 4 > max_h) max_h = factors >> 4;
        if ((factors & 15) > max_v) max_v = factors & 15;
    }
    for (int i = 0; i < h->components; i++) { /* padded to minimum coded units, as in libjpeg */
        const int factors = p[7 + 3 * i];
        const size_t across = (size_t)((h->width + 8 * max_h - 1) / (8 * max_h)) * (size_t)(factors >> 4);
        const size_t down = (size_t)((h->height + 8 * max_v - 1) / (8 * max_v)) * (size_t)(factors & 15);
        const size_t blocks_row = round_up(across * 8, 64), row = round_up((size_t)(h->width + max_h), 64);
        h->coefficients += across * down * 64;
        /* a row of blocks and two more for context, a group of up-sampled rows, pointers to all of them */
        h->row_memory += blocks_row * (size_t)(factors & 15) * 10 + row * (size_t)max_v + (8u << 10);
    }
    return true;
}

bool cpt_jpeg_scan(const uint8_t *data, size_t size, cpt_jpeg_header *h)
{
    bool found = false, oriented = false;
    memset(h, 0, sizeof *h);
    h->orientation = 1;
    size_t at = 2; /* behind SOI */
    while (at < size) {
        while (at < size && data[at] != 0xFF) at++; /* libjpeg skips what lies between markers, too */
        while (at < size && data[at] == 0xFF) at++;
        if (at >= size) break;
        const unsigned marker = data[at++];
        if (marker == 0 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;
        if (marker == 0xD9 || size - at < 2) break;
        const size_t length = u16(data + at, false);
        if (length < 2 || length > size - at) break;
        const uint8_t *body = data + at + 2;
        if (is_frame(marker) && !found) {
            found = read_frame(body, length - 2, marker, h);
        } else if (marker == 0xE1 && !oriented && length >= 8 && memcmp(body, "Exif\0\0", 6) == 0) {
            h->orientation = cpt_exif_orientation(body + 6, length - 8);
            oriented = true;
        } else if (marker == 0xDA) {
            if (found && length >= 3 && body[0] < h->components) h->staged = true;
            break;
        }
        at += length;
    }
    return found;
}
