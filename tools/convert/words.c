/* The vocabulary's words and their checks; see words.h. */
#include "tools/convert/words.h"

#include <capw.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/printable.h"
#include "tools/common/text.h"

enum { MAX_WORD = 1024 }; /* bytes; the longest English word in captions has some dozens */

static int by_text(const void *a, const void *b)
{
    const source_word *x = *(const source_word *const *)a, *y = *(const source_word *const *)b;
    const size_t shared = x->size < y->size ? x->size : y->size;
    const int order = shared ? memcmp(x->data, y->data, shared) : 0;
    return order ? order : x->size < y->size ? -1 : x->size > y->size;
}

static bool check_texts(const convert_vocabulary *v, const char *path, tool_error *err)
{
    for (uint32_t id = 0; id < v->count; id++) {
        const source_word word = v->words[id];
        const char *reason = NULL;
        if (word.size > MAX_WORD) reason = "is absurdly long";
        if (memchr(word.data, '\0', word.size)) reason = "holds a zero byte";
        if (tool_utf8_check(word.data, word.size) != word.size) reason = "is not UTF-8";
        if (reason) {
            char printable[TOOL_PRINTABLE_BYTES];
            return tool_fail(err, "%s: word %u (%s) %s", path, id,
                             tool_printable(word.data, word.size, printable), reason);
        }
    }
    return true;
}

/* sorted: [count], every word once */
static bool check_unique(const convert_vocabulary *v, const char *path, const source_word *const *sorted,
                         tool_error *err)
{
    for (uint32_t i = 1; i < v->count; i++) {
        if (by_text(&sorted[i - 1], &sorted[i]) == 0) {
            char printable[TOOL_PRINTABLE_BYTES];
            return tool_fail(err, "%s: the word %s has two ids, %zu and %zu", path,
                             tool_printable(sorted[i]->data, sorted[i]->size, printable),
                             (size_t)(sorted[i - 1] - v->words), (size_t)(sorted[i] - v->words));
        }
    }
    return true;
}

static bool find_special(convert_vocabulary *v, const char *path, const source_word *const *sorted,
                         tool_error *err)
{
    const struct {
        const char *text;
        uint32_t *id;
    } special[] = {{"<pad>", &v->pad}, {"<start>", &v->start}, {"<end>", &v->end}, {"<unk>", &v->unk}};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        const source_word word = {special[i].text, strlen(special[i].text)}, *key = &word;
        const source_word *const *found = bsearch(&key, sorted, v->count, sizeof *sorted, by_text);
        if (!found) return tool_fail(err, "%s: the word %s is missing", path, special[i].text);
        *special[i].id = (uint32_t)(*found - v->words);
    }
    return true;
}

bool convert_vocabulary_open(convert_vocabulary *v, const char *path, tool_error *err)
{
    memset(v, 0, sizeof *v);
    if (!source_words_open(&v->source, path, CAPW_MAX_WORDS, err)) return false;
    v->words = v->source.at;
    v->count = v->source.count;
    if (!check_texts(v, path, err)) return false;
    const source_word **sorted = malloc(v->count * sizeof *sorted);
    if (!sorted) return tool_fail(err, "%s: out of memory", path);
    for (uint32_t i = 0; i < v->count; i++) sorted[i] = &v->words[i];
    qsort(sorted, v->count, sizeof *sorted, by_text);
    const bool ok = check_unique(v, path, sorted, err) && find_special(v, path, sorted, err);
    free(sorted);
    return ok;
}

void convert_vocabulary_free(convert_vocabulary *v)
{
    source_words_free(&v->source);
    memset(v, 0, sizeof *v);
}
