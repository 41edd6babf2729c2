/* Sizes that AV1 and HEVC state in their own headers; see picture_heif.h.  What is broken is left out: the
 * decoder objects to it. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_HEIF

#include "tools/common/picture_heif.h"

/* ---- bits ---- */

/* Bits of a header, the highest of a byte first; zeros behind the end. */
typedef struct bits {
    const uint8_t *data; /* [size] */
    size_t size, at;     /* at: in bits */
    bool over;           /* the end was passed */
} bits;

static uint32_t take(bits *b, unsigned count)
{
    uint32_t value = 0;
    for (; count; count--, b->at++) {
        const bool inside = b->at / 8 < b->size;
        value = value << 1 | (inside ? (uint32_t)b->data[b->at / 8] >> (7 - b->at % 8) & 1u : 0u);
        if (!inside) b->over = true;
    }
    return value;
}

static void skip(bits *b, size_t count)
{
    b->at += count;
}

/* A number after as many zeros as it has further bits: ue(v) of HEVC, and uvlc of AV1 up to 32 bits. */
static uint32_t take_long(bits *b)
{
    unsigned zeros = 0;
    while (!b->over && zeros < 32 && take(b, 1) == 0) zeros++;
    if (zeros >= 32 || b->over) return UINT32_MAX;
    return (uint32_t)((1u << zeros) - 1) + take(b, zeros);
}

static void note_size(heif_coded *coded, const bits *b, uint64_t width, uint64_t height)
{
    if (b->over) return;
    if (width > UINT32_MAX) width = UINT32_MAX;
    if (height > UINT32_MAX) height = UINT32_MAX;
    if (width > coded->width) coded->width = (uint32_t)width;
    if (height > coded->height) coded->height = (uint32_t)height;
}

/* ---- AV1 ---- */

enum { AV1_SEQUENCE = 1, AV1_FRAME_HEADER = 3, AV1_FRAME = 6 };

/* The operating points of a sequence header that isn't reduced (5.5.1). */
static void skip_points(bits *b)
{
    bool model = false;
    unsigned delay_bits = 0;
    if (take(b, 1)) { /* timing_info_present_flag */
        skip(b, 64);
        if (take(b, 1)) (void)take_long(b);
        model = take(b, 1) != 0;
        if (model) {
            delay_bits = take(b, 5) + 1;
            skip(b, 32 + 5 + 5);
        }
    }
    const bool delays = take(b, 1) != 0;
    for (unsigned points = take(b, 5) + 1; points; points--) {
        skip(b, 12);
        if (take(b, 5) > 7) skip(b, 1);
        if (model && take(b, 1)) skip(b, 2 * delay_bits + 1);
        if (delays && take(b, 1)) skip(b, 4);
    }
}

static void read_sequence(heif_coded *coded, const uint8_t *data, size_t size)
{
    bits b = {.data = data, .size = size};
    skip(&b, 3 + 1); /* profile, still picture */
    if (take(&b, 1)) {
        skip(&b, 5);
    } else {
        skip_points(&b);
    }
    const unsigned width_bits = take(&b, 4) + 1, height_bits = take(&b, 4) + 1;
    const uint64_t width = take(&b, width_bits) + UINT64_C(1), height = take(&b, height_bits) + UINT64_C(1);
    note_size(coded, &b, width, height);
}

/* leb128: seven bits a byte, the lowest first.  False where it is broken. */
static bool take_size(heif_span *span, uint64_t *size)
{
    *size = 0;
    for (unsigned i = 0; i < 8 && heif_left(span) > 0; i++) {
        const uint8_t byte = *span->at++;
        *size |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (!(byte & 0x80)) return true;
    }
    return false;
}

void heif_read_av1(heif_coded *coded, heif_span units)
{
    while (heif_left(&units) > 0) {
        const uint8_t head = *units.at++;
        if (head == 0) continue; /* libaom passes over zeros between units */
        const unsigned type = head >> 3 & 15;
        if (head & 4) (void)heif_number(&units, 1);
        uint64_t size = heif_left(&units);
        if ((head & 2) && (!take_size(&units, &size) || size > heif_left(&units))) return;
        if (type == AV1_SEQUENCE) read_sequence(coded, units.at, (size_t)size);
        if (type == AV1_FRAME || type == AV1_FRAME_HEADER) coded->frames++;
        units.at += size;
    }
}

/* ---- HEVC ---- */

enum { HEVC_SLICES = 32, HEVC_SEQUENCE = 33, MOST_SEQUENCE = 1024 };

/* sub_layers: sps_max_sub_layers_minus1 */
static void skip_profile(bits *b, unsigned sub_layers)
{
    bool profile[8] = {false}, level[8] = {false};
    skip(b, 88 + 8);
    for (unsigned i = 0; i < sub_layers; i++) {
        profile[i] = take(b, 1) != 0;
        level[i] = take(b, 1) != 0;
    }
    if (sub_layers) skip(b, 2 * (size_t)(8 - sub_layers));
    for (unsigned i = 0; i < sub_layers; i++) skip(b, (profile[i] ? 88u : 0u) + (level[i] ? 8u : 0u));
}

/* A sequence parameter set behind its header of two bytes.  A 3 behind two zeros stands there only so that no
 * start code appears. */
static void read_parameters(heif_coded *coded, const uint8_t *data, size_t size)
{
    uint8_t plain[MOST_SEQUENCE];
    size_t count = 0, zeros = 0;
    for (size_t i = 0; i < size && count < sizeof plain; i++) {
        const bool stuffed = zeros >= 2 && data[i] == 3;
        zeros = data[i] == 0 ? zeros + 1 : 0;
        if (!stuffed) plain[count++] = data[i];
    }
    bits b = {.data = plain, .size = count};
    skip(&b, 4);
    const unsigned sub_layers = take(&b, 3);
    skip(&b, 1);
    skip_profile(&b, sub_layers);
    (void)take_long(&b);
    if (take_long(&b) == 3) skip(&b, 1); /* chroma_format_idc: separate_colour_plane_flag */
    const uint64_t width = take_long(&b), height = take_long(&b);
    note_size(coded, &b, width, height);
}

/* One unit with its header. */
static void read_unit(heif_coded *coded, heif_span unit)
{
    enum { HEADER = 2 };
    if (heif_left(&unit) <= HEADER) return;
    const unsigned type = unit.at[0] >> 1 & 63;
    if (type == HEVC_SEQUENCE) read_parameters(coded, unit.at + HEADER, heif_left(&unit) - HEADER);
    if (type < HEVC_SLICES && unit.at[HEADER] & 0x80) coded->frames++; /* the first slice of a picture */
}

static void read_units(heif_coded *coded, heif_span *units, size_t length_bytes)
{
    const uint64_t size = heif_number(units, length_bytes);
    const uint64_t inside = size < heif_left(units) ? size : heif_left(units);
    read_unit(coded, (heif_span){units->at, units->at + inside});
    units->at += inside;
}

void heif_read_hevc(heif_coded *coded, heif_span units)
{
    while (heif_left(&units) > 4) read_units(coded, &units, 4); /* libheif reads lengths of 4 bytes alone */
}

void heif_read_hvcc(heif_coded *coded, heif_span body)
{
    enum { FIXED = 22 };
    if (heif_left(&body) < FIXED) return;
    body.at += FIXED;
    for (uint64_t arrays = heif_number(&body, 1); arrays && heif_left(&body) > 0; arrays--) {
        (void)heif_number(&body, 1);
        for (uint64_t n = heif_number(&body, 2); n && heif_left(&body) > 0; n--) read_units(coded, &body, 2);
    }
}

#endif
