/* choice.h - which words follow a hypothesis best, when the logits of all words are known.
 *
 * A hypothesis is an unfinished caption of the search, one row of a step.  A repeated word is one that the
 * hypothesis holds already and that is penalised for it; special words never are.  All others are new words.
 */
#ifndef CPT_CHOICE_H
#define CPT_CHOICE_H

#include <caption.h>
#include <stdbool.h>

#include "kernels/kernels.h"
#include "lib/decoder/beam.h"
#include "lib/platform/arena.h"

/* The rules that all rows of a step follow. */
typedef struct cpt_rules {
    int width;            /* the most children that one row may have, >= 1 */
    int banned;           /* a word that must not come in this step, or -1 */
    int special[4];       /* ids of <pad>, <start>, <end> and <unk>: never penalised */
    caption_penalty form; /* how the penalty is applied to a word's log-probability */
    float penalty;        /* once for each time the row holds the word; 1: no word is penalised */
} cpt_rules;

typedef struct cpt_hypothesis {
    double score;               /* sum of its words' log-probabilities, after penalties */
    const cpt_used_word *words; /* [count] its words so far, each once; not looked at when the penalty is 1 */
    int count;
} cpt_hypothesis;

/* A word that may follow a row. */
typedef struct cpt_child {
    int token;
    float log_probability; /* after penalties */
} cpt_child;

/* Memory for choosing the children of a row. */
typedef struct cpt_choice {
    const cptk_kernels *kernels;
    int vocabulary; /* V */
    int most;       /* candidates */
    int *index;     /* [most] words, best first */
    float *value;   /* [most] their logits */
    uint8_t *used;  /* [ceil(V / 8)] a bit for each word that is no new one */
} cpt_choice;

/* Lays out the memory of `rows` rows, for rules of at most max_width.  kernels and vocabulary are already
 * set. */
void cpt_choice_plan(cpt_choice *choice, cpt_arena *arena, int rows, int max_width);

/* The memory of one of the rows that were planned together. */
cpt_choice cpt_choice_of_row(const cpt_choice *all, int row);

/* The best new words of a row by its logits [V].  Fills index and value, best first (ties: lowest id first;
 * NaN counts as -infinity), and returns how many there are, at most rules->width.  *lse becomes log(sum of
 * exp(logits)); lse may be NULL. */
int cpt_choice_new_words(cpt_choice *choice, const float *logits, const cpt_hypothesis *hypothesis,
                         const cpt_rules *rules, float *lse);

/* Whether word i of the hypothesis may come again as a repeated word. */
bool cpt_choice_may_repeat(const cpt_hypothesis *hypothesis, int i, const cpt_rules *rules);

/* The log-probability of a word that the hypothesis has `times` times, after its penalties. */
float cpt_choice_penalised(float log_probability, int times, const cpt_rules *rules);

/* The best children of a row, new words and repeated ones, best first (ties as above).  Fills children
 * [rules->width] and returns how many there are. */
int cpt_choice_best(cpt_choice *choice, const float *logits, const cpt_hypothesis *hypothesis,
                    const cpt_rules *rules, cpt_child *children);

#endif
