/* choice.c - the best children of one row, with penalties for repeated words. */
#include "lib/decoder/choice.h"

void cpt_choice_plan(cpt_choice *choice, cpt_arena *arena, int rows, int max_width, int max_length)
{
    /* all words of a hypothesis and a banned one may come before the row's best: see cpt_choice_new_words */
    size_t most = (size_t)max_width + (size_t)max_length + 1;
    if (most > (size_t)choice->vocabulary) most = (size_t)choice->vocabulary;
    choice->most = (int)most;
    choice->index = cpt_arena_take(arena, (size_t)rows * most, sizeof *choice->index);
    choice->value = cpt_arena_take(arena, (size_t)rows * most, sizeof *choice->value);
}

cpt_choice cpt_choice_of_row(const cpt_choice *all, int row)
{
    cpt_choice choice = *all;
    choice.index += (size_t)row * (size_t)all->most;
    choice.value += (size_t)row * (size_t)all->most;
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

/* How often `token` is among the first `count` tokens. */
static int occurrences(const int *tokens, int count, int token)
{
    int found = 0;
    for (int i = 0; i < count; i++) found += tokens[i] == token;
    return found;
}

int cpt_choice_new_words(cpt_choice *choice, const float *logits, const cpt_hypothesis *hypothesis,
                         const cpt_rules *rules, float *lse)
{
    const int used = used_words(hypothesis, rules);
    /* Of the best `wanted` words at most `used` are repeated and one is banned. */
    int wanted = rules->width + used + (rules->banned >= 0), count = 0;
    if (wanted > choice->vocabulary) wanted = choice->vocabulary;
    choice->kernels->top_lse_f32(logits, choice->vocabulary, wanted, choice->index, choice->value, lse);
    for (int i = 0; i < wanted && count < rules->width; i++) { /* in place: count never passes i */
        const int token = choice->index[i];
        if (token == rules->banned) continue;
        if (!is_special(rules, token) && occurrences(hypothesis->tokens, used, token)) continue;
        choice->index[count] = token;
        choice->value[count++] = choice->value[i];
    }
    return count;
}

bool cpt_choice_may_repeat(const cpt_hypothesis *hypothesis, int i, const cpt_rules *rules)
{
    if (i >= used_words(hypothesis, rules)) return false;
    const int token = hypothesis->tokens[i];
    if (is_special(rules, token) || token == rules->banned) return false;
    return occurrences(hypothesis->tokens, i, token) == 0;
}

/* Divided or multiplied once for each occurrence, in float32, as the published system computes it. */
float cpt_choice_penalised(float log_probability, int token, const cpt_hypothesis *hypothesis,
                           const cpt_rules *rules)
{
    for (int times = occurrences(hypothesis->tokens, hypothesis->count, token); times > 0; times--) {
        if (rules->form == CAPTION_PENALTY_PUBLISHED) {
            log_probability /= rules->penalty;
        } else {
            log_probability *= rules->penalty;
        }
    }
    return log_probability;
}

/* Whether `a` stands before `b` in a row's children. */
static bool before(const cpt_child *a, const cpt_child *b)
{
    return a->log_probability > b->log_probability ||
           (a->log_probability == b->log_probability && a->token < b->token);
}

/* Puts `child` in its place among `count` sorted children and returns how many are kept, at most `most`. */
static int insert(cpt_child *children, int count, int most, cpt_child child)
{
    int at = count;
    for (; at > 0 && before(&child, &children[at - 1]); at--) {
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
        const int token = hypothesis->tokens[i];
        const float log_probability = logits[token] - lse;
        const cpt_child child = {token, cpt_choice_penalised(log_probability, token, hypothesis, rules)};
        count = insert(children, count, rules->width, child);
    }
    return count;
}
