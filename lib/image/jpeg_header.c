/* jpeg_header.c - see jpeg_header.h. */
#include "lib/image/jpeg_header.h"

#include <string.h>

#include "lib/image/exif.h"

enum { FIRST_KNOWN = 0xC0, RST0 = 0xD0, SOI = 0xD8, EOI = 0xD9, SOS = 0xDA, APP1 = 0xE1 };

/* ---- markers ---- */

/* A marker with its parameters. */
typedef struct segment {
    unsigned marker;
    const uint8_t *body; /* [length] */
    size_t length;
    size_t start; /* where the marker begins in the file */
} segment;

/* Steps to the next marker that has parameters.  libjpeg skips what lies between markers, too, and in a
 * scan's data it may skip a marker of no known kind alone.  Returns false at the end and where something is
 * cut off.
 */
static bool next_segment(const uint8_t *data, size_t size, size_t *at, segment *s)
{
    do {
        const uint8_t *found = *at < size ? memchr(data + *at, 0xFF, size - *at) : NULL;
        if (!found) return false;
        s->start = *at = (size_t)(found - data);
        while (*at < size && data[*at] == 0xFF) ++*at;
        if (*at >= size) return false;
        s->marker = data[(*at)++];
    } while (s->marker < FIRST_KNOWN || (s->marker >= RST0 && s->marker <= SOI));
    if (s->marker == EOI || size - *at < 2) return false;
    size_t length = (size_t)data[*at] << 8 | data[*at + 1];
    if (length < 2) length = 2; /* libjpeg goes on behind it, unless it needs what is missing */
    if (length > size - *at) return false;
    s->body = data + *at + 2;
    s->length = length - 2;
    *at += length;
    return true;
}

/* ---- the frame ---- */

/* C0 to CF begin a frame, except DHT (C4), JPG (C8) and DAC (CC). */
static bool is_frame(unsigned marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static int u16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static bool read_frame(const segment *s, cpt_jpeg_header *h)
{
    const uint8_t *p = s->body;
    int max_h = 1, max_v = 1;
    if (s->length < 6 || s->length != 6 + 3 * (size_t)p[5] || p[5] > CPT_JPEG_COMPONENTS) return false;
    h->height = u16(p + 1);
    h->width = u16(p + 3);
    h->components = p[5];
    h->staged = s->marker == 0xC2 || s->marker == 0xC6 || s->marker == 0xCA || s->marker == 0xCE;
    for (int i = 0; i < h->components; i++) {
        const int factors = p[7 + 3 * i];
        if (factors >> 4 < 1 || factors >> 4 > 4 || (factors & 15) < 1 || (factors & 15) > 4) return false;
        if (factors >> 4 > max_h) max_h = factors >> 4;
        if ((factors & 15) > max_v) max_v = factors & 15;
    }
    for (int i = 0; i < h->components; i++) { /* padded to minimum coded units, as in libjpeg */
        const int factors = p[7 + 3 * i];
        const size_t across = (size_t)((h->width + 8 * max_h - 1) / (8 * max_h)) * (size_t)(factors >> 4);
        const size_t down = (size_t)((h->height + 8 * max_v - 1) / (8 * max_v)) * (size_t)(factors & 15);
        const size_t blocks_row = round_up(across * 8, 64),
                     row = round_up((size_t)h->width + (size_t)max_h, 64);
        h->ids[i] = p[6 + 3 * i];
        h->blocks[i] = (uint64_t)across * down;
        h->coefficients += across * down * 64;
        /* a row of blocks and two more for context, a group of up-sampled rows, pointers to all of them */
        h->row_memory += blocks_row * (size_t)(factors & 15) * 10 + row * (size_t)max_v + (8u << 10);
    }
    return true;
}

static bool has_component(const cpt_jpeg_header *h, uint8_t id)
{
    for (int i = 0; i < h->components; i++) {
        if (h->ids[i] == id) return true;
    }
    return false;
}

/* Up to four components, each with its tables, and three bytes more. */
static bool check_scan(const segment *s, const cpt_jpeg_header *h)
{
    if (s->length < 1 || s->body[0] < 1 || s->body[0] > 4 || s->length != 4 + 2 * (size_t)s->body[0]) {
        return false;
    }
    for (int n = 0; n < s->body[0]; n++) {
        if (!has_component(h, s->body[1 + 2 * n])) return false;
    }
    return true;
}

const char *cpt_jpeg_scan(const uint8_t *data, size_t size, cpt_jpeg_header *h)
{
    bool found = false, oriented = false;
    memset(h, 0, sizeof *h);
    h->orientation = 1;
    size_t at = 2; /* behind SOI */
    for (segment s; next_segment(data, size, &at, &s);) {
        if (is_frame(s.marker)) {
            if (found) return "two frame headers";
            found = read_frame(&s, h);
            if (!found) return "malformed frame header";
        } else if (s.marker == APP1 && !oriented && s.length >= 6 && memcmp(s.body, "Exif\0\0", 6) == 0) {
            h->orientation = cpt_exif_orientation(s.body + 6, s.length - 6);
            oriented = true;
        } else if (s.marker == SOS) {
            if (!found) return "no frame header";
            if (!check_scan(&s, h)) return "malformed scan header";
            if (s.body[0] < h->components) h->staged = true;
            h->first_scan = s.start;
            return NULL;
        }
    }
    return found ? "it ends before its first scan" : "no usable header";
}

/* ---- all scans ---- */

/* The blocks of the components that a scan names. */
static uint64_t scan_blocks(const segment *s, const cpt_jpeg_header *h)
{
    const size_t named = s->length > 0 ? s->body[0] : 0;
    uint64_t blocks = 0;
    for (size_t n = 0; n < named && 2 + 2 * n < s->length; n++) {
        for (int i = 0; i < h->components; i++) {
            if (h->ids[i] == s->body[1 + 2 * n]) blocks += h->blocks[i];
        }
    }
    return blocks;
}

cpt_jpeg_work cpt_jpeg_count_work(const uint8_t *data, size_t size, const cpt_jpeg_header *h)
{
    cpt_jpeg_work work = {.blocks = (uint64_t)h->width * (uint64_t)h->height / 64};
    size_t at = h->first_scan;
    for (segment s; next_segment(data, size, &at, &s);) {
        if (s.marker != SOS) continue;
        work.scans++;
        work.blocks += scan_blocks(&s, h);
    }
    return work;
}
