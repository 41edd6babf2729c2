/* Tells the kind of a vocabulary file, and reads words from JSON; see words.h. */
#include "tools/source/words.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/json.h"
#include "tools/source/torch_pickle.h"
#include "tools/source/torch_words.h"

enum {
    MAX_FILE = 64 << 20, /* bytes; a pickled vocabulary of a million words fits */
    MAX_JSON = 8 << 20,  /* bytes; it takes many times as much memory.  700 000 words fit */
};

/* ["<pad>", "<start>", ...] */
static bool read_array(source_words *words, const char *path, const tool_text *text, uint32_t most,
                       tool_error *err)
{
    json_error_t where;
    if (text->size > MAX_JSON) return tool_fail(err, "%s: larger than %d bytes", path, MAX_JSON);
    words->array = tool_json_parse(text->data, text->size, 0, &where);
    if (!words->array) {
        return tool_fail(err, "%s: line %d, column %d: %s", path, where.line, where.column, where.text);
    }
    const size_t count = json_array_size(words->array);
    if (count == 0 || count > most) return tool_fail(err, "%s: holds %zu words", path, count);
    words->at = calloc(count, sizeof *words->at);
    if (!words->at) return tool_fail(err, "%s: out of memory", path);
    words->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const json_t *word = json_array_get(words->array, i);
        if (!json_is_string(word)) return tool_fail(err, "%s: word %zu is no text", path, i);
        words->at[i] = (source_word){json_string_value(word), json_string_length(word)};
    }
    return true;
}

bool source_words_open(source_words *words, const char *path, uint32_t most, tool_error *err)
{
    tool_text text;
    memset(words, 0, sizeof *words);
    if (!tool_text_read(&text, path, MAX_FILE, err)) return false;
    /* no pickle begins with a [ or white space */
    const bool json = text.data[strspn(text.data, " \t\r\n")] == '[';
    const bool ok =
        json ? read_array(words, path, &text, most, err) : torch_words_parse(words, path, &text, most, err);
    tool_text_free(&text);
    return ok;
}

void source_words_free(source_words *words)
{
    if (words->pickle) torch_pickle_free(words->pickle);
    free(words->pickle);
    json_decref(words->array);
    free(words->at);
    memset(words, 0, sizeof *words);
}
