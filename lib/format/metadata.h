/* metadata.h - typed settings out of a model file's metadata texts.  Called by model.c. */
#ifndef CPT_METADATA_H
#define CPT_METADATA_H

#include "lib/format/weights.h"

/* A required or optional (fallback) integer within low..high. */
typedef struct cpt_int_setting {
    const char *key;
    int low, high;
    int *value; /* in: the fallback; out: the file's value, if it has one */
    int required;
} cpt_int_setting;

caption_status cpt_metadata_ints(const cpt_weights *weights, const cpt_int_setting *settings, int count,
                                 caption_error *error);

/* `count` decimal numbers separated by spaces, each within low..high; a missing key leaves `values` alone. */
caption_status cpt_metadata_floats(const cpt_weights *weights, const char *key, double low, double high,
                                   float *values, int count, caption_error *error);

/* *value = the index of the key's value among `count` names; a missing key leaves it alone unless required.
 */
caption_status cpt_metadata_choice(const cpt_weights *weights, const char *key, const char *const *names,
                                   int count, int required, int *value, caption_error *error);

#endif
