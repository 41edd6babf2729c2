/* choice.c - the best children of one row, with penalties for repeated words. */
#include "lib/decoder/choice.h"

#include <string.h>

#include "kernels/top_list.h"

/* The list of the best words has room for so many that are no new ones.  When there are more, all words are
 * looked through. */
enum { ROOM_FOR_USED = 32 };

static size_t used_bytes(const cpt_choice *choice)
{
    return ((size_t)choice->vocabulary + 7) / 8;
}

void cpt_choice_plan(cpt_choice *choice, cpt_arena *arena, int rows, int max_width)
{
    const int most = max_width + ROOM_FOR_USED;
    choice->most = most < choice->vocabulary ? most : choice->vocabulary;
    const size_t candidates = (size_t)rows * (size_t)choice->most;
    choice->index = cpt_arena_take(arena, candidates, sizeof *choice->index);
    choice->value = cpt_arena_take(arena, candidates, sizeof *choice->value);
    choice->used = cpt_arena_take(arena, (size_t)rows, used_bytes(choice));
}

cpt_choice cpt_choice_of_row(const cpt_choice *all, int row)
{
    cpt_choice choice = *all;
    choice.index += (size_t)row * (size_t)all->most;
    choice.value += (size_t)row * (size_t)all->most;
    choice.used += (size_t)row * used_bytes(all);
    return choice;
}

static bool is_special(const cpt_rules *rules, int token)
{
    for (int i = 0; i < 4; i++) {
        if (rules->special[i] == token) return true;
    }
    return false;
}

/* How many of the hypothesis's words can be penalised, special ones among them. */
static int used_words(const cpt_hypothesis *hypothesis, const cpt_rules *rules)
{
    return rules->penalty == 1.0f ? 0 : hypothesis->count;
}

/* ---- new words ---- */

static bool is_used(const cpt_choice *choice, int token)
{
    return choice->used[token / 8] >> token % 8 & 1;
}

static void mark(cpt_choice *choice, int token)
{
    choice->used[token / 8] = (uint8_t)(choice->used[token / 8] | 1u << token % 8);
}

/* Marks the words that are no new ones: repeated ones and the banned one.  Returns how many there are. */
static int mark_used(cpt_choice *choice, const cpt_hypothesis *hypothesis, const cpt_rules *rules)
{
    int count = 0;
    memset(choice->used, 0, used_bytes(choice));
    if (rules->banned >= 0) {
        mark(choice, rules->banned);
        count++;
    }
    for (int i = 0; i < used_words(hypothesis, rules); i++) {
        if (!cpt_choice_may_repeat(hypothesis, i, rules)) continue;
        mark(choice, hypothesis->words[i].token);
        count++;
    }
    return count;
}

/* The best new words by the order of top_lse_f32, one word after the other. */
static int find_among_all(cpt_choice *choice, const float *logits, int width)
{
    top_list list = {.value = choice->value, .index = choice->index, .held = 0, .k = width};
    for (int token = 0; token < choice->vocabulary; token++) {
        if (!is_used(choice, token)) top_list_insert(&list, logits[token], token);
    }
    return list.held;
}

int cpt_choice_new_words(cpt_choice *choice, const float *logits, const cpt_hypothesis *hypothesis,
                         const cpt_rules *rules, float *lse)
{
    const int used = mark_used(choice, hypothesis, rules), enough = rules->width + used;
    /* Of the best `enough` words `width` are new. */
    int wanted = used < ROOM_FOR_USED ? enough : rules->width + ROOM_FOR_USED, count = 0;
    if (wanted > choice->vocabulary) wanted = choice->vocabulary;
    choice->kernels->top_lse_f32(logits, choice->vocabulary, wanted, choice->index, choice->value, lse);
    for (int i = 0; i < wanted && count < rules->width; i++) { /* in place: count never passes i */
        if (is_used(choice, choice->index[i])) continue;
        choice->index[count] = choice->index[i];
        choice->value[count++] = choice->value[i];
    }
    if (count == rules->width || wanted == enough || wanted == choice->vocabulary) return count;
    return find_among_all(choice, logits, rules->width);
}

/* ---- repeated words ---- */

bool cpt_choice_may_repeat(const cpt_hypothesis *hypothesis, int i, const cpt_rules *rules)
{
    if (i >= used_words(hypothesis, rules)) return false;
    const int token = hypothesis->words[i].token;
    return !is_special(rules, token) && token != rules->banned;
}

/* Divided or multiplied once for each time, in float32, as the published system computes it. */
float cpt_choice_penalised(float log_probability, int times, const cpt_rules *rules)
{
    for (; times > 0; times--) {
        const float before = log_probability;
        if (rules->form == CAPTION_PENALTY_PUBLISHED) {
            log_probability /= rules->penalty;
        } else {
            log_probability *= rules->penalty;
        }
        if (log_probability == before) break; /* 0 or an infinity: more times change nothing */
    }
    return log_probability;
}

/* ---- children ---- */

/* Whether `a` stands before `b` in a row's children. */
static bool is_before(const cpt_child *a, const cpt_child *b)
{
    return a->log_probability > b->log_probability ||
           (a->log_probability == b->log_probability && a->token < b->token);
}

/* Puts `child` in its place among `count` sorted children and returns how many are kept, at most `most`. */
static int insert(cpt_child *children, int count, int most, cpt_child child)
{
    int at = count;
    for (; at > 0 && is_before(&child, &children[at - 1]); at--) {
        if (at < most) children[at] = children[at - 1];
    }
    if (at < most) children[at] = child;
    return count < most ? count + 1 : most;
}

int cpt_choice_best(cpt_choice *choice, const float *logits, const cpt_hypothesis *hypothesis,
                    const cpt_rules *rules, cpt_child *children)
{
    float lse;
    int count = cpt_choice_new_words(choice, logits, hypothesis, rules, &lse);
    for (int i = 0; i < count; i++) {
        children[i] = (cpt_child){choice->index[i], choice->value[i] - lse};
    }
    for (int i = 0; i < used_words(hypothesis, rules); i++) {
        if (!cpt_choice_may_repeat(hypothesis, i, rules)) continue;
        const cpt_used_word *word = &hypothesis->words[i];
        const float log_probability = logits[word->token] - lse;
        const cpt_child child = {word->token, cpt_choice_penalised(log_probability, word->times, rules)};
        count = insert(children, count, rules->width, child);
    }
    return count;
}
