/* JSON of configurations and metrics; see json.h. */
#include "tools/convert/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/json.h"
#include "tools/common/text.h"

enum {
    MAX_FILE = 1 << 20, /* bytes; a configuration has about a thousand */
    DIGITS = 15,        /* so many digits of any decimal number survive a double */
    MAX_DIGITS = 17,    /* so many tell any two doubles apart */
};

json_t *convert_json_file(const char *path, tool_error *err)
{
    tool_text text;
    if (!tool_text_read(&text, path, MAX_FILE, err)) return NULL;
    json_error_t error;
    json_t *json = tool_json_parse(text.data, text.size, 0, &error);
    tool_text_free(&text);
    if (!json) {
        (void)tool_fail(err, "%s: line %d, column %d: %s", path, error.line, error.column, error.text);
    } else if (!json_is_object(json)) {
        (void)tool_fail(err, "%s: not a JSON object", path);
        json_decref(json);
        json = NULL;
    }
    return json;
}

static int digits_of(double value, char text[32])
{
    int digits = DIGITS;
    for (;; digits++) {
        (void)snprintf(text, 32, "%.*g", digits, value);
        if (digits == MAX_DIGITS || strtod(text, NULL) == value) return digits;
    }
}

void convert_json_number(double value, char text[32])
{
    (void)digits_of(value, text);
}

/* The most digits that any number inside needs: jansson writes all numbers with the same precision. */
static int digits_inside(const json_t *json)
{
    char text[32];
    if (json_is_real(json)) return digits_of(json_real_value(json), text);
    int most = DIGITS;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value)
    {
        const int digits = digits_inside(value);
        if (digits > most) most = digits;
    }
    size_t i;
    json_array_foreach(json, i, value)
    {
        const int digits = digits_inside(value);
        if (digits > most) most = digits;
    }
    return most;
}

char *convert_json_text(const json_t *json)
{
    const size_t digits = (size_t)digits_inside(json);
    const size_t flags = JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(digits);
    const char *reason = NULL; /* no number is infinite here, so it is memory */
    return tool_json_print(json_incref((json_t *)json), flags, &reason);
}
