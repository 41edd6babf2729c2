/* camera.c - captions frame after frame with one session, from pixels whose rows have bytes behind them.
 *     cc camera.c -o camera $(pkg-config --cflags --libs libcaption)
 *     ./camera MODEL.capw IMAGE
 * A camera would fill the frames.  Here the image fills the first and moves to the left in the others. */
#include <caption.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 3, STEP = 16, PADDING = 20 };

/* image [side, side, 3] -> frame, rows `stride` bytes apart, moved by `shift` pixels; gray comes in from the
 * right */
static void grab(const uint8_t *image, int side, int shift, uint8_t *frame, size_t stride)
{
    size_t kept = (size_t)(side - shift) * 3;
    for (int y = 0; y < side; y++, image += side * 3, frame += stride) {
        memcpy(frame, image + shift * 3, kept);
        memset(frame + kept, 128, stride - kept);
    }
}

int main(int argc, char **argv)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_model_info info;
    caption_error error;
    if (argc != 3 || caption_model_open_file(&model, argv[1], NULL, &error) != CAPTION_OK ||
        caption_session_create(&session, model, NULL, &error) != CAPTION_OK ||
        caption_load_file(session, 0, argv[2], &error) != CAPTION_OK ||
        caption_model_get_info(model, &info) != CAPTION_OK) {
        fprintf(stderr, "%s\n", argc == 3 ? error.message : "Usage: camera MODEL.capw IMAGE");
        return 1;
    }
    size_t stride = (size_t)info.input_size * 3 + PADDING, bytes = (size_t)info.input_size * stride;
    uint8_t *image = malloc(bytes), *frame = malloc(bytes);
    int failed = !image || !frame;
    if (!failed) memcpy(image, caption_slot_pixels(session, 0), bytes - (size_t)info.input_size * PADDING);
    for (int i = 0; i < FRAMES && !failed; i++) {
        caption_pixel_view view = {frame, info.input_size, info.input_size, (ptrdiff_t)stride};
        const caption_result *result;
        grab(image, info.input_size, i * STEP, frame, stride);
        failed = caption_pixels(session, &view, NULL, &result, &error) != CAPTION_OK;
        printf("%d: %s\n", i, failed ? error.message : result->captions[0].text);
    }
    free(image);
    free(frame);
    caption_session_close(&session);
    caption_model_close(&model);
    return failed;
}
