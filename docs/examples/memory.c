/* memory.c - opens a model that is in memory, and the same model through a function that reads it.
 *     cc memory.c -o memory $(pkg-config --cflags --libs libcaption)
 *     ./memory MODEL.capw IMAGE */
#include <caption.h>
#include <stdio.h>
#include <stdlib.h>

/* Stands for whatever brings the bytes: an archive, an asset of an application, a network. */
static int read_at(void *user, uint64_t offset, void *buffer, size_t size)
{
    FILE *file = user;
    return fseek(file, (long)offset, SEEK_SET) != 0 || fread(buffer, 1, size, file) != size;
}

static int show(const caption_model *model, const char *image)
{
    caption_session *session = NULL;
    const caption_result *result;
    caption_error error;
    int good = caption_session_create(&session, model, NULL, &error) == CAPTION_OK &&
               caption_file(session, image, NULL, &result, &error) == CAPTION_OK;
    printf("%s\n", good ? result->captions[0].text : error.message);
    caption_session_close(&session);
    return good;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    caption_model *model = NULL;
    caption_error error = {CAPTION_OK, ""};
    char *block;
    void *data; /* 64-byte aligned, so that the model can use it where it lies */
    long size;
    int good = 0;
    if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) <= 0) return 2;
    block = malloc((size_t)size + 63);
    data = block ? block + (64 - (uintptr_t)block % 64) % 64 : NULL;
    if (data && read_at(file, 0, data, (size_t)size) == 0 &&
        caption_model_open_memory(&model, data, (size_t)size, NULL, &error) == CAPTION_OK) {
        good = show(model, argv[2]);
        caption_model_close(&model); /* before the memory goes */
    }
    free(block);
    if (good &&
        caption_model_open_callback(&model, read_at, file, (uint64_t)size, NULL, &error) == CAPTION_OK) {
        good = show(model, argv[2]);
        caption_model_close(&model);
    }
    if (error.message[0]) fprintf(stderr, "%s\n", error.message);
    fclose(file);
    return !good || error.status != CAPTION_OK;
}
