/* firmware.c - captions pixels with a narrow model, all memory static, as on a machine without a heap. Stands
 * in for firmware in test_firmware.sh; the model would be in flash there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/make_model.h"

static _Alignas(64) unsigned char flash[512 << 10]; /* the model file */
static _Alignas(64) unsigned char ram[4 << 20];     /* the session */
static _Alignas(64) unsigned char object[64 << 10]; /* the model object */
static uint8_t camera[96 * 128 * 3];

int main(void)
{
    const caption_pixel_view view = {camera, 128, 96, 0};
    make_model_options tiny;
    caption_session_options options;
    caption_model *model = NULL;
    caption_session *session = NULL;
    const caption_result *result;
    caption_error error;
    size_t size;
    unsigned char *bytes;
    make_model_defaults(&tiny);
    tiny.input = 96;
    bytes = make_model(&tiny, &size);
    if (!bytes || size > sizeof flash) return 1;
    memcpy(flash, bytes, size);
    free(bytes);
    for (size_t i = 0; i < sizeof camera; i++) camera[i] = (uint8_t)(i * 7 ^ i >> 6);
    caption_session_options_init(&options);
    options.max_beams = 3;
    options.max_length = 20;
    options.decode_memory = 256 << 10;
    if (caption_model_init(&model, object, sizeof object, flash, size, NULL, &error) == CAPTION_OK &&
        caption_session_init(&session, ram, sizeof ram, model, &options, &error) == CAPTION_OK) {
        caption_decode_options decode;
        caption_decode_options_init(&decode, model);
        decode.beams = 3;
        if (caption_pixels(session, &view, &decode, &result, &error) == CAPTION_OK) {
            printf("model file %zu bytes, model object %zu, session %zu\n", size, caption_model_size(),
                   caption_session_size(model, &options, NULL));
            printf("%s\n", result->captions[0].text);
            caption_session_close(&session);
            caption_model_close(&model);
            return 0;
        }
    }
    printf("%s\n", error.message);
    return 1;
}
