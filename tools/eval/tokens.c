/* Captions cut into words; see tokens.h.  Text is UTF-8, checked by the readers. */
#include "tools/eval/tokens.h"

#include <string.h>

void eval_cursor_begin(eval_cursor *cursor, const char *text)
{
    cursor->next = text;
    cursor->stop = text + strlen(text);
    cursor->ended = false;
}

/* The ASCII letter or digit that begins the lower case of the character at p, 0 if there is none.  Beyond
 * ASCII: U+212A KELVIN SIGN becomes k, and U+0130 I WITH DOT becomes i and a combining dot. */
static char clean_character(const char *p, size_t left, size_t *bytes)
{
    const char c = *p;
    *bytes = 1;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return c;
    if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
    if (left >= 3 && memcmp(p, "\xE2\x84\xAA", 3) == 0) {
        *bytes = 3;
        return 'k';
    }
    if (left >= 2 && memcmp(p, "\xC4\xB0", 2) == 0) {
        *bytes = 2;
        return 'i';
    }
    return 0;
}

bool eval_next_clean(eval_cursor *cursor, char *word, size_t size, size_t *length)
{
    size_t n = 0;
    while (cursor->next < cursor->stop) {
        size_t bytes;
        const char c = clean_character(cursor->next, (size_t)(cursor->stop - cursor->next), &bytes);
        cursor->next += bytes;
        if (c && n < size) word[n++] = c;
        if (n && (!c || bytes == 2)) break; /* the combining dot of U+0130 parts words */
    }
    *length = n;
    return n > 0;
}

/* The bytes of the white space character at `text`; 0 if another character is there. */
static size_t space_length(const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    if ((p[0] >= 0x09 && p[0] <= 0x0D) || (p[0] >= 0x1C && p[0] <= 0x20)) return 1;
    if (left >= 2 && p[0] == 0xC2 && (p[1] == 0x85 || p[1] == 0xA0)) return 2;
    if (left < 3) return 0;
    if (p[0] == 0xE1 && p[1] == 0x9A && p[2] == 0x80) return 3; /* U+1680 */
    if (p[0] == 0xE2 && p[1] == 0x80) {                         /* U+2000..200A, 2028, 2029, 202F */
        return p[2] <= 0x8A || p[2] == 0xA8 || p[2] == 0xA9 || p[2] == 0xAF ? 3 : 0;
    }
    if (p[0] == 0xE2 && p[1] == 0x81 && p[2] == 0x9F) return 3; /* U+205F */
    if (p[0] == 0xE3 && p[1] == 0x80 && p[2] == 0x80) return 3; /* U+3000 */
    return 0;
}

bool eval_next_split(eval_cursor *cursor, const char **word, size_t *length)
{
    const char *p = cursor->next;
    while (p < cursor->stop) {
        const size_t space = space_length(p, (size_t)(cursor->stop - p));
        if (!space) break;
        p += space;
    }
    *word = p;
    while (p < cursor->stop && !space_length(p, (size_t)(cursor->stop - p))) p++;
    *length = (size_t)(p - *word);
    cursor->next = p;
    return *length > 0;
}

bool eval_next_spaced(eval_cursor *cursor, const char **word, size_t *length)
{
    if (cursor->ended) return false;
    const char *space = memchr(cursor->next, ' ', (size_t)(cursor->stop - cursor->next));
    *word = cursor->next;
    *length = (size_t)((space ? space : cursor->stop) - cursor->next);
    if (space) cursor->next = space + 1;
    cursor->ended = !space;
    return true;
}

size_t eval_lower(const char *text, size_t length, char *lower)
{
    size_t n = 0, at = 0;
    while (at < length) {
        size_t bytes;
        const char c = clean_character(text + at, length - at, &bytes);
        lower[n++] = c ? c : text[at];
        /* the dot that follows the i is no ASCII letter: a byte that no reference holds stands for it */
        if (bytes == 2) lower[n++] = '\xCC';
        at += bytes;
    }
    return n;
}
