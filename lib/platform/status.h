/* status.h - how errors are recorded inside the library.  Never prints. */
#ifndef CPT_STATUS_H
#define CPT_STATUS_H

#include <caption.h>

#include "lib/platform/format.h"

/* Records a failure in *error, which may be NULL, and returns `status`, so that a failure takes one line:
 *     return cpt_fail(error, CAPTION_ERROR_MODEL, "tensor %s: ...", name);
 * Control characters and bytes that are no UTF-8, which a name from outside may have, become '?': a message
 * is one line of text. */
caption_status cpt_fail(caption_error *error, caption_status status, const char *format, ...)
    CPT_PRINTF(3, 4);

/* Puts the name of a file in front of the message in *error, which may be NULL, and returns `status`.  Of a
 * long name the middle is left out, so that the reason stays. */
caption_status cpt_fail_in_file(caption_error *error, caption_status status, const char *path);

#ifdef __clang_analyzer__ /* which sees in this way that a failure never is CAPTION_OK */
#define cpt_fail(error, status, ...) (cpt_fail(error, status, __VA_ARGS__), (status))
#define cpt_fail_in_file(error, status, path) (cpt_fail_in_file(error, status, path), (status))
#endif

/* Records success: CAPTION_OK and an empty message. */
caption_status cpt_ok(caption_error *error);

#endif
