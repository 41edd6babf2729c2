/* beam.c - see beam.h.  The rules are the published system's: scores are summed in double, sorting is stable,
 * a finished hypothesis takes one of the `width` slots for good. */
#include "lib/decoder/beam.h"

#include <math.h>

void cpt_beam_plan(cpt_beam *beam, cpt_arena *arena, int max_width, int max_length)
{
    const size_t width = (size_t)max_width;
    beam->nodes = cpt_arena_take(arena, width * (size_t)max_length, sizeof *beam->nodes);
    beam->alive = cpt_arena_take(arena, width, sizeof *beam->alive);
    beam->done = cpt_arena_take(arena, width, sizeof *beam->done);
    beam->children = cpt_arena_take(arena, width * width, sizeof *beam->children);
    beam->parents = cpt_arena_take(arena, width, sizeof *beam->parents);
}

void cpt_beam_start(cpt_beam *beam, int width, double length_alpha, int end_token)
{
    beam->width = width;
    beam->length_alpha = length_alpha;
    beam->end_token = end_token;
    beam->node_count = beam->done_count = beam->child_count = 0;
    beam->alive[0] = -1; /* the empty hypothesis */
    beam->alive_count = 1;
}

int cpt_beam_tokens(const cpt_beam *beam, int row, int *tokens, int most)
{
    int count = 0;
    for (int node = beam->alive[row]; node >= 0 && count < most; node = beam->nodes[node].parent) {
        tokens[count++] = beam->nodes[node].token;
    }
    return count;
}

double cpt_beam_score(const cpt_beam *beam, int row)
{
    const int node = beam->alive[row];
    return node >= 0 ? beam->nodes[node].score : 0.0;
}

/* Whether a sorts before b: higher first; NaN last. */
static int before(double a, double b)
{
    return a > b || (isnan(b) && !isnan(a));
}

void cpt_beam_offer(cpt_beam *beam, int row, int token, float log_probability)
{
    const double score = cpt_beam_score(beam, row) + (double)log_probability;
    int at = beam->child_count++;
    /* insertion keeps the list sorted; equal scores stay in the order in which they were offered */
    for (; at > 0 && before(score, beam->children[at - 1].score); at--) {
        beam->children[at] = beam->children[at - 1];
    }
    beam->children[at] = (cpt_child){row, token, score};
}

static void finish(cpt_beam *beam, int node)
{
    const cpt_node *n = &beam->nodes[node];
    const double score = n->score / pow((double)n->length, beam->length_alpha);
    int at = beam->done_count++;
    for (; at > 0 && before(score, beam->done[at - 1].score); at--) beam->done[at] = beam->done[at - 1];
    beam->done[at] = (cpt_finished){node, score};
}

void cpt_beam_advance(cpt_beam *beam)
{
    const int slots = beam->width - beam->done_count;
    const int first = beam->node_count, kept = beam->child_count < slots ? beam->child_count : slots;
    for (int i = 0; i < kept; i++) {
        const cpt_child *child = &beam->children[i];
        const int parent = beam->alive[child->row];
        const int length = parent >= 0 ? beam->nodes[parent].length + 1 : 1;
        beam->nodes[beam->node_count++] = (cpt_node){parent, child->token, length, child->row, child->score};
    }
    beam->alive_count = 0;
    for (int node = first; node < beam->node_count; node++) {
        if (beam->nodes[node].token == beam->end_token) {
            finish(beam, node);
        } else {
            beam->parents[beam->alive_count] = beam->nodes[node].row;
            beam->alive[beam->alive_count++] = node;
        }
    }
    beam->child_count = 0;
}

void cpt_beam_finish(cpt_beam *beam)
{
    for (int row = 0; row < beam->alive_count; row++) {
        if (beam->alive[row] >= 0) finish(beam, beam->alive[row]);
    }
    beam->alive_count = 0;
}
