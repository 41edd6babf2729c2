/* cells.h - the recurrent cells of step.c, differentiated: what their gates were, and the derivative of a
 * step, for many words at once. */
#ifndef CPT_CELLS_H
#define CPT_CELLS_H

#include "kernels/kernels.h"
#include "lib/explain/columns.h"

enum { CPT_GATE_ROWS = 4 }; /* vectors of a cell's record */

/* The gates of one step of one layer.  gates [4, H] are those of the LSTM: i, f, g and o.  Of the GRU they
 * are r, z, n and the new gate's product W_hn h + b, which r multiplies.
 *
 * x [G, H] is W x + b, and h_in [G, H] is W h + b, both with the gates in the order of kernels.h. */
void cpt_gru_gates(const float *x, const float *h_in, int hidden, float *gates, const cptk_kernels *kernels);
void cpt_lstm_gates(const float *x, const float *h_in, int hidden, float *gates, const cptk_kernels *kernels);

/* The derivative of y with respect to a step's input, from that with respect to its output.  Each vector is
 * [panels] of [n, 16], with room for whole panels of n rows in each (columns.h). */
typedef struct cpt_cell_adjoint {
    const float *gates; /* [4, H] of the step */
    const float *h;     /* GRU: [H] state before the step */
    const float *c;     /* LSTM: [H] cell before the step */
    const float *c_out; /* LSTM: [H] cell after the step */
    float *dh;    /* n = H.  In: of the state after the step.  Out: of the state before it, without what goes
                     through W h, which is the caller's to add */
    float *dc;    /* LSTM, n = H.  The same of the cells, complete */
    float *dx;    /* out, n = G * H: of W x + b */
    float *dh_in; /* out, n = G * H: of W h + b.  GRU; in the LSTM it equals dx */
    int hidden, panels;
    const cptk_kernels *kernels;
} cpt_cell_adjoint;

void cpt_gru_adjoint(const cpt_cell_adjoint *args, cpt_pool *pool);
void cpt_lstm_adjoint(const cpt_cell_adjoint *args, cpt_pool *pool);

#endif
