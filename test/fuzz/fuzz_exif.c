/* fuzz_exif.c - bytes as the EXIF block of a JPEG that is sound otherwise, and alone. */
#include <stdlib.h>
#include <string.h>

#include "lib/image/exif.h"
#include "test/fixture.h"
#include "test/fuzz/fuzz.h"

enum { MARKER_BYTES = 10, MAX_BLOCK = 65535 - 8 };

/* The JPEG with its EXIF block: data [size] go between the start of `jpeg` and its rest. */
static void load_with(caption_session *session, fuzz_bytes jpeg, const uint8_t *data, size_t size)
{
    const size_t marker = size + 8, total = jpeg.size + MARKER_BYTES + size;
    const uint8_t head[MARKER_BYTES] = {0xFF, 0xE1, (uint8_t)(marker >> 8), (uint8_t)marker, 'E', 'x',
                                        'i',  'f'};
    uint8_t *image = malloc(total);
    fuzz_need(image != NULL);
    memcpy(image, jpeg.data, 2);
    memcpy(image + 2, head, sizeof head);
    if (size) memcpy(image + 2 + sizeof head, data, size);
    memcpy(image + 2 + sizeof head + size, jpeg.data + 2, jpeg.size - 2);
    caption_image_info info;
    fuzz_need(caption_image_probe(image, total, &info, NULL) == CAPTION_OK);
    fuzz_need(info.orientation >= 1 && info.orientation <= 8);
    fuzz_need(info.orientation == cpt_exif_orientation(data, size));
    fuzz_need(caption_load_image(session, 0, image, total, NULL) == CAPTION_OK);
    free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fixture fix;
    static caption_session *session;
    static fuzz_bytes jpeg;
    if (!session) {
        jpeg.data = fixture_jpeg(1, &jpeg.size);
        fuzz_need(jpeg.data && fixture_open(&fix, NULL));
        fuzz_need(caption_session_create(&session, fix.model, NULL, NULL) == CAPTION_OK);
    }
    if (size <= MAX_BLOCK) load_with(session, jpeg, data, size);
    return 0;
}
