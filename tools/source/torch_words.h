/* The words of a pickled Vocabulary object. */
#ifndef TOOLS_SOURCE_TORCH_WORDS_H
#define TOOLS_SOURCE_TORCH_WORDS_H

#include "tools/common/text.h"
#include "tools/source/words.h"

/* As source_words_open, for the text of the file, which the words take over. */
bool torch_words_parse(source_words *words, const char *path, tool_text *text, uint32_t most,
                       tool_error *err);

#endif
