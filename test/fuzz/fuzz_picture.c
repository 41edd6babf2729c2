/* fuzz_picture.c - bytes as a picture of a kind that the tools read and the library doesn't. */
#include "test/fuzz/fuzz.h"
#include "tools/common/pictures.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const picture_limits limits = {.memory = (size_t)8 << 20, .pixels = 1 << 18};
    const picture_source source = {.name = "input", .data = data, .size = size};
    tool_error err = {{0}};
    picture p;
    if (!picture_decode(&p, &source, &limits, &err)) {
        fuzz_need(err.message[0] != '\0');
        return 0;
    }
    unsigned sum = 0;
    for (int y = 0; y < p.height; y++) {
        for (int x = 0; x < p.width * 3; x++) sum += p.rgb[y * p.stride + x];
    }
    fuzz_need(sum <= (unsigned)p.width * (unsigned)p.height * 3 * 255);
    picture_free(&p);
    return 0;
}
