/* images.c - hostile pictures; see attack.h. */
#include "test/attack/attack.h"
#include "test/fixture.h"
#include "test/make_model.h"

static uint64_t get_big(const unsigned char *p, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | p[i];
    return value;
}

static void set_big(unsigned char *p, uint64_t value, size_t size)
{
    for (size_t i = size; i-- > 0; value >>= 8) p[i] = (unsigned char)(value & 255);
}

/* Numbers that a header may have for a side. */
static uint64_t roll_side(dice *d)
{
    static const uint64_t sides[] = {0, 1, 2, 7, 64, 4096, 8000, 8001, 32767, 65500, 65535, 0x7FFFFFFF};
    return one_in(d, 6) ? roll_edge(d) : sides[roll_below(d, sizeof sides / sizeof sides[0])];
}

/* ---- JPEG ---- */

enum { MAX_SEGMENTS = 256, SOF0 = 0xC0, SOF15 = 0xCF, DHT = 0xC4, SOS = 0xDA, APP1 = 0xE1 };

/* The places of markers in front of data that are entropy-coded, and of the SOS of each scan. */
static size_t find_segments(const bytes *b, size_t *places)
{
    size_t count = 0, at = 2;
    while (at + 4 <= b->size && count < MAX_SEGMENTS) {
        if (b->at[at] != 0xFF || b->at[at + 1] < 0xC0 || (b->at[at + 1] & 0xF8) == 0xD0) {
            at++; /* between the segments of two scans */
            continue;
        }
        places[count++] = at;
        at += 2 + (size_t)get_big(b->at + at + 2, 2);
    }
    return count;
}

static size_t segment_size(const bytes *b, size_t at)
{
    return 2 + (size_t)get_big(b->at + at + 2, 2);
}

static void attack_frame(bytes *b, dice *d)
{
    size_t places[MAX_SEGMENTS];
    const size_t count = find_segments(b, places);
    for (size_t i = 0; i < count; i++) {
        unsigned char *p = b->at + places[i];
        if (p[1] < SOF0 || p[1] > SOF15 || p[1] == DHT || places[i] + 12 > b->size) continue;
        if (!one_in(d, 3)) set_big(p + 5, roll_side(d), 2);
        if (!one_in(d, 3)) set_big(p + 7, roll_side(d), 2);
        if (one_in(d, 4)) p[1] = (unsigned char)(SOF0 + roll_below(d, 16));
        if (one_in(d, 4)) p[4] = (unsigned char)roll_edge(d);  /* bits */
        if (one_in(d, 4)) p[9] = (unsigned char)roll_edge(d);  /* colours */
        if (one_in(d, 4)) p[11] = (unsigned char)roll_edge(d); /* sampling of the first */
    }
}

/* Doubles segments, drops them, swaps two. */
static void attack_segments(bytes *b, dice *d)
{
    size_t places[MAX_SEGMENTS];
    const size_t count = find_segments(b, places);
    if (count == 0) return;
    const size_t at = places[roll_below(d, count)], to = places[roll_below(d, count)];
    bytes piece = {0};
    size_t size = segment_size(b, at);
    if (size > b->size - at) size = b->size - at;
    put(&piece, b->at + at, size);
    if (one_in(d, 3)) {
        splice(b, at, size, NULL, 0);
    } else {
        size_t times = one_in(d, 4) ? 2000 : 1;
        while (times-- > 0) splice(b, to, 0, piece.at, piece.size);
    }
    free_bytes(&piece);
}

/* Scan after scan of the same data: each costs the time of the whole picture. */
static void attack_scans(bytes *b, dice *d)
{
    size_t places[MAX_SEGMENTS], times = one_in(d, 2) ? 60 : 300;
    const size_t count = find_segments(b, places);
    bytes scans = {0};
    for (size_t i = 0; i < count; i++) {
        if (b->at[places[i] + 1] != SOS) continue;
        const size_t end = i + 1 < count ? places[i + 1] : b->size - 2;
        while (times-- > 0) put(&scans, b->at + places[i], end - places[i]);
        splice(b, end, 0, scans.at, scans.size);
        break;
    }
    free_bytes(&scans);
    if (one_in(d, 2)) attack_frame(b, d);
}

static void attack_exif(bytes *b, dice *d)
{
    bytes exif = {0}, segment = {0};
    const size_t entries = one_in(d, 4) ? 5000 : roll_below(d, 5);
    put(&exif, "Exif\0\0II*\0\10\0\0\0", 14);
    put_number(&exif, one_in(d, 4) ? roll_edge(d) : entries, 2);
    for (size_t i = 0; i < entries; i++) {
        put_number(&exif, one_in(d, 2) ? 0x0112 : roll(d) & 0xFFFF, 2);
        put_number(&exif, one_in(d, 4) ? roll_edge(d) : 3, 2);
        put_number(&exif, one_in(d, 4) ? roll_edge(d) : 1, 4);
        put_number(&exif, one_in(d, 4) ? roll_edge(d) : roll_below(d, 10), 4);
    }
    put_number(&exif, one_in(d, 2) ? 8 : roll_edge(d), 4); /* the next directory: this one again */
    put(&segment, "\xFF\xE1", 2);
    put_number(&segment, 0, 2);
    set_big(segment.at + 2, one_in(d, 6) ? roll_edge(d) : exif.size + 2, 2);
    put_bytes(&segment, &exif);
    splice(b, 2, 0, segment.at, segment.size);
    free_bytes(&exif);
    free_bytes(&segment);
}

void attack_jpeg(bytes *out, dice *d)
{
    size_t size;
    const uint32_t seed = (uint32_t)roll_below(d, 1000);
    unsigned char *image = one_in(d, 2) ? fixture_jpeg(seed, &size) : fixture_progressive(seed, &size);
    if (!image) abort();
    put(out, image, size);
    free(image);
    switch (roll_below(d, 7)) {
    case 0:
        attack_frame(out, d);
        break;
    case 1:
        attack_segments(out, d);
        break;
    case 2:
        attack_scans(out, d);
        break;
    case 3:
        attack_exif(out, d);
        break;
    case 4:
        attack_frame(out, d);
        damage(out, d);
        break;
    default:
        damage(out, d);
    }
}

/* ---- PNG ---- */

enum { SIGNATURE = 8, MAX_CHUNKS = 256, CHUNK_EXTRA = 12 };

static size_t find_chunks(const bytes *b, size_t *places)
{
    size_t count = 0, at = SIGNATURE;
    while (at + CHUNK_EXTRA <= b->size && count < MAX_CHUNKS) {
        const uint64_t size = get_big(b->at + at, 4);
        if (size > b->size - at - CHUNK_EXTRA) break;
        places[count++] = at;
        at += (size_t)size + CHUNK_EXTRA;
    }
    return count;
}

static void seal_chunks(bytes *b)
{
    size_t places[MAX_CHUNKS];
    const size_t count = find_chunks(b, places);
    for (size_t i = 0; i < count; i++) {
        unsigned char *p = b->at + places[i];
        const size_t size = (size_t)get_big(p, 4);
        set_big(p + 8 + size, make_model_crc(p + 4, size + 4), 4);
    }
}

static void put_chunk(bytes *b, const char *type, const void *data, size_t size)
{
    const size_t at = b->size;
    put_number(b, 0, 4);
    set_big(b->at + at, size, 4);
    put(b, type, 4);
    put(b, data, size);
    put_number(b, 0, 4);
    set_big(b->at + b->size - 4, make_model_crc(b->at + at + 4, size + 4), 4);
}

static void put_end(bytes *b)
{
    put_chunk(b, "IEND", NULL, 0);
}

/* Deflated zeros: a thousand bytes of a picture or of a text for each byte of the file. */
static void put_zeros(bytes *out, size_t count)
{
    unsigned char zeros[1 << 14] = {0}, packed[1 << 14];
    z_stream z;
    memset(&z, 0, sizeof z);
    if (deflateInit(&z, 9) != Z_OK) abort();
    int status = Z_OK;
    while (status != Z_STREAM_END) {
        const size_t piece = count < sizeof zeros ? count : sizeof zeros;
        z.next_in = zeros;
        z.avail_in = (uInt)piece;
        count -= piece;
        do {
            z.next_out = packed;
            z.avail_out = sizeof packed;
            status = deflate(&z, count ? Z_NO_FLUSH : Z_FINISH);
            put(out, packed, sizeof packed - z.avail_out);
        } while (z.avail_out == 0);
    }
    (void)deflateEnd(&z);
}

/* A picture of zeros: as large as `side` says, or only by its header. */
static void make_giant(bytes *out, dice *d)
{
    static const unsigned char types[] = {0, 2, 3, 4, 6}, depths[] = {1, 2, 4, 8, 16};
    unsigned char head[13] = {0};
    bytes pixels = {0};
    const uint64_t width = roll_side(d), height = roll_side(d);
    set_big(head, width, 4);
    set_big(head + 4, height, 4);
    head[8] = depths[roll_below(d, sizeof depths)];
    head[9] = types[roll_below(d, sizeof types)];
    head[12] = (unsigned char)roll_below(d, 2);
    out->size = 0;
    put(out, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(out, "IHDR", head, sizeof head);
    if (head[9] == 3) put_chunk(out, "PLTE", "\0\0\0\xFF\xFF\xFF", 6);
    put_zeros(&pixels, one_in(d, 3) ? 64 : (size_t)1 << (10 + roll_below(d, 17)));
    put_chunk(out, "IDAT", pixels.at, pixels.size);
    free_bytes(&pixels);
    put_end(out);
}

/* Chunks that are no pixels, large or many. */
static void add_chunks(bytes *b, dice *d)
{
    static const char *const types[] = {"tEXt", "zTXt", "iTXt", "iCCP", "PLTE", "tRNS", "gAMA",
                                        "eXIf", "acTL", "fcTL", "IDAT", "IHDR", "aBCd", "ABCD"};
    bytes chunks = {0}, data = {0};
    const char *type = types[roll_below(d, sizeof types / sizeof types[0])];
    put(&data, "name\0\0", 6);
    if (one_in(d, 2)) put_zeros(&data, (size_t)1 << (10 + roll_below(d, 15)));
    if (one_in(d, 2)) put_text(&data, roll_text(d));
    for (size_t times = one_in(d, 4) ? 3000 : 1; times > 0 && chunks.size < 1 << 20; times--) {
        put_chunk(&chunks, type, data.at, data.size);
    }
    size_t places[MAX_CHUNKS];
    const size_t count = find_chunks(b, places);
    splice(b, places[roll_below(d, count)], 0, chunks.at, chunks.size);
    free_bytes(&chunks);
    free_bytes(&data);
}

static void attack_header(bytes *b, dice *d)
{
    unsigned char *head = b->at + SIGNATURE + 8;
    if (one_in(d, 2)) set_big(head, roll_side(d), 4);
    if (one_in(d, 2)) set_big(head + 4, roll_side(d), 4);
    if (one_in(d, 2)) head[8 + roll_below(d, 5)] = (unsigned char)roll_below(d, 20);
}

void attack_png(bytes *out, dice *d)
{
    size_t size;
    unsigned char *image = fixture_png((uint32_t)roll_below(d, 1000), &size);
    if (!image) abort();
    put(out, image, size);
    free(image);
    switch (roll_below(d, 6)) {
    case 0:
        make_giant(out, d);
        break;
    case 1:
        add_chunks(out, d);
        break;
    case 2:
        attack_header(out, d);
        break;
    case 3:
        add_chunks(out, d);
        damage(out, d);
        break;
    default:
        damage(out, d);
    }
    if (!one_in(d, 10)) seal_chunks(out);
}
