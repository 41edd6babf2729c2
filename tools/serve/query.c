/* Parameters of an address; see query.h. */
#include "tools/serve/query.h"

#include <limits.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Takes one character off *text, which has not ended: '+' is a blank, %XX a byte.  A '%' that begins no such
 * thing stands for itself. */
static char decode(const char **text)
{
    const char *p = *text;
    const int high = p[0] == '%' ? hex(p[1]) : -1, low = high >= 0 ? hex(p[2]) : -1;
    *text += low >= 0 ? 3 : 1;
    if (low >= 0) return (char)(unsigned char)(high * 16 + low);
    return p[0] == '+' ? ' ' : p[0];
}

/* Whether the parameter at *at has this name; *at moves behind it then. */
static bool is_named(const char **at, const char *name)
{
    const char *p = *at;
    while (*name && *p && *p != '&' && *p != '=') {
        if (decode(&p) != *name++) return false;
    }
    if (*name || (*p && *p != '&' && *p != '=')) return false;
    *at = p;
    return true;
}

bool serve_query_find(const char *query, const char *name, char *value, size_t room)
{
    bool found = false;
    while (query && *query) {
        const char *at = query;
        if (is_named(&at, name)) {
            size_t used = 0;
            found = true;
            if (*at == '=') at++;
            while (*at && *at != '&' && used + 1 < room) value[used++] = decode(&at);
            value[used] = '\0';
        }
        query += strcspn(query, "&");
        if (*query) query++;
    }
    return found;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool serve_query_int(const char *text, long *number)
{
    static const char blanks[] = " \t\n\r\f\v";
    long value = 0;
    text += strspn(text, blanks);
    const bool negative = *text == '-';
    if (*text == '-' || *text == '+') text++;
    if (!is_digit(*text)) return false;
    while (is_digit(*text) || (*text == '_' && is_digit(text[1]))) {
        if (*text == '_') text++;
        const int digit = *text++ - '0';
        value = value > (LONG_MAX - digit) / 10 ? LONG_MAX : value * 10 + digit;
    }
    if (*text == '.') {
        text++;
        if (*text != '0') return false;
        text += strspn(text, "0");
    }
    text += strspn(text, blanks);
    *number = negative ? -value : value;
    return *text == '\0';
}
