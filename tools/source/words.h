/* The words of a vocabulary file, in the order of their ids.
 *
 * The one kind of file that is read is a pickle of the project's Vocabulary object (torch_words.c).  The
 * words themselves are checked by tools/convert/words.h. */
#ifndef TOOLS_SOURCE_WORDS_H
#define TOOLS_SOURCE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

typedef struct source_word {
    const char *data; /* [size], any bytes; no zero byte ends them */
    size_t size;
} source_word;

typedef struct source_words {
    source_word *at; /* [count], owned; the bytes belong to `pickle` */
    uint32_t count;  /* at least 1 */
    struct torch_pickle *pickle;
} source_words;

/* Reads a file of 1 to `most` words.  Refuses ids that have gaps or repeat, and tables that disagree.  Free
 * the words whatever the result. */
bool source_words_open(source_words *words, const char *path, uint32_t most, tool_error *err);
void source_words_free(source_words *words);

#endif
