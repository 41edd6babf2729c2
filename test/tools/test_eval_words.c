/* Tests of what the metrics see of words: cutting, stemming, WordNet, numbering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/tools/child_memory.h"
#include "tools/eval/gram_table.h"
#include "tools/eval/hash.h"
#include "tools/eval/metrics.h"
#include "tools/eval/porter.h"
#include "tools/eval/tokens.h"
#include "tools/eval/wordnet.h"
#include "tools/eval/word_table.h"

static void assert_clean(const char *text, const char *expected)
{
    char joined[256] = "";
    size_t n = 0;
    eval_cursor cursor;
    eval_cursor_begin(&cursor, text);
    char word[64];
    size_t length;
    while (eval_next_clean(&cursor, word, sizeof word, &length)) {
        n += (size_t)snprintf(joined + n, sizeof joined - n, "%.*s|", (int)length, word);
    }
    assert_string_equal(joined, expected);
}

static void clean(void **state)
{
    (void)state;
    assert_clean("A dog 's ball , 3-legged .", "a|dog|s|ball|3|legged|");
    assert_clean("  \t.. ", "");
    assert_clean("", "");
    assert_clean("caf\xC3\xA9s", "caf|s|");
    assert_clean("\xE2\x84\xAAing", "king|");      /* KELVIN SIGN, in lower case k */
    assert_clean("\xC4\xB0stanbul", "i|stanbul|"); /* I WITH DOT, in lower case i and a combining dot */
}

static void assert_cut(const char *text, bool spaced, const char *expected)
{
    char joined[256] = "";
    size_t n = 0;
    eval_cursor cursor;
    eval_cursor_begin(&cursor, text);
    const char *word;
    size_t length;
    while (spaced ? eval_next_spaced(&cursor, &word, &length) : eval_next_split(&cursor, &word, &length)) {
        n += (size_t)snprintf(joined + n, sizeof joined - n, "%.*s|", (int)length, word);
    }
    assert_string_equal(joined, expected);
}

static void cuts(void **state)
{
    (void)state;
    assert_cut(" A  dog\truns. ", false, "A|dog|runs.|");
    assert_cut("a\xC2\xA0"
               "b\xE3\x80\x80"
               "c\xE2\x80\x8B"
               "d",
               false,
               "a|b|c\xE2\x80\x8B"
               "d|"); /* U+200B is none */
    assert_cut("", false, "");
    assert_cut(" A  dog\truns", true, "|A||dog\truns|");
    assert_cut("", true, "|");
}

static void porter(void **state)
{
    /* from the paper's examples; the last lines are NLTK's departures */
    static const char *const pairs[][2] = {
        {"caresses", "caress"},
        {"ponies", "poni"},
        {"cats", "cat"},
        {"feed", "feed"},
        {"agreed", "agre"},
        {"plastered", "plaster"},
        {"bled", "bled"},
        {"motoring", "motor"},
        {"sing", "sing"},
        {"hopping", "hop"},
        {"falling", "fall"},
        {"filing", "file"},
        {"failing", "fail"},
        {"happy", "happi"},
        {"relational", "relat"},
        {"conditional", "condit"},
        {"rational", "ration"},
        {"vietnamization", "vietnam"},
        {"triplicate", "triplic"},
        {"hopefulness", "hope"},
        {"revival", "reviv"},
        {"adjustment", "adjust"},
        {"replacement", "replac"},
        {"adoption", "adopt"},
        {"probate", "probat"},
        {"rate", "rate"},
        {"cease", "ceas"},
        {"controll", "control"},
        {"roll", "roll"},
        {"at", "at"},
        {"a", "a"},
        {"yy", "yy"},
        {"dies", "die"},
        {"flies", "fli"},
        {"died", "die"},
        {"spied", "spi"},
        {"enjoy", "enjoy"},
        {"fly", "fli"},
        {"by", "by"},
        {"dying", "die"},
        {"skies", "sky"},
        {"news", "news"},
        {"innings", "inning"},
        {"radically", "radic"},
        {"geology", "geolog"},
        {"theology", "theolog"},
        {"playfully", "play"},
        {"using", "use"},
        {"proceed", "proceed"},
        {"syzygy", "syzygi"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char word[64];
        strcpy(word, pairs[i][0]);
        const size_t length = eval_porter(word, strlen(word));
        word[length] = '\0';
        assert_string_equal(word, pairs[i][1]);
    }
}

/* ---- WordNet ---- */

static bool note_lemma(void *context, const char *lemma, size_t length)
{
    char *seen = context;
    (void)snprintf(seen + strlen(seen), 4096 - strlen(seen), "%.*s ", (int)length, lemma);
    return true;
}

static void assert_lemmas(const eval_wordnet *wordnet, const char *word, const char *expected)
{
    char seen[4096] = " ";
    tool_error err = {{0}};
    assert_true(eval_wordnet_lemmas(wordnet, word, note_lemma, seen, &err));
    if (!expected) {
        assert_string_equal(seen, " ");
    } else {
        assert_non_null(strstr(seen, expected));
    }
}

static void wordnet_lookup(void **state)
{
    tool_error err = {{0}};
    eval_wordnet *wordnet = eval_wordnet_open(EVAL_WORDNET_FOLDER, &err);
    (void)state;
    if (!wordnet) {
        print_message("skip: no WordNet: %s\n", err.message);
        skip();
    }
    assert_lemmas(wordnet, "car", " automobile ");
    assert_lemmas(wordnet, "cars", " automobile ");   /* -s */
    assert_lemmas(wordnet, "sat", " sit ");           /* exception list */
    assert_lemmas(wordnet, "running", " tend ");      /* -ing of a verb, through the exception list too */
    assert_lemmas(wordnet, "afraid", " afraid ");     /* "afraid(p)" */
    assert_lemmas(wordnet, "american", " American "); /* case kept */
    assert_lemmas(wordnet, "bluest", " blue ");       /* adjective, -st by -est */
    assert_lemmas(wordnet, "catss", " cat ");         /* two detachments */
    assert_lemmas(wordnet, "danc", NULL);
    assert_lemmas(wordnet, "", NULL);
    eval_wordnet_close(&wordnet);
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

static const char *const files[] = {"index.noun", "index.verb", "index.adj", "index.adv",
                                    "data.noun",  "data.verb",  "data.adj",  "data.adv",
                                    "noun.exc",   "verb.exc",   "adj.exc",   "adv.exc"};

static void put_all(const char *folder)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) put(folder, files[i], "");
}

static void remove_all(const char *folder)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* A database of our own: every file present, most of them empty. */
static void wordnet_damaged(void **state)
{
    char folder[] = "/tmp/test_wordnet_XXXXXX", seen[4096] = "";
    tool_error err = {{0}};
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_null(eval_wordnet_open(folder, &err));
    assert_non_null(strstr(err.message, "index.noun: No such file"));
    put_all(folder);
    /* unsorted on purpose; zed points into the middle of a line, far beyond the end, big has too few fields
     */
    put(folder, "index.noun",
        "zed n 1 0 1 0 00000003\nfar n 1 0 1 0 99999999\nbig n 5 9 @\ncur n 1 1 @ 1 0 00000000\n");
    put(folder, "data.noun", "00000000 05 n 02 cur 0 mutt(x) 1 000 | a dog\n");
    put(folder, "noun.exc", "curren cur\n");
    err.message[0] = '\0';
    eval_wordnet *wordnet = eval_wordnet_open(folder, &err);
    assert_non_null(wordnet);
    assert_lemmas(wordnet, "curs", " cur mutt ");
    assert_lemmas(wordnet, "curren", " cur mutt ");
    assert_false(eval_wordnet_lemmas(wordnet, "zed", note_lemma, seen, &err));
    assert_non_null(strstr(err.message, "data.noun: offset 3: not a WordNet database entry"));
    assert_false(eval_wordnet_lemmas(wordnet, "far", note_lemma, seen, NULL));
    assert_false(eval_wordnet_lemmas(wordnet, "big", note_lemma, seen, NULL));
    eval_wordnet_close(&wordnet);
    remove_all(folder);
}

/* Two short files whose words would take the square of their size: an entry names one synset many times. */
static void wordnet_bounded(void **state)
{
    char folder[] = "/tmp/test_wordnet_XXXXXX", seen[4096];
    enum { TIMES = 3000, LEMMAS = 200 };
    char *index = malloc(TIMES * 9 + 64), *data = malloc(LEMMAS * 4 + 64);
    tool_error err = {{0}};
    (void)state;
    assert_non_null(index);
    assert_non_null(data);
    size_t used = (size_t)sprintf(index, "cur n %d 0 1 0", TIMES);
    for (size_t i = 0; i < TIMES; i++) used += (size_t)sprintf(index + used, " 00000000");
    strcpy(index + used, "\n");
    used = (size_t)sprintf(data, "00000000 05 n %x", LEMMAS);
    for (size_t i = 0; i < LEMMAS; i++) used += (size_t)sprintf(data + used, " a 0");
    strcpy(data + used, " 000 | x\n");
    assert_non_null(mkdtemp(folder));
    put_all(folder);
    put(folder, "index.noun", index);
    put(folder, "data.noun", data);
    eval_wordnet *wordnet = eval_wordnet_open(folder, &err);
    assert_non_null(wordnet);
    seen[0] = '\0';
    assert_false(eval_wordnet_lemmas(wordnet, "cur", note_lemma, seen, &err));
    assert_non_null(strstr(err.message, ": the entries of one word take more than 16384 bytes"));
    eval_wordnet_close(&wordnet);
    remove_all(folder);
    free(index);
    free(data);
}

typedef struct aligned {
    const eval_wordnet *wordnet;
    int count;
} aligned;

/* Scores `count` words that share one synset with 2000 others. */
static bool align(void *context)
{
    const aligned *a = context;
    eval_corpus *corpus = eval_corpus_create();
    bool ok = corpus != NULL;
    for (int i = 0; ok && i < a->count; i += 100) {
        char hypothesis[EVAL_MAX_CAPTION];
        const char *reference = "x";
        size_t used = 0;
        for (int word = i; word < i + 100; word++) {
            used += (size_t)sprintf(hypothesis + used, "w%d ", word);
        }
        ok = eval_corpus_add(corpus, hypothesis, &reference, 1, NULL);
    }
    eval_scores scores;
    return ok && eval_score(corpus, a->wordnet, &scores, NULL, NULL);
}

/* Two files of 150 kB: kept for all words, their synonyms would take 50 MB. */
static void synonyms_bounded(void **state)
{
    char folder[] = "/tmp/test_wordnet_XXXXXX";
    enum { WORDS = 6000, LEMMAS = 2000 };
    tool_error err = {{0}};
    (void)state;
    if (!CHILD_MEMORY) skip();
    char *index = malloc(WORDS * 32), *data = malloc(LEMMAS * 8 + 64);
    assert_non_null(index);
    assert_non_null(data);
    size_t used = 0;
    for (int i = 0; i < WORDS; i++) used += (size_t)sprintf(index + used, "w%d n 1 0 1 0 00000000\n", i);
    used = (size_t)sprintf(data, "00000000 05 n %x", LEMMAS);
    for (int i = 0; i < LEMMAS; i++) used += (size_t)sprintf(data + used, " %x 0", i + 4096);
    strcpy(data + used, " 000 | x\n");
    assert_true(used < 16384);
    assert_non_null(mkdtemp(folder));
    put_all(folder);
    put(folder, "index.noun", index);
    put(folder, "data.noun", data);
    eval_wordnet *wordnet = eval_wordnet_open(folder, &err);
    assert_non_null(wordnet);
    aligned a = {wordnet, 100};
    const double few = child_memory(align, &a);
    a.count = WORDS;
    const double many = child_memory(align, &a);
    if (many - few > 30e6) fail_msg("%.0f MB", (many - few) / 1e6);
    eval_wordnet_close(&wordnet);
    remove_all(folder);
    free(index);
    free(data);
}

/* The vector of SipHash's paper, appendix A. */
static void hash(void **state)
{
    unsigned char text[15];
    eval_hash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    (void)state;
    for (unsigned char i = 0; i < sizeof text; i++) text[i] = i;
    assert_true(eval_hash(&key, text, sizeof text) == 0xa129ca6149be45e5u);
    const eval_hash_key a = eval_hash_random(), b = eval_hash_random();
    assert_true(a.word[0] != b.word[0] && a.word[1] != b.word[1]);
    assert_true(eval_hash(&a, "x", 1) != eval_hash(&b, "x", 1));
}

static void gram_numbers(void **state)
{
    eval_grams *grams = eval_grams_create();
    (void)state;
    assert_non_null(grams);
    /* words 0..99, and after each all of 0..99 */
    for (uint32_t i = 0; i < 100; i++) assert_int_equal(eval_grams_add(grams, EVAL_NO_GRAM, i), i);
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(eval_grams_add(grams, i / 100, i % 100), 100 + i);
    }
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(eval_grams_find(grams, i / 100, i % 100), 100 + i);
        assert_int_equal(eval_grams_add(grams, i / 100, i % 100), 100 + i);
    }
    assert_int_equal(eval_grams_find(grams, 100, 0), EVAL_NO_GRAM);
    const uint32_t three = eval_grams_add(grams, 100, 0), four = eval_grams_add(grams, three, 0);
    assert_int_equal(eval_grams_order(grams, 7), 0);
    assert_int_equal(eval_grams_order(grams, 100), 1);
    assert_int_equal(eval_grams_order(grams, three), 2);
    assert_int_equal(eval_grams_order(grams, four), 3);
    assert_int_equal(eval_grams_documents(grams, 7), 0);
    eval_grams_note(grams, 7, 0);
    eval_grams_note(grams, 7, 0);
    assert_int_equal(eval_grams_documents(grams, 7), 1);
    eval_grams_note(grams, 7, 5);
    assert_int_equal(eval_grams_documents(grams, 7), 2);
    eval_grams_free(&grams);
}

static void numbering(void **state)
{
    eval_table *words = eval_table_create();
    (void)state;
    assert_non_null(words);
    char text[16];
    for (uint32_t i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text, "w%u", (unsigned)i);
        assert_int_equal(eval_table_add(words, text, strlen(text)), i);
    }
    for (uint32_t i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text, "w%u", (unsigned)i);
        assert_int_equal(eval_table_add(words, text, strlen(text)), i);
        assert_string_equal(eval_table_text(words, i), text);
    }
    assert_int_equal(eval_table_count(words), 20000);
    assert_int_equal(eval_table_find(words, "w", 1), EVAL_NO_WORD);
    assert_int_equal(eval_table_add(words, "", 0), 20000);
    assert_int_equal(eval_table_length(words, 20000), 0);
    eval_table_free(&words);
    assert_null(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean),
        cmocka_unit_test(cuts),
        cmocka_unit_test(porter),
        cmocka_unit_test(wordnet_lookup),
        cmocka_unit_test(wordnet_damaged),
        cmocka_unit_test(numbering),
        cmocka_unit_test(wordnet_bounded),
        cmocka_unit_test(synonyms_bounded),
        cmocka_unit_test(hash),
        cmocka_unit_test(gram_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
