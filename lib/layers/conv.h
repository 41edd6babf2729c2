/* conv.h - one convolution: which algorithm, how much scratch, and running it.
 *
 * Its maps have elements of the filters' type: floats, or with int8 filters bytes.  What is added to an int8
 * convolution, and its output for a later addition, has 16 bits instead: 256ths of a byte's step.  Sizes and
 * pitches count elements. */
#ifndef CPT_CONV_H
#define CPT_CONV_H

#include <caption.h>

#include "kernels/kernels.h"
#include "lib/layers/matrix.h"
#include "lib/platform/threads.h"

typedef struct cpt_conv {
    int in_h, in_w, in_c;    /* input [batch, in_h, in_w, in_c]; a border that is part of the buffer counts */
    int out_h, out_w, out_c; /* output [batch, out_h, out_w, out_c] */
    /* Pitches: elements from one position of a map to the next.  0 stands for the map's channels; otherwise
     * they are not below those.  The gaps are neither read nor written. */
    int in_pitch, out_pitch, add_pitch;
    int kernel, stride, pad; /* pad: positions around the input that are not in the buffer and count as 0 */
    bool relu;               /* of float32; an int8 convolution's bytes end at the value of byte 0 anyway */
    /* int8: the byte of the value 0 in the input, what a 256th of a step of the added map is worth in steps
     * of the output, and whether the output is float32 instead of bytes */
    uint8_t in_zero;
    float add_scale;
    bool floats;
    cpt_matrix
        filters; /* [out_c, kernel * kernel, in_c], float32 in panels or int8 in quads, with the bias */
    cpt_matrix winograd; /* the same filters in a Winograd layout; its weight is NULL where there is none */
} cpt_conv;

/* The algorithm that `wish` leads to for this layer with these kernels: DIRECT, WINOGRAD or IM2COL.  It
 * depends on nothing else.  For int8 there are DIRECT and WINOGRAD. */
caption_conv cpt_conv_choose(const cpt_conv *conv, caption_conv wish, const cptk_kernels *kernels);

/* Bytes of scratch (64-byte aligned) that running it needs; 0 is a valid answer, SIZE_MAX means overflow. */
size_t cpt_conv_scratch(const cpt_conv *conv, caption_conv algorithm, int batch, int threads);

typedef struct cpt_conv_run_args {
    caption_conv algorithm; /* from cpt_conv_choose */
    int batch;
    const void *in;  /* [batch, in_h, in_w, in_c]; int8: whole quads of channels can be read */
    const void *add; /* [batch, out_h, out_w, out_c] added before the ReLU, or NULL; int8: uint16_t */
    /* [batch, out_h, out_w, out_c]; overlap neither in nor add, except that add may equal out, or out_wide */
    void *out;          /* int8: may be NULL where out_wide is not */
    uint16_t *out_wide; /* int8: or NULL */
    void *scratch;
    /* A part of a layer, direct and of one image: conv->out_h rows of its output from row first_row on.  out,
     * out_wide and add begin at this row.  in_ring rows of the input are in memory (cptk_row_at). */
    int first_row, in_ring;
} cpt_conv_run_args;

/* out = relu(conv(in) + bias + add), or with int8 filters what kernels->tile_u8 makes of these.  The result
 * does not depend on the number of threads. */
void cpt_conv_run(const cpt_conv *conv, const cpt_conv_run_args *args, const cptk_kernels *kernels,
                  cpt_pool *pool);

#endif
