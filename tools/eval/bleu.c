/* BLEU-1..4 as NLTK's corpus_bleu computes them with smoothing method 1. */
#include "tools/eval/corpus.h"

#include <math.h>
#include <stdlib.h>

/* Sums over a corpus of one or more images. */
typedef struct counts {
    double matched[EVAL_ORDERS], possible[EVAL_ORDERS];
    double length, reference_length;
} counts;

/* An image at work. */
typedef struct scratch {
    eval_bag hypothesis, reference;
    uint32_t most[EVAL_MAX_GRAMS]; /* of each n-gram of the hypothesis, in one reference */
} scratch;

/* Raises what was most, where this reference has more. */
static void meet_reference(scratch *s)
{
    size_t i = 0, j = 0;
    while (i < s->hypothesis.count && j < s->reference.count) {
        const eval_gram *h = &s->hypothesis.grams[i], *r = &s->reference.grams[j];
        if (h->id == r->id && r->count > s->most[i]) s->most[i] = r->count;
        i += h->id <= r->id;
        j += r->id <= h->id;
    }
}

/* The length of the reference whose length is closest to the hypothesis's; the shorter of two as close. */
static size_t closest_length(const eval_corpus *corpus, const eval_image *image)
{
    const size_t wanted = corpus->sentences[image->first + EVAL_HYPOTHESIS].length;
    size_t best = 0, best_gap = SIZE_MAX;
    for (size_t i = 0; i < image->n_references; i++) {
        const size_t length = eval_reference(corpus, image, i)->length;
        const size_t gap = length > wanted ? length - wanted : wanted - length;
        if (gap < best_gap || (gap == best_gap && length < best)) {
            best = length;
            best_gap = gap;
        }
    }
    return best;
}

static void count_image(const eval_corpus *corpus, const eval_image *image, scratch *s, counts *c)
{
    const eval_sentence *hypothesis = &corpus->sentences[image->first + EVAL_HYPOTHESIS];
    for (size_t order = 0; order < EVAL_ORDERS; order++) {
        /* a hypothesis too short for this order counts as one n-gram without a match */
        c->possible[order] += hypothesis->length > order ? (double)(hypothesis->length - order) : 1;
    }
    eval_bag_fill(&s->hypothesis, corpus, hypothesis);
    for (size_t i = 0; i < s->hypothesis.count; i++) s->most[i] = 0;
    for (size_t i = 0; i < image->n_references; i++) {
        eval_bag_fill(&s->reference, corpus, eval_reference(corpus, image, i));
        meet_reference(s);
    }
    for (size_t i = 0; i < s->hypothesis.count; i++) {
        const eval_gram *gram = &s->hypothesis.grams[i];
        c->matched[eval_grams_order(corpus->grams, gram->id)] +=
            s->most[i] < gram->count ? s->most[i] : gram->count;
    }
    c->length += (double)hypothesis->length;
    c->reference_length += (double)closest_length(corpus, image);
}

/* Smoothing method 1: an order without a match is given this many. */
static const double smoothing = 0.1;

static void finish(const counts *c, double bleu[EVAL_ORDERS])
{
    const double penalty = c->length > c->reference_length ? 1
                           : c->length > 0                 ? exp(1 - c->reference_length / c->length)
                                                           : 0;
    double log_sum = 0;
    for (size_t order = 0; order < EVAL_ORDERS; order++) {
        const double matched = c->matched[order] > 0 ? c->matched[order] : smoothing;
        log_sum += log(matched / c->possible[order]);
        /* not one word in common: 0, whatever the smoothing says */
        bleu[order] = c->matched[0] > 0 ? penalty * exp(log_sum / (double)(order + 1)) : 0;
    }
}

bool eval_bleu(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image)
{
    counts all = {.length = 0};
    scratch *s = malloc(sizeof *s);
    if (!s) return false;
    for (size_t i = 0; i < corpus->count; i++) {
        counts one = {.length = 0};
        count_image(corpus, &corpus->images[i], s, &one);
        finish(&one, per_image[i].bleu);
        for (size_t order = 0; order < EVAL_ORDERS; order++) {
            all.matched[order] += one.matched[order];
            all.possible[order] += one.possible[order];
        }
        all.length += one.length;
        all.reference_length += one.reference_length;
    }
    finish(&all, total->bleu);
    free(s);
    return true;
}
