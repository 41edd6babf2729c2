/* Tests of what HEIF's coded bytes say of themselves: the sizes in the headers of AV1 and HEVC, how many
 * frames there are, and files whose own header says something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/common/text.h"

#if TOOL_WITH_HEIF
#include "tools/common/picture_heif.h"

/* ---- bits ---- */

typedef struct bits {
    uint8_t data[4096];
    size_t at; /* in bits */
} bits;

static void put(bits *b, uint64_t value, unsigned count)
{
    assert_true(b->at + count <= 8 * sizeof b->data);
    for (; count; b->at++) {
        const uint8_t bit = (uint8_t)(value >> --count & 1);
        b->data[b->at / 8] |= (uint8_t)(bit << (7 - b->at % 8));
    }
}

/* ue(v): as many zeros as the number and one has bits behind its highest. */
static void put_long(bits *b, uint32_t value)
{
    unsigned size = 1;
    while (((uint64_t)value + 1) >> size) size++;
    put(b, 0, size - 1);
    put(b, (uint64_t)value + 1, size);
}

static size_t bytes_of(const bits *b)
{
    return (b->at + 7) / 8;
}

/* ---- AV1 ---- */

/* What is before the sizes, as section 5.5.1 of the AV1 specification has it. */
typedef enum sequence { REDUCED, PLAIN, TIMED } sequence;

static void put_points(bits *b, sequence kind)
{
    if (kind == REDUCED) {
        put(b, 5, 5);
        return;
    }
    put(b, kind == TIMED, 1);
    if (kind == TIMED) {
        put(b, 1, 32);
        put(b, 25, 32);
        put(b, 1, 1);
        put_long(b, 6); /* uvlc has the form of ue(v) */
        put(b, 1, 1);   /* a decoder model: delays of 10 bits */
        put(b, 9, 5);
        put(b, 77, 32);
        put(b, 3, 5);
        put(b, 4, 5);
    }
    put(b, 1, 1); /* display delays */
    put(b, 1, 5); /* two operating points */
    for (unsigned level = 7; level <= 8; level++) {
        put(b, 0x101, 12);
        put(b, level, 5);
        if (level > 7) put(b, 1, 1);
        if (kind == TIMED) put(b, level == 7, 1);
        if (kind == TIMED && level == 7) put(b, 0x12345, 21);
        put(b, level == 8, 1);
        if (level == 8) put(b, 9, 4);
    }
}

static size_t make_sequence(uint8_t *to, sequence kind, uint32_t width, uint32_t height)
{
    bits b = {.at = 0};
    put(&b, 0, 3);
    put(&b, 1, 1);
    put(&b, kind == REDUCED, 1);
    put_points(&b, kind);
    put(&b, 15, 4);
    put(&b, 13, 4);
    put(&b, width - 1, 16);
    put(&b, height - 1, 14);
    put(&b, 0, 10); /* what stands behind them */
    to[0] = 1 << 3 | 2;
    to[1] = (uint8_t)bytes_of(&b);
    memcpy(to + 2, b.data, bytes_of(&b));
    return 2 + bytes_of(&b);
}

static void sizes_of_av1(void **state)
{
    (void)state;
    for (sequence kind = REDUCED; kind <= TIMED; kind++) {
        uint8_t units[512] = {2 << 3 | 2, 0}; /* a temporal delimiter */
        size_t size = 2 + make_sequence(units + 2, kind, 8000, 6000);
        units[size++] = 0;          /* what is none, and stands between units */
        units[size++] = 6 << 3 | 4; /* a frame up to the end, with a byte of extension */
        units[size++] = 0;
        units[size++] = 0xFF;
        heif_coded coded = {0};
        heif_read_av1(&coded, (heif_span){units, units + size});
        assert_int_equal(coded.width, 8000);
        assert_int_equal(coded.height, 6000);
        assert_int_equal(coded.frames, 1);
        for (size_t cut = 0; cut < size; cut++) { /* in memory of its own, for sanitizers */
            uint8_t *copy = malloc(cut + 1);
            assert_non_null(copy);
            memcpy(copy, units, cut);
            coded = (heif_coded){0};
            heif_read_av1(&coded, (heif_span){copy, copy + cut});
            assert_true(coded.width == 0 || coded.width == 8000);
            free(copy);
        }
    }
}

/* The largest of several counts, and every frame. */
static void many_frames_of_av1(void **state)
{
    (void)state;
    uint8_t units[512];
    size_t size = make_sequence(units, REDUCED, 64, 900);
    for (int i = 0; i < 3; i++) {
        units[size++] = 3 << 3 | 2; /* a frame header of one byte */
        units[size++] = 1;
        units[size++] = 0x80;
    }
    size += make_sequence(units + size, PLAIN, 700, 64);
    heif_coded coded = {0};
    heif_read_av1(&coded, (heif_span){units, units + size});
    assert_int_equal(coded.width, 700);
    assert_int_equal(coded.height, 900);
    assert_int_equal(coded.frames, 3);
}

/* ---- HEVC ---- */

/* A sequence parameter set as section 7.3.2.2 of H.265 has it, up to the sizes, with its length before it. */
static size_t make_parameters(uint8_t *to, unsigned length_bytes, unsigned sub_layers, uint32_t width)
{
    bits b = {.at = 0};
    size_t size = length_bytes, zeros = 0;
    put(&b, 33 << 9 | 1, 16);
    put(&b, 0, 4);
    put(&b, sub_layers, 3);
    put(&b, 1, 1);
    put(&b, 1, 8); /* profile and level: 12 bytes, most of them zero */
    for (int i = 0; i < 11; i++) put(&b, 0, 8);
    for (unsigned i = 0; i < sub_layers; i++) put(&b, i == 0 ? 3 : 1, 2);
    if (sub_layers) put(&b, 0, 2 * (8 - sub_layers));
    for (unsigned i = 0; i < sub_layers; i++) {
        for (int k = 0; i == 0 && k < 11; k++) put(&b, 0, 8);
        put(&b, 0x5A, 8);
    }
    put_long(&b, 0);
    put_long(&b, 3); /* 4:4:4 */
    put(&b, 0, 1);
    put_long(&b, width);
    put_long(&b, 3000);
    put(&b, 0x80, 8);
    for (size_t i = 0; i < bytes_of(&b); i++) {
        if (zeros >= 2 && b.data[i] <= 3) {
            to[size++] = 3;
            zeros = 0;
        }
        zeros = b.data[i] == 0 ? zeros + 1 : 0;
        to[size++] = b.data[i];
    }
    for (unsigned i = 0; i < length_bytes; i++) {
        to[i] = (uint8_t)((size - length_bytes) >> 8 * (length_bytes - 1 - i));
    }
    return size;
}

static void sizes_of_hevc(void **state)
{
    (void)state;
    for (unsigned sub_layers = 0; sub_layers <= 6; sub_layers += 3) {
        uint8_t units[512] = {0};
        heif_coded coded = {0};
        size_t size = make_parameters(units, 4, sub_layers, 4000);
        for (int i = 0; i < 3; i++) { /* two pictures, one of two slices */
            const uint8_t slice[] = {0, 0, 0, 3, 19 << 1, 1, i == 1 ? 0x20 : 0x80};
            memcpy(units + size, slice, sizeof slice);
            size += sizeof slice;
        }
        heif_read_hevc(&coded, (heif_span){units, units + size});
        assert_int_equal(coded.width, 4000);
        assert_int_equal(coded.height, 3000);
        assert_int_equal(coded.frames, 2);
        uint8_t property[512] = {1};
        property[22] = 1; /* arrays */
        property[23] = 33;
        property[25] = 1; /* units */
        size = 26 + make_parameters(property + 26, 2, sub_layers, 5000);
        coded = (heif_coded){0};
        heif_read_hvcc(&coded, (heif_span){property, property + size});
        assert_int_equal(coded.width, 5000);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut + 1);
            assert_non_null(copy);
            memcpy(copy, property, cut);
            coded = (heif_coded){0};
            heif_read_hvcc(&coded, (heif_span){copy, copy + cut});
            heif_read_hevc(&coded, (heif_span){copy, copy + cut});
            assert_true(coded.width == 0 || coded.width == 5000);
            free(copy);
        }
    }
}

/* ---- files ---- */

static void assert_refused(const char *name, void *data, size_t size, const char *reason)
{
    const picture_limits limits = {.memory = 256 << 20, .pixels = 64000000};
    const picture_source source = {.name = name, .data = data, .size = size};
    tool_error err = {{0}};
    picture p;
    assert_false(picture_decode(&p, &source, &limits, &err));
    assert_string_equal(err.message, reason);
}

static void larger_than_the_header(void **state)
{
    static const char *const names[] = {"test/pictures/larger-avif", "test/pictures/larger-heic"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        tool_text file;
        assert_true(tool_text_read(&file, names[i], 1 << 16, NULL));
        assert_refused(
            "a", file.data, file.size,
            "a: damaged HEIC or AVIF image: its header says 20 x 13 pixels, its coded bytes 2000 x 1000");
        tool_text_free(&file);
    }
}

/* A file with one AV1 image of 4000 x 4000 pixels, coded in `frames` frames, in as many pieces as it has
 * bytes or in one. */
static size_t make_file(uint8_t *to, unsigned frames, bool pieces)
{
    bits b = {.at = 0};
    uint8_t units[256];
    size_t coded = make_sequence(units, REDUCED, 4000, 4000);
    for (unsigned i = 0; i < frames; i++, coded += 2) memcpy(units + coded, "\x32", 2); /* empty ones */
    const unsigned count = pieces ? (unsigned)coded : 1, places = 8 + 4 + 2 + 2 + 6 + 8 * count;
    const unsigned properties = 8 + 8 + 20 + 8 + 12, names = 8 + 6 + 8 + 13;
    const unsigned meta = 12 + names + properties + places;

    put(&b, 16, 32), put(&b, 0x66747970, 32), put(&b, 0x61766966, 32), put(&b, 0, 32);
    put(&b, meta, 32), put(&b, 0x6D657461, 32), put(&b, 0, 32);
    put(&b, names, 32), put(&b, 0x69696E66, 32), put(&b, 0, 32), put(&b, 1, 16); /* iinf */
    put(&b, 21, 32), put(&b, 0x696E6665, 32), put(&b, 2, 8), put(&b, 0, 24), put(&b, 1, 16), put(&b, 0, 16);
    put(&b, 0x61763031, 32), put(&b, 0, 8); /* av01 */
    put(&b, properties, 32), put(&b, 0x69707270, 32), put(&b, 28, 32), put(&b, 0x6970636F, 32);
    put(&b, 20, 32), put(&b, 0x69737065, 32), put(&b, 0, 32), put(&b, 4000, 32), put(&b, 4000, 32);
    put(&b, 20, 32), put(&b, 0x69706D61, 32), put(&b, 0, 32), put(&b, 1, 32), put(&b, 0x00010101, 32);
    put(&b, places, 32), put(&b, 0x696C6F63, 32), put(&b, 0, 32), put(&b, 0x4400, 16), put(&b, 1, 16);
    put(&b, 1, 16), put(&b, 0, 16), put(&b, count, 16);
    for (unsigned i = 0; i < count; i++) {
        put(&b, 16 + meta + i, 32);
        put(&b, pieces ? 1 : coded, 32);
    }
    assert_int_equal(b.at, 8 * (16 + meta));
    memcpy(to, b.data, bytes_of(&b));
    memcpy(to + bytes_of(&b), units, coded);
    return bytes_of(&b) + coded;
}

static void many_frames(void **state)
{
    static const char wanted[] =
        "a: HEIC or AVIF image: its coded bytes hold 5 frames of 4000 x 4000 pixels, the limit of all is "
        "64000000 pixels (--max-pixels)";
    uint8_t file[4096];
    (void)state;
    for (int pieces = 0; pieces < 2; pieces++) {
        size_t size = make_file(file, 5, pieces);
        assert_refused("a", file, size, wanted);
        /* of four it is libheif that says what is wrong */
        size = make_file(file, 4, pieces);
        const picture_limits limits = {.memory = 1 << 30, .pixels = 64000000};
        const picture_source source = {.name = "a", .data = file, .size = size};
        tool_error err = {{0}};
        picture p;
        assert_false(picture_decode(&p, &source, &limits, &err));
        assert_null(strstr(err.message, "frames"));
    }
}
#endif

int main(void)
{
#if TOOL_WITH_HEIF
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_av1),  cmocka_unit_test(many_frames_of_av1),
        cmocka_unit_test(sizes_of_hevc), cmocka_unit_test(larger_than_the_header),
        cmocka_unit_test(many_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    return 0;
#endif
}
