/* Captions cut into words, the three ways the published evaluation does it.
 *
 * Called by corpus.c and the tests.  Each call visits the next word; none allocates. */
#ifndef TOOLS_EVAL_TOKENS_H
#define TOOLS_EVAL_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct eval_cursor {
    const char *next, *stop;
    bool ended;
} eval_cursor;

void eval_cursor_begin(eval_cursor *cursor, const char *text);

/* References: lower-cased, every run of other characters than a-z and 0-9 parts words.  The word is written
 * to word[0..size-1], cut there if longer.  False at the end. */
bool eval_next_clean(eval_cursor *cursor, char *word, size_t size, size_t *length);

/* Hypotheses for BLEU, METEOR and CIDEr: words between runs of white space (Unicode's), case kept. */
bool eval_next_split(eval_cursor *cursor, const char **word, size_t *length);

/* Hypotheses for ROUGE-L: words between single spaces; two spaces enclose an empty word, and an empty caption
 * is one empty word. */
bool eval_next_spaced(eval_cursor *cursor, const char **word, size_t *length);

/* Lower case of a word as far as it can matter against references, which are ASCII: A-Z, and the two other
 * letters whose lower case begins with an ASCII letter.  Returns the length, at most that of the text. */
size_t eval_lower(const char *text, size_t length, char *lower);

#endif
