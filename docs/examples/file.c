/* file.c - captions one image file.
 *     cc file.c -o file $(pkg-config --cflags --libs libcaption)
 *     ./file MODEL.capw IMAGE */
#include <caption.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    const caption_result *result;
    caption_error error;
    int failed = 1;
    if (argc != 3) {
        fprintf(stderr, "Usage: file MODEL.capw IMAGE\n");
        return 2;
    }
    if (caption_model_open_file(&model, argv[1], NULL, &error) == CAPTION_OK &&
        caption_session_create(&session, model, NULL, &error) == CAPTION_OK &&
        caption_file(session, argv[2], NULL, &result, &error) == CAPTION_OK) {
        printf("%s\n", result->captions[0].text);
        if (result->warnings) fprintf(stderr, "%s: %s\n", argv[2], result->warning);
        failed = 0;
    } else {
        fprintf(stderr, "%s\n", error.message); /* says which file, where and why */
    }
    caption_session_close(&session); /* both accept NULL */
    caption_model_close(&model);
    return failed;
}
