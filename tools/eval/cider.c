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

typedef struct weights {
    const eval_corpus *corpus;
    double *idf;         /* [grams] log of images over images whose references have the n-gram */
    uint32_t *last_seen; /* [grams] 1 + the last image that counted it */
} weights;

/* Counts in how many images' references each n-gram stands, and turns the counts into idf. */
static void weigh(weights *w)
{
    const eval_corpus *corpus = w->corpus;
    const double log_images = log((double)corpus->count);
    const size_t n = eval_table_count(corpus->grams);
    for (size_t i = 0; i < corpus->count; i++) {
        for (size_t j = 0; j < corpus->images[i].n_references; j++) {
            const eval_sentence *s = &corpus->images[i].references[j];
            for (size_t k = 0; k < s->n_grams; k++) {
                const uint32_t id = s->grams[k].id;
                if (w->last_seen[id] == i + 1) continue;
                w->last_seen[id] = (uint32_t)(i + 1);
                w->idf[id] += 1;
            }
        }
    }
    for (size_t i = 0; i < n; i++) w->idf[i] = log_images - log(w->idf[i] > 1 ? w->idf[i] : 1);
}

static void norms(const weights *w, const eval_sentence *s, double norm[EVAL_ORDERS])
{
    for (size_t i = 0; i < EVAL_ORDERS; i++) norm[i] = 0;
    for (size_t i = 0; i < s->n_grams; i++) {
        const double value = s->grams[i].count * w->idf[s->grams[i].id];
        norm[w->corpus->gram_order[s->grams[i].id]] += value * value;
    }
    for (size_t i = 0; i < EVAL_ORDERS; i++) norm[i] = sqrt(norm[i]);
}

/* The similarity of two sentences: the mean over the orders of n-grams. */
static double similarity(const weights *w, const eval_sentence *hypothesis, const eval_sentence *reference,
                         const double hypothesis_norm[EVAL_ORDERS])
{
    /* lengths are counted in pairs of words: none for a caption of one word or of no word at all */
    const double pairs = hypothesis->length ? (double)(hypothesis->length - 1) : 0;
    const double reference_pairs = reference->length ? (double)(reference->length - 1) : 0;
    const double delta = pairs - reference_pairs;
    double dot[EVAL_ORDERS] = {0}, sum = 0;
    size_t i = 0, j = 0;
    double norm[EVAL_ORDERS];
    norms(w, reference, norm);
    while (i < hypothesis->n_grams && j < reference->n_grams) {
        const eval_gram *h = &hypothesis->grams[i], *r = &reference->grams[j];
        if (h->id == r->id) {
            const double idf = w->idf[h->id];
            dot[w->corpus->gram_order[h->id]] +=
                (h->count < r->count ? h->count : r->count) * idf * (r->count * idf);
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

static double score_image(const weights *w, const eval_image *image)
{
    double norm[EVAL_ORDERS], sum = 0;
    norms(w, &image->hypothesis, norm);
    for (size_t i = 0; i < image->n_references; i++) {
        sum += similarity(w, &image->hypothesis, &image->references[i], norm);
    }
    return image->n_references ? scale * sum / (double)image->n_references : 0;
}

bool eval_cider(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image)
{
    const size_t n = eval_table_count(corpus->grams);
    weights w = {corpus, calloc(n + 1, sizeof *w.idf), calloc(n + 1, sizeof *w.last_seen)};
    double sum = 0;
    const bool ok = w.idf && w.last_seen;
    if (!ok) goto done;
    weigh(&w);
    for (size_t i = 0; i < corpus->count; i++) {
        per_image[i].cider = score_image(&w, &corpus->images[i]);
        sum += per_image[i].cider;
    }
    total->cider = sum / (double)corpus->count;
done:
    free(w.idf);
    free(w.last_seen);
    return ok;
}
