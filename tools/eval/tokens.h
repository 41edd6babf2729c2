/* Captions cut into words, in the three ways of the published evaluation.
 *
 * Each call visits the next word.  Nothing is allocated. */
#ifndef TOOLS_EVAL_TOKENS_H
#define TOOLS_EVAL_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct eval_cursor {
    const char *next, *stop;
    bool ended;
} eval_cursor;

void eval_cursor_begin(eval_cursor *cursor, const char *text);

/* References: lower-cased; every run of characters other than a-z and 0-9 separates words.  The word is
 * written to word[size], and cut if it is longer.  False at the end. */
bool eval_next_clean(eval_cursor *cursor, char *word, size_t size, size_t *length);

/* Hypotheses for BLEU, METEOR and CIDEr: words between runs of white space (Unicode's), case kept. */
bool eval_next_split(eval_cursor *cursor, const char **word, size_t *length);

/* Hypotheses for ROUGE-L: words between single spaces.  Two spaces enclose an empty word, and an empty
 * caption is one empty word. */
bool eval_next_spaced(eval_cursor *cursor, const char **word, size_t *length);

/* Lower case of a word, as far as it matters when it is compared with references, which are ASCII: A-Z and
 * the two other letters whose lower case begins with an ASCII letter.  lower: [length].  Returns the new
 * length. */
size_t eval_lower(const char *text, size_t length, char *lower);

#endif
