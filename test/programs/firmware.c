/* firmware.c - captions pixels with a narrow model, all memory static, as on a machine without a heap. Stands
 * in for firmware in test_firmware.sh; there the model would be in flash. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/make_model.h"

static _Alignas(64) unsigned char flash[512 << 10]; /* the model file */
static _Alignas(64) unsigned char ram[4 << 20];     /* the session */
static _Alignas(64) unsigned char object[64 << 10]; /* the model object */
static uint8_t camera[96 * 128 * 3];

static size_t burn_flash(void)
{
    make_model_options tiny;
    make_model_defaults(&tiny);
    tiny.input = 96;
    size_t size;
    unsigned char *bytes = make_model(&tiny, &size);
    if (!bytes || size > sizeof flash) return 0;
    memcpy(flash, bytes, size);
    free(bytes);
    return size;
}

static int no_callback(void *user, uint64_t offset, void *buffer, size_t size)
{
    (void)user, (void)offset, (void)buffer, (void)size;
    return 1;
}

/* What was left out says so, with and without an error structure. */
static bool rest_is_refused(const caption_model *model, caption_session *session)
{
    static const char png[33] = "\211PNG\r\n\032\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
    static const char jpeg[] = "\xFF\xD8\xFF\xC0\0\x0B\x08\0\x01\0\x01\x01\x01\x11\0"
                               "\xFF\xDA\0\x08\x01\x01\0\0\x3F\0";
    caption_session_options two;
    int failures = 0;
    caption_session_options_init(&two);
    two.threads = 2;
    for (int with = 0; with < 2; with++) {
        caption_error own = {CAPTION_OK, ""}, *error = with ? &own : NULL;
        caption_model *m = NULL;
        caption_session *s = NULL;
        const caption_status got[] = {
            caption_model_open_file(&m, "m.capw", NULL, error),
            caption_model_open_memory(&m, flash, sizeof flash, NULL, error),
            caption_model_open_callback(&m, no_callback, NULL, 99, NULL, error),
            caption_session_create(&s, model, NULL, error),
            caption_session_init(&s, ram, sizeof ram, model, &two, error), /* touches no memory */
            caption_load_file(session, 0, "p.jpg", error),
            caption_load_image(session, 0, png, sizeof png, error),
            caption_load_image(session, 0, jpeg, sizeof jpeg, error),
        };
        for (size_t i = 0; i < sizeof got / sizeof *got; i++) {
            if (got[i] == CAPTION_ERROR_UNSUPPORTED) continue;
            printf("call %zu: status %d, not unsupported\n", i, (int)got[i]);
            failures++;
        }
        if (with && (own.status != CAPTION_ERROR_UNSUPPORTED || !own.message[0])) failures++;
    }
    return failures == 0;
}

int main(void)
{
    const caption_pixel_view view = {.rgb = camera, .width = 128, .height = 96};
    caption_model *model = NULL;
    caption_session *session = NULL;
    const size_t size = burn_flash();
    if (size == 0) return 1;
    for (size_t i = 0; i < sizeof camera; i++) camera[i] = (uint8_t)(i * 7 ^ i >> 6);
    caption_session_options options;
    caption_session_options_init(&options);
    options.max_beams = 3;
    options.max_length = 20;
    options.decode_memory = 0; /* the encoder's memory does for resizing */
    caption_error error;
    if (caption_model_init(&model, object, sizeof object, flash, size, NULL, &error) != CAPTION_OK ||
        caption_session_init(&session, ram, sizeof ram, model, &options, &error) != CAPTION_OK) {
        printf("%s\n", error.message);
        return 1;
    }
    const int refused = rest_is_refused(model, session);
    caption_decode_options decode;
    caption_decode_options_init(&decode, model);
    decode.beams = 3;
    const caption_result *result;
    const caption_status status = caption_pixels(session, &view, &decode, &result, &error);
    if (status == CAPTION_OK) {
        printf("model file %zu bytes, model object %zu, session %zu\n", size, caption_model_size(),
               caption_session_size(model, &options, NULL));
        printf("%s\n", result->captions[0].text);
    } else {
        printf("%s\n", error.message);
    }
    caption_session_close(&session);
    caption_model_close(&model);
    return status == CAPTION_OK && refused ? 0 : 1;
}
