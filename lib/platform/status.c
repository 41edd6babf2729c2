/* status.c - formats error messages and names status codes.  Never prints, never allocates. */
#include "lib/platform/status.h"

#include <stdarg.h>
#include <string.h>

enum { LEAST_PATH = 60 }; /* bytes that a path keeps beside a reason of any length */

/* Bytes of the character at p that is fit for a message; 0 when it could do harm or is no UTF-8.  U+0080 to
 * U+009F are control characters, U+2028 and U+2029 end lines, U+202A to U+202E and U+2066 to U+2069 change
 * the direction of writing. */
static size_t fit_length(const unsigned char *p)
{
    if (p[0] < 0x80) return p[0] >= ' ' && p[0] != 0x7F;
    const size_t length = p[0] >= 0xC2 && p[0] < 0xE0   ? 2
                          : (p[0] & 0xF0) == 0xE0       ? 3
                          : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                                        : 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0; /* the zero byte at the end, too */
    }
    if (p[0] == 0xC2 && p[1] < 0xA0) return 0;
    if (p[0] == 0xE2 && p[1] == 0x80 && p[2] >= 0xA8 && p[2] <= 0xAE) return 0;
    if (p[0] == 0xE2 && p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9) return 0;
    return length;
}

/* Makes one line of what the message holds, byte by byte, so that its length stays. */
static void clean(char *message)
{
    while (*message) {
        const size_t length = fit_length((const unsigned char *)message);
        if (!length) *message = '?';
        message += length ? length : 1;
    }
}

caption_status(cpt_fail)(caption_error *error, caption_status status, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        error->status = status;
        cpt_format_list(error->message, sizeof error->message, format, args);
        va_end(args);
        if (!error->message[0]) {
            cpt_format(error->message, sizeof error->message, "%s", caption_status_string(status));
        }
        clean(error->message);
    }
    return status;
}

caption_status(cpt_fail_in_file)(caption_error *error, caption_status status, const char *path)
{
    if (error) {
        const caption_error inner = *error;
        const size_t length = strlen(path), reason = strlen(inner.message) + sizeof ": ";
        const size_t left = reason < sizeof inner.message ? sizeof inner.message - reason : 0;
        const size_t room = left > LEAST_PATH ? left : LEAST_PATH, head = (room - 3) / 3;
        if (length <= room) {
            cpt_fail(error, status, "%s: %s", path, inner.message);
        } else { /* of a path the end says more than the start */
            cpt_fail(error, status, "%.*s...%s: %s", (int)head, path, path + length - (room - 3 - head),
                     inner.message);
        }
    }
    return status;
}

caption_status cpt_ok(caption_error *error)
{
    if (error) {
        error->status = CAPTION_OK;
        error->message[0] = '\0';
    }
    return CAPTION_OK;
}

const char *caption_status_string(caption_status status)
{
    switch (status) {
    case CAPTION_OK:
        return "ok";
    case CAPTION_ERROR_ARGUMENT:
        return "invalid argument";
    case CAPTION_ERROR_MEMORY:
        return "out of memory";
    case CAPTION_ERROR_IO:
        return "input/output error";
    case CAPTION_ERROR_MODEL:
        return "invalid model file";
    case CAPTION_ERROR_VERSION:
        return "unknown version";
    case CAPTION_ERROR_IMAGE:
        return "invalid image";
    case CAPTION_ERROR_LIMIT:
        return "image exceeds a limit";
    case CAPTION_ERROR_UNSUPPORTED:
        return "not supported by this build";
    case CAPTION_ERROR_ABORTED:
        return "aborted by the caller";
    }
    return "unknown status";
}
