/* ROUGE-L as the COCO caption evaluation computes it: the mean over images of an F-measure with beta 1.2.
 *
 * Precision and recall are those of the longest common subsequence.  The best precision and the best recall
 * over the references count, even where they come from different references. */
#include "tools/eval/corpus.h"

/* The length of the longest common subsequence; row [b->length + 1] is scratch. */
static size_t common_length(const eval_corpus *corpus, const eval_sentence *a, const eval_sentence *b,
                            uint32_t *row)
{
    const uint32_t *x = eval_words(corpus, a), *y = eval_words(corpus, b);
    for (size_t j = 0; j <= b->length; j++) row[j] = 0;
    for (size_t i = 0; i < a->length; i++) {
        uint32_t diagonal = 0;
        for (size_t j = 0; j < b->length; j++) {
            const uint32_t above = row[j + 1];
            if (x[i] == y[j]) {
                row[j + 1] = diagonal + 1;
            } else if (row[j] > above) {
                row[j + 1] = row[j];
            }
            diagonal = above;
        }
    }
    return row[b->length];
}

static const double beta2 = 1.2 * 1.2; /* the weight of recall, squared */

/* A reference without words counts as one empty word, which only an empty hypothesis matches. */
static size_t common_with_empty(const eval_corpus *corpus, const eval_sentence *hypothesis)
{
    for (size_t i = 0; i < hypothesis->length; i++) {
        if (eval_table_length(corpus->words, corpus->pool[hypothesis->first + i]) == 0) return 1;
    }
    return 0;
}

static double score_image(const eval_corpus *corpus, const eval_image *image)
{
    const eval_sentence *hypothesis = &corpus->sentences[image->first + EVAL_SPACED];
    double precision = 0, recall = 0;
    for (size_t i = 0; i < image->n_references; i++) {
        const eval_sentence *reference = eval_reference(corpus, image, i);
        uint32_t row[EVAL_MAX_WORDS + 1];
        const double common = (double)(reference->length ? common_length(corpus, hypothesis, reference, row)
                                                         : common_with_empty(corpus, hypothesis));
        const double p = common / (double)hypothesis->length;
        const double r = common / (double)(reference->length ? reference->length : 1);
        if (p > precision) precision = p;
        if (r > recall) recall = r;
    }
    if (precision <= 0 || recall <= 0) return 0;
    return (1 + beta2) * precision * recall / (recall + beta2 * precision);
}

void eval_rouge_l(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image)
{
    double sum = 0;
    for (size_t i = 0; i < corpus->count; i++) {
        per_image[i].rouge_l = score_image(corpus, &corpus->images[i]);
        sum += per_image[i].rouge_l;
    }
    total->rouge_l = sum / (double)corpus->count;
}
