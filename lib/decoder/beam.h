/* beam.h - beam search over rows of candidates.  Knows no tensors: search.c feeds it each step's best tokens
 * per row and gathers states by the parents it answers. */
#ifndef CPT_BEAM_H
#define CPT_BEAM_H

#include "lib/platform/arena.h"

/* One token of a hypothesis; hypotheses share their beginnings. */
typedef struct cpt_node {
    int parent; /* node, or -1 */
    int token;
    int length;   /* tokens up to and with this one, the start token not counted */
    int row;      /* the row of the step that emitted it: where its attention was */
    double score; /* sum of log-probabilities */
} cpt_node;

typedef struct cpt_finished {
    int node;
    double score; /* normalised by length */
} cpt_finished;

typedef struct cpt_child {
    int row, token;
    double score;
} cpt_child;

typedef struct cpt_beam {
    int width, end_token;
    double length_alpha;
    cpt_node *nodes; /* [1 + max_length * width] */
    int node_count;
    int *alive; /* [width] nodes, one a row */
    int alive_count;
    cpt_finished *done; /* [width] */
    int done_count;
    cpt_child *children; /* [width * width] of the step under way */
    int child_count;
    int *parents; /* [width] after advance: the row that each alive row came from */
} cpt_beam;

void cpt_beam_plan(cpt_beam *beam, cpt_arena *arena, int max_width, int max_length);

/* One alive row whose hypothesis is empty. */
void cpt_beam_start(cpt_beam *beam, int width, double length_alpha, int end_token);

/* The first `count` ancestors' tokens of row `row`, last first; returns how many there are. */
int cpt_beam_tokens(const cpt_beam *beam, int row, int *tokens, int most);

/* The sum of log-probabilities of row `row`. */
double cpt_beam_score(const cpt_beam *beam, int row);

/* Offers one child of an alive row; per row at most `width`, best first, row by row. */
void cpt_beam_offer(cpt_beam *beam, int row, int token, float log_probability);

/* Keeps the best children; those that end are finished.  Afterwards rows 0..alive_count-1 are alive and
 * parents says where their states come from.  The search is over when alive_count is 0. */
void cpt_beam_advance(cpt_beam *beam);

/* Finishes what is alive and sorts `done` by score, best first, stable. */
void cpt_beam_finish(cpt_beam *beam);

#endif
