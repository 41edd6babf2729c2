/* beam.c - beam search by the published system's rules: scores are added in double, equal scores stay in the
 * order in which they came, a finished hypothesis takes one of the slots for good. */
#include "lib/decoder/beam.h"

#include <math.h>
#include <stdbool.h>

#include "kernels/real.h"

void cpt_beam_plan(cpt_beam *beam, cpt_arena *arena, int max_width, int max_length)
{
    const size_t width = (size_t)max_width;
    beam->nodes = cpt_arena_take(arena, width * (size_t)max_length, sizeof *beam->nodes);
    beam->done = cpt_arena_take(arena, width, sizeof *beam->done);
    beam->offers = cpt_arena_take(arena, width, sizeof *beam->offers);
    beam->alive = cpt_arena_take(arena, width, sizeof *beam->alive);
    beam->parents = cpt_arena_take(arena, width, sizeof *beam->parents);
    beam->max_length = max_length;
    const size_t words = width * (size_t)max_length;
    beam->words = cpt_arena_take(arena, words, sizeof *beam->words);
    beam->words_before = cpt_arena_take(arena, words, sizeof *beam->words_before);
    beam->word_count = cpt_arena_take(arena, width, sizeof *beam->word_count);
    beam->count_before = cpt_arena_take(arena, width, sizeof *beam->count_before);
}

void cpt_beam_start(cpt_beam *beam, int width, double length_alpha, int end_token)
{
    beam->width = width;
    beam->length_alpha = length_alpha;
    beam->end_token = end_token;
    beam->node_count = beam->done_count = beam->offer_count = 0;
    beam->alive[0] = -1;
    beam->alive_count = 1;
    beam->word_count[0] = 0;
}

int cpt_beam_slots(const cpt_beam *beam)
{
    return beam->width - beam->done_count;
}

const cpt_used_word *cpt_beam_words(const cpt_beam *beam, int row, int *count)
{
    *count = beam->word_count[row];
    return beam->words + (size_t)row * (size_t)beam->max_length;
}

double cpt_beam_score(const cpt_beam *beam, int row)
{
    const int node = beam->alive[row];
    return node >= 0 ? beam->nodes[node].score : 0.0;
}

/* Whether score a is better than b.  NaN is worse than every number. */
static bool better(double a, double b)
{
    return a > b || (isnan(b) && !isnan(a));
}

/* The last node that both hypotheses have; -1: there is none. */
static int common(const cpt_beam *beam, int a, int b)
{
    while (a != b) {
        const int deep_a = a < 0 ? 0 : beam->nodes[a].length, deep_b = b < 0 ? 0 : beam->nodes[b].length;
        if (deep_a >= deep_b) a = beam->nodes[a].parent;
        if (deep_b > deep_a) b = beam->nodes[b].parent;
    }
    return a;
}

int cpt_beam_settled(const cpt_beam *beam, int *tokens)
{
    int node = beam->alive_count > 0 ? beam->alive[0] : beam->done[0].node;
    for (int row = 1; row < beam->alive_count; row++) node = common(beam, node, beam->alive[row]);
    for (int i = 0; i < beam->done_count; i++) node = common(beam, node, beam->done[i].node);
    const int count = node < 0 ? 0 : beam->nodes[node].length;
    for (; node >= 0; node = beam->nodes[node].parent) {
        tokens[beam->nodes[node].length - 1] = beam->nodes[node].token;
    }
    return count;
}

void cpt_beam_offer(cpt_beam *beam, int row, int token, float log_probability)
{
    const double score = cpt_beam_score(beam, row) + (double)log_probability;
    const int slots = cpt_beam_slots(beam);
    int at = beam->offer_count;
    for (; at > 0 && better(score, beam->offers[at - 1].score); at--) {
        if (at < slots) beam->offers[at] = beam->offers[at - 1];
    }
    if (at < slots) beam->offers[at] = (cpt_offer){row, token, score};
    if (beam->offer_count < slots) beam->offer_count++;
}

static void finish(cpt_beam *beam, int node)
{
    const cpt_node *n = &beam->nodes[node];
    const double score = n->score / cptk_power((double)n->length, beam->length_alpha);
    int at = beam->done_count++;
    for (; at > 0 && better(score, beam->done[at - 1].score); at--) beam->done[at] = beam->done[at - 1];
    beam->done[at] = (cpt_finished){node, score};
}

/* The words before become those of the step that is over, so that new ones can be made from them. */
static void turn_words(cpt_beam *beam)
{
    cpt_used_word *words = beam->words;
    int *count = beam->word_count;
    beam->words = beam->words_before;
    beam->word_count = beam->count_before;
    beam->words_before = words;
    beam->count_before = count;
}

/* The words of a row: its last token, then those of the row that it comes from.  Counting them here makes a
 * step cost what it has words, and not their square. */
static void add_word(cpt_beam *beam, int row, int parent_row, int token)
{
    const size_t length = (size_t)beam->max_length;
    const cpt_used_word *from = beam->words_before + (size_t)parent_row * length;
    cpt_used_word *to = beam->words + (size_t)row * length;
    int count = 1;
    to[0] = (cpt_used_word){token, 1};
    for (int i = 0; i < beam->count_before[parent_row]; i++) {
        if (from[i].token == token) {
            to[0].times += from[i].times;
        } else {
            to[count++] = from[i];
        }
    }
    beam->word_count[row] = count;
}

void cpt_beam_advance(cpt_beam *beam)
{
    const int first = beam->node_count;
    for (int i = 0; i < beam->offer_count; i++) {
        const cpt_offer *child = &beam->offers[i];
        const int parent = beam->alive[child->row];
        beam->nodes[beam->node_count++] =
            (cpt_node){.parent = parent,
                       .token = child->token,
                       .length = parent >= 0 ? beam->nodes[parent].length + 1 : 1,
                       .row = child->row,
                       .score = child->score};
    }
    beam->offer_count = beam->alive_count = 0;
    turn_words(beam);
    for (int node = first; node < beam->node_count; node++) {
        if (beam->nodes[node].token == beam->end_token) {
            finish(beam, node);
        } else {
            add_word(beam, beam->alive_count, beam->nodes[node].row, beam->nodes[node].token);
            beam->parents[beam->alive_count] = beam->nodes[node].row;
            beam->alive[beam->alive_count++] = node;
        }
    }
}

void cpt_beam_finish(cpt_beam *beam)
{
    for (int row = 0; row < beam->alive_count; row++) {
        if (beam->alive[row] >= 0) finish(beam, beam->alive[row]);
    }
    beam->alive_count = 0;
}
