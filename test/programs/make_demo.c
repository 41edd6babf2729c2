/* make_demo.c - a small model with random weights and a drawn picture, for `make demo` and tests while there
 * is no trained model:  make_demo MODEL.capw PICTURE.jpg [seed [int8]] */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "test/make_model.h"

enum { WIDTH = 320, HEIGHT = 240 };

/* A sun, a hill and a house. */
static void pixel(int x, int y, unsigned char *rgb)
{
    int sun = (x - 250) * (x - 250) + (y - 50) * (y - 50), hill = (x - 80) * (x - 80) / 160 + 130;
    unsigned char r = (unsigned char)(110 + y / 4), g = (unsigned char)(170 + y / 4), b = 235;
    if (sun < 28 * 28) r = 250, g = 215, b = 60;
    if (y > hill || y > 190) r = 70, g = (unsigned char)(150 - y / 8), b = 60;
    if (x > 150 && x < 220 && y > 140 && y < 205) r = 190, g = 80, b = 60;
    if (y > 105 && y <= 140 && abs(x - 185) < y - 100) r = 110, g = 40, b = 40;
    if (x > 178 && x < 192 && y > 170 && y < 205) r = 80, g = 50, b = 30;
    rgb[0] = r, rgb[1] = g, rgb[2] = b;
}

static bool draw(const char *path)
{
    static unsigned char row[WIDTH * 3];
    JSAMPROW rows = row;
    FILE *file = fopen(path, "wb");
    if (!file) return false;
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) pixel(x, y, row + 3 * x);
        (void)jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return fclose(file) == 0;
}

static bool write_model(const char *path, uint32_t seed, bool int8)
{
    make_model_options options;
    make_model_defaults(&options);
    options.width = 8;
    options.embed = 20;
    options.hidden = 48;
    options.attention = 24;
    options.vocabulary = 300;
    options.winograd = 1;
    options.coarse = true;
    options.seed = seed;
    options.int8 = options.fine = int8;
    size_t size;
    unsigned char *data = make_model(&options, &size);
    FILE *file = data ? fopen(path, "wb") : NULL;
    bool ok = file && fwrite(data, 1, size, file) == size;
    if (file && fclose(file) != 0) ok = false;
    free(data);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: make_demo MODEL.capw PICTURE.jpg [seed [int8]]\n");
        return 2;
    }
    const uint32_t seed = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1u;
    if (!write_model(argv[1], seed, argc > 4 && strcmp(argv[4], "int8") == 0) || !draw(argv[2])) {
        perror("make_demo");
        return 1;
    }
    return 0;
}
