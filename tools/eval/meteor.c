/* METEOR as NLTK computes it.
 *
 * The words of hypothesis and reference are aligned in three stages: equal words, equal stems, synonyms.  The
 * score is the weighted harmonic mean of precision and recall, less a penalty for an alignment in many
 * pieces.  The best reference of an image counts.
 *
 * Two habits of NLTK decide the figures.  It walks both sentences from the end and takes the first partner it
 * finds. And its synonym stage looks up stems, because it gets what the stem stage left over: "dances" is
 * looked up as "danc", which has no synset and matches nothing. */
#include "tools/eval/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/grow.h"
#include "tools/eval/porter.h"
#include "tools/eval/tokens.h"

enum {
    MAX_STEM_WORD = 255,   /* bytes; longer words are their own stem */
    MAX_SYNONYMS = 1 << 21 /* kept at once; a caption's words can't have so many */
};

/* METEOR's parameters, by the names of its paper; beta, the penalty's exponent, is 3. */
static const double alpha_precision = 0.9, gamma_penalty = 0.5;

typedef struct synonyms {
    uint32_t *words; /* [count], numbers of words, in order */
    size_t count, capacity;
    bool known;
} synonyms;

typedef struct meteor {
    const eval_corpus *corpus;
    eval_table *words; /* the corpus's; lower case, stems and synonyms are added */
    const eval_wordnet *wordnet;
    tool_error *err;
    uint32_t *lower, *stem; /* by word; EVAL_NO_WORD = not computed yet */
    size_t lower_capacity, stem_capacity;
    size_t filled;      /* entries of lower and stem that have been initialised */
    synonyms *synonyms; /* by stem */
    size_t synonyms_capacity, synonyms_filled;
    size_t synonyms_total; /* words in all of them */
    uint32_t *looked_up;   /* [n_looked_up] stems whose synonyms are known */
    size_t n_looked_up, looked_up_capacity;
} meteor;

typedef struct item {
    uint32_t word;
    uint32_t at; /* position in the sentence */
} item;

typedef struct side {
    item items[EVAL_MAX_WORDS];
    size_t count;
} side;

/* ---- lower case and stems, computed once a word ---- */

static bool reserve(meteor *m)
{
    const size_t n = eval_table_count(m->words);
    if (m->filled >= n) return true;
    uint32_t *lower = tool_grow(m->lower, &m->lower_capacity, n, sizeof *lower);
    if (lower) m->lower = lower;
    uint32_t *stem = tool_grow(m->stem, &m->stem_capacity, n, sizeof *stem);
    if (stem) m->stem = stem;
    if (!lower || !stem) return false;
    for (; m->filled < n; m->filled++) {
        lower[m->filled] = EVAL_NO_WORD;
        stem[m->filled] = EVAL_NO_WORD;
    }
    return true;
}

static uint32_t lower_word(meteor *m, uint32_t word)
{
    size_t length = eval_table_length(m->words, word);
    if (!reserve(m)) return EVAL_NO_WORD;
    if (m->lower[word] == EVAL_NO_WORD) {
        char text[EVAL_MAX_CAPTION];
        length = eval_lower(eval_table_text(m->words, word), length, text);
        m->lower[word] = eval_table_add(m->words, text, length);
    }
    return m->lower[word];
}

static uint32_t stem_word(meteor *m, uint32_t word)
{
    size_t length = eval_table_length(m->words, word);
    if (length > MAX_STEM_WORD) return word;
    if (!reserve(m)) return EVAL_NO_WORD;
    if (m->stem[word] == EVAL_NO_WORD) {
        char text[MAX_STEM_WORD + 1];
        memcpy(text, eval_table_text(m->words, word), length);
        length = eval_porter(text, length);
        m->stem[word] = eval_table_add(m->words, text, length);
    }
    return m->stem[word];
}

/* ---- synonyms, looked up once a stem ---- */

typedef struct collector {
    meteor *m;
    synonyms *into;
} collector;

static bool collect(void *context, const char *lemma, size_t length)
{
    collector *c = context;
    if (memchr(lemma, '_', length)) return true;
    const uint32_t word = eval_table_add(c->m->words, lemma, length);
    uint32_t *words = tool_grow(c->into->words, &c->into->capacity, c->into->count + 1, sizeof *words);
    if (words) c->into->words = words;
    if (word == EVAL_NO_WORD || !words) return tool_fail(c->m->err, "METEOR: out of memory");
    words[c->into->count++] = word;
    return true;
}

static int compare_words(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The synonyms of all words of a large file may take more memory than the file and WordNet.  Takes as long as
 * it took to look them up, however many other words there are. */
static void forget_synonyms(meteor *m)
{
    for (size_t i = 0; i < m->n_looked_up; i++) {
        synonyms *s = &m->synonyms[m->looked_up[i]];
        free(s->words);
        *s = (synonyms){.words = NULL};
    }
    m->n_looked_up = 0;
    m->synonyms_total = 0;
}

static synonyms *find_synonyms(meteor *m, uint32_t word)
{
    const size_t n = (size_t)word + 1;
    synonyms *all = tool_grow(m->synonyms, &m->synonyms_capacity, n, sizeof *all);
    if (!all) {
        (void)tool_fail(m->err, "METEOR: out of memory");
        return NULL;
    }
    m->synonyms = all;
    for (; m->synonyms_filled < n; m->synonyms_filled++) memset(&all[m->synonyms_filled], 0, sizeof *all);
    collector c = {m, &all[word]};
    if (!c.into->known) {
        if (m->synonyms_total > MAX_SYNONYMS) forget_synonyms(m);
        uint32_t *looked_up =
            tool_grow(m->looked_up, &m->looked_up_capacity, m->n_looked_up + 1, sizeof *looked_up);
        if (!looked_up) {
            (void)tool_fail(m->err, "METEOR: out of memory");
            return NULL;
        }
        m->looked_up = looked_up;
        looked_up[m->n_looked_up++] = word;
        c.into->known = true;
        if (!eval_wordnet_lemmas(m->wordnet, eval_table_text(m->words, word), collect, &c, m->err)) {
            return NULL;
        }
        if (c.into->count) qsort(c.into->words, c.into->count, sizeof c.into->words[0], compare_words);
        m->synonyms_total += c.into->count;
    }
    return c.into;
}

static bool is_synonym(const synonyms *s, uint32_t word)
{
    return s->count && bsearch(&word, s->words, s->count, sizeof word, compare_words);
}

/* ---- alignment ---- */

static void take(side *s, size_t i)
{
    memmove(&s->items[i], &s->items[i + 1], (s->count - i - 1) * sizeof s->items[0]);
    s->count--;
}

/* One stage.  Both sides are walked from the end, and the first partner is taken.  Matched words leave their
 * sides; partner_of [length of the hypothesis] gets 1 + the position in the reference. */
static bool match_stage(meteor *m, side *hypothesis, side *reference, uint32_t *partner_of, bool by_synonym)
{
    size_t i = hypothesis->count;
    while (i-- > 0) {
        const synonyms *s = NULL;
        if (by_synonym && reference->count && !(s = find_synonyms(m, hypothesis->items[i].word))) {
            return false;
        }
        for (size_t j = reference->count; j-- > 0;) {
            const bool match = hypothesis->items[i].word == reference->items[j].word ||
                               (s && is_synonym(s, reference->items[j].word));
            if (!match) continue;
            partner_of[hypothesis->items[i].at] = reference->items[j].at + 1;
            take(hypothesis, i);
            take(reference, j);
            break;
        }
    }
    return true;
}

static bool fill_side(meteor *m, const eval_sentence *s, side *out)
{
    out->count = s->length;
    for (size_t i = 0; i < s->length; i++) {
        out->items[i].word = lower_word(m, m->corpus->pool[s->first + i]);
        out->items[i].at = (uint32_t)i;
        if (out->items[i].word == EVAL_NO_WORD) return tool_fail(m->err, "METEOR: out of memory");
    }
    return true;
}

static bool stem_side(meteor *m, side *s)
{
    for (size_t i = 0; i < s->count; i++) {
        s->items[i].word = stem_word(m, s->items[i].word);
        if (s->items[i].word == EVAL_NO_WORD) return tool_fail(m->err, "METEOR: out of memory");
    }
    return true;
}

/* The score of an alignment.  partner_of [length] holds 1 + the position in the reference, or 0. */
static double finish(const uint32_t *partner_of, size_t length, size_t reference_length)
{
    size_t matches = 0, chunks = 0;
    for (size_t i = 0; i < length; i++) {
        if (!partner_of[i]) continue;
        matches++;
        /* a chunk: words next to each other in both sentences */
        if (!i || !partner_of[i - 1] || partner_of[i] != partner_of[i - 1] + 1) chunks++;
    }
    if (!matches) return 0;
    const double precision = (double)matches / (double)length;
    const double recall = (double)matches / (double)reference_length;
    const double mean = precision * recall / (alpha_precision * precision + (1 - alpha_precision) * recall);
    const double fragments = (double)chunks / (double)matches;
    return (1 - gamma_penalty * (fragments * fragments * fragments)) * mean;
}

typedef struct scratch {
    side hypothesis, reference;
    uint32_t partner_of[EVAL_MAX_WORDS];
} scratch;

static bool score_pair(meteor *m, const eval_sentence *hypothesis, const eval_sentence *reference, scratch *s,
                       double *score)
{
    memset(s->partner_of, 0, hypothesis->length * sizeof s->partner_of[0]);
    if (!fill_side(m, hypothesis, &s->hypothesis) || !fill_side(m, reference, &s->reference)) return false;
    if (!match_stage(m, &s->hypothesis, &s->reference, s->partner_of, false)) return false;
    if (!stem_side(m, &s->hypothesis) || !stem_side(m, &s->reference)) return false;
    if (!match_stage(m, &s->hypothesis, &s->reference, s->partner_of, false)) return false;
    if (m->wordnet && !match_stage(m, &s->hypothesis, &s->reference, s->partner_of, true)) return false;
    *score = finish(s->partner_of, hypothesis->length, reference->length);
    return true;
}

static void free_meteor(meteor *m)
{
    forget_synonyms(m);
    free(m->synonyms);
    free(m->looked_up);
    free(m->lower);
    free(m->stem);
}

bool eval_meteor(eval_corpus *corpus, const eval_wordnet *wordnet, eval_scores *total, eval_scores *per_image,
                 tool_error *err)
{
    meteor m = {.corpus = corpus, .words = corpus->words, .wordnet = wordnet, .err = err};
    scratch *s = malloc(sizeof *s);
    double sum = 0;
    bool ok = s || tool_fail(err, "METEOR: out of memory");
    for (size_t i = 0; i < corpus->count && ok; i++) {
        const eval_image *image = &corpus->images[i];
        const eval_sentence *hypothesis = &corpus->sentences[image->first + EVAL_HYPOTHESIS];
        per_image[i].meteor = 0;
        for (size_t j = 0; j < image->n_references && ok; j++) {
            double score = 0;
            ok = score_pair(&m, hypothesis, eval_reference(corpus, image, j), s, &score);
            if (ok && score > per_image[i].meteor) per_image[i].meteor = score;
        }
        sum += per_image[i].meteor;
    }
    total->meteor = sum / (double)corpus->count;
    free_meteor(&m);
    free(s);
    return ok;
}
