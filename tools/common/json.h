/* JSON, made and read with jansson, and values that several tools write.
 *
 * A failure sticks, so that one check at the end is enough.  A value that can't be made is NULL, and so
 * becomes what it is put into.  And jansson's parser, which drops a character where memory for it runs out,
 * allocates through a function that remembers a failure: from then on no text is read or written as JSON.
 * Never prints. */
#ifndef TOOLS_COMMON_JSON_H
#define TOOLS_COMMON_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include <caption.h>

/* Digits of a number, enough for any float. */
#define TOOL_JSON_FLAGS JSON_REAL_PRECISION(9)

/* What every main() does first; tool_start does it. */
void tool_json_begin(void);

/* Whether jansson ever lacked memory. */
bool tool_json_lost(void);

/* What data [size] says, as a new reference, read with these flags of jansson's; NULL where it is no JSON,
 * has a key twice, or memory ran out, and then the place and the reason are in *where. */
json_t *tool_json_parse(const char *data, size_t size, size_t flags, json_error_t *where);

/* Each takes over `value`.  Where that is NULL or can't be put in, *object or *array is dropped and becomes
 * NULL. A container that is NULL stays so. */
void tool_json_set(json_t **object, const char *key, json_t *value);
void tool_json_append(json_t **array, json_t *value);

/* Takes over `value` and returns its text, in memory that the caller frees.  NULL and a reason in *reason on
 * failure. */
char *tool_json_print(json_t *value, size_t flags, const char **reason);

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

/* A string: `head`, and bytes [size] in base64. */
json_t *tool_json_base64(const char *head, const void *bytes, size_t size);

/* [{"caption", "score", "ids"}, ...], best first */
json_t *tool_json_captions(const caption_result *result);

#endif
