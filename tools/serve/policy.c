/* The policy of a page; see policy.h. */
#include "tools/serve/policy.h"

#include <stdio.h>
#include <string.h>

#include "tools/serve/sha256.h"

enum { HASH_BYTES = 45 }; /* 32 bytes in base64, and a zero byte */

static void base64(const uint8_t digest[SERVE_SHA256_BYTES], char text[HASH_BYTES])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t used = 0;
    for (size_t i = 0; i < SERVE_SHA256_BYTES; i += 3) {
        const uint32_t rest = i + 2 < SERVE_SHA256_BYTES ? digest[i + 2] : 0;
        const uint32_t bits = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | rest;
        for (int shift = 18; shift >= 0; shift -= 6) text[used++] = digits[bits >> shift & 63];
    }
    text[HASH_BYTES - 2] = '=';
    text[HASH_BYTES - 1] = '\0';
}

static const char *find(const char *at, const char *stop, const char *what)
{
    const size_t length = strlen(what);
    for (; (size_t)(stop - at) >= length; at++) {
        if (memcmp(at, what, length) == 0) return at;
    }
    return NULL;
}

/* Appends the sources of a kind of element: " kind-src 'sha256-...'"; 'none' where the page has none. */
static bool add_sources(char *policy, const char *element, const char *html, size_t size)
{
    char open[16], close[16];
    const char *stop = html + size;
    (void)snprintf(open, sizeof open, "<%s>", element);
    (void)snprintf(close, sizeof close, "</%s>", element);
    size_t used = strlen(policy);
    bool any = false;
    used += (size_t)snprintf(policy + used, SERVE_POLICY_BYTES - used, "; %s-src", element);
    for (const char *at = find(html, stop, open); at; at = find(at, stop, open)) {
        uint8_t digest[SERVE_SHA256_BYTES];
        char text[HASH_BYTES];
        const char *begin = at + strlen(open), *end = find(begin, stop, close);
        if (!end) break;
        serve_sha256(begin, (size_t)(end - begin), digest);
        base64(digest, text);
        if (used + 120 > SERVE_POLICY_BYTES) return false;
        used += (size_t)snprintf(policy + used, SERVE_POLICY_BYTES - used, " 'sha256-%s'", text);
        any = true;
        at = end;
    }
    if (!any) (void)snprintf(policy + used, SERVE_POLICY_BYTES - used, " 'none'");
    return true;
}

bool serve_policy(char policy[SERVE_POLICY_BYTES], const char *html, size_t size)
{
    (void)snprintf(policy, SERVE_POLICY_BYTES,
                   "default-src 'none'; img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; "
                   "base-uri 'none'; frame-ancestors 'none'");
    return add_sources(policy, "script", html, size) && add_sources(policy, "style", html, size);
}
