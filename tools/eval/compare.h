/* `capeval run --compare`: one set of images captioned by two models, and how far they agree.
 *
 * Captions are compared as texts, so the models may have different vocabularies.  Nothing is kept for a later
 * run.  Progress and failed images are shown on standard error. */
#ifndef TOOLS_EVAL_COMPARE_H
#define TOOLS_EVAL_COMPARE_H

#include "tools/eval/captioner.h"
#include "tools/eval/predictions.h"

typedef struct eval_pair {
    char *text[2]; /* owned; both NULL where either model failed */
    double score[2];
} eval_pair;

typedef struct eval_comparison {
    const eval_model *models[2];
    const char *folder;        /* of the images */
    const char *const *images; /* [n_images], names in that folder */
    size_t n_images;
    int threads; /* at least 1 */
    bool quiet;  /* no progress */
    /* results */
    eval_pair *pairs; /* [n_images] */
    size_t captioned, failed;
    tool_error first_failure; /* why the first of those failed */
    size_t equal;             /* images whose two captions have the same words */
    double mean_score[2];     /* of each model's captions */
    double largest, mean;     /* absolute differences of an image's two scores */
    const char *largest_name; /* the image of the largest one; NULL where no image was captioned */
    bool scored;              /* there were references */
    bool no_synonyms;         /* METEOR was computed without WordNet */
    eval_scores metrics[2];
} eval_comparison;

/* Captions the images with both models and fills in the results, except for the metrics.  An image that fails
 * with either model is shown and counted. */
bool eval_compare(eval_comparison *comparison, tool_error *err);

/* Makes a list of one model's captions, to score them. */
bool eval_compare_list(eval_predictions *list, const eval_comparison *comparison, int model, tool_error *err);

/* Frees the results. */
void eval_comparison_free(eval_comparison *comparison);

#endif
