/* Pickled values as JSON. */
#ifndef TOOLS_SOURCE_TORCH_JSON_H
#define TOOLS_SOURCE_TORCH_JSON_H

#include <jansson.h>

#include "tools/source/torch_value.h"

/* A new reference; numbers that JSON can't express become null.  NULL and an error ("place: reason") if the
 * value holds something that JSON can't express, or is absurdly large. */
json_t *torch_json(const torch_value *value, const char *place, tool_error *err);

#endif
