/* resize_image.c - `resize_image [--no-exif] [--time] SIZE FILE...`: writes every file's SIZE x SIZE x 3
 * bytes to standard output, as the network would see them; on failure zeros and a line on standard error.
 * --time prints milliseconds per file instead. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/image/image.h"

enum { MAX_SIDE = 1024 };

static unsigned char *load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    unsigned char *data = NULL;
    if (!f) return NULL;
    long end;
    if (fseek(f, 0, SEEK_END) == 0 && (end = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        data = malloc((size_t)end + 1);
        *size = data ? fread(data, 1, (size_t)end, f) : 0;
    }
    (void)fclose(f);
    return data;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool one(cpt_image_decoder *decoder, const char *path, unsigned char *out, bool timed)
{
    caption_error error = {CAPTION_ERROR_IO, "can't be read"};
    size_t size = 0;
    unsigned char *data = load(path, &size);
    cpt_image_warnings warnings = {0};
    double best = 1e30;
    caption_status status = CAPTION_ERROR_IO;
    for (int i = 0; data && i < (timed ? 7 : 1); i++) {
        const double start = now();
        status = cpt_image_decode(decoder, &(cpt_image_bytes){data, size}, out, &warnings, &error);
        if (now() - start < best) best = now() - start;
    }
    free(data);
    if (status) (void)fprintf(stderr, "%s: %s\n", path, error.message);
    if (warnings.count) {
        (void)fprintf(stderr, "%s: %d warnings: %s\n", path, warnings.count, warnings.first);
    }
    if (timed) (void)printf("%s: %.2f ms\n", path, best);
    return status == CAPTION_OK;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"no-exif", no_argument, NULL, 'n'}, {"time", no_argument, NULL, 't'}, {0, 0, 0, 0}};
    cpt_image_config config = {.max_pixels = (uint64_t)1 << 40, .decode_memory = (size_t)512 << 20};
    static unsigned char out[MAX_SIDE * MAX_SIDE * 3];
    cpt_image_decoder *decoder = NULL;
    bool timed = false, failed = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?') return 2;
        if (option == 'n') config.no_exif = true;
        if (option == 't') timed = true;
    }
    config.out_size = optind < argc ? atoi(argv[optind++]) : 0;
    if (config.out_size < 1 || config.out_size > MAX_SIDE) return 2;
    void *memory = aligned_alloc(CPT_ALIGN, config.decode_memory + (1u << 20));
    if (!memory) return 1;
    cpt_arena arena;
    cpt_arena_init(&arena, memory, config.decode_memory + (1u << 20));
    caption_error error;
    if (cpt_image_decoder_init(&decoder, &arena, &config, &error)) return 1;
    cpt_image_decoder_plan_workspace(decoder, &arena, &config);
    for (; optind < argc; optind++) {
        const size_t size = (size_t)config.out_size * (size_t)config.out_size * 3;
        memset(out, 0, size);
        if (!one(decoder, argv[optind], out, timed)) failed = true;
        if (!timed && fwrite(out, 1, size, stdout) != size) failed = true;
    }
    cpt_image_decoder_close(decoder);
    free(memory);
    return failed ? 1 : 0;
}
