/* conv_internal.h - what conv.c (choice, direct) shares with conv_im2col.c and conv_winograd.c. */
#ifndef CPT_CONV_INTERNAL_H
#define CPT_CONV_INTERNAL_H

#include "lib/layers/conv.h"

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
void cpt_conv_winograd_run(const cpt_conv_job *job);

/* Output positions of the whole batch, and weight panels. */
static inline int cpt_conv_rows(const cpt_conv *conv, int batch)
{
    return batch * conv->out_h * conv->out_w;
}

static inline int cpt_conv_panels(const cpt_conv *conv)
{
    return (conv->out_c + CPTK_PANEL - 1) / CPTK_PANEL;
}

static inline int cpt_min(int a, int b)
{
    return a < b ? a : b;
}

static inline int cpt_max(int a, int b)
{
    return a > b ? a : b;
}

static inline int cpt_ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static inline int cpt_conv_winograd_tiles(const cpt_conv *conv)
{
    return cpt_ceil_div(conv->out_h, conv->winograd_size) * cpt_ceil_div(conv->out_w, conv->winograd_size);
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

/* The first of `count` things that part i of `parts` nearly equal parts holds; part `parts` begins at count.
 */
static inline int cpt_part(int count, int parts, int i)
{
    return count / parts * i + cpt_min(i, count % parts);
}

#endif
