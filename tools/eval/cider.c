/* CIDEr-D as the COCO caption evaluation computes it.
 *
 * n-grams of 1..4 words are weighted by tf-idf, where a document is all references of one image.  The
 * similarity of two captions is the cosine of their weights, clipped to the reference's counts, with a
 * Gaussian penalty on the difference in length, times ten. */
#include "tools/eval/corpus.h"

#include <math.h>
#include <stdlib.h>

static const double sigma = 6; /* of the penalty, in words */
static const double scale = 10;

typedef struct scratch {
    const eval_corpus *corpus;
    double *log_of; /* [images + 1]: of that many, and 0 of none */
    eval_bag hypothesis, reference;
} scratch;

/* log of images over images whose references have the n-gram */
static double idf(const scratch *s, uint32_t gram)
{
    return s->log_of[s->corpus->count] - s->log_of[eval_grams_documents(s->corpus->grams, gram)];
}

static void norms(const scratch *s, const eval_bag *bag, double norm[EVAL_ORDERS])
{
    for (size_t i = 0; i < EVAL_ORDERS; i++) norm[i] = 0;
    for (size_t i = 0; i < bag->count; i++) {
        const double value = bag->grams[i].count * idf(s, bag->grams[i].id);
        norm[eval_grams_order(s->corpus->grams, bag->grams[i].id)] += value * value;
    }
    for (size_t i = 0; i < EVAL_ORDERS; i++) norm[i] = sqrt(norm[i]);
}

/* Pairs of words, in which CIDEr counts lengths: none for a caption of one word or of no word at all. */
static double pairs(const eval_sentence *sentence)
{
    return sentence->length ? (double)(sentence->length - 1) : 0;
}

/* The similarity of the bags: the mean over the orders of n-grams.  delta: the difference of lengths. */
static double similarity(const scratch *s, double delta, const double hypothesis_norm[EVAL_ORDERS])
{
    double dot[EVAL_ORDERS] = {0}, sum = 0;
    size_t i = 0, j = 0;
    double norm[EVAL_ORDERS];
    norms(s, &s->reference, norm);
    while (i < s->hypothesis.count && j < s->reference.count) {
        const eval_gram *h = &s->hypothesis.grams[i], *r = &s->reference.grams[j];
        if (h->id == r->id) {
            const double weight = idf(s, h->id);
            dot[eval_grams_order(s->corpus->grams, h->id)] +=
                (h->count < r->count ? h->count : r->count) * weight * (r->count * weight);
        }
        i += h->id <= r->id;
        j += r->id <= h->id;
    }
    for (size_t order = 0; order < EVAL_ORDERS; order++) {
        const double product = hypothesis_norm[order] * norm[order];
        sum += product > 0 ? dot[order] / product : dot[order];
    }
    return sum / EVAL_ORDERS * exp(-(delta * delta) / (2 * sigma * sigma));
}

static double score_image(scratch *s, const eval_image *image)
{
    const eval_sentence *hypothesis = &s->corpus->sentences[image->first + EVAL_HYPOTHESIS];
    double norm[EVAL_ORDERS], sum = 0;
    eval_bag_fill(&s->hypothesis, s->corpus, hypothesis);
    norms(s, &s->hypothesis, norm);
    for (size_t i = 0; i < image->n_references; i++) {
        const eval_sentence *reference = eval_reference(s->corpus, image, i);
        eval_bag_fill(&s->reference, s->corpus, reference);
        sum += similarity(s, pairs(hypothesis) - pairs(reference), norm);
    }
    return image->n_references ? scale * sum / (double)image->n_references : 0;
}

bool eval_cider(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image)
{
    scratch *s = malloc(sizeof *s);
    double *log_of = malloc((corpus->count + 1) * sizeof *log_of);
    double sum = 0;
    const bool ok = s && log_of;
    if (!ok) goto done;
    s->corpus = corpus;
    s->log_of = log_of;
    for (size_t i = 0; i <= corpus->count; i++) log_of[i] = i ? log((double)i) : 0;
    for (size_t i = 0; i < corpus->count; i++) {
        per_image[i].cider = score_image(s, &corpus->images[i]);
        sum += per_image[i].cider;
    }
    total->cider = sum / (double)corpus->count;
done:
    free(s);
    free(log_of);
    return ok;
}
