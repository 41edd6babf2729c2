/* no_heap.c - captions without a heap: every byte that the library uses is in static arrays.
 *     cc no_heap.c -o no_heap $(pkg-config --cflags --libs libcaption)
 *     ./no_heap MODEL.capw IMAGE
 * On a small machine the model would be in flash, and pixels would come from a camera. */
#include <caption.h>
#include <stdint.h>
#include <stdio.h>

enum { MODEL_BYTES = 16 << 20, OBJECT_BYTES = 64 << 10, SESSION_BYTES = 32 << 20, IMAGE_BYTES = 4 << 20 };

static unsigned char flash[MODEL_BYTES + 63], object[OBJECT_BYTES + 63], ram[SESSION_BYTES + 63];
static unsigned char image[IMAGE_BYTES];

/* The first address in `memory` that 64 divides; C11 has _Alignas for this. */
static void *aligned(unsigned char *memory)
{
    return memory + (64 - (uintptr_t)memory % 64) % 64;
}

static size_t read_file(const char *path, void *to, size_t room)
{
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(to, 1, room, file) : 0;
    if (file) fclose(file);
    return size < room ? size : 0; /* a full array may not be all of the file */
}

int main(int argc, char **argv)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    const caption_result *result;
    caption_error error;
    size_t model_size = argc == 3 ? read_file(argv[1], aligned(flash), MODEL_BYTES) : 0;
    size_t image_size = argc == 3 ? read_file(argv[2], image, IMAGE_BYTES) : 0;
    int failed = 1;
    if (!model_size || !image_size) {
        fprintf(stderr, "Usage: no_heap MODEL.capw IMAGE, both of which fit into the arrays\n");
        return 2;
    }
    if (caption_model_init(&model, aligned(object), OBJECT_BYTES, aligned(flash), model_size, NULL, &error) ==
            CAPTION_OK &&
        caption_session_init(&session, aligned(ram), SESSION_BYTES, model, NULL, &error) == CAPTION_OK &&
        caption_image(session, image, image_size, NULL, &result, &error) == CAPTION_OK) {
        printf("%s\n", result->captions[0].text);
        failed = 0;
    } else {
        fprintf(stderr, "%s\n", error.message); /* too little memory: says how much is needed */
    }
    caption_session_close(&session); /* releases threads and libjpeg's state, not the arrays */
    caption_model_close(&model);
    return failed;
}
