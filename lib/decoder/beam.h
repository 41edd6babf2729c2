/* beam.h - the hypotheses of a beam search: which of them go on, which are finished.  Knows no tensors.
 *
 * A hypothesis is an unfinished caption.  The alive ones are the rows 0..alive_count-1 of the next step.  A
 * child is an alive hypothesis with one more token.  Greedy search is a beam search of width 1.
 *
 *     cpt_beam_start(&beam, width, length_alpha, end_token);
 *     while (beam.alive_count > 0 && another step is wanted) {
 *         for every row: for each of its best words: cpt_beam_offer(&beam, row, word, log_probability);
 *         cpt_beam_advance(&beam);
 *     }
 *     cpt_beam_finish(&beam);
 */
#ifndef CPT_BEAM_H
#define CPT_BEAM_H

#include "lib/platform/arena.h"

/* The last token of a hypothesis.  Hypotheses share their beginnings: the nodes are a tree. */
typedef struct cpt_node {
    int parent;   /* the node of the token before, or -1 */
    int token;    /* never the start token */
    int length;   /* how many tokens there are up to and with this one */
    int row;      /* the row of the step that produced it, where its attention weights are */
    double score; /* sum of the log-probabilities up to and with this one */
} cpt_node;

/* A word of a hypothesis. */
typedef struct cpt_used_word {
    int token;
    int times; /* how often the hypothesis has it, 1 or more */
} cpt_used_word;

typedef struct cpt_finished {
    int node;     /* the last one */
    double score; /* the node's score / length^length_alpha */
} cpt_finished;

/* A child as it was offered. */
typedef struct cpt_offer {
    int row, token;
    double score;
} cpt_offer;

/* Always alive_count + done_count <= width: a step keeps at most width - done_count children, and each of
 * them becomes either alive or finished.  A finished hypothesis keeps its slot for good.  So while a row is
 * alive, there is at least one slot. */
typedef struct cpt_beam {
    int width;
    int end_token;
    double length_alpha;
    cpt_node *nodes;    /* [max_width * max_length] */
    cpt_finished *done; /* [max_width] best first */
    cpt_offer *offers;  /* [max_width] the best that this step was offered, best first */
    int *alive;         /* [max_width] each row's node; -1: no token yet */
    int *parents;       /* [max_width] after advance: which row of the last step each row comes from */
    int max_length;
    cpt_used_word *words, *words_before; /* [max_width, max_length] each row's words; the last step's */
    int *word_count, *count_before;      /* [max_width] how many they are */
    int node_count, done_count, offer_count, alive_count;
} cpt_beam;

/* Lays out the memory for searches of at most this width and of at most max_length steps. */
void cpt_beam_plan(cpt_beam *beam, cpt_arena *arena, int max_width, int max_length);

/* Begins a search with one row whose hypothesis has no tokens. */
void cpt_beam_start(cpt_beam *beam, int width, double length_alpha, int end_token);

/* How many children the step will keep at most: width - done_count.  At least alive_count, and so at least 1
 * while a row is alive. */
int cpt_beam_slots(const cpt_beam *beam);

/* The words of row `row`, each once, the one that came last first, and how many there are. */
const cpt_used_word *cpt_beam_words(const cpt_beam *beam, int row, int *count);

/* The sum of log-probabilities of row `row`; 0 without tokens. */
double cpt_beam_score(const cpt_beam *beam, int row);

/* Writes the tokens that all hypotheses, alive and finished, begin with to tokens [max_length], and returns
 * how many they are. */
int cpt_beam_settled(const cpt_beam *beam, int *tokens);

/* Offers a child of row `row`.  Of equal scores the one offered first is kept; NaN is the worst score. */
void cpt_beam_offer(cpt_beam *beam, int row, int token, float log_probability);

/* Keeps the best of the children that were offered.  Those whose token is end_token are finished; the others
 * are the alive rows now. */
void cpt_beam_advance(cpt_beam *beam);

/* Finishes all rows that are alive.  `done` is complete then. */
void cpt_beam_finish(cpt_beam *beam);

#endif
