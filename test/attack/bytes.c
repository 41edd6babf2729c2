/* bytes.c - numbers from a seed, and changes to bytes of any kind; see attack.h. */
#include "test/attack/attack.h"

/* ---- numbers ---- */

uint64_t roll(dice *d)
{
    /* a counter, mixed: every state gives another number */
    uint64_t x = d->state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

dice dice_of(uint64_t seed, uint64_t index)
{
    dice d = {seed * 0x2545F4914F6CDD1Du + index};
    d.state = roll(&d);
    return d;
}

size_t roll_below(dice *d, size_t count)
{
    return (size_t)(roll(d) % count);
}

bool one_in(dice *d, size_t times)
{
    return roll_below(d, times) == 0;
}

uint64_t roll_edge(dice *d)
{
    static const uint64_t edges[] = {
        0,          1,          2,           3,           4,           7,           8,
        15,         16,         63,          64,          65,          127,         128,
        255,        256,        1024,        4096,        32767,       32768,       65535,
        65536,      0x7FFFFFFF, 0x80000000u, 0xFFFFFFFFu, 1ull << 32,  1ull << 40,  INT64_MAX,
        1ull << 63, UINT64_MAX, 67108864,    16777216,    0x7F800000u, 0x7FC00000u, 0xFF800000u};
    if (one_in(d, 8)) return roll(d) >> roll_below(d, 64);
    return edges[roll_below(d, sizeof edges / sizeof edges[0])];
}

const char *roll_text(dice *d)
{
    static const char *const texts[] = {
        "",
        " ",
        "\n",
        "\t",
        "\r",
        "\033[2J\033]0;title\007",
        "\xC2\x9B"
        "31m",
        "\xE2\x80\xAE"
        "backwards",
        "\xE2\x80\xA8",
        "\xFF\xFE",
        "\xC0\x80",
        "\xED\xA0\x80",
        "\xF4\x90\x80\x80",
        "cut \xE2\x82",
        "%s%n%d",
        "../../../../etc/passwd",
        "/dev/stdin",
        "-",
        "--help",
        "\"quoted\"",
        "a,b|c\td",
        "<end>",
        "<start>",
        "nan",
        "-nan",
        "inf",
        "-1",
        "0",
        "1",
        "64",
        "1024",
        "1025",
        "32",
        "2147483648",
        "18446744073709551616",
        "1e400",
        "1e-400",
        "-0.0",
        "0.1 0.2",
        "0.1 0.2 0.3 0.4",
        "{\"a\":[",
        "\\u0000",
        "\x7F\x01\x02",
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "<img src=x onerror=alert(1)>&amp;'",
        "caf\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x90\x95",
    };
    static char endless[70000];
    if (one_in(d, 12)) {
        const size_t size = one_in(d, 3) ? sizeof endless - 1 : 300;
        memset(endless, one_in(d, 2) ? 'a' : '7', size);
        endless[size] = '\0';
        return endless;
    }
    return texts[roll_below(d, sizeof texts / sizeof texts[0])];
}

/* ---- bytes ---- */

void put_text(bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

void put_bytes(bytes *b, const bytes *other)
{
    put(b, other->at, other->size);
}

void splice(bytes *b, size_t at, size_t remove, const void *data, size_t size)
{
    bytes made = {0};
    if (at > b->size) at = b->size;
    if (remove > b->size - at) remove = b->size - at;
    put(&made, b->at, at);
    put(&made, data, size);
    if (b->size > at + remove) put(&made, b->at + at + remove, b->size - at - remove);
    free_bytes(b);
    *b = made;
}

/* A place in the bytes; half of them near the start, where the tables stand. */
static size_t roll_place(dice *d, size_t size)
{
    if (size > 2048 && one_in(d, 2)) size = 2048;
    return roll_below(d, size);
}

static void overwrite(bytes *b, dice *d, size_t at)
{
    unsigned char number[8];
    const uint64_t edge = roll_edge(d);
    const size_t size = (size_t)1 << roll_below(d, 4);
    const bool big = one_in(d, 3);
    for (size_t i = 0; i < size; i++) {
        number[i] = (unsigned char)(edge >> 8 * (big ? size - 1 - i : i) & 255);
    }
    splice(b, at, size, number, size);
}

/* Puts a copy of one piece at `at`, in the place of as many bytes or between them. */
static void copy_piece(bytes *b, dice *d, size_t at)
{
    bytes piece = {0};
    const size_t from = roll_place(d, b->size);
    size_t size = one_in(d, 4) ? roll_below(d, 4096) + 1 : roll_below(d, 32) + 1;
    if (size > b->size - from) size = b->size - from;
    put(&piece, b->at + from, size);
    splice(b, at, one_in(d, 2) ? size : 0, piece.at, piece.size);
    free_bytes(&piece);
}

static void damage_once(bytes *b, dice *d)
{
    const size_t at = roll_place(d, b->size);
    switch (roll_below(d, 8)) {
    case 0:
    case 1:
        b->at[at] ^= (unsigned char)(1u << roll_below(d, 8));
        break;
    case 2:
        b->at[at] = (unsigned char)roll(d);
        break;
    case 3:
    case 4:
        overwrite(b, d, at);
        break;
    case 5:
        splice(b, at, roll_below(d, one_in(d, 4) ? 4096 : 16) + 1, NULL, 0);
        break;
    case 6:
        copy_piece(b, d, at);
        break;
    default:
        if (one_in(d, 4)) {
            b->size = roll_below(d, b->size);
        } else {
            const char *text = roll_text(d);
            splice(b, at, one_in(d, 2) ? strlen(text) : 0, text, strlen(text));
        }
    }
}

void damage(bytes *b, dice *d)
{
    for (size_t left = roll_below(d, 8) + 1; left > 0 && b->size > 0; left--) damage_once(b, d);
}
