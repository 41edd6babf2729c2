/* status.c - formats error messages and names status codes.  Never prints, never allocates. */
#include "lib/platform/status.h"

#include <stdarg.h>
#include <stdio.h>

caption_status cpt_fail(caption_error *error, caption_status status, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        error->status = status;
        const int length = vsnprintf(error->message, sizeof error->message, format, args);
        va_end(args);
        if (length <= 0) snprintf(error->message, sizeof error->message, "%s", caption_status_string(status));
        for (char *c = error->message; *c; c++) {
            if ((unsigned char)*c < ' ' || *c == 0x7F) *c = '?';
        }
    }
    return status;
}

caption_status cpt_fail_in_file(caption_error *error, caption_status status, const char *path)
{
    if (error) {
        const caption_error inner = *error;
        cpt_fail(error, status, "%.100s: %.150s", path, inner.message);
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
