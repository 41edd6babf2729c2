/* search.h - from the features of an image to its captions, by beam search or greedy search. */
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
    int max_beams;  /* 1..CPT_MAX_BEAMS */
    int max_length; /* the most steps */
    int threads;    /* of the pool that it will run on */
} cpt_search_setup;

/* R = max_beams, L = max_length. */
typedef struct cpt_search {
    const caption_model_info *info;
    const cpt_weights *weights;
    cpt_step step;
    cpt_logits logits;
    cpt_beam beam;
    int max_beams, max_length;
    size_t text_bytes;      /* room for one caption's text */
    float *history;         /* [L, R, P] attention weights of all steps; NULL in the baseline kind */
    caption_text *captions; /* [R] the results; they point into the next three */
    int *ids;               /* [R, L] the captions' tokens */
    char *text;             /* [R, text_bytes] */
    float *alpha;           /* [R, L, P] the captions' attention weights; NULL in the baseline kind */
} cpt_search;

/* Lays everything out; the arena may be a dry one. */
void cpt_search_plan(cpt_search *search, cpt_arena *arena, const cpt_search_setup *setup);

/* The threads for all that follows; NULL: the caller's alone. */
void cpt_search_set_pool(cpt_search *search, cpt_pool *pool);

/* Captions one image: features [P, C], in the baseline kind the image's vector [E].  The options are checked
 * already.  Returns how many captions there are, best first, or -1 when the progress callback stopped it. */
int cpt_search_run(cpt_search *search, const float *features, const caption_decode_options *options);

#endif
