/* adjoint.h - how each word of a caption depends on the image's features: the derivative of the decoder,
 * written by hand (reverse mode).
 *
 * y[t] is the log-probability of token t after those before it.  It depends on the features f [P, C] through
 * all steps 0..t.  What is wanted is w[t][c], the mean over p of dy[t] / df[p][c].  Written out, the features
 * meet the decoder in three places, and in each the sum over p needs no gradient of single positions:
 *
 *     context[s] = sum_p alpha_p f_p       the alpha_p sum to 1, so that the sum over p is W_x^T dgates[s]
 *     score_p = v tanh(W_enc f_p + q[s])   the sum over p is W_enc^T dq[s], for the query q[s]
 *     init_h(mean f), init_c(mean f)       the sum over p is the gradient of the mean
 *
 * So each matrix is multiplied once, with sums over the steps s.  The baseline kind has one place, the pooled
 * vector.
 *
 * Up to 32 words are done together, a column each (columns.h): step s is gone back through once for all words
 * t >= s.  The model's matrices are float32. */
#ifndef CPT_ADJOINT_H
#define CPT_ADJOINT_H

#include "lib/explain/columns.h"
#include "lib/explain/trace.h"

enum { CPT_ADJOINT_PANELS = 2 }; /* panels of words that are done together, at most */

/* L, T, H, ... as in trace.h; in what has columns, each panel is [n, 16] with room for whole panels of n. */
typedef struct cpt_adjoint {
    cpt_trace *trace;
    const cptk_kernels *kernels;
    cpt_pool *pool;
    int map_positions; /* of the feature map: 49; P of the baseline kind is 1 */

    /* of every step */
    float *gates;   /* [L, layers, 4, H], cells.h */
    float *queries; /* [L, A] W_dec h + b; attention kind, else NULL */

    /* scratch of a few steps or of one */
    float *x_gates, *h_gates; /* [16, G * H] */
    float *tanh;              /* [P, A] tanh(W_enc f_p + q) */
    float *slopes;            /* [A, P] dscore_p / dq_a, as all scores depend on q */

    /* columns */
    float *columns;      /* all that follow */
    size_t column_count; /* floats in all of them */
    float *dlogits;      /* one panel: n = V */
    float *dout;         /* n = H: of the last layer's output at the word's own step */
    float *dh, *dc;      /* [layers] each with n = H; dc: LSTM */
    float *dx, *dh_in;   /* n = G * H: of the gates' parts; LSTM: dh_in is dx */
    float *dalpha;       /* n = map_positions */
    float *dquery;       /* n = A */
    float *sum_dx;       /* n = G * H, summed over the steps */
    float *sum_dquery;   /* n = A, likewise */
    float *dvector;      /* n = E: of the image's vector, baseline kind */
    float *dw;           /* n = C: w, and P times w until the end */
} cpt_adjoint;

/* Lays everything out.  trace, kernels and map_positions are already set, and the trace is planned. */
void cpt_adjoint_plan(cpt_adjoint *adjoint, cpt_arena *arena);

/* The parts of its work for a caption of this length. */
int cpt_adjoint_parts(int length);

typedef struct cpt_gradcam {
    const float *map;       /* [map_positions, C] the feature map */
    float *weights;         /* [T, C] w */
    float *maps;            /* [T, map_positions] the larger of 0 and sum_c w[t][c] f[p][c] */
    float *log_probability; /* [T] y */
} cpt_gradcam;

/* Runs the trace along the caption, and back.  Returns false when the progress function wants to stop. */
bool cpt_adjoint_run(cpt_adjoint *adjoint, const cpt_told *told, const cpt_gradcam *out, cpt_work *work);

/* ---- between adjoint*.c ---- */

/* A group of words that are done together. */
typedef struct cpt_words {
    int first, count; /* words, 1 to 16 * CPT_ADJOINT_PANELS */
    int panels;
} cpt_words;

/* Fills gates and queries from the states that the trace has kept. */
void cpt_adjoint_record(cpt_adjoint *adjoint, const cpt_told *told);

/* Goes back through attention at step t, in the first panels: adds to dh of the only layer what comes
 * through the context, and to sum_dx and sum_dquery. */
void cpt_adjoint_attention(cpt_adjoint *adjoint, int t, int panels);

/* A product with transposed weights. */
typedef struct cpt_back {
    const float *in; /* n = linear->out */
    float *out;      /* n = linear->in */
    int panels;
    bool add;
} cpt_back;

void cpt_adjoint_back(const cpt_adjoint *adjoint, const cpt_linear *linear, const cpt_back *back);

#endif
