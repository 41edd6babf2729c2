/* metadata.c - see metadata.h.  Numbers are read without strtod, whose decimal point depends on the locale.
 */
#include "lib/format/metadata.h"

#include "lib/format/names.h"

static caption_status bad_value(const char *key, const char *value, const char *why, caption_error *error)
{
    return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: metadata %s is \"%.40s\": %s", key, value, why);
}

static caption_status missing(const char *key, caption_error *error)
{
    return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: metadata %s is missing", key);
}

enum {
    MAX_DIGITS = 15,  /* as many are exact in a double */
    MAX_EXPONENT = 60 /* no setting is as large or as small, and float ends at 38 */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads e[+-]digits at *text, if it is there, adds it to *exponent and moves *text on.  False when no digit
 * follows the e. */
static bool parse_exponent(const char **text, int *exponent)
{
    const char *p = *text;
    int e = 0;
    if (*p != 'e' && *p != 'E') return true;
    const bool minus = p[1] == '-';
    p += p[1] == '-' || p[1] == '+' ? 2 : 1;
    if (!is_digit(*p)) return false;
    for (; is_digit(*p); p++) {
        if (e < 1000) e = e * 10 + (*p - '0'); /* more is out of range in any case */
    }
    *exponent += minus ? -e : e;
    *text = p;
    return true;
}

/* Reads [-]digits[.digits][e[+-]digits] at *text and moves *text on; false when there is no such number.  The
 * result is exact to a float. */
static bool parse_number(const char **text, double *number)
{
    const char *p = *text;
    const bool negative = *p == '-';
    double value = 0, scale = 1;
    int digits = 0, exponent = 0;
    bool fraction = false;
    if (negative) p++;
    for (; is_digit(*p) || (*p == '.' && !fraction); p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        if (++digits > MAX_DIGITS) return false;
        value = value * 10 + (*p - '0');
        if (fraction) exponent--;
    }
    if (digits == 0 || !parse_exponent(&p, &exponent)) return false;
    if (exponent < -MAX_EXPONENT || exponent > MAX_EXPONENT) return false;
    for (int i = 0; i < (exponent < 0 ? -exponent : exponent); i++) scale *= 10;
    value = exponent < 0 ? value / scale : value * scale;
    *number = negative ? -value : value;
    *text = p;
    return true;
}

caption_status cpt_metadata_floats(const cpt_weights *weights, const cpt_float_setting *s,
                                   caption_error *error)
{
    const char *text = cpt_weights_find_metadata(weights, s->key), *at = text;
    if (!text) return CAPTION_OK;
    for (int i = 0; i < s->count; i++) {
        while (*at == ' ') at++;
        double number;
        if (!parse_number(&at, &number)) return bad_value(s->key, text, "not the numbers expected", error);
        if (!(number >= s->low && number <= s->high)) return bad_value(s->key, text, "out of range", error);
        s->values[i] = (float)number;
    }
    return *at == '\0' ? CAPTION_OK : bad_value(s->key, text, "not the numbers expected", error);
}

caption_status cpt_metadata_ints(const cpt_weights *weights, const cpt_int_setting *settings, int count,
                                 caption_error *error)
{
    for (int i = 0; i < count; i++) {
        const cpt_int_setting *s = &settings[i];
        const char *text = cpt_weights_find_metadata(weights, s->key), *at = text;
        if (!text && !s->required) continue;
        if (!text) return missing(s->key, error);
        double number;
        if (!parse_number(&at, &number) || *at != '\0' || !(number >= s->low && number <= s->high) ||
            number != (double)(int)number) {
            return bad_value(s->key, text, "not a whole number in range", error);
        }
        *s->value = (int)number;
    }
    return CAPTION_OK;
}

caption_status cpt_metadata_choice(const cpt_weights *weights, const cpt_choice_setting *s,
                                   caption_error *error)
{
    const char *text = cpt_weights_find_metadata(weights, s->key);
    if (!text) return s->required ? missing(s->key, error) : CAPTION_OK;
    const int value = cpt_name_find(s->names, text);
    if (value < 0) return bad_value(s->key, text, "unknown to this version", error);
    *s->value = value;
    return CAPTION_OK;
}
