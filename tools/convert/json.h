/* Configurations and metrics as JSON values, whether from a pickle or a file.  Called by metadata.c. */
#ifndef TOOLS_CONVERT_JSON_H
#define TOOLS_CONVERT_JSON_H

#include <jansson.h>

#include "tools/source/value.h"

/* A pickled dict; numbers that JSON can't say become null.  `place` goes before messages.  The caller calls
 * json_decref; NULL and an error on failure. */
json_t *convert_json_pickled(const torch_value *value, const char *place, tool_error *err);

/* A file that holds one JSON object.  As above. */
json_t *convert_json_file(const char *path, tool_error *err);

/* Compact text with sorted keys, in memory that the caller frees; NULL without memory. */
char *convert_json_text(const json_t *json);

/* The shortest text that reads back as the same number. */
void convert_json_number(double value, char text[32]);

#endif
