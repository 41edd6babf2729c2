/* module.c - the library as a WebAssembly module: the functions that tools/web/caption.js calls.
 *
 * An instance holds one model and one session.  It opens no files, has no threads and allocates nothing: what
 * it needs lies side by side in its memory, which grows where it has to and never shrinks:
 *
 *     model file | model object | session | pixels
 *
 * Functions that can fail return 0 or NULL then, and web_error says why. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <caption.h>

#define EXPORT(name) __attribute__((export_name(#name)))

enum { PAGE = 65536, LINE = 64 };

extern unsigned char __heap_base; /* the first byte behind the data; the linker defines it */

/* How far the work has got: [count] tokens that are final.  Anything but 0 stops it. */
__attribute__((import_module("caption"), import_name("progress"))) int
web_progress(int stage, int done, int total, const int *tokens, int count);

static struct {
    void *file;            /* the model file */
    unsigned char *behind; /* the first byte that nothing uses */
    unsigned char *behind_session;
    unsigned char *pixels;        /* of the image */
    uint32_t channels;            /* bytes of a pixel */
    caption_pixel_view image;     /* .rgb is NULL where there is none */
    caption_model *model;         /* or NULL */
    caption_session *session;     /* or NULL */
    const caption_result *result; /* or NULL */
    caption_error error;
} web;

static bool refuse(const char *why)
{
    strncpy(web.error.message, why, sizeof web.error.message - 1);
    return false;
}

/* Makes memory reach `size` bytes beyond `from`, and says where they begin in *to: at a multiple of 64. */
static bool place(unsigned char *from, uint64_t size, unsigned char **to)
{
    const uint64_t start = ((uint64_t)(uintptr_t)from + LINE - 1) / LINE * LINE, end = start + size;
    const uint64_t pages = (end + PAGE - 1) / PAGE, now = __builtin_wasm_memory_size(0);
    if (pages > PAGE || (pages > now && __builtin_wasm_memory_grow(0, (size_t)(pages - now)) == SIZE_MAX)) {
        return refuse("the browser gives no more memory");
    }
    *to = (unsigned char *)(uintptr_t)start; /* NOLINT(performance-no-int-to-ptr) */
    web.behind = *to + size;
    return true;
}

static void close_all(void)
{
    web.result = NULL;
    web.image = (caption_pixel_view){.rgb = NULL};
    caption_session_close(&web.session);
    caption_model_close(&web.model);
}

/* ---- opening ---- */

/* Returns: where a model file of `size` bytes is to be written.  What was open is closed. */
EXPORT(web_reserve) void *web_reserve(uint32_t size)
{
    unsigned char *to;
    close_all();
    if (!place(&__heap_base, size, &to)) return NULL;
    web.file = to;
    return to;
}

/* Opens the model of `size` bytes that was written there, and a session for searches of up to `beams` beams
 * (0: the model's) with the instruction sets in `cpu`. */
EXPORT(web_open) int web_open(uint32_t size, int beams, uint32_t cpu)
{
    caption_session_options options;
    unsigned char *object, *memory;
    caption_session_options_init(&options);
    options.max_beams = beams;
    options.cpu = cpu;
    options.decode_memory = 0;
    close_all();
    const size_t object_bytes = caption_model_size();
    if (!place((unsigned char *)web.file + size, object_bytes, &object)) return false;
    if (caption_model_init(&web.model, object, object_bytes, web.file, size, NULL, &web.error)) return false;
    const size_t bytes = caption_session_size(web.model, &options, &web.error);
    if (bytes == 0 || !place(web.behind, bytes, &memory)) return false;
    if (caption_session_init(&web.session, memory, bytes, web.model, &options, &web.error)) return false;
    web.behind_session = web.behind;
    return true;
}

/* ---- captioning ---- */

/* Returns: where the next image, width x height pixels of 3 or 4 bytes, is to be written. */
EXPORT(web_pixels) void *web_pixels(uint32_t width, uint32_t height, uint32_t channels)
{
    const uint32_t side = CAPTION_MAX_IMAGE_SIDE;
    web.image = (caption_pixel_view){.rgb = NULL};
    if (!web.session || width - 1 >= side || height - 1 >= side || channels < 3 || channels > 4) {
        refuse("no model is open, or the image is empty or too large");
        return NULL;
    }
    if (!place(web.behind_session, (uint64_t)width * height * channels, &web.pixels)) return NULL;
    web.image = (caption_pixel_view){.rgb = web.pixels, .width = (int)width, .height = (int)height};
    web.channels = channels;
    return web.pixels;
}

static int tell(void *user, const caption_progress *progress)
{
    (void)user;
    return web_progress((int)progress->stage, progress->done, progress->total, progress->settled,
                        progress->settled_count);
}

static void drop_fourth(unsigned char *pixels, size_t count)
{
    for (size_t i = 1; i < count; i++) memmove(pixels + 3 * i, pixels + 4 * i, 3);
}

/* Captions the pixels that were written there, of which a fourth byte is ignored.  beams and nbest 0: the
 * model's, and all. */
EXPORT(web_caption) int web_caption(int beams, int nbest)
{
    caption_decode_options options;
    web.result = NULL;
    if (!web.image.rgb) return refuse("there is no image");
    if (web.channels == 4) drop_fourth(web.pixels, (size_t)web.image.width * (size_t)web.image.height);
    web.channels = 3;
    caption_decode_options_init(&options, web.model);
    if (beams != 0) options.beams = beams;
    options.nbest = nbest;
    options.progress = tell;
    return caption_pixels(web.session, &web.image, &options, &web.result, &web.error) == CAPTION_OK;
}

/* ---- what came out; valid until the next image ---- */

EXPORT(web_count) int web_count(void)
{
    return web.result ? web.result->count : 0;
}

/* Caption i of 0..web_count() - 1. */
EXPORT(web_text) const char *web_text(int i)
{
    return web.result->captions[i].text;
}

EXPORT(web_score) double web_score(int i)
{
    return web.result->captions[i].score;
}

EXPORT(web_confidence) double web_confidence(int i)
{
    return web.result->captions[i].confidence;
}

EXPORT(web_length) int web_length(int i)
{
    return web.result->captions[i].length;
}

EXPORT(web_tokens) const int *web_tokens(int i)
{
    return web.result->captions[i].ids;
}

/* Returns: [length, positions], or NULL for models without attention. */
EXPORT(web_attention) const float *web_attention(int i)
{
    return web.result->captions[i].alpha;
}

EXPORT(web_features) const float *web_features(void)
{
    return web.session ? caption_slot_features(web.session, 0) : NULL;
}

/* ---- the model ---- */

EXPORT(web_word) const char *web_word(int token)
{
    return web.model ? caption_model_word(web.model, token) : NULL;
}

static caption_model_info model_info(void)
{
    caption_model_info info = {.positions = 0};
    if (web.model) (void)caption_model_get_info(web.model, &info);
    return info;
}

EXPORT(web_positions) int web_positions(void)
{
    return model_info().positions;
}

EXPORT(web_channels) int web_channels(void)
{
    return model_info().feature_channels;
}

/* The instruction set that the session uses. */
EXPORT(web_kernels) const char *web_kernels(void)
{
    return caption_session_cpu(web.session);
}

EXPORT(web_error) const char *web_error(void)
{
    return web.error.message;
}
