/* captions.c - captions raw RGB pictures of the model's input size, and prints for each the words, the bits
 * of the score and the checksum of the features.  The same source runs on a Cortex-M and on this machine;
 * what they print must be equal, but for lines that begin with '#'. */
#include <string.h>

#include <caption.h>
#include "lib/platform/crc32.h"
#include "lib/platform/format.h"
#include "test/cortex-m/board.h"

/* On this machine without low_memory, which must not make a difference. */
#ifndef SESSION_BYTES
#define SESSION_BYTES (1 << 20)
#define LOW_MEMORY 1
#else
#define LOW_MEMORY 0
#endif

enum { SIDE = 224 };

static _Alignas(64) unsigned char object[24 << 10];
static _Alignas(64) unsigned char ram[SESSION_BYTES];
static uint8_t camera[SIDE * SIDE * 3];
static caption_error error;
static char line[120];

static int fail(const char *what, const char *why)
{
    board_print(what);
    board_print(": ");
    board_print(why);
    board_print("\n");
    return 1;
}

/* The line of one picture. */
static void print_caption(const caption_session *session, const caption_result *result, size_t features)
{
    uint64_t score;
    const float *f = caption_slot_features(session, 0);
    memcpy(&score, &result->captions[0].score, sizeof score);
    board_print(result->captions[0].text);
    cpt_format(line, sizeof line, "  score %llu  features %lu  about %d\n", (unsigned long long)score,
               (unsigned long)cpt_crc32(f, features * sizeof *f), (int)(result->captions[0].score * 1e6));
    board_print(line);
}

static int caption_all(caption_session *session, const caption_model *model)
{
    const caption_pixel_view view = {.rgb = camera, .width = SIDE, .height = SIDE};
    caption_model_info info;
    caption_model_get_info(model, &info);
    const size_t features = (size_t)info.positions * (size_t)info.feature_channels;
    uint64_t encoder = 0, decoder = 0;
    int count = 0;
    while (board_read(camera, sizeof camera)) {
        const caption_result *result;
        const uint64_t start = board_instructions();
        if (caption_load_pixels(session, 0, &view, &error) != CAPTION_OK ||
            caption_encode(session, 1, NULL, &error) != CAPTION_OK) {
            return fail("encoder", error.message);
        }
        const uint64_t middle = board_instructions();
        if (caption_decode(session, 0, NULL, &result, &error) != CAPTION_OK) {
            return fail("decoder", error.message);
        }
        decoder += board_instructions() - middle;
        encoder += middle - start;
        print_caption(session, result, features);
        count++;
    }
    if (count == 0) return fail("pictures", "there are none");
    cpt_format(line, sizeof line, "# stack %zu bytes\n# instructions a picture: encoder %llu, decoder %llu\n",
               board_stack(), (unsigned long long)encoder / (unsigned)count,
               (unsigned long long)decoder / (unsigned)count);
    board_print(line);
    return 0;
}

int main(void)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_session_options options;
    size_t size;
    const void *flash = board_model(&size);
    if (!flash) return fail("model", "there is none");
    caption_session_options_init(&options);
    options.decode_memory = 0;
    options.low_memory = LOW_MEMORY;
    options.conv = CAPTION_CONV_DIRECT;
    if (caption_model_init(&model, object, sizeof object, flash, size, NULL, &error) != CAPTION_OK ||
        caption_session_init(&session, ram, sizeof ram, model, &options, &error) != CAPTION_OK) {
        return fail("model and session", error.message);
    }
    cpt_format(line, sizeof line, "# kernels %s, session %zu bytes, model object %zu bytes\n",
               caption_session_cpu(session), caption_session_size(model, &options, NULL),
               caption_model_size());
    board_print(line);
    const int failed = caption_all(session, model);
    caption_session_close(&session);
    caption_model_close(&model);
    return failed;
}
