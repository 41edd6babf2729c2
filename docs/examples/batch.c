/* batch.c - captions several images, up to 8 of them together.
 *     cc batch.c -o batch $(pkg-config --cflags --libs libcaption)
 *     ./batch MODEL.capw IMAGE... */
#include <caption.h>
#include <stdio.h>

enum { BATCH = 8 };

/* An image that can't be loaded is left out; the others move together.  Returns how many failed. */
static int caption_some(caption_session *session, char **paths, int count)
{
    const char *loaded[BATCH];
    const caption_result *results[BATCH];
    caption_error error;
    int slots = 0;
    for (int i = 0; i < count; i++) {
        if (caption_load_file(session, slots, paths[i], &error) == CAPTION_OK) {
            loaded[slots++] = paths[i];
        } else {
            fprintf(stderr, "%s\n", error.message);
        }
    }
    if (slots == 0) return count;
    if (caption_encode(session, slots, NULL, &error) != CAPTION_OK ||
        caption_decode_batch(session, slots, NULL, results, &error) != CAPTION_OK) {
        fprintf(stderr, "%s\n", error.message);
        return count;
    }
    for (int slot = 0; slot < slots; slot++) {
        printf("%s\t%s\n", loaded[slot], results[slot]->captions[0].text);
    }
    return count - slots;
}

int main(int argc, char **argv)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_session_options options;
    caption_error error;
    int failed = 0;
    caption_session_options_init(&options);
    options.max_batch = BATCH;
    options.threads = 2; /* the captions are the same for every number */
    if (argc < 3 || caption_model_open_file(&model, argv[1], NULL, &error) != CAPTION_OK ||
        caption_session_create(&session, model, &options, &error) != CAPTION_OK) {
        fprintf(stderr, "%s\n", argc < 3 ? "Usage: batch MODEL.capw IMAGE..." : error.message);
        return 1;
    }
    for (int i = 2; i < argc; i += BATCH) {
        failed += caption_some(session, argv + i, argc - i < BATCH ? argc - i : BATCH);
    }
    caption_session_close(&session);
    caption_model_close(&model);
    return failed > 0;
}
