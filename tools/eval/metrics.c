/* Captions into words and n-grams, and all metrics over them; see metrics.h. */
#include "tools/eval/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "tools/eval/corpus.h"
#include "tools/common/grow.h"
#include "tools/eval/tokens.h"

eval_corpus *eval_corpus_create(void)
{
    eval_corpus *corpus = calloc(1, sizeof *corpus);
    if (!corpus) return NULL;
    corpus->words = eval_table_create();
    corpus->grams = eval_grams_create();
    if (!corpus->words || !corpus->grams) eval_corpus_free(&corpus);
    return corpus;
}

void eval_corpus_free(eval_corpus **corpus)
{
    if (!corpus || !*corpus) return;
    free((*corpus)->images);
    free((*corpus)->sentences);
    free((*corpus)->pool);
    eval_table_free(&(*corpus)->words);
    eval_grams_free(&(*corpus)->grams);
    free(*corpus);
    *corpus = NULL;
}

size_t eval_corpus_size(const eval_corpus *corpus)
{
    return corpus->count;
}

/* ---- words ---- */

typedef enum cut { CUT_CLEAN, CUT_SPLIT, CUT_SPACED } cut;

/* The next word of the caption; *word points into the caption or to clean. */
static bool next_word(eval_cursor *cursor, cut how, char clean[EVAL_MAX_CAPTION], const char **word,
                      size_t *length)
{
    *word = clean;
    if (how == CUT_CLEAN) return eval_next_clean(cursor, clean, EVAL_MAX_CAPTION, length);
    if (how == CUT_SPLIT) return eval_next_split(cursor, word, length);
    return eval_next_spaced(cursor, word, length);
}

/* Appends a sentence to the corpus. */
static bool cut_sentence(eval_corpus *corpus, const char *text, cut how)
{
    eval_sentence *sentences =
        tool_grow(corpus->sentences, &corpus->sentences_capacity, corpus->n_sentences + 1, sizeof *sentences);
    if (!sentences) return false;
    corpus->sentences = sentences;
    eval_sentence *s = &sentences[corpus->n_sentences];
    *s = (eval_sentence){corpus->pool_size, 0};
    eval_cursor cursor;
    eval_cursor_begin(&cursor, text);
    char clean[EVAL_MAX_CAPTION];
    size_t length;
    const char *word;
    while (next_word(&cursor, how, clean, &word, &length)) {
        uint32_t *pool = tool_grow(corpus->pool, &corpus->pool_capacity, corpus->pool_size + 1, sizeof *pool);
        if (!pool) return false;
        corpus->pool = pool;
        const uint32_t number = eval_table_add(corpus->words, word, length);
        if (number == EVAL_NO_WORD) return false;
        pool[corpus->pool_size++] = number;
        s->length++;
    }
    corpus->n_sentences++;
    return true;
}

/* ---- n-grams ---- */

/* Adds the n-grams of the last sentence; those of a reference are noted in the document. */
static bool add_grams(eval_corpus *corpus, bool reference, size_t document)
{
    const eval_sentence *s = &corpus->sentences[corpus->n_sentences - 1];
    const uint32_t *words = eval_words(corpus, s);
    for (size_t i = 0; i < s->length; i++) {
        uint32_t id = EVAL_NO_GRAM;
        for (size_t order = 0; order < EVAL_ORDERS && i + order < s->length; order++) {
            id = eval_grams_add(corpus->grams, id, words[i + order]);
            if (id == EVAL_NO_GRAM) return false;
            if (reference) eval_grams_note(corpus->grams, id, document);
        }
    }
    return true;
}

static int compare_grams(const void *a, const void *b)
{
    const eval_gram *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

void eval_bag_fill(eval_bag *bag, const eval_corpus *corpus, const eval_sentence *s)
{
    const uint32_t *words = eval_words(corpus, s);
    size_t total = 0, kept = 0;
    for (size_t i = 0; i < s->length; i++) {
        uint32_t id = EVAL_NO_GRAM;
        for (size_t order = 0; order < EVAL_ORDERS && i + order < s->length; order++) {
            id = eval_grams_find(corpus->grams, id, words[i + order]);
            bag->grams[total++] = (eval_gram){id, 1};
        }
    }
    qsort(bag->grams, total, sizeof bag->grams[0], compare_grams);
    for (size_t i = 1; i < total; i++) {
        if (bag->grams[i].id == bag->grams[kept].id) {
            bag->grams[kept].count++;
        } else {
            bag->grams[++kept] = bag->grams[i];
        }
    }
    bag->count = total ? kept + 1 : 0;
}

/* ---- images ---- */

static bool add_sentences(eval_corpus *corpus, const char *hypothesis, const char *const *references,
                          size_t n_references)
{
    if (!cut_sentence(corpus, hypothesis, CUT_SPLIT) || !add_grams(corpus, false, 0)) return false;
    if (!cut_sentence(corpus, hypothesis, CUT_SPACED)) return false;
    for (size_t i = 0; i < n_references; i++) {
        if (!cut_sentence(corpus, references[i], CUT_CLEAN)) return false;
        if (!add_grams(corpus, true, corpus->count)) return false;
    }
    return true;
}

bool eval_corpus_add(eval_corpus *corpus, const char *hypothesis, const char *const *references,
                     size_t n_references, tool_error *err)
{
    eval_image *images = tool_grow(corpus->images, &corpus->capacity, corpus->count + 1, sizeof *images);
    size_t longest = strlen(hypothesis);
    if (images) corpus->images = images;
    for (size_t i = 0; i < n_references; i++) {
        const size_t length = strlen(references[i]);
        if (length > longest) longest = length;
    }
    if (longest > EVAL_MAX_CAPTION) return tool_fail(err, EVAL_TOO_LONG);
    const size_t first = corpus->n_sentences;
    if (!images || !add_sentences(corpus, hypothesis, references, n_references)) {
        return tool_fail(err, "out of memory");
    }
    images[corpus->count++] = (eval_image){first, n_references};
    return true;
}

bool eval_score(eval_corpus *corpus, const eval_wordnet *wordnet, eval_scores *total, eval_scores *per_image,
                tool_error *err)
{
    eval_scores *own = NULL;
    bool ok = false;
    memset(total, 0, sizeof *total);
    if (!corpus->count) return true;
    if (!per_image) {
        own = calloc(corpus->count, sizeof *own);
        per_image = own;
    }
    if (!per_image || !eval_cider(corpus, total, per_image) || !eval_bleu(corpus, total, per_image)) {
        (void)tool_fail(err, "metrics: out of memory");
        goto done;
    }
    eval_rouge_l(corpus, total, per_image);
    ok = eval_meteor(corpus, wordnet, total, per_image, err);
done:
    free(own);
    return ok;
}
