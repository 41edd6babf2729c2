/* The words of a pickled Vocabulary object, in the order of their ids.
 *
 * Called by convert.c.  Refuses gaps, duplicates and words that are no text. */
#ifndef TOOLS_CONVERT_VOCABULARY_H
#define TOOLS_CONVERT_VOCABULARY_H

#include "tools/source/pickle.h"

typedef struct convert_vocabulary {
    torch_pickle pickle; /* holds the words */
    torch_text *words;   /* [count], owned */
    uint32_t count;
    uint32_t pad, start, end, unk; /* ids of the special words */
} convert_vocabulary;

/* Free it whatever the result. */
bool convert_vocabulary_open(convert_vocabulary *vocabulary, const char *path, tool_error *err);
void convert_vocabulary_free(convert_vocabulary *vocabulary);

#endif
