/* Tests of the metrics, each against values worked out by hand in the comments. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tools/eval/metrics.h"

typedef struct sample {
    const char *hypothesis;
    const char *references[4]; /* up to the first NULL */
} sample;

static eval_scores each[8]; /* per image, of the last score_all */

static eval_scores score_with(const sample *samples, size_t n, const eval_wordnet *wordnet)
{
    eval_corpus *corpus = eval_corpus_create();
    tool_error err = {{0}};
    assert_non_null(corpus);
    for (size_t i = 0; i < n; i++) {
        size_t refs;
        for (refs = 0; refs < 4 && samples[i].references[refs];) refs++;
        assert_true(eval_corpus_add(corpus, samples[i].hypothesis, samples[i].references, refs, &err));
    }
    eval_scores total;
    assert_true(eval_score(corpus, wordnet, &total, each, &err));
    eval_corpus_free(&corpus);
    return total;
}

static eval_scores score_all(const sample *samples, size_t n)
{
    return score_with(samples, n, NULL);
}

static eval_scores score_one(const char *hypothesis, const char *first, const char *second)
{
    sample s = {hypothesis, {first, second, NULL, NULL}};
    return score_all(&s, 1);
}

static void assert_near(double value, double expected)
{
    if (fabs(value - expected) > 1e-6) fail_msg("%.9f, expected %.9f", value, expected);
}

static void bleu_clips(void **state)
{
    /* one "the" of four counts: 1/4; pairs 0 of 3, smoothed to 0.1/3: sqrt(1/4 x 0.1/3) = 0.0912871;
     * triples 0.1/2: (1/4 x 0.1/3 x 0.1/2)^(1/3) = 0.0746901 */
    eval_scores s = score_one("the the the the", "the cat sat on", NULL);
    (void)state;
    assert_near(s.bleu[0], 0.25);
    assert_near(s.bleu[1], 0.0912871);
    assert_near(s.bleu[2], 0.0746901);
    /* two references with the word once and twice: the larger count is the limit */
    assert_near(score_one("the the the the", "the cat sat on", "the cat the dog").bleu[0], 0.5);
}

static void bleu_brevity(void **state)
{
    /* 2 words, closest reference 3: exp(1 - 3/2) = 0.6065307; no triples in the hypothesis: 0.1/1:
     * 0.1^(1/3) x 0.6065307 = 0.2815266 */
    eval_scores s = score_one("a b", "a b c d", "a b c");
    (void)state;
    assert_near(s.bleu[0], 0.6065307);
    assert_near(s.bleu[1], 0.6065307);
    assert_near(s.bleu[2], 0.2815266);
    /* 3 words between 2 and 4: the shorter, so no penalty */
    assert_near(score_one("a b c", "a b c d", "a b").bleu[0], 1);
}

static void bleu_nothing(void **state)
{
    (void)state;
    assert_near(score_one("x y", "a b", NULL).bleu[0], 0); /* no word in common: 0, not 0.1/2 */
    assert_near(score_one("x y", "a b", NULL).bleu[3], 0);
    assert_near(score_one("", "a b", NULL).bleu[0], 0);
    assert_near(score_one("a", "", NULL).bleu[0], 0);
}

static void bleu_corpus(void **state)
{
    /* words: 2 of 2 and 1 of 4 = 3/6; lengths 2 + 4 = 6 against 3 + 4 = 7: exp(1 - 7/6) = 0.8464817;
     * an empty hypothesis adds 1 to what was possible: 3/7, lengths 6 against 7 + 1 = 8: exp(1 - 8/6) =
     * 0.7165313 */
    static const sample samples[] = {{"a b", {"a b c"}}, {"a x y z", {"a b c d"}}, {"", {"q"}}};
    (void)state;
    assert_near(score_all(samples, 2).bleu[0], 0.5 * 0.8464817);
    assert_near(score_all(samples, 3).bleu[0], 3.0 / 7 * 0.7165313);
    assert_near(each[0].bleu[0], 0.6065307);
    assert_near(each[1].bleu[0], 0.25);
}

static void meteor_exact(void **state)
{
    /* the cat . on the mat: 5 matches in 2 chunks; P 5/6, R 5/7, F = PR/(0.9 P + 0.1 R) = 0.7246377;
     * penalty 0.5 (2/5)^3 = 0.032 */
    eval_scores s = score_one("the cat sat on the mat", "the cat was sitting on the mat", NULL);
    (void)state;
    assert_near(s.meteor, 0.968 * 0.7246377);
    /* the better of two references counts; one chunk of 6: F = 1, penalty 0.5/216 */
    s = score_one("the cat sat on the mat", "the cat", "The cat sat on the mat .");
    assert_near(s.meteor, 1 - 0.5 / 216);
    /* capitals in the hypothesis count for BLEU, not for METEOR; single word: penalty 0.5 */
    s = score_one("Dog", "dog", NULL);
    assert_near(s.bleu[0], 0);
    assert_near(s.meteor, 0.5);
}

static void meteor_from_the_end(void **state)
{
    /* the last a takes the only a: b -> 1, a -> 0, two chunks (from the front it would be one);
     * P 2/3, R 1, F = 0.6666667/0.7 = 0.9523810, penalty 0.5 */
    (void)state;
    assert_near(score_one("a b a", "a b", NULL).meteor, 0.5 * 0.9523810);
    /* and the last of two equal words of the reference is taken: x.a against a y a: P 1/2, R 1/3,
     * F = (1/6)/(0.45 + 0.1/3) = 0.3448276, one match is one chunk */
    assert_near(score_one("x a", "a y a", NULL).meteor, 0.5 * 0.3448276);
}

static void meteor_stems(void **state)
{
    /* dog, run: 2 matches in one chunk, F = 1, penalty 0.5 (1/2)^3 */
    (void)state;
    assert_near(score_one("dogs running", "dog runs", NULL).meteor, 0.9375);
    assert_near(score_one("", "dog runs", NULL).meteor, 0);
    assert_near(score_one("dogs", "", NULL).meteor, 0);
    assert_near(score_one("dogs", "cat", NULL).meteor, 0);
}

static void meteor_synonyms(void **state)
{
    static const sample cat = {"the cat sat on the mat", {"the cat was sitting on the mat"}};
    static const sample kid = {"kid", {"child"}};
    static const sample stemmed = {"automobile", {"car"}};
    tool_error err = {{0}};
    eval_wordnet *wordnet = eval_wordnet_open(EVAL_WORDNET_FOLDER, &err);
    (void)state;
    if (!wordnet) {
        print_message("skip: no WordNet: %s\n", err.message);
        skip();
    }
    /* sat is a form of sit, and sitting has been stemmed to sit: 6 matches, chunks "the cat" and the rest;
     * P 1, R 6/7, F = 0.8571429/0.9857143 = 0.8695652; penalty 0.5/27 */
    assert_near(score_with(&cat, 1, wordnet).meteor, (1 - 0.5 / 27) * 0.8695652);
    assert_near(score_with(&kid, 1, wordnet).meteor, 0.5);
    /* car and automobile share a synset, but automobile is looked up by its stem, automobil: no match */
    assert_near(score_with(&stemmed, 1, wordnet).meteor, 0);
    eval_wordnet_close(&wordnet);
}

static void rouge(void **state)
{
    (void)state;
    /* a c d of "a c d e f": P 3/4, R 3/5; b of "b": P 1/4, R 1; best of each: 3/4 and 1:
     * 2.44 x 0.75 / (1 + 1.44 x 0.75) = 1.83/2.08 */
    assert_near(score_one("a b c d", "a c d e f", "b").rouge_l, 1.83 / 2.08);
    assert_near(score_one("a", "b", NULL).rouge_l, 0);
    /* two spaces enclose an empty word: P 2/3, R 1: 2.44 x 2/3 / 1.96 */
    assert_near(score_one("a  b", "a b", NULL).rouge_l, 2.44 * 2 / 3 / 1.96);
    assert_near(score_one("", "a b", NULL).rouge_l, 0);
    assert_near(score_one("", "!", NULL).rouge_l, 1); /* both are one empty word */
}

static void rouge_mean(void **state)
{
    static const sample samples[] = {{"a b", {"a b"}}, {"a", {"b"}}};
    (void)state;
    assert_near(score_all(samples, 2).rouge_l, 0.5);
}

static void cider(void **state)
{
    /* two images: every n-gram of one image weighs log 2, which cancels */
    static const sample equal[] = {{"a b", {"a b"}}, {"c", {"d"}}};
    static const sample longer[] = {{"a b c", {"a b"}}, {"c", {"d"}}};
    static const sample clipped[] = {{"a a", {"a b"}}, {"c", {"d"}}};
    static const sample common[] = {{"a b", {"a b"}}, {"a", {"a"}}};
    (void)state;
    /* words 1, pairs 1, no triples, no quadruples: 10 x 2/4; the other image 0 */
    assert_near(score_all(equal, 2).cider, 2.5);
    assert_near(each[0].cider, 5);
    assert_near(each[1].cider, 0);
    /* words 2/(sqrt 3 sqrt 2), pairs 1/sqrt 2, one pair longer: exp(-1/72):
     * 10/4 x (0.8164966 + 0.7071068) x 0.9862071 = 3.7564712 */
    (void)score_all(longer, 2);
    assert_near(each[0].cider, 3.7564712);
    /* words: min(2, 1) x 1 / (2 x sqrt 2) = 0.3535534; pairs 0 */
    (void)score_all(clipped, 2);
    assert_near(each[0].cider, 0.8838835);
    /* a is in both images: log(2/2) = 0; b and a-b count alone: still 1 and 1; the other image has no weight
     * left */
    (void)score_all(common, 2);
    assert_near(each[0].cider, 5);
    assert_near(each[1].cider, 0);
    assert_near(score_one("a b", "a b", NULL).cider, 0); /* one image: log 1 = 0 */
}

static void cider_references(void **state)
{
    /* mean over references: 1 and 0; a second reference with the same word does not raise the document
     * frequency */
    static const sample samples[] = {{"a", {"a", "b"}}, {"c", {"d"}}};
    (void)state;
    (void)score_all(samples, 2);
    assert_near(each[0].cider, 10 * 0.25 / 2);
}

static void too_long(void **state)
{
    static char text[EVAL_MAX_CAPTION + 2];
    const char *references[] = {text};
    eval_corpus *corpus = eval_corpus_create();
    tool_error err = {{0}};
    (void)state;
    assert_non_null(corpus);
    for (size_t i = 0; i <= EVAL_MAX_CAPTION; i++) text[i] = i % 2 ? ' ' : (char)('a' + i % 26);
    assert_false(eval_corpus_add(corpus, text, references, 1, &err));
    assert_non_null(strstr(err.message, "caption of more than 1000 bytes"));
    text[EVAL_MAX_CAPTION] = '\0';
    assert_true(eval_corpus_add(corpus, text, references, 1, &err));
    eval_scores s;
    assert_true(eval_score(corpus, NULL, &s, NULL, &err));
    assert_near(s.bleu[3], 1);
    for (size_t i = 0; i < EVAL_MAX_CAPTION; i++) {
        text[i] = ' '; /* one empty word more than characters, for ROUGE-L */
        assert_true(eval_corpus_add(corpus, text, references, 1, &err));
    }
    assert_true(eval_score(corpus, NULL, &s, NULL, &err));
    eval_corpus_free(&corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bleu_clips),   cmocka_unit_test(bleu_brevity),
        cmocka_unit_test(bleu_nothing), cmocka_unit_test(bleu_corpus),
        cmocka_unit_test(meteor_exact), cmocka_unit_test(meteor_from_the_end),
        cmocka_unit_test(meteor_stems), cmocka_unit_test(meteor_synonyms),
        cmocka_unit_test(rouge),        cmocka_unit_test(rouge_mean),
        cmocka_unit_test(cider),        cmocka_unit_test(cider_references),
        cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
