/* older_caller.c MODEL IMAGE - a program that was compiled with an earlier header, whose structures are
 * shorter. Bytes behind each structure must stay as they were, and what is computed must be what the fields
 * that it knows ask for.  Prints TAP lines. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/programs/caption_older.h"

#define CANARY 0xC5

/* A structure with bytes behind it that nobody may write. */
#define GUARDED(type)              \
    struct {                       \
        type it;                   \
        unsigned char canary[128]; \
    }

static int failures, tests;

static void report(bool good, const char *what)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
    if (!good) failures++;
}

static bool whole(const unsigned char *canary)
{
    for (int i = 0; i < 128; i++) {
        if (canary[i] != CANARY) return false;
    }
    return true;
}

#define FILL(guarded) memset(&(guarded), CANARY, sizeof(guarded))

static void look(const caption_model *model, const caption_session *session)
{
    GUARDED(caption_model_info) info;
    GUARDED(caption_tensor_info) tensor;
    GUARDED(caption_layer_info) layer;
    FILL(info);
    FILL(tensor);
    FILL(layer);
    report(caption_model_get_info(model, &info.it) == CAPTION_OK && info.it.input_size >= 32 &&
               info.it.hidden_size > 0 && whole(info.canary),
           "model information");
    report(caption_model_tensor(model, 0, &tensor.it) == CAPTION_OK && tensor.it.rank >= 1 &&
               tensor.it.dims[0] > 0 && whole(tensor.canary),
           "tensor information");
    report(caption_session_layer(session, 0, &layer.it) == CAPTION_OK && strcmp(layer.it.name, "stem") == 0 &&
               layer.it.in_width == info.it.input_size && layer.it.out_channels > 0 && whole(layer.canary),
           "layer information");
}

static void caption_pixel_views(caption_session *session, const caption_decode_options *options)
{
    static uint8_t rgb[40 * 60 * 3];
    GUARDED(caption_pixel_view) view; /* what lies behind must not be taken for a stride */
    const caption_result *result = NULL;
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * 11);
    FILL(view);
    view.it.rgb = rgb;
    view.it.width = 60;
    view.it.height = 40;
    report(caption_pixels(session, &view.it, options, &result, NULL) == CAPTION_OK && result->count >= 1 &&
               caption_load_pixels(session, 0, &view.it, NULL) == CAPTION_OK && whole(view.canary),
           "pixels without a stride");
}

static void probe(const char *path)
{
    static unsigned char data[1 << 20];
    GUARDED(caption_image_info) info;
    FILL(info);
    FILE *file = fopen(path, "rb");
    const size_t size = file ? fread(data, 1, sizeof data, file) : 0;
    if (file) (void)fclose(file);
    report(caption_image_probe(data, size, &info.it, NULL) == CAPTION_OK && info.it.width > 0 &&
               info.it.orientation == 1 && whole(info.canary),
           "image information");
}

/* As many captions as nbest asks for, in an array whose elements are as large as this header says. */
static bool good_result(const caption_result *result, int count)
{
    if (!result || result->count != count) return false;
    for (int i = 0; i < count; i++) {
        const caption_text *c = &result->captions[i];
        if (!c->text || c->length < 1 || c->reserved[0] || c->reserved[1]) return false;
        if (i > 0 && c->score > c[-1].score) return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    GUARDED(caption_model_options) how;
    GUARDED(caption_session_options) session_options;
    GUARDED(caption_decode_options) decode;
    caption_model *model = NULL;
    caption_session *session = NULL;
    const caption_result *result = NULL;
    caption_error error = {CAPTION_OK, ""};
    if (argc != 3) return 2;
    FILL(how);
    FILL(session_options);
    FILL(decode);
    caption_model_options_init(&how.it);
    caption_session_options_init(&session_options.it);
    session_options.it.threads = 2;
    session_options.it.max_beams = 6;
    if (caption_model_open_file(&model, argv[1], &how.it, &error) != CAPTION_OK ||
        caption_session_create(&session, model, &session_options.it, &error) != CAPTION_OK) {
        printf("not ok - opens: %s\n", error.message);
        return 1;
    }
    report(whole(how.canary), "model options");
    report(session_options.it.max_batch == 1 && whole(session_options.canary), "session options");
    caption_decode_options_init(&decode.it, model);
    decode.it.beams = 6;
    decode.it.nbest = 2;
    report(caption_file(session, argv[2], &decode.it, &result, &error) == CAPTION_OK &&
               good_result(result, 2) && whole(decode.canary),
           "decoding options");
    look(model, session);
    caption_pixel_views(session, &decode.it);
    probe(argv[2]);
    caption_session_close(&session);
    caption_model_close(&model);
    return failures ? 1 : 0;
}
