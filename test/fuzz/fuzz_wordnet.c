/* fuzz_wordnet.c - WordNet's database of nouns, and words to look up in it.
 *
 * Input: index.noun, data.noun, noun.exc and a word, with separators between them.  The other parts of speech
 * are empty. */
#include <stdio.h>
#include <string.h>

#include "test/fuzz/fuzz.h"
#include "tools/eval/wordnet.h"

enum { MAX_WORD = 40 };

static bool count(void *context, const char *lemma, size_t length)
{
    volatile size_t *sum = context;
    for (size_t i = 0; i < length; i++) *sum += (unsigned char)lemma[i];
    return true;
}

static void look_up(const eval_wordnet *wordnet, const char *word)
{
    tool_error error = {{0}};
    volatile size_t sum = 0;
    if (!eval_wordnet_lemmas(wordnet, word, count, (void *)&sum, &error)) fuzz_need(error.message[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const speech[] = {"noun", "verb", "adj", "adv"};
    static const char *const patterns[] = {"index.%s", "data.%s", "%s.exc"};
    fuzz_bytes parts[4];
    char path[FUZZ_PATH], name[24], word[MAX_WORD + 1] = "";
    tool_error error = {{0}};
    fuzz_split((fuzz_bytes){data, size}, parts, 4);
    for (int s = 0; s < 4; s++) {
        for (int p = 0; p < 3; p++) {
            (void)snprintf(name, sizeof name, patterns[p], speech[s]);
            fuzz_write(path, name, s == 0 ? parts[p] : (fuzz_bytes){NULL, 0});
        }
    }
    if (parts[3].size) memcpy(word, parts[3].data, parts[3].size < MAX_WORD ? parts[3].size : MAX_WORD);
    eval_wordnet *wordnet = eval_wordnet_open(fuzz_folder(), &error);
    fuzz_need(wordnet || error.message[0] != '\0');
    if (wordnet) {
        look_up(wordnet, word);
        look_up(wordnet, "dogs");
    }
    eval_wordnet_close(&wordnet);
    return 0;
}
