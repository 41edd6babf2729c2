/* Pickled vocabularies; see vocabulary.h.  Called by convert.c. */
#include "tools/convert/words.h"

#include <capw.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/text.h"

enum { MAX_WORD = 1024 };

static int by_text(const void *a, const void *b)
{
    const torch_text *x = *(const torch_text *const *)a, *y = *(const torch_text *const *)b;
    size_t shared = x->size < y->size ? x->size : y->size;
    int order = shared ? memcmp(x->data, y->data, shared) : 0;
    return order ? order : x->size < y->size ? -1 : x->size > y->size;
}

static bool check_word(const char *path, uint32_t id, torch_text word, tool_error *err)
{
    char printable[64];
    const char *reason = NULL;
    if (word.size > MAX_WORD) reason = "is absurdly long";
    if (memchr(word.data, '\0', word.size)) reason = "holds a zero byte";
    if (tool_utf8_check(word.data, word.size) != word.size) reason = "is not UTF-8";
    return !reason || tool_fail(err, "%s: word %u (%s) %s", path, id,
                                torch_printable(word.data, word.size, printable), reason);
}

/* itos: {0: word, 1: word, ...} in any order */
static bool take_words(convert_vocabulary *v, const char *path, const torch_value *itos, tool_error *err)
{
    size_t count = itos->as.items.count / 2, i;
    if (count == 0 || count > CAPW_MAX_WORDS) return tool_fail(err, "%s: itos holds %zu words", path, count);
    v->count = (uint32_t)count;
    v->words = calloc(count, sizeof *v->words);
    if (!v->words) return tool_fail(err, "%s: out of memory", path);
    for (i = 0; i < count; i++) {
        const torch_value *key = itos->as.items.at[2 * i], *word = itos->as.items.at[2 * i + 1];
        uint32_t id;
        if (key->kind != TORCH_INT || word->kind != TORCH_TEXT) {
            return tool_fail(err, "%s: itos maps a %s to a %s, not an int to a str", path,
                             torch_kind_name(key), torch_kind_name(word));
        }
        if (key->as.integer < 0 || (uint64_t)key->as.integer >= count) {
            return tool_fail(err, "%s: itos holds %zu words, but id %lld: the ids have gaps", path, count,
                             (long long)key->as.integer);
        }
        id = (uint32_t)key->as.integer;
        if (v->words[id].data) return tool_fail(err, "%s: itos holds id %u twice", path, id);
        if (!check_word(path, id, word->as.text, err)) return false;
        v->words[id] = word->as.text;
    }
    return true;
}

/* Finds duplicates, then the special words, then whether stoi says the same as itos. */
static bool check_words(convert_vocabulary *v, const char *path, const torch_value *stoi, tool_error *err)
{
    static const char *const special[4] = {"<pad>", "<start>", "<end>", "<unk>"};
    uint32_t *const ids[4] = {&v->pad, &v->start, &v->end, &v->unk};
    const torch_text **sorted = malloc(v->count * sizeof *sorted);
    char printable[64];
    bool ok = sorted != NULL;
    size_t i, pairs = stoi && stoi->kind == TORCH_DICT ? stoi->as.items.count / 2 : 0;
    if (!ok) (void)tool_fail(err, "%s: out of memory", path);
    for (i = 0; ok && i < v->count; i++) sorted[i] = &v->words[i];
    if (ok) qsort(sorted, v->count, sizeof *sorted, by_text);
    for (i = 1; ok && i < v->count; i++) {
        if (by_text(&sorted[i - 1], &sorted[i]) == 0) {
            ok = tool_fail(err, "%s: the word %s has two ids, %zu and %zu", path,
                           torch_printable(sorted[i]->data, sorted[i]->size, printable),
                           (size_t)(sorted[i - 1] - v->words), (size_t)(sorted[i] - v->words));
        }
    }
    for (i = 0; ok && i < 4; i++) {
        const torch_text word = {special[i], strlen(special[i])}, *key = &word;
        const torch_text **found = bsearch(&key, sorted, v->count, sizeof *sorted, by_text);
        if (!found) {
            ok = tool_fail(err, "%s: the word %s is missing", path, special[i]);
        } else {
            *ids[i] = (uint32_t)(*found - v->words);
        }
    }
    for (i = 0; ok && i < pairs; i++) {
        const torch_value *word = stoi->as.items.at[2 * i], *id = stoi->as.items.at[2 * i + 1];
        const torch_text *key = &word->as.text;
        if (word->kind != TORCH_TEXT || id->kind != TORCH_INT || id->as.integer < 0 ||
            id->as.integer >= v->count || key->size != v->words[id->as.integer].size ||
            memcmp(key->data, v->words[id->as.integer].data, key->size) != 0) {
            ok = tool_fail(err, "%s: stoi disagrees with itos in its entry %zu", path, i);
        }
    }
    free(sorted);
    return ok;
}

bool convert_vocabulary_open(convert_vocabulary *v, const char *path, tool_error *err)
{
    const torch_value *root, *itos;
    memset(v, 0, sizeof *v);
    if (!torch_pickle_open(&v->pickle, path, err)) return false;
    root = v->pickle.root;
    if (root->kind != TORCH_OBJECT) {
        return tool_fail(err, "%s: holds a %s, not a Vocabulary object", path, torch_kind_name(root));
    }
    itos = torch_dict_get(root->as.object.state, "itos");
    if (!itos || itos->kind != TORCH_DICT) {
        return tool_fail(err, "%s: the Vocabulary object holds no dict itos", path);
    }
    return take_words(v, path, itos, err) &&
           check_words(v, path, torch_dict_get(root->as.object.state, "stoi"), err);
}

void convert_vocabulary_free(convert_vocabulary *v)
{
    free(v->words);
    torch_pickle_free(&v->pickle);
    memset(v, 0, sizeof *v);
}
