/* Tests of tools/common/picture_tiff_fields.c: TIFF files whose fields, strips or tiles name the same bytes
 * of the file again and again.  They cost libtiff gigabytes or minutes, so they are refused before it sees
 * them; files that name their bytes once are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/common/pictures.h"

#if TOOL_WITH_TIFF

enum { BYTE = 1, SHORT = 3, LONG = 4, LONG8 = 16, MOST = 1 << 16 };

static const picture_limits roomy = {.memory = (size_t)64 << 20, .pixels = 1 << 22};

/* A file that is being made.  Its data begin at byte 16, and the directory follows them. */
typedef struct maker {
    uint8_t file[MOST];
    size_t at, fields;
    bool big_endian, big; /* big: BigTIFF */
} maker;

static void put(maker *m, uint64_t value, unsigned bytes)
{
    assert_true(m->at + bytes <= sizeof m->file);
    for (unsigned i = 0; i < bytes; i++) {
        m->file[m->at++] = (uint8_t)(value >> 8 * (m->big_endian ? bytes - 1 - i : i));
    }
}

static void begin(maker *m, bool big_endian, bool big, size_t data)
{
    memset(m, 0, sizeof *m);
    m->big_endian = big_endian;
    m->big = big;
    memcpy(m->file, big_endian ? "MM" : "II", 2);
    m->at = 2;
    put(m, big ? 43 : 42, 2);
    if (big) put(m, 8, 4); /* bytes of an offset, and two of zeros: the same for both byte orders below */
    if (big) m->file[4] = big_endian ? 0 : 8, m->file[5] = big_endian ? 8 : 0, m->file[6] = m->file[7] = 0;
    put(m, 16 + data, big ? 8 : 4);
    m->at = 16 + data;
}

static void put_fields(maker *m, size_t count)
{
    put(m, count, m->big ? 8 : 2);
    m->fields = count;
}

/* value: of a field with one, or where the others are. */
static void put_field(maker *m, unsigned tag, unsigned type, uint64_t count, uint64_t value)
{
    const unsigned word = m->big ? 8 : 4, each = type == BYTE ? 1 : type == SHORT ? 2 : type == LONG ? 4 : 8;
    assert_true(m->fields-- > 0);
    put(m, tag, 2);
    put(m, type, 2);
    put(m, count, word);
    if (each * count > word) {
        put(m, value, word);
    } else {
        put(m, value, each);
        put(m, 0, word - each);
    }
}

/* width 1, `height` rows, each a strip whose place and size are at `places` and `sizes` */
static void put_picture(maker *m, unsigned height, uint64_t places, uint64_t sizes)
{
    put_field(m, 256, SHORT, 1, 1);
    put_field(m, 257, SHORT, 1, height);
    put_field(m, 258, SHORT, 1, 8);
    put_field(m, 259, SHORT, 1, 1);
    put_field(m, 262, SHORT, 1, 1);
    put_field(m, 273, LONG, height, places);
    put_field(m, 277, SHORT, 1, 1);
    put_field(m, 278, SHORT, 1, 1);
    put_field(m, 279, LONG, height, sizes);
}

static bool decode(maker *m, tool_error *err)
{
    picture p;
    put(m, 0, m->big ? 8 : 4);
    uint8_t *copy = malloc(m->at); /* of this very size, so that AddressSanitizer sees each byte behind it */
    assert_non_null(copy);
    memcpy(copy, m->file, m->at);
    const picture_source source = {.name = "a file", .data = copy, .size = m->at};
    err->message[0] = '\0';
    const bool ok = picture_decode(&p, &source, &roomy, err);
    if (ok) picture_free(&p);
    free(copy);
    return ok;
}

/* Strips of `size` bytes each, in a file with `rows` of them. */
static void make_strips(maker *m, const bool kind[2], unsigned rows, uint32_t size)
{
    const size_t arrays = 8 * (size_t)rows;
    begin(m, kind[0], kind[1], arrays);
    const size_t directory = m->at;
    m->at = 16;
    for (unsigned i = 0; i < rows; i++) put(m, 16, 4);
    for (unsigned i = 0; i < rows; i++) put(m, size, 4);
    m->at = directory;
    put_fields(m, 9);
    put_picture(m, rows, 16, 16 + 4 * rows);
}

static const bool kinds[4][2] = {{false, false}, {true, false}, {false, true}, {true, true}};

static void strips_once(void **state)
{
    (void)state;
    maker *m = malloc(sizeof *m);
    tool_error err = {{0}};
    assert_non_null(m);
    for (size_t i = 0; i < 4; i++) {
        make_strips(m, kinds[i], 100, 1);
        if (!decode(m, &err)) fail_msg("%zu: %s", i, err.message);
    }
    free(m);
}

static void strips_again(void **state)
{
    (void)state;
    maker *m = malloc(sizeof *m);
    tool_error err = {{0}};
    assert_non_null(m);
    for (size_t i = 0; i < 4; i++) {
        make_strips(m, kinds[i], 1000, 4000);
        assert_false(decode(m, &err));
        assert_string_equal(err.message,
                            "a file: TIFF image: its strips or tiles name the same bytes again and again");
    }
    free(m);
}

/* Sizes that claim more than the file has count as the file: one such strip is libtiff's to judge. */
static void strip_too_long(void **state)
{
    (void)state;
    maker *m = malloc(sizeof *m);
    tool_error err = {{0}};
    assert_non_null(m);
    begin(m, false, false, 16);
    put_fields(m, 9);
    put_picture(m, 1, 16, 0xFFFFFFFF);
    (void)decode(m, &err);
    assert_null(strstr(err.message, "again and again"));
    free(m);
}

/* Fields that nobody knows, all with the same bytes; libtiff would copy each. */
static void fields_again(void **state)
{
    (void)state;
    enum { COUNT = 60, BYTES = 8000 };
    maker *m = malloc(sizeof *m);
    tool_error err = {{0}};
    assert_non_null(m);
    for (size_t i = 0; i < 8; i++) {
        const bool again = i >= 4;
        begin(m, kinds[i % 4][0], kinds[i % 4][1], BYTES);
        put_fields(m, 9 + COUNT);
        put_picture(m, 1, 16, 1);
        for (unsigned k = 0; k < COUNT; k++) put_field(m, 40000 + k, BYTE, again ? BYTES : BYTES / COUNT, 16);
        if (!again) {
            if (!decode(m, &err)) fail_msg("%zu: %s", i, err.message);
            continue;
        }
        assert_false(decode(m, &err));
        assert_string_equal(err.message, "a file: TIFF image: its fields have more bytes than the file");
    }
    free(m);
}

/* Counts whose product overflows, samples without end, directories outside the file. */
static void absurd_numbers(void **state)
{
    (void)state;
    maker *m = malloc(sizeof *m);
    tool_error err = {{0}};
    assert_non_null(m);
    begin(m, false, true, 16);
    put_fields(m, 10);
    put_picture(m, 1, 16, 1);
    put_field(m, 40000, LONG8, UINT64_MAX / 8 + 2, 16);
    assert_false(decode(m, &err));
    assert_non_null(strstr(err.message, "its fields have more bytes than the file"));
    begin(m, false, false, 16);
    put_fields(m, 1);
    put_field(m, 277, SHORT, 1, 65535);
    assert_false(decode(m, &err));
    assert_non_null(strstr(err.message, "it has too many samples a pixel"));
    static const uint64_t places[] = {0, 1, MOST, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        begin(m, false, true, 16);
        m->at = 8;
        put(m, places[i], 8);
        m->at = 32;
        assert_false(decode(m, &err));
        assert_memory_equal(err.message, "a file: ", 8);
    }
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_once),  cmocka_unit_test(strips_again),   cmocka_unit_test(strip_too_long),
        cmocka_unit_test(fields_again), cmocka_unit_test(absurd_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 77; /* this build reads no TIFF */
}

#endif
