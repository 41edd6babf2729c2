/* Configurations and metrics as JSON: files that hold them, and the texts that a model file keeps. */
#ifndef TOOLS_CONVERT_JSON_H
#define TOOLS_CONVERT_JSON_H

#include <jansson.h>

#include "tools/common/error.h"

/* A file that holds one JSON object, as a new reference; NULL and an error on failure. */
json_t *convert_json_file(const char *path, tool_error *err);

/* Compact text with sorted keys, in memory that the caller frees; NULL without memory. */
char *convert_json_text(const json_t *json);

/* The shortest decimal text that reads back as the same number. */
void convert_json_number(double value, char text[32]);

#endif
