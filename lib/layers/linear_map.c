/* linear_map.c - a Linear layer over all positions of a map.
 *
 * A 1x1 convolution of a [1, positions, in] map computes the same sums, and its algorithms are made for many
 * rows.  So one is filled in here and run. */
#include "lib/layers/conv.h"
#include "lib/layers/linear.h"

static cpt_conv as_convolution(const cpt_linear *linear, int positions)
{
    return (cpt_conv){
        .in_h = 1,
        .in_w = positions,
        .in_c = linear->in,
        .in_pitch = cpt_linear_is_int8(linear) ? cpt_map_pitch_u8(linear->in) : cpt_map_pitch(linear->in),
        .out_h = 1,
        .out_w = positions,
        .out_c = linear->out,
        .kernel = 1,
        .stride = 1,
        .floats = true,
        .filters = *linear,
    };
}

size_t cpt_linear_map_scratch(const cpt_linear *linear, int positions, int threads,
                              const cptk_kernels *kernels)
{
    const cpt_conv conv = as_convolution(linear, positions);
    return cpt_conv_scratch(&conv, cpt_conv_choose(&conv, CAPTION_CONV_AUTO, kernels), 1, threads);
}

void cpt_linear_map(const cpt_linear *linear, const cpt_linear_map_args *args, const cptk_kernels *kernels,
                    cpt_pool *pool)
{
    const cpt_conv conv = as_convolution(linear, args->positions);
    const cpt_conv_run_args run = {
        .algorithm = cpt_conv_choose(&conv, CAPTION_CONV_AUTO, kernels),
        .batch = 1,
        .in = args->in,
        .out = args->out,
        .scratch = args->scratch,
    };
    cpt_conv_run(&conv, &run, kernels, pool);
}
