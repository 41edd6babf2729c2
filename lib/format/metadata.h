/* metadata.h - typed settings out of a model file's metadata texts.
 *
 * A key that the file does not have leaves the setting's value alone, unless it is required.  Error: MODEL.
 */
#ifndef CPT_METADATA_H
#define CPT_METADATA_H

#include "lib/format/weights.h"

/* A whole number within low..high. */
typedef struct cpt_int_setting {
    const char *key;
    int low, high;
    int *value;
    bool required;
} cpt_int_setting;

caption_status cpt_metadata_ints(const cpt_weights *weights, const cpt_int_setting *settings, int count,
                                 caption_error *error);

/* `count` decimal numbers separated by spaces, each within low..high; not required. */
typedef struct cpt_float_setting {
    const char *key;
    double low, high;
    float *values; /* [count] */
    int count;
} cpt_float_setting;

caption_status cpt_metadata_floats(const cpt_weights *weights, const cpt_float_setting *setting,
                                   caption_error *error);

/* One of the names of a list of names.h. */
typedef struct cpt_choice_setting {
    const char *key;
    const char *const *names;
    int *value;
    bool required;
} cpt_choice_setting;

caption_status cpt_metadata_choice(const cpt_weights *weights, const cpt_choice_setting *setting,
                                   caption_error *error);

#endif
