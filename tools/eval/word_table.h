/* A table that gives every distinct byte string a number, counted from 0 in order of first appearance.
 *
 * Words, n-grams, captions and image names are numbered with it.  A string stays at its address until the
 * table is freed. */
#ifndef TOOLS_EVAL_WORD_TABLE_H
#define TOOLS_EVAL_WORD_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define EVAL_NO_WORD UINT32_MAX

typedef struct eval_table eval_table;

/* NULL when out of memory. */
eval_table *eval_table_create(void);

/* Accepts NULL and a cleared pointer. */
void eval_table_free(eval_table **words);

size_t eval_table_count(const eval_table *words);

/* The number of a string, new if need be; EVAL_NO_WORD when out of memory. */
uint32_t eval_table_add(eval_table *words, const void *text, size_t length);

/* The number of a string, EVAL_NO_WORD if it was never added. */
uint32_t eval_table_find(const eval_table *words, const void *text, size_t length);

/* The string, with a zero byte after it; owned by the table. */
const char *eval_table_text(const eval_table *words, uint32_t id);
size_t eval_table_length(const eval_table *words, uint32_t id);

#endif
