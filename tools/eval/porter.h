/* Porter's stemmer with NLTK's extensions: what METEOR's second stage compares.
 *
 * Works in place, allocates nothing. */
#ifndef TOOLS_EVAL_PORTER_H
#define TOOLS_EVAL_PORTER_H

#include <stddef.h>

/* Stems a lower-case word of `length` bytes in a buffer of at least length + 1.  Returns the new length. */
size_t eval_porter(char *text, size_t length);

#endif
