/* search.h - from features to captions: drives the decoder's steps by greedy or beam search and writes the
 * results. Called by session.c and api.c. */
#ifndef CPT_SEARCH_H
#define CPT_SEARCH_H

#include "lib/decoder/beam.h"
#include "lib/decoder/decoder.h"

typedef struct cpt_search {
    const caption_model *model;
    cpt_decoder_run decoder;
    cpt_beam beam;
    int max_beams, max_length;
    size_t text_bytes;      /* room for one caption's text */
    const float **inputs;   /* [R] input vectors of a step */
    int *index;             /* [candidates] best tokens of a row */
    float *value;           /* [candidates] their logits, then log-probabilities */
    int *tokens;            /* [max_length] of one hypothesis */
    float *history;         /* [max_length, R, P] attention of every step; NULL for the baseline kind */
    caption_text *captions; /* [R] results from here on */
    int *ids;               /* [R, max_length] */
    char *text;             /* [R, text_bytes] */
    float *alpha;           /* [R, max_length, P] */
} cpt_search;

/* Lays everything out (dry run or real); decoder.decoder, kernels, pool and positions are already set. */
void cpt_search_plan(cpt_search *search, cpt_arena *arena, const caption_model *model,
                     const caption_session_options *options);

/* Captions one image; options are checked.  Returns how many captions were written, or -1 when the callback
 * stopped it. */
int cpt_search_run(cpt_search *search, const float *features, const caption_decode_options *options);

#endif
