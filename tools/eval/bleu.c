/* BLEU-1..4 as NLTK's corpus_bleu computes them with smoothing method 1. */
#include "tools/eval/corpus.h"

#include <math.h>

/* Sums over a corpus of one or more images. */
typedef struct counts {
    double matched[EVAL_ORDERS], possible[EVAL_ORDERS];
    double length, reference_length;
} counts;

static uint32_t count_of(const eval_sentence *s, uint32_t id)
{
    size_t low = 0, high = s->n_grams;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (s->grams[mid].id == id) return s->grams[mid].count;
        if (s->grams[mid].id < id) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return 0;
}

/* The length of the reference whose length is closest to the hypothesis's; the shorter of two as close. */
static size_t closest_length(const eval_image *image)
{
    const size_t wanted = image->hypothesis.length;
    size_t best = 0, best_gap = SIZE_MAX;
    for (size_t i = 0; i < image->n_references; i++) {
        const size_t length = image->references[i].length;
        const size_t gap = length > wanted ? length - wanted : wanted - length;
        if (gap < best_gap || (gap == best_gap && length < best)) {
            best = length;
            best_gap = gap;
        }
    }
    return best;
}

static void count_image(const eval_corpus *corpus, const eval_image *image, counts *c)
{
    const eval_sentence *hypothesis = &image->hypothesis;
    for (size_t order = 0; order < EVAL_ORDERS; order++) {
        /* a hypothesis too short for this order counts as one n-gram without a match */
        c->possible[order] += hypothesis->length > order ? (double)(hypothesis->length - order) : 1;
    }
    for (size_t i = 0; i < hypothesis->n_grams; i++) {
        const eval_gram *gram = &hypothesis->grams[i];
        uint32_t most = 0;
        for (size_t j = 0; j < image->n_references && most < gram->count; j++) {
            const uint32_t n = count_of(&image->references[j], gram->id);
            if (n > most) most = n;
        }
        c->matched[corpus->gram_order[gram->id]] += most < gram->count ? most : gram->count;
    }
    c->length += (double)hypothesis->length;
    c->reference_length += (double)closest_length(image);
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

void eval_bleu(const eval_corpus *corpus, eval_scores *total, eval_scores *per_image)
{
    counts all = {.length = 0};
    for (size_t i = 0; i < corpus->count; i++) {
        counts one = {.length = 0};
        count_image(corpus, &corpus->images[i], &one);
        finish(&one, per_image[i].bleu);
        for (size_t order = 0; order < EVAL_ORDERS; order++) {
            all.matched[order] += one.matched[order];
            all.possible[order] += one.possible[order];
        }
        all.length += one.length;
        all.reference_length += one.reference_length;
    }
    finish(&all, total->bleu);
}
