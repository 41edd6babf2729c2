/* JSON values that several tools write, made with jansson.
 *
 * Each function returns a new reference, or NULL when memory ran out.  jansson's setters take a NULL as a
 * failure, so one check at the end is enough.  Never prints. */
#ifndef TOOLS_COMMON_JSON_H
#define TOOLS_COMMON_JSON_H

#include <jansson.h>

#include <caption.h>

/* Digits of a number, enough for any float. */
#define TOOL_JSON_FLAGS JSON_REAL_PRECISION(9)

/* A string; bytes that are not UTF-8 (file names may hold any) become U+FFFD. */
json_t *tool_json_text(const char *text);

/* values: [count] */
json_t *tool_json_ints(const int *values, int count);

/* A number; null where it is not finite, because JSON has no such numbers. */
json_t *tool_json_real(double value);

/* [{"caption", "score", "ids"}, ...], best first */
json_t *tool_json_captions(const caption_result *result);

#endif
