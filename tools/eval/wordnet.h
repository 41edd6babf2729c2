/* WordNet 3.0, read straight from its database files: which words share a synset with a given one.
 *
 * Needs the files index.*, data.* and *.exc for noun, verb, adj and adv in one folder (Debian: wordnet-base,
 * /usr/share/wordnet).  Nothing is printed. */
#ifndef TOOLS_EVAL_WORDNET_H
#define TOOLS_EVAL_WORDNET_H

#include <stddef.h>

#include "tools/common/error.h"

#define EVAL_WORDNET_FOLDER "/usr/share/wordnet"

typedef struct eval_wordnet eval_wordnet;

/* NULL on failure. */
eval_wordnet *eval_wordnet_open(const char *folder, tool_error *err);

/* Accepts NULL and a cleared pointer. */
void eval_wordnet_close(eval_wordnet **wordnet);

/* Receives one lemma of a synset, as the database spells it: upper case kept, _ for a space.  False stops the
 * search.
 */
typedef bool eval_lemma_fn(void *context, const char *lemma, size_t length);

/* Visits every lemma of every synset of a lower-case word, in all four parts of speech.  The word's base
 * forms are found by WordNet's morphology.  A lemma may come more than once.  False if the database is
 * damaged or `visit` returns false. */
bool eval_wordnet_lemmas(const eval_wordnet *wordnet, const char *word, eval_lemma_fn *visit, void *context,
                         tool_error *err);

#endif
