/* board.c - captions one picture on a small machine: no heap, no files, one thread.  The build files beside
 * it show how it goes into a project of ESP-IDF or Zephyr.  The project has the four functions declared
 * below. */
#include <caption.h>
#include <stddef.h>
#include <stdint.h>

/* The model file, 64-byte aligned and readable like memory, and its size. */
const void *board_model(size_t *size);

/* A picture of the camera: RGB, 8 bits each, rows without gaps. */
const uint8_t *board_picture(int *width, int *height);

void board_watchdog(void);
void board_print(const char *text);

int board_caption(void);

/* What caption_session_size says for the bundled model in int8, and the same of the model object; both
 * rounded up.  caption_session_init names the right number where this is too small. */
static _Alignas(64) unsigned char ram[388 << 10], object[16 << 10];
static caption_error error; /* 264 bytes that the stack need not hold */

static int feed(void *user, const caption_progress *progress)
{
    (void)user, (void)progress;
    board_watchdog();
    return 0; /* anything else stops the work */
}

int board_caption(void)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_session_options options;
    caption_decode_options decoding;
    const caption_result *result;
    caption_pixel_view view = {.stride = 0};
    size_t size;
    const void *file = board_model(&size);

    caption_session_options_init(&options);
    options.low_memory = 1;
    options.decode_memory = 0;
    options.conv = CAPTION_CONV_DIRECT;
    caption_status status = caption_model_init(&model, object, sizeof object, file, size, NULL, &error);
    if (!status) status = caption_session_init(&session, ram, sizeof ram, model, &options, &error);
    if (!status) {
        caption_decode_options_init(&decoding, model);
        decoding.progress = feed;
        view.rgb = board_picture(&view.width, &view.height);
        status = caption_pixels(session, &view, &decoding, &result, &error);
    }
    board_print(status ? error.message : result->captions[0].text);
    caption_session_close(&session);
    caption_model_close(&model);
    return status;
}
