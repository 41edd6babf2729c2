/* fixture.c - see fixture.h. */
#include "test/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if CAPTION_WITH_JPEG
#include <jpeglib.h>
#endif
#if CAPTION_WITH_PNG
#include <png.h>
#endif

enum { WIDTH = 64, HEIGHT = 48 };

bool fixture_open(fixture *f, const make_model_options *options)
{
    make_model_options defaults;
    make_model_defaults(&defaults);
    if (!options) options = &defaults;
    memset(f, 0, sizeof *f);
    f->bytes = make_model(options, &f->size);
    if (!f->bytes) return false;
    caption_error error;
    if (caption_model_open_memory(&f->model, f->bytes, f->size, NULL, &error) != CAPTION_OK) {
        fprintf(stderr, "fixture: %s\n", error.message);
        return false;
    }
    return true;
}

void fixture_close(fixture *f)
{
    caption_model_close(&f->model);
    free(f->bytes);
    f->bytes = NULL;
}

caption_pixel_view fixture_pixels(uint32_t seed)
{
    static uint8_t rgb[HEIGHT * WIDTH * 3];
    const uint32_t a = seed * 37 % 5 + 1, b = seed * 53 % 7 + 1;
    caption_pixel_view view = {.rgb = rgb, .width = WIDTH, .height = HEIGHT};
    for (uint32_t y = 0; y < HEIGHT; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            uint8_t *p = rgb + (y * WIDTH + x) * 3;
            p[0] = (uint8_t)(x * a * 4 + seed * 40);
            p[1] = (uint8_t)(y * b * 5 + seed * 90);
            p[2] = (uint8_t)((x / 8 + y / 8) % 2 ? 230 : seed * 20 % 200);
        }
    }
    return view;
}

/* ---- JPEG ---- */

#if CAPTION_WITH_JPEG

static unsigned char *make_jpeg(uint32_t seed, int progressive, size_t *size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    const caption_pixel_view view = fixture_pixels(seed);
    unsigned char *data = NULL;
    unsigned long bytes = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &bytes);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    if (progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (size_t y = 0; y < HEIGHT; y++) {
        unsigned char row[WIDTH * 3];
        JSAMPROW rows = row;
        memcpy(row, view.rgb + y * sizeof row, sizeof row);
        (void)jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *size = bytes;
    return data;
}

#else

static unsigned char *make_jpeg(uint32_t seed, int progressive, size_t *size)
{
    (void)seed, (void)progressive;
    *size = 0;
    return NULL;
}

#endif

unsigned char *fixture_jpeg(uint32_t seed, size_t *size)
{
    return make_jpeg(seed, 0, size);
}

unsigned char *fixture_progressive(uint32_t seed, size_t *size)
{
    return make_jpeg(seed, 1, size);
}

/* ---- PNG ---- */

#if CAPTION_WITH_PNG

typedef struct growing {
    unsigned char *data;
    size_t size;
} growing;

static void append(png_structp png, png_bytep from, size_t size)
{
    growing *to = png_get_io_ptr(png);
    unsigned char *grown = realloc(to->data, to->size + size);
    if (!grown) png_error(png, "out of memory"); /* which ends the program: there is no handler */
    memcpy(grown + to->size, from, size);
    to->data = grown;
    to->size += size;
}

static void flush(png_structp png)
{
    (void)png;
}

unsigned char *fixture_png(uint32_t seed, size_t *size)
{
    const caption_pixel_view view = fixture_pixels(seed);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    growing out = {NULL, 0};
    if (info) {
        unsigned char rgb[HEIGHT][WIDTH * 3];
        memcpy(rgb, view.rgb, sizeof rgb);
        png_bytep rows[HEIGHT];
        for (size_t y = 0; y < HEIGHT; y++) rows[y] = rgb[y];
        png_set_write_fn(png, &out, append, flush);
        png_set_IHDR(png, info, WIDTH, HEIGHT, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(png, info);
        png_write_image(png, rows);
        png_write_end(png, NULL);
    }
    png_destroy_write_struct(&png, &info);
    *size = out.size;
    return out.data;
}

#else

unsigned char *fixture_png(uint32_t seed, size_t *size)
{
    (void)seed;
    *size = 0;
    return NULL;
}

#endif

bool fixture_write(char path[64], const void *data, size_t size)
{
    (void)snprintf(path, 64, "/tmp/libcaption-test-XXXXXX");
    const int fd = mkstemp(path);
    if (fd < 0) return false;
    const bool ok = size == 0 || write(fd, data, size) == (ssize_t)size;
    return close(fd) == 0 && ok;
}
