/* How captions are held while they are scored.  Only metrics.c and the four metrics include this. */
#ifndef TOOLS_EVAL_CORPUS_H
#define TOOLS_EVAL_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "tools/eval/metrics.h"
#include "tools/eval/word_table.h"

enum { EVAL_ORDERS = 4 }; /* n-grams of 1..4 words */

typedef struct eval_gram {
    uint32_t id, count;
} eval_gram;

typedef struct eval_sentence {
    uint32_t *words;  /* [length], numbers in the corpus's table */
    eval_gram *grams; /* [n_grams], distinct n-grams of all orders, by id */
    size_t length, n_grams;
} eval_sentence;

typedef struct eval_image {
    eval_sentence hypothesis;
    eval_sentence spaced; /* the hypothesis as ROUGE-L cuts it; no grams */
    eval_sentence *references;
    size_t n_references;
} eval_image;

struct eval_corpus {
    eval_table *words;
    eval_table *grams;   /* keys: the number of the n-gram without its last word, and that word */
    uint8_t *gram_order; /* [grams], 0 for single words */
    size_t gram_capacity;
    eval_image *images;
    size_t count, capacity;
};

/* Each fills its part of per_image [count] and of total.  per_image is never NULL here. */
void eval_bleu(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image);
void eval_rouge_l(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image);
bool eval_cider(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image);
bool eval_meteor(eval_corpus *corpus, const eval_wordnet *wordnet, eval_scores *total, eval_scores *per_image,
                 tool_error *err);

#endif
