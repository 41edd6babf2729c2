/* Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", 1980) with the departures that NLTK
 * makes by default, which are marked "NLTK" below; see porter.h. */
#include "tools/eval/porter.h"

#include <stdbool.h>
#include <string.h>

typedef struct word {
    char *text;
    size_t length;
} word;

typedef struct rule {
    const char *suffix, *replacement;
} rule;

static bool is_plain_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

/* Whether text[at] is a consonant: y is one at the start and after a vowel. */
static bool is_consonant(const char *text, size_t at)
{
    size_t run = 0;
    if (is_plain_vowel(text[at])) return false;
    if (text[at] != 'y') return true;
    while (run <= at && text[at - run] == 'y') run++;
    /* in a run of y they alternate; the first is a consonant at the start of the word or after a vowel */
    return (run > at || is_plain_vowel(text[at - run])) == (run % 2 == 1);
}

/* Porter's m: how many times a vowel is followed by a consonant in the first `length` letters. */
static size_t measure(const char *text, size_t length)
{
    size_t m = 0;
    for (size_t i = 1; i < length; i++) m += !is_consonant(text, i - 1) && is_consonant(text, i);
    return m;
}

static bool has_vowel(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_consonant(text, i)) return true;
    }
    return false;
}

/* Porter's *o; NLTK also counts a word of two letters, vowel and consonant. */
static bool ends_cvc(const char *text, size_t n)
{
    if (n == 2) return !is_consonant(text, 0) && is_consonant(text, 1);
    return n >= 3 && is_consonant(text, n - 3) && !is_consonant(text, n - 2) && is_consonant(text, n - 1) &&
           text[n - 1] != 'w' && text[n - 1] != 'x' && text[n - 1] != 'y';
}

static bool ends_with(const word *w, const char *suffix)
{
    const size_t n = strlen(suffix);
    return w->length >= n && memcmp(w->text + w->length - n, suffix, n) == 0;
}

static void replace_end(word *w, size_t stem, const char *replacement)
{
    memcpy(w->text + stem, replacement, strlen(replacement));
    w->length = stem + strlen(replacement);
}

/* Applies the first rule whose suffix fits, provided that the rest of the word has a measure above `over`.
 * Later rules are not tried in any case. */
static void apply_rules(word *w, const rule *rules, size_t n_rules, size_t over)
{
    for (size_t i = 0; i < n_rules; i++) {
        if (!ends_with(w, rules[i].suffix)) continue;
        const size_t stem = w->length - strlen(rules[i].suffix);
        if (measure(w->text, stem) > over) replace_end(w, stem, rules[i].replacement);
        return;
    }
}

static void step_1a(word *w)
{
    if (ends_with(w, "ies") && w->length == 4) { /* NLTK: dies -> die, but flies -> fli */
        w->length -= 1;
    } else if (ends_with(w, "sses") || ends_with(w, "ies")) {
        w->length -= 2;
    } else if (ends_with(w, "s") && !ends_with(w, "ss")) {
        w->length -= 1;
    }
}

/* What a stem gets back after -ed or -ing went. */
static void restore(word *w)
{
    const size_t n = w->length;
    if (ends_with(w, "at") || ends_with(w, "bl") || ends_with(w, "iz")) {
        replace_end(w, n, "e");
    } else if (n >= 2 && w->text[n - 1] == w->text[n - 2] && is_consonant(w->text, n - 1)) {
        if (w->text[n - 1] != 'l' && w->text[n - 1] != 's' && w->text[n - 1] != 'z') w->length--;
    } else if (measure(w->text, n) == 1 && ends_cvc(w->text, n)) {
        replace_end(w, n, "e");
    }
}

static void step_1b(word *w)
{
    if (ends_with(w, "ied")) { /* NLTK: died -> die, but spied -> spi */
        w->length -= w->length == 4 ? 1 : 2;
    } else if (ends_with(w, "eed")) {
        if (measure(w->text, w->length - 3) > 0) w->length--;
    } else if (ends_with(w, "ed") && has_vowel(w->text, w->length - 2)) {
        w->length -= 2;
        restore(w);
    } else if (ends_with(w, "ing") && has_vowel(w->text, w->length - 3)) {
        w->length -= 3;
        restore(w);
    }
}

/* NLTK: y becomes i after a consonant that is not the whole stem, whether or not there is a vowel. */
static void step_1c(word *w)
{
    if (ends_with(w, "y") && w->length > 2 && is_consonant(w->text, w->length - 2)) {
        w->text[w->length - 1] = 'i';
    }
}

static void step_2(word *w)
{
    static const rule rules[] = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
        {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
        {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
        {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
        {"fulli", "ful"},
    };
    /* NLTK: -alli goes first, and the result is looked at again */
    while (ends_with(w, "alli") && measure(w->text, w->length - 4) > 0) w->length -= 2;
    if (ends_with(w, "logi")) { /* NLTK: the l counts as part of the stem, so that geologi loses its i too */
        if (measure(w->text, w->length - 3) > 0) w->length--;
        return;
    }
    apply_rules(w, rules, sizeof rules / sizeof rules[0], 0);
}

static void step_3(word *w)
{
    static const rule rules[] = {
        {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
        {"ical", "ic"},  {"ful", ""},   {"ness", ""},
    };
    apply_rules(w, rules, sizeof rules / sizeof rules[0], 0);
}

static void step_4(word *w)
{
    static const rule rules[] = {
        {"al", ""},   {"ance", ""}, {"ence", ""},  {"er", ""},   {"ic", ""},  {"able", ""},
        {"ible", ""}, {"ant", ""},  {"ement", ""}, {"ment", ""}, {"ent", ""}, {"ou", ""},
        {"ism", ""},  {"ate", ""},  {"iti", ""},   {"ous", ""},  {"ive", ""}, {"ize", ""},
    };
    const size_t n = w->length;
    if (ends_with(w, "ion")) {
        if (n > 3 && (w->text[n - 4] == 's' || w->text[n - 4] == 't') && measure(w->text, n - 3) > 1) {
            w->length -= 3;
        }
        return;
    }
    apply_rules(w, rules, sizeof rules / sizeof rules[0], 1);
}

static void step_5(word *w)
{
    if (ends_with(w, "e")) {
        const size_t m = measure(w->text, w->length - 1);
        if (m > 1 || (m == 1 && !ends_cvc(w->text, w->length - 1))) w->length--;
    }
    if (ends_with(w, "ll") && measure(w->text, w->length - 1) > 1) w->length--;
}

/* NLTK's irregular words; those that keep their form stand with an empty stem. */
static bool irregular(word *w)
{
    static const struct {
        const char *form, *stem;
    } forms[] = {
        {"sky", ""},      {"skies", "sky"},      {"dying", "die"}, {"lying", "lie"},
        {"tying", "tie"}, {"news", ""},          {"inning", ""},   {"innings", "inning"},
        {"outing", ""},   {"outings", "outing"}, {"canning", ""},  {"howe", ""},
        {"proceed", ""},  {"exceed", ""},        {"succeed", ""},  {"cannings", "canning"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (w->length != strlen(forms[i].form) || !ends_with(w, forms[i].form)) continue;
        if (forms[i].stem[0]) replace_end(w, 0, forms[i].stem);
        return true;
    }
    return false;
}

size_t eval_porter(char *text, size_t length)
{
    word w = {text, length};
    if (length <= 2 || irregular(&w)) return w.length;
    step_1a(&w);
    step_1b(&w);
    step_1c(&w);
    step_2(&w);
    step_3(&w);
    step_4(&w);
    step_5(&w);
    return w.length;
}
