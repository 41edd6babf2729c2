/* search.h - from the features of images to their captions, by beam search or greedy search.
 *
 * Several images are searched together, step by step: every product of a step has the rows of all of them, so
 * that weights are read once.  Nothing that is found for an image depends on the others.  An image alone is
 * the case of one. */
#ifndef CPT_SEARCH_H
#define CPT_SEARCH_H

#include "lib/decoder/beam.h"
#include "lib/decoder/decoder.h"
#include "lib/decoder/logits.h"
#include "lib/decoder/step.h"

/* What a search is planned for.  Everything must outlive it. */
typedef struct cpt_search_setup {
    const cpt_decoder *decoder;
    const cpt_weights *weights; /* for the words */
    const caption_model_info *info;
    const cptk_kernels *kernels;
    int max_images; /* 1..CAPTION_MAX_BATCH, whose captions are kept */
    int max_beams;  /* 1..CPT_MAX_ROWS */
    int max_length; /* the most steps */
    int threads;    /* of the pool that it will run on */
} cpt_search_setup;

/* M = max_images, N of them are searched together; B = max_beams, L = max_length. */
typedef struct cpt_search {
    const caption_model_info *info;
    const cpt_weights *weights;
    cpt_step step;
    cpt_logits logits;
    int max_beams, max_length;
    int together;      /* N */
    size_t text_bytes; /* room for one caption's text */
    cpt_beam *beams;   /* [N] the structures are kept, what they point to isn't */
    /* of a step: each row's state, hypothesis and, after it, the row that it comes from; each image's slots
     */
    const float **states;       /* [N * B] */
    cpt_hypothesis *hypotheses; /* [N * B] */
    int *parents;               /* [N * B] */
    int *slots;                 /* [N] */
    int *settled;               /* [L] for the progress callback */
    float *history;             /* [N, L, B, P] attention weights of all steps; NULL in the baseline kind */
    caption_result *results;    /* [M] without warnings; they point into the next one */
    caption_text *captions;     /* [M, B] they point into the next three */
    int *ids;                   /* [M, B, L] the captions' tokens */
    char *text;                 /* [M, B, text_bytes] */
    float *alpha;               /* [M, B, L, P] the captions' attention weights; NULL in the baseline kind */
} cpt_search;

/* Lays out what stays from one search to the next; the arena may be a dry one. */
void cpt_search_plan_kept(cpt_search *search, cpt_arena *arena, const cpt_search_setup *setup);

/* Lays out everything else, after what is kept.  Between searches others may use this memory. */
void cpt_search_plan(cpt_search *search, cpt_arena *arena, const cpt_search_setup *setup);

/* The threads for all that follows; NULL: the caller's alone. */
void cpt_search_set_pool(cpt_search *search, cpt_pool *pool);

/* Captions images first..first+count-1 and fills their places of `results`.  features [M, F]: those of image
 * i begin at i * F and are [P, C], in the baseline kind the image's vector [E].  The options are checked
 * already. Returns false when the progress callback stopped it. */
bool cpt_search_run(cpt_search *search, const float *features, int first, int count,
                    const caption_decode_options *options);

#endif
