/* The words of a pickled Vocabulary object; see torch_words.h.
 *
 * Its state holds two dicts: itos maps ids to words, stoi maps words to ids. */
#include "tools/source/torch_words.h"

#include <stdlib.h>
#include <string.h>

#include "tools/source/torch_pickle.h"

/* itos: {0: word, 1: word, ...} in any order */
static bool take_words(source_words *words, const char *path, const torch_items *itos, uint32_t most,
                       tool_error *err)
{
    const size_t count = itos->count / 2;
    if (count == 0 || count > most) return tool_fail(err, "%s: itos holds %zu words", path, count);
    words->count = (uint32_t)count;
    words->at = calloc(count, sizeof *words->at);
    if (!words->at) return tool_fail(err, "%s: out of memory", path);
    for (size_t i = 0; i < count; i++) {
        const torch_value *key = itos->at[2 * i], *word = itos->at[2 * i + 1];
        if (key->kind != TORCH_INT || word->kind != TORCH_TEXT) {
            return tool_fail(err, "%s: itos maps a %s to a %s, not an int to a str", path,
                             torch_kind_name(key), torch_kind_name(word));
        }
        const int64_t id = key->as.integer;
        if (id < 0 || (uint64_t)id >= count) {
            return tool_fail(err, "%s: itos holds %zu words, but id %lld: the ids have gaps", path, count,
                             (long long)id);
        }
        if (words->at[id].data) return tool_fail(err, "%s: itos holds id %lld twice", path, (long long)id);
        words->at[id] = (source_word){word->as.text.data, word->as.text.size};
    }
    return true;
}

static bool agrees(const source_words *words, const torch_value *word, const torch_value *id)
{
    if (word->kind != TORCH_TEXT || id->kind != TORCH_INT || id->as.integer < 0 ||
        id->as.integer >= words->count) {
        return false;
    }
    const source_word *known = &words->at[id->as.integer];
    return word->as.text.size == known->size && memcmp(word->as.text.data, known->data, known->size) == 0;
}

/* stoi, where there is one, must say the same as itos. */
static bool check_ids(const source_words *words, const char *path, const torch_value *stoi, tool_error *err)
{
    const size_t pairs = stoi && stoi->kind == TORCH_DICT ? stoi->as.items.count / 2 : 0;
    for (size_t i = 0; i < pairs; i++) {
        if (!agrees(words, stoi->as.items.at[2 * i], stoi->as.items.at[2 * i + 1])) {
            return tool_fail(err, "%s: stoi disagrees with itos in its entry %zu", path, i);
        }
    }
    return true;
}

bool torch_words_parse(source_words *words, const char *path, tool_text *text, uint32_t most, tool_error *err)
{
    unsigned char *bytes = (unsigned char *)text->data;
    const size_t size = text->size;
    words->pickle = calloc(1, sizeof *words->pickle);
    if (!words->pickle) return tool_fail(err, "%s: out of memory", path);
    *text = (tool_text){NULL, 0};
    if (!torch_pickle_parse(words->pickle, bytes, size, path, err)) return false;
    const torch_value *root = words->pickle->root;
    if (root->kind != TORCH_OBJECT) {
        return tool_fail(err, "%s: holds a %s, not a Vocabulary object", path, torch_kind_name(root));
    }
    const torch_value *itos = torch_dict_get(root->as.object.state, "itos");
    if (!itos || itos->kind != TORCH_DICT) {
        return tool_fail(err, "%s: the Vocabulary object holds no dict itos", path);
    }
    return take_words(words, path, &itos->as.items, most, err) &&
           check_ids(words, path, torch_dict_get(root->as.object.state, "stoi"), err);
}
