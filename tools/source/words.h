/* The words of a vocabulary file, in the order of their ids.
 *
 * A file is a pickle of the project's Vocabulary object (torch_words.h), or a JSON array of the words, which
 * begins with [.  The words themselves are checked by tools/convert/words.h. */
#ifndef TOOLS_SOURCE_WORDS_H
#define TOOLS_SOURCE_WORDS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

typedef struct source_word {
    const char *data; /* [size], any bytes; no zero byte ends them */
    size_t size;
} source_word;

typedef struct source_words {
    source_word *at; /* [count], owned; the bytes belong to `pickle` or `array` */
    uint32_t count;  /* at least 1 */
    struct torch_pickle *pickle;
    json_t *array;
} source_words;

/* Reads a file of 1 to `most` words.  In a pickle, refuses ids that have gaps or repeat, and tables that
 * disagree.  Free the words whatever the result. */
bool source_words_open(source_words *words, const char *path, uint32_t most, tool_error *err);
void source_words_free(source_words *words);

#endif
