/* names.h - what model files, options and reports call the values of a setting.
 *
 * The reader, the converter and the tools ask these lists.  Help texts and man pages say the names in words
 * of their own, and the tests compare. */
#ifndef CPT_NAMES_H
#define CPT_NAMES_H

#include <stdint.h>

/* Each list is ordered by the values of an enumeration of caption.h, which count from 0, and ends in NULL. */
extern const char *const cpt_kind_names[];      /* caption_kind */
extern const char *const cpt_rnn_names[];       /* caption_rnn */
extern const char *const cpt_rnn_titles[];      /* caption_rnn, as people write it */
extern const char *const cpt_search_names[];    /* caption_search */
extern const char *const cpt_penalty_names[];   /* caption_penalty */
extern const char *const cpt_precision_names[]; /* caption_precision */
extern const char *const cpt_conv_names[];      /* caption_conv */

/* The name of a value; NULL for a value that the list doesn't have. */
const char *cpt_name_of(const char *const *names, uint32_t value);

/* The value of a name, whose case counts; -1 for a name that the list doesn't have. */
int cpt_name_find(const char *const *names, const char *name);

enum { CPT_CPU_LEVELS = 7 };

/* The levels of instruction sets, best first.  caption_session_cpu gives these names. */
typedef struct cpt_cpu_level {
    const char *name;
    uint32_t sets; /* CAPTION_CPU_ bits: its own and those that it builds on */
} cpt_cpu_level;

extern const cpt_cpu_level cpt_cpu_levels[CPT_CPU_LEVELS];

#endif
