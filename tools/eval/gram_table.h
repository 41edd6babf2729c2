/* Numbers n-grams of words, and counts in how many documents each stands.
 *
 * An n-gram is the n-gram without its last word, and that word.  Numbers count from 0 in order of first
 * appearance.  An entry takes 16 bytes, and its place in the table 5 to 11 more. */
#ifndef TOOLS_EVAL_GRAM_TABLE_H
#define TOOLS_EVAL_GRAM_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum { EVAL_ORDERS = 4 }; /* n-grams of 1..4 words */

#define EVAL_NO_GRAM UINT32_MAX

typedef struct eval_grams eval_grams;

/* NULL when out of memory. */
eval_grams *eval_grams_create(void);

/* Accepts NULL and a cleared pointer. */
void eval_grams_free(eval_grams **grams);

/* The number of an n-gram, new if need be; `before` is EVAL_NO_GRAM for a single word.  EVAL_NO_GRAM when out
 * of memory. */
uint32_t eval_grams_add(eval_grams *grams, uint32_t before, uint32_t word);

/* The number of an n-gram, EVAL_NO_GRAM if it was never added. */
uint32_t eval_grams_find(const eval_grams *grams, uint32_t before, uint32_t word);

/* Its words less one: 0 for a single word. */
size_t eval_grams_order(const eval_grams *grams, uint32_t gram);

/* Notes that the n-gram stands in a document.  A document is noted from first to last before the next. */
void eval_grams_note(eval_grams *grams, uint32_t gram, size_t document);

/* In how many documents it stands. */
size_t eval_grams_documents(const eval_grams *grams, uint32_t gram);

#endif
