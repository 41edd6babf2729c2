/* The vocabulary's words in the order of their ids, and the ids of the four special words.
 *
 * Refuses duplicates, missing special words, and words that are not UTF-8 or absurdly long. */
#ifndef TOOLS_CONVERT_WORDS_H
#define TOOLS_CONVERT_WORDS_H

#include "tools/source/words.h"

typedef struct convert_vocabulary {
    source_words source;      /* owns the words */
    const source_word *words; /* [count] */
    uint32_t count;
    uint32_t pad, start, end, unk; /* ids of the special words */
} convert_vocabulary;

/* Free it whatever the result. */
bool convert_vocabulary_open(convert_vocabulary *vocabulary, const char *path, tool_error *err);
void convert_vocabulary_free(convert_vocabulary *vocabulary);

#endif
