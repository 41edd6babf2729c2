/* status.h - how errors are recorded inside the library.  Used everywhere; never prints. */
#ifndef CPT_STATUS_H
#define CPT_STATUS_H

#include <caption.h>

#if defined(__GNUC__) || defined(__clang__)
#define CPT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CPT_PRINTF(text, first)
#endif

/* Records status and a formatted message in *error (which may be NULL) and returns status, so that a failure
 * is one line: `return cpt_fail(error, CAPTION_ERROR_MODEL, "tensor %s: ...", name);` */
caption_status cpt_fail(caption_error *error, caption_status status, const char *format, ...)
    CPT_PRINTF(3, 4);

/* Records success: CAPTION_OK and an empty message. */
caption_status cpt_ok(caption_error *error);

#endif
