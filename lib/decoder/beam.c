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
}

void cpt_beam_start(cpt_beam *beam, int width, double length_alpha, int end_token)
{
    beam->width = width;
    beam->length_alpha = length_alpha;
    beam->end_token = end_token;
    beam->node_count = beam->done_count = beam->offer_count = 0;
    beam->alive[0] = -1;
    beam->alive_count = 1;
}

int cpt_beam_slots(const cpt_beam *beam)
{
    return beam->width - beam->done_count;
}

int cpt_beam_tokens(const cpt_beam *beam, int row, int *tokens)
{
    int count = 0;
    for (int node = beam->alive[row]; node >= 0; node = beam->nodes[node].parent) {
        tokens[count++] = beam->nodes[node].token;
    }
    return count;
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
    for (int node = first; node < beam->node_count; node++) {
        if (beam->nodes[node].token == beam->end_token) {
            finish(beam, node);
        } else {
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
