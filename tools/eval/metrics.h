/* The metrics of the image captioning field: BLEU-1..4, METEOR, ROUGE-L, CIDEr-D.
 *
 * Figures agree with NLTK (BLEU, METEOR) and with the COCO caption evaluation (ROUGE-L, CIDEr) to the last
 * digits of a double.  A "hypothesis" is the caption that is judged.  No file is read or written here,
 * nothing is printed. */
#ifndef TOOLS_EVAL_METRICS_H
#define TOOLS_EVAL_METRICS_H

#include <stddef.h>

#include <caption.h>

#include "tools/common/error.h"
#include "tools/eval/wordnet.h"

/* Longer captions are refused: the longest of Flickr30k has about 400 bytes, and METEOR and ROUGE-L take the
 * square of a caption's words. */
#define EVAL_MAX_CAPTION 1000 /* bytes */
#define EVAL_TOO_LONG "caption of more than " CAPTION_QUOTE(EVAL_MAX_CAPTION) " bytes"

typedef struct eval_scores {
    double bleu[4]; /* BLEU-1..4 */
    double meteor, cider, rouge_l;
} eval_scores;

/* Images, each with a caption to judge and its reference captions. */
typedef struct eval_corpus eval_corpus;

/* NULL when out of memory. */
eval_corpus *eval_corpus_create(void);

/* Accepts NULL and a cleared pointer. */
void eval_corpus_free(eval_corpus **corpus);

size_t eval_corpus_size(const eval_corpus *corpus);

/* Adds an image; texts are UTF-8 and copied.  False when out of memory or if a text is too long. */
bool eval_corpus_add(eval_corpus *corpus, const char *hypothesis, const char *const *references,
                     size_t n_references, tool_error *err);

/* Scores all images together.  per_image [eval_corpus_size], if not NULL, gets the scores of each image: BLEU
 * of a corpus of this image alone, CIDEr with the document frequencies of all images.  If wordnet is NULL,
 * METEOR has no synonym stage.  False when out of memory or if WordNet's files are damaged. */
bool eval_score(eval_corpus *corpus, const eval_wordnet *wordnet, eval_scores *total, eval_scores *per_image,
                tool_error *err);

#endif
