/* fuzz_image.c - bytes as an encoded image: its header, then all of it, into a session's slot. */
#include "test/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fixture fix;
    static caption_session *session;
    if (!session) {
        caption_session_options options;
        caption_session_options_init(&options);
        options.max_pixels = 1 << 20;
        options.decode_memory = 2 << 20;
        if (!fixture_open(&fix, NULL) ||
            caption_session_create(&session, fix.model, &options, NULL) != CAPTION_OK) {
            __builtin_trap();
        }
    }
    caption_image_info info;
    (void)caption_image_probe(data, size, &info, NULL);
    if (caption_load_image(session, 0, data, size, NULL) == CAPTION_OK && !caption_slot_pixels(session, 0)) {
        __builtin_trap();
    }
    return 0;
}
