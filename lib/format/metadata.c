/* metadata.c - see metadata.h.  Numbers are read without strtod, whose decimal point depends on the locale.
 */
#include "lib/format/metadata.h"

#include <string.h>

static caption_status bad_value(const char *key, const char *value, const char *why, caption_error *error)
{
    return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: metadata %s is \"%.40s\": %s", key, value, why);
}

/* Reads [-]digits[.digits][e[+-]digits] at *text and moves it on; 0 when there is no such number.  Exact to a
 * float: at most 15 digits count, scaled by a power of ten in double. */
static int parse_number(const char **text, double *number)
{
    const char *p = *text;
    const int negative = *p == '-';
    double value = 0, scale = 1;
    int digits = 0, exponent = 0, fraction = 0;
    if (negative) p++;
    for (;; p++) {
        if (*p >= '0' && *p <= '9') {
            if (++digits > 15) return 0;
            value = value * 10 + (*p - '0');
            exponent -= fraction;
        } else if (*p == '.' && !fraction) {
            fraction = 1;
        } else {
            break;
        }
    }
    if (digits == 0) return 0;
    if (*p == 'e' || *p == 'E') {
        const int minus = p[1] == '-';
        int e = 0;
        p += p[1] == '-' || p[1] == '+' ? 2 : 1;
        if (*p < '0' || *p > '9') return 0;
        for (; *p >= '0' && *p <= '9'; p++) {
            if (e < 1000) e = e * 10 + (*p - '0');
        }
        exponent += minus ? -e : e;
    }
    if (exponent < -60 || exponent > 60) return 0;
    for (int i = 0; i < (exponent < 0 ? -exponent : exponent); i++) scale *= 10;
    value = exponent < 0 ? value / scale : value * scale;
    *number = negative ? -value : value;
    *text = p;
    return 1;
}

caption_status cpt_metadata_floats(const cpt_weights *weights, const char *key, double low, double high,
                                   float *values, int count, caption_error *error)
{
    const char *text = cpt_weights_find_metadata(weights, key), *at = text;
    if (!text) return CAPTION_OK;
    for (int i = 0; i < count; i++) {
        double number;
        while (*at == ' ') at++;
        if (!parse_number(&at, &number)) return bad_value(key, text, "not the numbers expected", error);
        if (!(number >= low && number <= high)) return bad_value(key, text, "out of range", error);
        values[i] = (float)number;
    }
    return *at == '\0' ? CAPTION_OK : bad_value(key, text, "not the numbers expected", error);
}

caption_status cpt_metadata_ints(const cpt_weights *weights, const cpt_int_setting *settings, int count,
                                 caption_error *error)
{
    for (int i = 0; i < count; i++) {
        const cpt_int_setting *s = &settings[i];
        const char *text = cpt_weights_find_metadata(weights, s->key), *at = text;
        double number;
        if (!text && !s->required) continue;
        if (!text) return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: metadata %s is missing", s->key);
        if (!parse_number(&at, &number) || *at != '\0' || !(number >= s->low && number <= s->high) ||
            number != (double)(int)number) {
            return bad_value(s->key, text, "not a whole number in range", error);
        }
        *s->value = (int)number;
    }
    return CAPTION_OK;
}

caption_status cpt_metadata_choice(const cpt_weights *weights, const char *key, const char *const *names,
                                   int count, int required, int *value, caption_error *error)
{
    const char *text = cpt_weights_find_metadata(weights, key);
    if (!text && !required) return CAPTION_OK;
    if (!text) return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: metadata %s is missing", key);
    for (int i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            *value = i;
            return CAPTION_OK;
        }
    }
    return bad_value(key, text, "unknown to this version", error);
}
