/* conv_internal.h - what conv.c, which chooses, shares with the three algorithms. */
#ifndef CPT_CONV_INTERNAL_H
#define CPT_CONV_INTERNAL_H

#include "lib/layers/conv.h"
#include "lib/layers/parts.h"

/* One run of one layer, as the pool's tasks see it. */
typedef struct cpt_conv_job {
    const cpt_conv *conv;
    const cpt_conv_run_args *args;
    const cptk_kernels *kernels;
    cpt_pool *pool;
} cpt_conv_job;

/* Scratch bytes, SIZE_MAX on overflow.  Each is what the run of the same name uses. */
size_t cpt_conv_direct_scratch(const cpt_conv *conv, int batch, int threads);
size_t cpt_conv_im2col_scratch(const cpt_conv *conv, int batch, int threads);
size_t cpt_conv_winograd_scratch(const cpt_conv *conv, int batch, int threads);

void cpt_conv_direct_run(const cpt_conv_job *job);
void cpt_conv_im2col_run(const cpt_conv_job *job);

/* Adds nothing but the bias: args->add is NULL. */
void cpt_conv_winograd_run(const cpt_conv_job *job);

/* The same for int8 layers, which can add a map too. */
bool cpt_conv_winograd_int8_fits(const cpt_conv *conv);
bool cpt_conv_winograd_int8_pays(const cpt_conv *conv, const cptk_kernels *kernels);
size_t cpt_conv_winograd_int8_scratch(const cpt_conv *conv, int batch, int threads);
void cpt_conv_winograd_int8_run(const cpt_conv_job *job);

/* Output positions of the whole batch. */
static inline int cpt_conv_rows(const cpt_conv *conv, int batch)
{
    return batch * conv->out_h * conv->out_w;
}

static inline bool cpt_conv_is_int8(const cpt_conv *conv)
{
    return conv->filters.dtype == CAPW_INT8;
}

/* Bytes of an element of the input. */
static inline size_t cpt_conv_element(const cpt_conv *conv)
{
    return cpt_conv_is_int8(conv) ? sizeof(uint8_t) : sizeof(float);
}

/* Channels that one tap of the filters has: int8 is filled up to whole quads. */
static inline int cpt_conv_depth(const cpt_conv *conv)
{
    return cpt_conv_is_int8(conv) ? cpt_ceil_div(conv->in_c, CPTK_QUAD) * CPTK_QUAD : conv->in_c;
}

/* Weight panels. */
static inline int cpt_conv_panels(const cpt_conv *conv)
{
    return cpt_ceil_div(conv->out_c, CPTK_PANEL);
}

/* Side of the squares of outputs that this layer's Winograd weights are for; 0 where it has none. */
static inline int cpt_conv_winograd_size(const cpt_conv *conv)
{
    return conv->winograd.weight ? cpt_layout_winograd_outputs((uint32_t)conv->winograd.layout) : 0;
}

/* Squares of outputs that cover one image's map; the layer has Winograd weights. */
static inline int cpt_conv_winograd_tiles(const cpt_conv *conv)
{
    const int size = cpt_conv_winograd_size(conv);
    return cpt_ceil_div(conv->out_h, size) * cpt_ceil_div(conv->out_w, size);
}

static inline size_t cpt_conv_in_pitch(const cpt_conv *conv)
{
    return (size_t)(conv->in_pitch > 0 ? conv->in_pitch : conv->in_c);
}

static inline size_t cpt_conv_out_pitch(const cpt_conv *conv)
{
    return (size_t)(conv->out_pitch > 0 ? conv->out_pitch : conv->out_c);
}

static inline size_t cpt_conv_add_pitch(const cpt_conv *conv)
{
    return (size_t)(conv->add_pitch > 0 ? conv->add_pitch : conv->out_c);
}

#endif
