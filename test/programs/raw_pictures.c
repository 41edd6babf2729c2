/* raw_pictures.c - writes images as the raw RGB pixels that a model gets: raw_pictures MODEL.capw IMAGE...
 * >PICTURES.rgb.  For test/cortex-m. */
#include <stdio.h>

#include <caption.h>

int main(int argc, char **argv)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_model_info info;
    caption_error error = {CAPTION_OK, "a model and images are needed"};
    int status = 1;
    if (argc < 3 || caption_model_open_file(&model, argv[1], NULL, &error) ||
        caption_session_create(&session, model, NULL, &error)) {
        goto fail;
    }
    caption_model_get_info(model, &info);
    for (int i = 2; i < argc; i++) {
        const size_t size = (size_t)info.input_size * (size_t)info.input_size * 3;
        if (caption_load_file(session, 0, argv[i], &error)) goto fail;
        if (fwrite(caption_slot_pixels(session, 0), 1, size, stdout) != size) goto fail;
    }
    status = 0;
fail:
    if (status) fprintf(stderr, "raw_pictures: %s\n", error.message);
    caption_session_close(&session);
    caption_model_close(&model);
    return status;
}
