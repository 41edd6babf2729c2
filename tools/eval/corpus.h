/* How captions are held while they are scored.  Only metrics.c and the four metrics include this. */
#ifndef TOOLS_EVAL_CORPUS_H
#define TOOLS_EVAL_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "tools/eval/gram_table.h"
#include "tools/eval/metrics.h"
#include "tools/eval/word_table.h"

enum {
    EVAL_MAX_WORDS = EVAL_MAX_CAPTION / 2 + 1, /* a word and a space take two bytes */
    EVAL_MAX_GRAMS = EVAL_MAX_WORDS * EVAL_ORDERS,
};

typedef struct eval_sentence {
    size_t first; /* its words, in the corpus's pool */
    size_t length;
} eval_sentence;

/* An image's sentences stand one after the other, references last. */
enum {
    EVAL_HYPOTHESIS,
    EVAL_SPACED, /* the hypothesis as ROUGE-L cuts it */
    EVAL_REFERENCES,
};

typedef struct eval_image {
    size_t first; /* its sentences */
    size_t n_references;
} eval_image;

/* Nothing is kept for a sentence but its words.  The files may be large: n-grams are counted again where they
 * are compared (eval_bag). */
struct eval_corpus {
    eval_table *words;
    eval_grams *grams; /* of all sentences but the spaced ones; a document is all references of an image */
    uint32_t *pool;    /* [pool_size] words of all sentences: numbers in `words` */
    size_t pool_size, pool_capacity;
    eval_sentence *sentences;
    size_t n_sentences, sentences_capacity;
    eval_image *images;
    size_t count, capacity;
};

static inline const eval_sentence *eval_reference(const eval_corpus *corpus, const eval_image *image,
                                                  size_t index)
{
    return &corpus->sentences[image->first + EVAL_REFERENCES + index];
}

/* The words of a sentence [length].  NULL if no sentence has any: the pool is NULL then, and C allows no
 * arithmetic on it. */
static inline const uint32_t *eval_words(const eval_corpus *corpus, const eval_sentence *sentence)
{
    return corpus->pool ? corpus->pool + sentence->first : NULL;
}

/* The n-grams of one sentence. */
typedef struct eval_gram {
    uint32_t id, count;
} eval_gram;

typedef struct eval_bag {
    eval_gram grams[EVAL_MAX_GRAMS]; /* [count], distinct n-grams of all orders, by id */
    size_t count;
} eval_bag;

/* Counts the n-grams of a hypothesis or reference. */
void eval_bag_fill(eval_bag *bag, const eval_corpus *corpus, const eval_sentence *sentence);

/* Each fills its part of per_image [count] and of total.  per_image is never NULL here. */
bool eval_bleu(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image);
void eval_rouge_l(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image);
bool eval_cider(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image);
bool eval_meteor(eval_corpus *corpus, const eval_wordnet *wordnet, eval_scores *total, eval_scores *per_image,
                 tool_error *err);

#endif
