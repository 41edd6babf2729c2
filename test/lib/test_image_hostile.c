/* test_image_hostile.c - lib/image against damaged, unusual and malicious files, which the test makes itself
 * with libjpeg and libpng.  That good files come out right is test_image.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>

#include "lib/image/exif.h"
#include "lib/image/image.h"

enum { SIDE = 64, OVERHEAD = 1 << 16, MAX_SCRIPT = 256 };

static uint8_t out[SIDE * SIDE * 3], other[SIDE * SIDE * 3];
static caption_error error;
static cpt_image_warnings warnings;

/* ---- sessions of nothing but a decoder ---- */

typedef struct session {
    cpt_image_decoder *decoder;
    void *memory;
} session;

static session begin(size_t decode_memory, bool strict)
{
    const cpt_image_config config = {
        .out_size = SIDE,
        .strict = strict,
        .max_pixels = 20000000,
        .decode_memory = decode_memory,
    };
    session s = {NULL, aligned_alloc(CPT_ALIGN, (decode_memory + OVERHEAD) / CPT_ALIGN * CPT_ALIGN)};
    assert_non_null(s.memory);
    cpt_arena arena;
    cpt_arena_init(&arena, s.memory, (decode_memory + OVERHEAD) / CPT_ALIGN * CPT_ALIGN);
    assert_int_equal(cpt_image_decoder_init(&s.decoder, &arena, &config, &error), CAPTION_OK);
    cpt_image_decoder_plan_workspace(s.decoder, &arena, &config);
    return s;
}

static void end(session *s)
{
    cpt_image_decoder_close(s->decoder);
    free(s->memory);
}

static caption_status decode(session *s, const uint8_t *data, size_t size)
{
    return cpt_image_decode(s->decoder, &(cpt_image_bytes){data, size}, out, &warnings, &error);
}

/* As decode, from memory that ends with the data, so that reading on is noticed. */
static caption_status decode_tight(session *s, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    caption_status status = decode(s, copy, size);
    free(copy);
    if (status) assert_true(error.message[0] != '\0' && error.status == status);
    return status;
}

/* ---- files ---- */

typedef struct file {
    unsigned char *data;
    unsigned long size;
} file;

typedef struct kind {
    int width, height;
    int components;                                 /* 1, 3, 4 */
    int h, v, chroma_v;                             /* sampling factors; 0: 1 */
    int progressive, arithmetic, restart, separate; /* separate: one scan per component */
    int exif;                                       /* orientation, 0: none */
    int scans;  /* progressive: one scan per coefficient, at most so many; 0: the usual ones */
    bool plain; /* of one colour */
} kind;

static uint32_t random_state = 7;

static uint32_t random_number(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static void write_exif(struct jpeg_compress_struct *c, int orientation)
{
    uint8_t bytes[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0";
    bytes[24] = (uint8_t)orientation;
    jpeg_write_marker(c, JPEG_APP0 + 1, bytes, 32);
}

/* Scans: all DC first, then coefficient by coefficient and component by component. */
static int long_script(jpeg_scan_info *script, const kind *k)
{
    int n = 1;
    memset(script, 0, sizeof *script);
    script[0].comps_in_scan = k->components;
    for (int c = 0; c < k->components; c++) script[0].component_index[c] = c;
    for (int at = 1; at < 64; at++) {
        for (int c = 0; c < k->components && n < k->scans; c++, n++) {
            memset(&script[n], 0, sizeof *script);
            script[n].comps_in_scan = 1;
            script[n].component_index[0] = c;
            script[n].Ss = script[n].Se = at;
        }
    }
    return n;
}

static int separate_script(jpeg_scan_info *script, const kind *k)
{
    for (int c = 0; c < k->components; c++) {
        memset(&script[c], 0, sizeof *script);
        script[c].comps_in_scan = 1;
        script[c].component_index[0] = c;
        script[c].Se = 63;
    }
    return k->components;
}

static void set_kind(struct jpeg_compress_struct *c, const kind *k, jpeg_scan_info *script)
{
    c->comp_info[0].h_samp_factor = k->h ? k->h : 1;
    c->comp_info[0].v_samp_factor = k->v ? k->v : 1;
    for (int i = 1; i < k->components; i++) c->comp_info[i].v_samp_factor = k->chroma_v ? k->chroma_v : 1;
    c->arith_code = k->arithmetic;
    c->restart_interval = (unsigned)k->restart;
    if (k->progressive) jpeg_simple_progression(c);
    if (k->scans || k->separate) {
        c->num_scans = k->scans ? long_script(script, k) : separate_script(script, k);
        c->scan_info = script;
    }
}

static file make_jpeg(const kind *k)
{
    static jpeg_scan_info script[MAX_SCRIPT];
    const size_t bytes = (size_t)k->width * (size_t)k->components;
    uint8_t *row = malloc(bytes);
    file f = {NULL, 0};
    assert_non_null(row);
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &f.data, &f.size);
    c.image_width = (JDIMENSION)k->width;
    c.image_height = (JDIMENSION)k->height;
    c.input_components = k->components;
    c.in_color_space = k->components == 1 ? JCS_GRAYSCALE : k->components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&c);
    set_kind(&c, k, script);
    jpeg_start_compress(&c, TRUE);
    if (k->exif) write_exif(&c, k->exif);
    while (c.next_scanline < c.image_height) {
        for (size_t i = 0; i < bytes; i++) {
            row[i] = k->plain ? 255 : (uint8_t)(i * 5 + c.next_scanline * (i % 3 + 1) + random_number(30));
        }
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(row);
    return f;
}

static void append(png_structp png, png_bytep from, size_t size)
{
    file *f = png_get_io_ptr(png);
    f->data = realloc(f->data, f->size + size);
    assert_non_null(f->data);
    memcpy(f->data + f->size, from, size);
    f->size += size;
}

static void flush(png_structp png)
{
    (void)png;
}

static file make_png(int width, int height, int type, int interlaced)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    const int passes = interlaced ? 7 : 1;
    uint8_t *row = malloc((size_t)width * 4);
    file f = {NULL, 0};
    assert_non_null(row);
    png_set_write_fn(png, &f, append, flush);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8, type, interlaced,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[256] = {{1, 2, 3}, {4, 5, 6}};
        png_set_PLTE(png, info, palette, 256);
    }
    png_write_info(png, info);
    (void)png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < height; y++) {
            for (int i = 0; i < width * 4; i++) row[i] = (uint8_t)(i * 3 + y);
            png_write_row(png, row);
        }
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(row);
    return f;
}

/* ---- memory ---- */

static const kind kinds[] = {
    {.width = 300, .height = 200, .components = 3},
    {.width = 301, .height = 77, .components = 3, .h = 2, .v = 2, .exif = 6},
    {.width = 999, .height = 333, .components = 3, .h = 4, .v = 1, .exif = 5},
    {.width = 1000, .height = 33, .components = 3, .h = 1, .v = 4, .exif = 2},
    {.width = 500, .height = 333, .components = 3, .h = 4, .v = 2},
    {.width = 500, .height = 33, .components = 3, .h = 1, .v = 2},
    {.width = 500, .height = 33, .components = 3, .h = 2, .v = 2, .chroma_v = 2},
    {.width = 5000, .height = 9, .components = 3, .h = 2, .v = 2},
    {.width = 9, .height = 5000, .components = 3, .h = 2, .v = 2},
    {.width = 777, .height = 555, .components = 1},
    {.width = 777, .height = 55, .components = 4},
    {.width = 400, .height = 300, .components = 3, .h = 2, .v = 2, .progressive = 1},
    {.width = 400, .height = 300, .components = 1, .progressive = 1},
    {.width = 400, .height = 300, .components = 4, .progressive = 1, .h = 2, .v = 1},
    {.width = 400, .height = 300, .components = 3, .h = 2, .v = 1, .arithmetic = 1, .restart = 5},
    {.width = 400, .height = 300, .components = 3, .h = 2, .v = 2, .arithmetic = 1, .progressive = 1},
    {.width = 400, .height = 300, .components = 3, .h = 4, .v = 2, .separate = 1},
    {.width = 1, .height = 1, .components = 3, .h = 2, .v = 2, .progressive = 1},
};

/* The number in a refusal is enough, and one byte less is refused. */
static void hold_memory(const uint8_t *data, size_t size)
{
    session s = begin(CPT_ALIGN, 0);
    assert_int_equal(decode(&s, data, size), CAPTION_ERROR_LIMIT);
    const char *number = strstr(error.message, "needs ");
    assert_non_null(number);
    const size_t needed = strtoul(number + 6, NULL, 10);
    end(&s);
    s = begin(needed, 0);
    assert_int_equal(decode(&s, data, size), CAPTION_OK);
    assert_int_equal(warnings.count, 0);
    end(&s);
    s = begin(needed - 1, 0);
    assert_int_equal(decode(&s, data, size), CAPTION_ERROR_LIMIT);
    end(&s);
}

static void test_memory(void **state)
{
    static const int types[] = {PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_PALETTE, PNG_COLOR_TYPE_RGB_ALPHA};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        file f = make_jpeg(&kinds[i]);
        hold_memory(f.data, f.size);
        free(f.data);
    }
    for (int i = 0; i < 6; i++) {
        file f = make_png(i < 3 ? 300 : 5000, 70, types[i % 3], i % 2);
        hold_memory(f.data, f.size);
        free(f.data);
    }
}

/* A panorama 20 000 pixels wide streams through the default 6 MiB. */
static void test_wide(void **state)
{
    const kind wide = {.width = 20000, .height = 40, .components = 3, .h = 2, .v = 2};
    session s = begin((size_t)6 << 20, 0);
    file f = make_jpeg(&wide);
    (void)state;
    assert_int_equal(decode(&s, f.data, f.size), CAPTION_OK);
    free(f.data);
    end(&s);
}

/* A large page of one colour is the image with the fewest bytes for its size, and a good one. */
static void test_plain(void **state)
{
    kind page = {.width = 4800, .height = 4000, .components = 3, .progressive = 1, .plain = true};
    session s = begin((size_t)160 << 20, 0);
    (void)state;
    for (int i = 0; i < 2; i++, page.progressive = 0, page.h = page.v = 2) {
        file f = make_jpeg(&page);
        assert_int_equal(decode(&s, f.data, f.size), CAPTION_OK);
        assert_true(warnings.count == 0 && out[0] == 255);
        free(f.data);
    }
    end(&s);
}

/* ---- damage ---- */

static void test_truncated(void **state)
{
    static const size_t some[] = {1, 10, 11, 13, 15, 16};
    session s = begin((size_t)4 << 20, 0);
    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        kind k = kinds[some[i]];
        k.width = 21 + (int)i;
        k.height = 18;
        file f = make_jpeg(&k);
        for (unsigned long n = 0; n < f.size; n++) {
            if (decode_tight(&s, f.data, n) == CAPTION_OK) assert_true(warnings.count > 0);
        }
        free(f.data);
    }
    for (int i = 0; i < 2; i++) {
        file f = make_png(20, 15, PNG_COLOR_TYPE_RGB, i);
        for (unsigned long n = 0; n < f.size - 16; n++) { /* the last checksum and IEND */
            assert_int_equal(decode_tight(&s, f.data, n), CAPTION_ERROR_IMAGE);
        }
        for (unsigned long n = f.size - 12; n < f.size; n++) { /* all pixels are there */
            assert_int_equal(decode_tight(&s, f.data, n), CAPTION_OK);
            assert_true(warnings.count == 1 && strlen(warnings.first) > 0);
        }
        free(f.data);
    }
    end(&s);
}

/* What a header says is enough to decode what follows, or it is refused: never too little memory. */
static void hold_header(const uint8_t *data, size_t size)
{
    session s = begin(CPT_ALIGN, 0);
    const caption_status status = decode_tight(&s, data, size);
    const char *number = strstr(error.message, "needs ");
    end(&s);
    caption_image_info info;
    assert_int_equal(caption_image_probe(data, size, &info, NULL) == CAPTION_OK,
                     status == CAPTION_ERROR_LIMIT);
    if (status != CAPTION_ERROR_LIMIT || !number) return;
    const size_t needed = strtoul(number + 6, NULL, 10);
    if (needed > (size_t)64 << 20) return; /* a side was changed */
    s = begin(needed, 0);
    if (decode_tight(&s, data, size) == CAPTION_ERROR_LIMIT) fail_msg("%s", error.message);
    end(&s);
}

/* Where the first marker of this kind begins, and how many bytes it has. */
static unsigned long find_marker(const file *f, int first, int last, unsigned long *bytes)
{
    for (unsigned long at = 2;; at += *bytes) {
        *bytes = 2 + (unsigned long)(f->data[at + 2] << 8 | f->data[at + 3]);
        if (f->data[at + 1] >= first && f->data[at + 1] <= last) return at;
        assert_true(at + *bytes < f->size);
    }
}

static void change_header(file *f, unsigned long at, unsigned long bytes)
{
    static const uint8_t values[] = {0, 1, 2, 0x21, 0xC2, 0xFF};
    for (unsigned long n = at; n < at + bytes; n++) {
        const uint8_t kept = f->data[n];
        for (size_t v = 0; v < sizeof values; v++) {
            f->data[n] = values[v];
            hold_header(f->data, f->size);
        }
        f->data[n] = kept;
    }
}

static void test_headers(void **state)
{
    static const size_t some[] = {1, 11, 13, 16};
    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        kind k = kinds[some[i]];
        k.width = 210 + (int)i;
        k.height = 180;
        file f = make_jpeg(&k);
        unsigned long scan_bytes, frame_bytes;
        const unsigned long scan = find_marker(&f, 0xDA, 0xDA, &scan_bytes),
                            frame = find_marker(&f, 0xC0, 0xC2, &frame_bytes);
        caption_image_info info;
        for (unsigned long n = 0; n < scan + scan_bytes; n++) {
            assert_int_equal(caption_image_probe(f.data, n, &info, NULL), CAPTION_ERROR_IMAGE);
        }
        assert_int_equal(caption_image_probe(f.data, scan + scan_bytes, &info, NULL), CAPTION_OK);
        change_header(&f, frame, frame_bytes);
        change_header(&f, scan, scan_bytes);
        free(f.data);
    }
}

static void test_flipped(void **state)
{
    static const size_t some[] = {1, 10, 11, 15, 16};
    session s = begin((size_t)4 << 20, 0);
    (void)state;
    for (int i = 0; i < 8; i++) {
        kind k = kinds[some[i % 5]];
        k.width = 25;
        k.height = 19;
        k.exif = i + 1;
        file f = i < 5 ? make_jpeg(&k)
                       : make_png(23, 17, i == 5 ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_RGB, i % 2);
        for (int n = 0; n < 700; n++) {
            uint8_t *copy = malloc(f.size);
            assert_non_null(copy);
            memcpy(copy, f.data, f.size);
            for (uint32_t flips = 1 + random_number(4); flips > 0; flips--) {
                copy[random_number((uint32_t)f.size)] ^= (uint8_t)(1 + random_number(255));
            }
            (void)decode_tight(&s, copy, f.size);
            free(copy);
        }
        free(f.data);
    }
    end(&s);
}

static void test_png_names_row(void **state)
{
    session s = begin((size_t)4 << 20, 0);
    file f = make_png(100, 80, PNG_COLOR_TYPE_RGB, 0);
    (void)state;
    assert_int_equal(decode_tight(&s, f.data, f.size / 2), CAPTION_ERROR_IMAGE);
    assert_non_null(strstr(error.message, " of 80: "));
    assert_non_null(strstr(error.message, "ends"));
    free(f.data);
    end(&s);
}

static void test_strict(void **state)
{
    session s = begin((size_t)4 << 20, 1);
    file jpeg = make_jpeg(&kinds[0]), png = make_png(20, 15, PNG_COLOR_TYPE_RGB, 0);
    (void)state;
    assert_int_equal(decode(&s, jpeg.data, jpeg.size), CAPTION_OK);
    assert_int_equal(decode(&s, jpeg.data, jpeg.size - 2), CAPTION_ERROR_IMAGE);
    assert_int_equal(decode(&s, png.data, png.size), CAPTION_OK);
    assert_int_equal(decode(&s, png.data, png.size - 12), CAPTION_ERROR_IMAGE);
    free(jpeg.data);
    free(png.data);
    end(&s);
}

/* Hundreds of scans over a large image would take hours. */
static void test_many_scans(void **state)
{
    kind k = {.width = 40, .height = 30, .components = 3, .progressive = 1, .scans = 100};
    session s = begin((size_t)4 << 20, 0);
    file f = make_jpeg(&k);
    (void)state;
    assert_int_equal(decode(&s, f.data, f.size), CAPTION_OK);
    free(f.data);
    k.scans = 101;
    f = make_jpeg(&k);
    assert_int_equal(decode(&s, f.data, f.size), CAPTION_ERROR_IMAGE);
    assert_non_null(strstr(error.message, "100 scans"));
    free(f.data);
    end(&s);
}

/* An image without tables must not be decoded with those of the image before it. */
static void test_no_memory_of_others(void **state)
{
    session s = begin((size_t)4 << 20, 0), fresh = begin((size_t)4 << 20, 0);
    file f = make_jpeg(&kinds[0]), arithmetic = make_jpeg(&kinds[14]);
    (void)state;
    assert_int_equal(decode(&s, f.data, f.size), CAPTION_OK);
    for (unsigned long i = 2; i + 1 < f.size && f.data[i + 1] != 0xDA;
         i += 2 + (unsigned long)(f.data[i + 2] << 8 | f.data[i + 3])) {
        if (f.data[i + 1] == 0xC4 || f.data[i + 1] == 0xDB) f.data[i + 1] = 0xEF; /* tables become APP15 */
    }
    caption_status first = decode(&s, f.data, f.size);
    memcpy(other, out, sizeof out);
    caption_status second = decode(&fresh, f.data, f.size);
    assert_int_equal(first, second);
    if (!second) assert_memory_equal(other, out, sizeof out);
    assert_int_equal(decode(&s, arithmetic.data, arithmetic.size), CAPTION_OK); /* usable after an error */
    free(f.data);
    free(arithmetic.data);
    end(&s);
    end(&fresh);
}

/* ---- EXIF ---- */

static int orientation_of(const char *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    const int orientation = cpt_exif_orientation(copy, size);
    free(copy);
    return orientation;
}

static void test_exif(void **state)
{
    static const char little[] =
        "II*\0\x08\0\0\0\x02\0\x0F\x01\x02\0\x04\0\0\0abc\0\x12\x01\x03\0\x01\0\0\0\x06\0\0";
    static const char big[] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0";
    (void)state;
    assert_int_equal(orientation_of(little, 34), 6);
    assert_int_equal(orientation_of(big, 22), 8);
    for (size_t n = 0; n < 34; n++) assert_int_equal(orientation_of(little, n), 1);
    for (size_t n = 0; n < 22; n++) assert_int_equal(orientation_of(big, n), 1);
    char changed[sizeof little];
    for (int i = 0; i < 20000; i++) {
        memcpy(changed, little, 34);
        changed[random_number(34)] = (char)random_number(256);
        changed[random_number(34)] = (char)random_number(256);
        const int got = orientation_of(changed, 34);
        assert_true(got >= 1 && got <= 8);
    }
    for (int value = 0; value < 256; value++) {
        memcpy(changed, little, 34);
        changed[30] = (char)value;
        assert_int_equal(orientation_of(changed, 34), value >= 1 && value <= 8 ? value : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_headers),       cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_png_names_row), cmocka_unit_test(test_strict),
        cmocka_unit_test(test_many_scans),    cmocka_unit_test(test_no_memory_of_others),
        cmocka_unit_test(test_exif),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
