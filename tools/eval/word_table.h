/* A table that gives every distinct byte string a number, counted from 0 in order of first appearance.
 *
 * Called by the metrics for words and n-grams and by the readers for image names.  Strings stay where they
 * are until the table is freed. */
#ifndef TOOLS_EVAL_WORDS_H
#define TOOLS_EVAL_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define EVAL_NO_WORD UINT32_MAX

typedef struct eval_words eval_words;

/* NULL when out of memory. */
eval_words *eval_words_create(void);

/* Accepts NULL and a cleared pointer. */
void eval_words_free(eval_words **words);

size_t eval_words_count(const eval_words *words);

/* The number of a string, new if need be; EVAL_NO_WORD when out of memory. */
uint32_t eval_words_add(eval_words *words, const void *text, size_t length);

/* The number of a string, EVAL_NO_WORD if it was never added. */
uint32_t eval_words_find(const eval_words *words, const void *text, size_t length);

/* The string, with a zero byte after it; owned by the table. */
const char *eval_words_text(const eval_words *words, uint32_t id);
size_t eval_words_length(const eval_words *words, uint32_t id);

#endif
