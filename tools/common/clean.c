/* Text from outside, made harmless; see clean.h. */
#include "tools/common/clean.h"

#include <stdbool.h>
#include <string.h>

#include "tools/common/text.h"

/* Room for one escaped character: four bytes of \xNN each, and the zero byte. */
enum { PIECE_BYTES = 17 };

static const char *short_escape(unsigned char byte)
{
    return byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : byte == '\r' ? "\\r" : NULL;
}

/* A character of `length` bytes that a terminal may act on.  U+0080 to U+009F are control characters,
 * U+2028 and U+2029 end lines, U+202A to U+202E and U+2066 to U+2069 change the direction of writing. */
static bool is_harmful(const unsigned char *p, size_t length)
{
    if (length == 1) return p[0] < 0x20 || p[0] == 0x7F;
    if (length == 2) return p[0] == 0xC2 && p[1] < 0xA0;
    if (length != 3 || p[0] != 0xE2) return false;
    if (p[1] == 0x80) return p[2] >= 0xA8 && p[2] <= 0xAE;
    return p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9;
}

/* Takes one character, or one byte that is not UTF-8, off the text; returns how many bytes that were. */
static size_t next_piece(char piece[PIECE_BYTES], const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    const size_t length = tool_utf8_length(text, left), taken = length ? length : 1;
    if (length && !is_harmful(p, length)) {
        memcpy(piece, text, length);
        piece[length] = '\0';
    } else if (short_escape(p[0])) {
        strcpy(piece, short_escape(p[0]));
    } else {
        for (size_t i = 0; i < taken; i++) (void)snprintf(piece + 4 * i, 5, "\\x%02x", (unsigned)p[i]);
    }
    return taken;
}

void tool_put_clean(FILE *stream, const char *text)
{
    for (size_t left = strlen(text); left;) {
        char piece[PIECE_BYTES];
        const size_t taken = next_piece(piece, text, left);
        (void)fputs(piece, stream);
        text += taken;
        left -= taken;
    }
}

size_t tool_clean_length(const char *text, size_t length)
{
    size_t total = 0;
    while (length) {
        char piece[PIECE_BYTES];
        const size_t taken = next_piece(piece, text, length);
        total += strlen(piece);
        text += taken;
        length -= taken;
    }
    return total;
}

size_t tool_shorten(char *out, size_t size, const char *text, size_t length)
{
    static const char dots[] = "...";
    const size_t total = tool_clean_length(text, length), room = size - 1;
    const size_t kept = room > sizeof dots ? room - (sizeof dots - 1) : 0;
    /* of a path the end says more than the start */
    const size_t tail = total > room ? kept - kept / 3 : 0, head = total > room ? kept / 3 : total;
    size_t used = 0;
    bool cut = false;
    for (size_t at = 0; length;) {
        char piece[PIECE_BYTES];
        const size_t taken = next_piece(piece, text, length), bytes = strlen(piece);
        const bool keep = (!cut && at + bytes <= head) || at >= total - tail;
        if (!keep && !cut && kept) {
            memcpy(out + used, dots, sizeof dots - 1);
            used += sizeof dots - 1;
        }
        cut = cut || !keep;
        if (keep) {
            memcpy(out + used, piece, bytes);
            used += bytes;
        }
        at += bytes;
        text += taken;
        length -= taken;
    }
    out[used] = '\0';
    return used;
}

void tool_put_field(FILE *stream, const char *text)
{
    for (; *text; text++) {
        const char *escape = short_escape((unsigned char)*text);
        if (escape) {
            (void)fputs(escape, stream);
        } else {
            (void)putc(*text, stream);
        }
    }
}

void tool_clean(char *out, size_t size, const char *text)
{
    size_t used = 0;
    for (size_t left = strlen(text); left;) {
        char piece[PIECE_BYTES];
        const size_t taken = next_piece(piece, text, left), length = strlen(piece);
        if (used + length >= size) break;
        memcpy(out + used, piece, length);
        used += length;
        text += taken;
        left -= taken;
    }
    if (size) out[used] = '\0';
}
