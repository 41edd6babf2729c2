/* fuzz_image.c - options of a session, and bytes as an encoded image: its header, then all of it, into a
 * slot.
 *
 * Input: one byte of options, then the image. */
#include "test/fixture.h"
#include "test/fuzz/fuzz.h"

enum { SESSIONS = 16 };

/* The session whose options are the bits of `which`; made once. */
static caption_session *session_of(int which)
{
    static fixture fix;
    static caption_session *sessions[SESSIONS];
    if (!fix.model) fuzz_need(fixture_open(&fix, NULL));
    if (!sessions[which]) {
        caption_session_options options;
        caption_session_options_init(&options);
        options.strict = which & 1;
        options.no_exif = which >> 1 & 1;
        options.max_pixels = which & 4 ? 1 << 12 : 1 << 20;
        options.decode_memory = which & 8 ? 96 << 10 : 2 << 20;
        fuzz_need(caption_session_create(&sessions[which], fix.model, &options, NULL) == CAPTION_OK);
    }
    return sessions[which];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    caption_session *session = session_of(data[0] % SESSIONS);
    caption_image_info info;
    (void)caption_image_probe(data + 1, size - 1, &info, NULL);
    const caption_status status = caption_load_image(session, 0, data + 1, size - 1, NULL);
    fuzz_need((status == CAPTION_OK) == (caption_slot_pixels(session, 0) != NULL));
    return 0;
}
