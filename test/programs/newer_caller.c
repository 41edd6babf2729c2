/* newer_caller.c MODEL - a program that was compiled with a later header, whose structures have more fields.
 * Each is refused in words that name the structure and both sizes.  Prints TAP lines. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caption.h>

/* What a later header would have. */
#define LATER(type)       \
    struct {              \
        type it;          \
        uint64_t more[2]; \
    }

static int failures, tests;

static void refused(caption_status status, const caption_error *error, const char *name, size_t known)
{
    char theirs[32];
    (void)snprintf(theirs, sizeof theirs, " %zu bytes", known + 16);
    char ours[32];
    (void)snprintf(ours, sizeof ours, " has %zu;", known);
    const bool good = status == CAPTION_ERROR_VERSION && strstr(error->message, name) &&
                      strstr(error->message, theirs) && strstr(error->message, ours) &&
                      strstr(error->message, "newer");
    printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
    printf("# %s\n", error->message);
    if (!good) failures++;
}

static void options_are_refused(const char *path, const caption_model *model, caption_session *session)
{
    LATER(caption_model_options) how;
    LATER(caption_session_options) session_options;
    LATER(caption_decode_options) decode;
    caption_model *second = NULL;
    caption_session *other = NULL;
    caption_model_options_defaults(&how.it, CAPTION_ABI_VERSION, sizeof how);
    caption_error error;
    refused(caption_model_open_file(&second, path, &how.it, &error), &error, "model options", sizeof how.it);
    caption_session_options_defaults(&session_options.it, CAPTION_ABI_VERSION, sizeof session_options);
    refused(caption_session_create(&other, model, &session_options.it, &error), &error, "session options",
            sizeof session_options.it);
    caption_decode_options_defaults(&decode.it, model, CAPTION_ABI_VERSION, sizeof decode);
    const caption_result *result;
    refused(caption_image(session, "", 0, &decode.it, &result, &error), &error, "decoding options",
            sizeof decode.it);
}

static void others_are_refused(const caption_model *model, caption_session *session)
{
    static const unsigned char png[33] = "\211PNG\r\n\032\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
    const uint8_t rgb[3] = {0};
    LATER(caption_model_info) info;
    LATER(caption_tensor_info) tensor;
    LATER(caption_layer_info) layer;
    LATER(caption_image_info) image;
    LATER(caption_pixel_view) view = {.it = {.rgb = rgb, .width = 1, .height = 1}};
    caption_error error;
    refused(caption_model_get_info_sized(model, &info.it, sizeof info, &error), &error, "model information",
            sizeof info.it);
    refused(caption_model_tensor_sized(model, 0, &tensor.it, sizeof tensor, &error), &error,
            "tensor information", sizeof tensor.it);
    refused(caption_session_layer_sized(session, 0, &layer.it, sizeof layer, &error), &error,
            "layer information", sizeof layer.it);
    refused(caption_image_probe_sized(png, sizeof png, &image.it, sizeof image, &error), &error,
            "image information", sizeof image.it);
    refused(caption_load_pixels_sized(session, 0, &view.it, sizeof view, &error), &error, "pixel view",
            sizeof view.it);
}

int main(int argc, char **argv)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_error error = {CAPTION_OK, ""};
    if (argc != 2) return 2;
    if (caption_model_open_file(&model, argv[1], NULL, &error) != CAPTION_OK ||
        caption_session_create(&session, model, NULL, &error) != CAPTION_OK) {
        printf("not ok - opens: %s\n", error.message);
        return 1;
    }
    options_are_refused(argv[1], model, session);
    others_are_refused(model, session);
    caption_session_close(&session);
    caption_model_close(&model);
    return failures ? 1 : 0;
}
