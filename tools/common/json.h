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

/* U+FFFD, the sign for what is no character */
#define TOOL_JSON_ESCAPE "\xEF\xBF\xBD"

/* A string.  File names may hold any bytes, JSON holds UTF-8: a byte that belongs to no character becomes
 * U+FFFD and two hexadecimal digits (0-9, a-f).  So different texts stay different, and the bytes can be had
 * back.  For that, the three bytes of a U+FFFD before two such digits are escaped as well. */
json_t *tool_json_text(const char *text);

/* values: [count] */
json_t *tool_json_ints(const int *values, int count);

/* A number; null where it is not finite, because JSON has no such numbers. */
json_t *tool_json_real(double value);

/* [{"caption", "score", "ids"}, ...], best first */
json_t *tool_json_captions(const caption_result *result);

#endif
