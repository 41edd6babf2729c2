/* test_image.c - decoding and resizing: against a slow resize written from the formulas alone, on images that
 * the test encodes itself, and on damaged ones.  Bit-exactness with Pillow itself is `make check-pillow`. */
#include <math.h>
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

#include <caption.h>

#include "test/make_model.h"

#define SIDE 224

typedef struct picture {
    int width, height;
    uint8_t *rgb; /* [height, width, 3] */
} picture;

static caption_model *model;
static caption_session *session;
static unsigned char *model_bytes;

static int set_up(void **state)
{
    (void)state;
    make_model_options options;
    make_model_defaults(&options);
    options.input = SIDE;
    size_t size;
    model_bytes = make_model(&options, &size);
    return !model_bytes || caption_model_open_memory(&model, model_bytes, size, NULL, NULL) ||
           caption_session_create(&session, model, NULL, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    caption_session_close(&session);
    caption_model_close(&model);
    free(model_bytes);
    return 0;
}

static uint32_t random_state = 1;

static uint32_t random_number(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

/* Smooth areas, edges and noise. */
static picture make_picture(int width, int height)
{
    picture p = {width, height, malloc((size_t)width * (size_t)height * 3)};
    assert_non_null(p.rgb);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t *pixel = p.rgb + ((size_t)y * (size_t)width + (size_t)x) * 3;
            pixel[0] = (uint8_t)(x * 255 / width);
            pixel[1] = (uint8_t)((x / 9 + y / 5) % 2 * 200 + (int)random_number(40));
            pixel[2] = (uint8_t)random_number(256);
        }
    }
    return p;
}

/* ---- the slow resize ---- */

static uint8_t resized_value(const uint8_t *in, size_t step, int in_size, int out_size, int i)
{
    const double scale = (double)in_size / out_size, support = scale > 1 ? scale : 1,
                 centre = (i + 0.5) * scale;
    int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5);
    double sum = 0;
    int64_t total = 1 << 21;
    if (in_size == out_size) return in[(size_t)i * step];
    if (low < 0 || centre - support + 0.5 < 0) low = 0;
    if (high > in_size) high = in_size;
    for (int x = low; x < high; x++) sum += fmax(0, 1 - fabs((x - centre + 0.5) / support));
    for (int x = low; x < high; x++) {
        const double weight = fmax(0, 1 - fabs((x - centre + 0.5) * (1 / support))) / sum;
        total += (int64_t)floor(weight * 4194304 + 0.5) * in[(size_t)x * step];
    }
    total >>= 22;
    return total < 0 ? 0 : total > 255 ? 255 : (uint8_t)total;
}

/* Horizontal pass into 8 bits, then vertical. */
static uint8_t *slow_resize(const picture *p)
{
    const size_t width = (size_t)p->width, height = (size_t)p->height;
    uint8_t *middle = malloc(height * SIDE * 3), *out = malloc(SIDE * SIDE * 3);
    assert_non_null(middle);
    assert_non_null(out);
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < SIDE; x++) {
            for (size_t c = 0; c < 3; c++) {
                middle[(y * SIDE + x) * 3 + c] =
                    resized_value(p->rgb + y * width * 3 + c, 3, p->width, SIDE, (int)x);
            }
        }
    }
    for (size_t at = 0; at < SIDE * 3; at++) {
        for (size_t y = 0; y < SIDE; y++) {
            out[y * SIDE * 3 + at] = resized_value(middle + at, SIDE * 3, p->height, SIDE, (int)y);
        }
    }
    free(middle);
    return out;
}

static void expect_slot(const picture *p)
{
    uint8_t *expected = slow_resize(p);
    const uint8_t *got = caption_slot_pixels(session, 0);
    assert_non_null(got);
    assert_memory_equal(got, expected, SIDE * SIDE * 3);
    free(expected);
}

static void test_resize_sizes(void **state)
{
    static const int sizes[][2] = {{1, 1},     {2, 1},     {1, 3},     {3, 2000},  {3000, 7},
                                   {224, 224}, {225, 223}, {224, 500}, {500, 224}, {448, 112},
                                   {17, 33},   {640, 427}, {223, 225}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes + 12; i++) {
        const bool fixed = i < sizeof sizes / sizeof *sizes;
        picture p = fixed ? make_picture(sizes[i][0], sizes[i][1])
                          : make_picture(1 + (int)random_number(700), 1 + (int)random_number(700));
        caption_pixel_view view = {.rgb = p.rgb, .width = p.width, .height = p.height};
        assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_OK);
        expect_slot(&p);
        free(p.rgb);
    }
}

static void test_resize_strides(void **state)
{
    picture p = make_picture(90, 70), upside_down = make_picture(90, 70);
    caption_pixel_view view = {.rgb = p.rgb + 69 * 90 * 3, .width = 90, .height = 70, .stride = -90 * 3};
    (void)state;
    for (size_t y = 0; y < 70; y++) memcpy(upside_down.rgb + y * 270, p.rgb + (69 - y) * 270, 270);
    assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_OK);
    expect_slot(&upside_down);
    view.stride = 269;
    caption_error error;
    assert_int_equal(caption_load_pixels(session, 0, &view, &error), CAPTION_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "stride"));
    assert_null(caption_slot_pixels(session, 0)); /* a failed load leaves the slot empty */
    view = (caption_pixel_view){.rgb = p.rgb, .width = 0, .height = 70};
    assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_ERROR_ARGUMENT);
    free(p.rgb);
    free(upside_down.rgb);
}

/* ---- JPEG ---- */

typedef struct jpeg_options {
    int orientation; /* 0: no EXIF */
    bool big_endian, progressive;
    int vertical; /* luma's vertical sampling factor */
} jpeg_options;

static void write_exif(struct jpeg_compress_struct *cinfo, const jpeg_options *options)
{
    uint8_t little[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0";
    uint8_t big[] = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0";
    little[6 + 18] = big[6 + 19] = (uint8_t)options->orientation;
    jpeg_write_marker(cinfo, JPEG_APP0 + 1, options->big_endian ? big : little, 32);
}

static unsigned char *encode_jpeg(const picture *p, const jpeg_options *options, unsigned long *size)
{
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    cinfo.err = jpeg_std_error(&errors);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &data, size);
    cinfo.image_width = (JDIMENSION)p->width;
    cinfo.image_height = (JDIMENSION)p->height;
    cinfo.input_components = 3;
    cinfo.in_color_space = JCS_RGB;
    jpeg_set_defaults(&cinfo);
    if (options->vertical) cinfo.comp_info[0].v_samp_factor = options->vertical;
    if (options->progressive) jpeg_simple_progression(&cinfo);
    jpeg_start_compress(&cinfo, TRUE);
    if (options->orientation) write_exif(&cinfo, options);
    while (cinfo.next_scanline < cinfo.image_height) {
        JSAMPROW row = p->rgb + (size_t)cinfo.next_scanline * (size_t)p->width * 3;
        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    return data;
}

static picture decode_jpeg(const unsigned char *data, unsigned long size)
{
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    cinfo.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, data, size);
    jpeg_read_header(&cinfo, TRUE);
    jpeg_start_decompress(&cinfo);
    picture p = (picture){(int)cinfo.output_width, (int)cinfo.output_height, NULL};
    p.rgb = malloc((size_t)p.width * (size_t)p.height * 3);
    while (cinfo.output_scanline < cinfo.output_height) {
        JSAMPROW row = p.rgb + (size_t)cinfo.output_scanline * (size_t)p.width * 3;
        jpeg_read_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_decompress(&cinfo);
    jpeg_destroy_decompress(&cinfo);
    return p;
}

/* The upright picture of one that is stored with an EXIF orientation: TIFF 6.0, tag 274. */
static picture upright(const picture *p, int orientation)
{
    const bool swap = orientation >= 5;
    picture q = {swap ? p->height : p->width, swap ? p->width : p->height, NULL};
    q.rgb = malloc((size_t)q.width * (size_t)q.height * 3);
    for (int row = 0; row < p->height; row++) {
        for (int column = 0; column < p->width; column++) {
            const int right = p->width - 1 - column, low = p->height - 1 - row;
            /* where stored (row, column) is seen, as {x, y} */
            const int seen[9][2] = {{0, 0},        {column, row}, {right, row}, {right, low}, {column, low},
                                    {row, column}, {low, column}, {low, right}, {row, right}};
            const int *at = seen[orientation];
            memcpy(q.rgb + ((size_t)at[1] * (size_t)q.width + (size_t)at[0]) * 3,
                   p->rgb + ((size_t)row * (size_t)p->width + (size_t)column) * 3, 3);
        }
    }
    return q;
}

static void test_jpeg_orientations(void **state)
{
    (void)state;
    for (int i = 0; i < 32; i++) {
        const jpeg_options options = {.orientation = 1 + i % 8,
                                      .big_endian = i / 8 % 2 != 0,
                                      .progressive = i / 16 != 0,
                                      .vertical = 1 + i / 4 % 2};
        picture p = make_picture(61 + i * 9, 250 - i * 5);
        unsigned long size = 0;
        unsigned char *data = encode_jpeg(&p, &options, &size);
        picture decoded = decode_jpeg(data, size);
        picture seen = upright(&decoded, options.orientation);
        assert_int_equal(caption_load_image(session, 0, data, size, NULL), CAPTION_OK);
        expect_slot(&seen);
        free(data);
        free(p.rgb);
        free(decoded.rgb);
        free(seen.rgb);
    }
}

static void test_jpeg_no_exif(void **state)
{
    const jpeg_options options = {.orientation = 6};
    picture p = make_picture(120, 80);
    caption_session *other = session, *plain = NULL;
    unsigned long size = 0;
    unsigned char *data = encode_jpeg(&p, &options, &size);
    (void)state;
    caption_session_options session_options;
    caption_session_options_init(&session_options);
    session_options.no_exif = 1;
    assert_int_equal(caption_session_create(&plain, model, &session_options, NULL), CAPTION_OK);
    assert_int_equal(caption_load_image(plain, 0, data, size, NULL), CAPTION_OK);
    picture decoded = decode_jpeg(data, size);
    session = plain;
    expect_slot(&decoded);
    session = other;
    caption_session_close(&plain);
    free(data);
    free(p.rgb);
    free(decoded.rgb);
}

/* A torn JPEG is captioned as far as it goes, with a warning, or refused when strict. */
static void test_jpeg_truncated(void **state)
{
    const jpeg_options options = {0};
    caption_session *refusing = NULL;
    picture p = make_picture(100, 90);
    unsigned long size = 0;
    unsigned char *data = encode_jpeg(&p, &options, &size);
    (void)state;
    const caption_result *result;
    assert_int_equal(caption_image(session, data, size * 3 / 4, NULL, &result, NULL), CAPTION_OK);
    assert_true(result->warnings > 0);
    assert_non_null(result->warning);
    caption_session_options strict;
    caption_session_options_init(&strict);
    strict.strict = 1;
    assert_int_equal(caption_session_create(&refusing, model, &strict, NULL), CAPTION_OK);
    caption_error error;
    assert_int_equal(caption_load_image(refusing, 0, data, size * 3 / 4, &error), CAPTION_ERROR_IMAGE);
    assert_int_equal(caption_load_image(refusing, 0, data, size, NULL), CAPTION_OK);
    caption_session_close(&refusing);
    for (unsigned long n = 0; n < size; n++) { /* any length: no crash, and never success without a header */
        unsigned char *copy = malloc(n + 1);
        memcpy(copy, data, n);
        if (caption_load_image(session, 0, copy, n, &error) != CAPTION_OK) {
            assert_true(error.message[0] != '\0');
        }
        free(copy);
    }
    assert_int_equal(caption_load_image(session, 0, data, 20, &error), CAPTION_ERROR_IMAGE);
    free(data);
    free(p.rgb);
}

/* What probe asks for is enough, and less is refused with that number. */
static void test_decode_memory(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        const jpeg_options options = {
            .orientation = 1 + i, .progressive = i % 2 != 0, .vertical = i / 2 % 2 + 1};
        caption_session *tight = NULL;
        caption_image_info info;
        picture p = make_picture(300 + 100 * i, 900 - 100 * i);
        unsigned long size = 0;
        unsigned char *data = encode_jpeg(&p, &options, &size);
        assert_int_equal(caption_image_probe(data, size, &info, NULL), CAPTION_OK);
        assert_int_equal(info.width, p.width);
        assert_int_equal(info.height, p.height);
        assert_int_equal(info.orientation, 1 + i);
        assert_int_equal(info.staged, i % 2);
        caption_session_options small;
        caption_session_options_init(&small);
        small.decode_memory = info.decode_memory;
        assert_int_equal(caption_session_create(&tight, model, &small, NULL), CAPTION_OK);
        assert_int_equal(caption_load_image(tight, 0, data, size, NULL), CAPTION_OK);
        caption_session_close(&tight);
        small.decode_memory = info.decode_memory - 1;
        assert_int_equal(caption_session_create(&tight, model, &small, NULL), CAPTION_OK);
        caption_error error;
        assert_int_equal(caption_load_image(tight, 0, data, size, &error), CAPTION_ERROR_LIMIT);
        assert_non_null(strstr(error.message, "decode_memory"));
        caption_session_close(&tight);
        free(data);
        free(p.rgb);
    }
}

/* Without memory of its own, decoding uses that of encoder and search, and none is added. */
static void test_decode_memory_0(void **state)
{
    picture p = make_picture(400, 300);
    const caption_pixel_view view = {.rgb = p.rgb, .width = p.width, .height = p.height};
    caption_session_options options;
    (void)state;
    caption_session_options_init(&options);
    for (int i = 0; i < 2; i++) {
        caption_session *lent = NULL;
        options.decode_memory = i == 0 ? 0 : 64;
        const size_t size = caption_session_size(model, &options, NULL);
        options.decode_memory = 1;
        assert_int_equal(caption_session_size(model, &options, NULL), size);
        options.decode_memory = i == 0 ? 0 : 64;
        assert_int_equal(caption_session_create(&lent, model, &options, NULL), CAPTION_OK);
        const caption_status wanted = i == 0 ? CAPTION_OK : CAPTION_ERROR_LIMIT;
        assert_int_equal(caption_load_pixels(lent, 0, &view, NULL), wanted);
        caption_session_close(&lent);
    }
    free(p.rgb);
}

/* ---- PNG ---- */

typedef struct png_bytes {
    uint8_t data[1 << 18];
    size_t size;
} png_bytes;

static void png_append(png_structp png, png_bytep from, size_t size)
{
    png_bytes *to = png_get_io_ptr(png);
    assert_true(size <= sizeof to->data - to->size);
    memcpy(to->data + to->size, from, size);
    to->size += size;
}

static void png_flush_nothing(png_structp png)
{
    (void)png;
}

/* The 8-bit RGB that a stored sample row stands for. */
static void expected_pixel(const uint8_t *row, int x, int type, int depth, uint8_t rgb[3])
{
    static const int channels[7] = {1, 0, 3, 1, 2, 0, 4};
    const int n = channels[type];
    int value[4] = {0};
    for (int c = 0; c < n; c++) {
        const int at = x * n + c;
        if (depth == 16) {
            value[c] = row[at * 2];
        } else if (depth == 8) {
            value[c] = row[at];
        } else {
            value[c] = row[at * depth / 8] >> (8 - depth - at * depth % 8) & ((1 << depth) - 1);
        }
    }
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) value[0] = value[0] * 255 / ((1 << depth) - 1);
    for (int c = 0; c < 3; c++) {
        if (type == PNG_COLOR_TYPE_PALETTE) {
            rgb[c] = (uint8_t)(value[0] * 3 + c * 70); /* the palette written below */
        } else {
            rgb[c] = (uint8_t)value[n >= 3 ? c : 0];
        }
    }
}

static picture write_png(png_bytes *to, int type, int depth, int interlaced)
{
    enum { width = 75, height = 66, row_bytes = width * 8 };
    static uint8_t rows[height][row_bytes];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    picture p = {width, height, malloc(width * height * 3)};
    to->size = 0;
    png_set_write_fn(png, to, png_append, png_flush_nothing);
    png_set_IHDR(png, info, width, height, depth, type, interlaced, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_color palette[256];
    for (int i = 0; i < 256; i++) {
        palette[i] = (png_color){(uint8_t)(i * 3), (uint8_t)(i * 3 + 70), (uint8_t)(i * 3 + 140)};
    }
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 1 << depth);
    png_bytep pointers[height];
    for (int y = 0; y < height; y++) {
        pointers[y] = rows[y];
        for (int i = 0; i < row_bytes; i++) rows[y][i] = (uint8_t)random_number(256);
        for (int x = 0; x < width; x++) expected_pixel(rows[y], x, type, depth, p.rgb + (y * width + x) * 3);
    }
    png_write_info(png, info);
    png_write_image(png, pointers);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return p;
}

static void test_png_kinds(void **state)
{
    static const int kinds[][2] = {
        {PNG_COLOR_TYPE_GRAY, 1},        {PNG_COLOR_TYPE_GRAY, 2},      {PNG_COLOR_TYPE_GRAY, 4},
        {PNG_COLOR_TYPE_GRAY, 8},        {PNG_COLOR_TYPE_GRAY, 16},     {PNG_COLOR_TYPE_RGB, 8},
        {PNG_COLOR_TYPE_RGB, 16},        {PNG_COLOR_TYPE_PALETTE, 1},   {PNG_COLOR_TYPE_PALETTE, 2},
        {PNG_COLOR_TYPE_PALETTE, 4},     {PNG_COLOR_TYPE_PALETTE, 8},   {PNG_COLOR_TYPE_GRAY_ALPHA, 8},
        {PNG_COLOR_TYPE_GRAY_ALPHA, 16}, {PNG_COLOR_TYPE_RGB_ALPHA, 8}, {PNG_COLOR_TYPE_RGB_ALPHA, 16}};
    static png_bytes bytes;
    (void)state;
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof *kinds; i++) {
        picture p = write_png(&bytes, kinds[i / 2][0], kinds[i / 2][1], (int)(i % 2));
        caption_error error;
        assert_int_equal(caption_load_image(session, 0, bytes.data, bytes.size, &error), CAPTION_OK);
        expect_slot(&p);
        free(p.rgb);
    }
}

static void test_png_damaged(void **state)
{
    static png_bytes bytes;
    picture p = write_png(&bytes, PNG_COLOR_TYPE_RGB, 8, 1);
    (void)state;
    caption_error error;
    for (size_t n = 1; n + 12 < bytes.size; n += 7) { /* before the IEND chunk */
        unsigned char *copy = malloc(n);
        memcpy(copy, bytes.data, n);
        assert_int_not_equal(caption_load_image(session, 0, copy, n, &error), CAPTION_OK);
        assert_true(error.message[0] != '\0');
        free(copy);
    }
    bytes.data[bytes.size / 2] ^= 0x55;
    assert_int_equal(caption_load_image(session, 0, bytes.data, bytes.size, &error), CAPTION_ERROR_IMAGE);
    free(p.rgb);
}

/* ---- limits and other formats ---- */

static void test_limits(void **state)
{
    /* signature and IHDR of 100 000 x 100 000 pixels, 8-bit RGB; its CRC does not matter before the limit */
    static const uint8_t huge[33] =
        "\211PNG\r\n\032\n\0\0\0\x0DIHDR\0\x01\x86\xA0\0\x01\x86\xA0\x08\x02\0\0\0";
    (void)state;
    caption_error error;
    assert_int_equal(caption_load_image(session, 0, huge, sizeof huge, &error), CAPTION_ERROR_LIMIT);
    assert_non_null(strstr(error.message, "100000 x 100000"));
    assert_int_equal(caption_load_image(session, 0, "", 0, &error), CAPTION_ERROR_IMAGE);
    assert_non_null(strstr(error.message, "empty"));
    assert_int_equal(caption_load_image(session, 0, "GIF89a......", 12, &error), CAPTION_ERROR_IMAGE);
    assert_non_null(strstr(error.message, "GIF"));
    assert_int_equal(caption_load_image(session, 0, "hello, world", 12, &error), CAPTION_ERROR_IMAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_sizes),      cmocka_unit_test(test_resize_strides),
        cmocka_unit_test(test_jpeg_orientations), cmocka_unit_test(test_jpeg_no_exif),
        cmocka_unit_test(test_jpeg_truncated),    cmocka_unit_test(test_decode_memory),
        cmocka_unit_test(test_decode_memory_0),   cmocka_unit_test(test_png_kinds),
        cmocka_unit_test(test_png_damaged),       cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
