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
    corpus->grams = eval_table_create();
    if (!corpus->words || !corpus->grams) eval_corpus_free(&corpus);
    return corpus;
}

static void free_sentence(eval_sentence *s)
{
    free(s->words);
    free(s->grams);
}

static void free_image(eval_image *image)
{
    free_sentence(&image->hypothesis);
    free_sentence(&image->spaced);
    for (size_t i = 0; i < image->n_references; i++) free_sentence(&image->references[i]);
    free(image->references);
}

void eval_corpus_free(eval_corpus **corpus)
{
    if (!corpus || !*corpus) return;
    for (size_t i = 0; i < (*corpus)->count; i++) free_image(&(*corpus)->images[i]);
    free((*corpus)->images);
    free((*corpus)->gram_order);
    eval_table_free(&(*corpus)->words);
    eval_table_free(&(*corpus)->grams);
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

static bool cut_sentence(eval_corpus *corpus, const char *text, cut how, eval_sentence *out)
{
    size_t capacity = 0;
    eval_cursor cursor;
    eval_cursor_begin(&cursor, text);
    char clean[EVAL_MAX_CAPTION];
    size_t length;
    const char *word;
    while (next_word(&cursor, how, clean, &word, &length)) {
        uint32_t *words = tool_grow(out->words, &capacity, out->length + 1, sizeof *words);
        if (!words) return false;
        out->words = words;
        words[out->length] = eval_table_add(corpus->words, word, length);
        if (words[out->length] == EVAL_NO_WORD) return false;
        out->length++;
    }
    return true;
}

/* ---- n-grams ---- */

static int compare_grams(const void *a, const void *b)
{
    const eval_gram *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static uint32_t gram_id(eval_corpus *corpus, uint32_t before, uint32_t word, uint8_t order)
{
    uint32_t key[2] = {before, word};
    const uint32_t id = eval_table_add(corpus->grams, key, sizeof key);
    if (id == EVAL_NO_WORD) return id;
    uint8_t *orders = tool_grow(corpus->gram_order, &corpus->gram_capacity, (size_t)id + 1, sizeof *orders);
    if (!orders) return EVAL_NO_WORD;
    corpus->gram_order = orders;
    orders[id] = order;
    return id;
}

static bool count_grams(eval_corpus *corpus, eval_sentence *s)
{
    size_t total = 0, kept = 0;
    if (!s->length) return true;
    s->grams = malloc(s->length * EVAL_ORDERS * sizeof *s->grams);
    if (!s->grams) return false;
    for (size_t i = 0; i < s->length; i++) {
        uint32_t id = EVAL_NO_WORD;
        for (uint8_t order = 0; order < EVAL_ORDERS && i + order < s->length; order++) {
            id = gram_id(corpus, id, s->words[i + order], order);
            if (id == EVAL_NO_WORD) return false;
            s->grams[total].id = id;
            s->grams[total++].count = 1;
        }
    }
    qsort(s->grams, total, sizeof *s->grams, compare_grams);
    for (size_t i = 1; i < total; i++) {
        if (s->grams[i].id == s->grams[kept].id) {
            s->grams[kept].count++;
        } else {
            s->grams[++kept] = s->grams[i];
        }
    }
    s->n_grams = kept + 1;
    return true;
}

static bool fill_image(eval_corpus *corpus, eval_image *image, const char *hypothesis,
                       const char *const *references)
{
    if (!cut_sentence(corpus, hypothesis, CUT_SPLIT, &image->hypothesis)) return false;
    if (!count_grams(corpus, &image->hypothesis)) return false;
    if (!cut_sentence(corpus, hypothesis, CUT_SPACED, &image->spaced)) return false;
    for (size_t i = 0; i < image->n_references; i++) {
        if (!cut_sentence(corpus, references[i], CUT_CLEAN, &image->references[i])) return false;
        if (!count_grams(corpus, &image->references[i])) return false;
    }
    return true;
}

bool eval_corpus_add(eval_corpus *corpus, const char *hypothesis, const char *const *references,
                     size_t n_references, tool_error *err)
{
    eval_image *images = tool_grow(corpus->images, &corpus->capacity, corpus->count + 1, sizeof *images);
    eval_image image = {.n_references = 0};
    size_t longest = strlen(hypothesis);
    if (images) corpus->images = images;
    for (size_t i = 0; i < n_references; i++) {
        if (strlen(references[i]) > longest) longest = strlen(references[i]);
    }
    if (longest > EVAL_MAX_CAPTION) return tool_fail(err, "caption of %zu bytes: too long", longest);
    image.references = calloc(n_references ? n_references : 1, sizeof *image.references);
    image.n_references = image.references ? n_references : 0;
    if (!images || !image.references || !fill_image(corpus, &image, hypothesis, references)) {
        free_image(&image);
        return tool_fail(err, "out of memory");
    }
    images[corpus->count++] = image;
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
    if (!per_image || !eval_cider(corpus, total, per_image)) {
        (void)tool_fail(err, "metrics: out of memory");
        goto done;
    }
    eval_bleu(corpus, total, per_image);
    eval_rouge_l(corpus, total, per_image);
    ok = eval_meteor(corpus, wordnet, total, per_image, err);
done:
    free(own);
    return ok;
}
