/* fine.h - the finer part of an int8 model's logits.
 *
 * fc.weight holds 8 bits of each weight.  A file may hold 4 bits more, in sixteenths of a step of the first.
 * All logits are computed from 8 bits of weights and states.  Those of the words that matter get what the 4
 * bits add, and what the states' bytes lack. */
#ifndef CPT_FINE_H
#define CPT_FINE_H

#include "lib/decoder/decoder.h"

/* Bytes from one row of states to the next: two weights share a byte, so rows end with whole pairs of quads.
 */
static inline size_t cpt_fine_pitch(int hidden)
{
    return ((size_t)hidden + 2 * CPTK_QUAD - 1) / (2 * CPTK_QUAD) * (2 * CPTK_QUAD);
}

/* Room for one panel of up to CPTK_MAX_ROWS rows; each thread has its own. */
enum { CPT_FINE_LINES = 16 }; /* 64 bytes of weights each, unpacked at once */
typedef struct cpt_fine_scratch {
    int8_t quads[CPT_FINE_LINES * 2 * CPTK_PANEL * CPTK_QUAD];
    float part[CPTK_MAX_ROWS * CPTK_PANEL];
} cpt_fine_scratch;

typedef struct cpt_fine_args {
    const cpt_decoder *decoder;   /* with fine weights */
    const uint8_t *const *states; /* [rows] pointers to [cpt_fine_pitch(H)] bytes */
    const uint8_t *const *rests;  /* the same for what the states lack: 254 times it, + 128 */
    float *logits;                /* [rows, V] */
    int rows;
    const cptk_kernels *kernels;
    cpt_fine_scratch *scratch;
} cpt_fine_args;

/* Adds to the logits of the words of one panel what their fine weights give.  Meanwhile the weights of panel
 * `next` are fetched, which may be the same. */
void cpt_fine_add(const cpt_fine_args *args, int panel, int next);

#endif
