/* utf8.c - see utf8.h. */
#include "lib/format/utf8.h"

size_t cpt_utf8_length(const char *data, size_t size)
{
    const unsigned char *p = (const unsigned char *)data;
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    const size_t length = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    /* what the second byte may be */
    const unsigned char low = p[0] == 0xE0   ? 0xA0 /* shorter forms exist below */
                              : p[0] == 0xF0 ? 0x90 /* the same */
                                             : 0x80;
    const unsigned char high = p[0] == 0xED   ? 0x9F /* surrogates above */
                               : p[0] == 0xF4 ? 0x8F /* more than U+10FFFF above */
                                              : 0xBF;
    if (size < length || p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
    }
    return length;
}

size_t cpt_utf8_check(const char *data, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const size_t length = cpt_utf8_length(data + at, size - at);
        if (!length) return at;
        at += length;
    }
    return size;
}
