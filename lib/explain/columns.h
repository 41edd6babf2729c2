/* columns.h - products whose result has a column for each word of a caption.
 *
 * An adjoint computes the same for many words at once, so its vectors are matrices with one column a word. 16
 * columns lie together: a panel of words, [n, 16].  That is the form in which the tile kernel reads its
 * second matrix (kernels.h).  Its first matrix are rows that lie anywhere.  So a product with transposed
 * weights needs no transposed copy of them: the stored panels of weights are the rows.
 *
 * No result depends on the number of threads. */
#ifndef CPT_COLUMNS_H
#define CPT_COLUMNS_H

#include "lib/layers/linear.h"

enum { CPT_WORDS = CPTK_PANEL }; /* of a panel */

/* n rounded up to whole panels of weights.  Products with transposed weights read so many rows. */
static inline size_t cpt_columns_room(int n)
{
    return ((size_t)n + CPTK_PANEL - 1) / CPTK_PANEL * CPTK_PANEL;
}

typedef struct cpt_columns {
    const float *in; /* [panels] of [rows, 16], in_panel floats from one panel to the next */
    float *out;      /* the same with out_panel; does not overlap `in` */
    size_t in_panel, out_panel;
    int panels;
    bool add; /* the product is added to `out`, else it takes its place */
} cpt_columns;

/* out [panels][linear->in, 16] = W^T in, for the weights W of a float32 layer and in [panels][whole panels of
 * linear->out, 16].  Rows of `in` behind linear->out must be finite. */
void cpt_columns_transposed(const cpt_linear *linear, const cpt_columns *columns, const cptk_kernels *kernels,
                            cpt_pool *pool);

/* A matrix [rows, depth] whose rows lie one behind the other. */
typedef struct cpt_row_matrix {
    const float *values;
    size_t pitch; /* floats from one row to the next */
    int rows, depth;
} cpt_row_matrix;

/* out [panels][rows, 16] = matrix in, for in [panels][depth, 16]. */
void cpt_columns_multiply(const cpt_row_matrix *matrix, const cpt_columns *columns,
                          const cptk_kernels *kernels, cpt_pool *pool);

#endif
