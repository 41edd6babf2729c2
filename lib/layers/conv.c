/* conv.c - chooses a layer's algorithm and hands the work to it. */
#include "lib/layers/conv.h"

#include "lib/layers/conv_internal.h"

enum {
    /* Winograd reads every plane of its weights for as many rows as there are tiles of outputs.  With fewer
     * tiles than this, reading the weights costs more than the products that are saved. */
    WINOGRAD_MIN_TILES = 9,
    /* With fewer channels than a panel holds, its transforms cost more than the products that are saved. */
    WINOGRAD_MIN_CHANNELS = CPTK_PANEL,
};

static bool winograd_fits(const cpt_conv *conv)
{
    return conv->winograd.weight && conv->kernel == 3 && conv->stride == 1 && conv->pad == 1;
}

static bool winograd_pays(const cpt_conv *conv)
{
    return winograd_fits(conv) && cpt_conv_winograd_tiles(conv) >= WINOGRAD_MIN_TILES &&
           conv->in_c >= WINOGRAD_MIN_CHANNELS && conv->out_c >= WINOGRAD_MIN_CHANNELS;
}

caption_conv cpt_conv_choose(const cpt_conv *conv, caption_conv wish, const cptk_kernels *kernels)
{
    if (cpt_conv_is_int8(conv)) {
        const bool winograd = (wish == CAPTION_CONV_WINOGRAD && cpt_conv_winograd_int8_fits(conv)) ||
                              (wish == CAPTION_CONV_AUTO && cpt_conv_winograd_int8_pays(conv, kernels));
        return winograd ? CAPTION_CONV_WINOGRAD : CAPTION_CONV_DIRECT;
    }
    switch (wish) {
    case CAPTION_CONV_WINOGRAD:
        return winograd_fits(conv) ? CAPTION_CONV_WINOGRAD : CAPTION_CONV_DIRECT;
    case CAPTION_CONV_DIRECT:
    case CAPTION_CONV_IM2COL:
        return wish;
    case CAPTION_CONV_AUTO:
        break;
    }
    if (!kernels->has_tile) return kernels->has_gemm ? CAPTION_CONV_IM2COL : CAPTION_CONV_DIRECT;
    return winograd_pays(conv) ? CAPTION_CONV_WINOGRAD : CAPTION_CONV_DIRECT;
}

size_t cpt_conv_scratch(const cpt_conv *conv, caption_conv algorithm, int batch, int threads)
{
    const size_t direct = cpt_conv_direct_scratch(conv, batch, threads);
    if (algorithm == CAPTION_CONV_IM2COL) return cpt_conv_im2col_scratch(conv, batch, threads);
    if (algorithm == CAPTION_CONV_WINOGRAD && cpt_conv_is_int8(conv)) {
        return cpt_conv_winograd_int8_scratch(conv, batch, threads);
    }
    if (algorithm == CAPTION_CONV_WINOGRAD) { /* cpt_conv_run may still take the direct way */
        const size_t winograd = cpt_conv_winograd_scratch(conv, batch, threads);
        return winograd > direct ? winograd : direct;
    }
    return direct;
}

void cpt_conv_run(const cpt_conv *conv, const cpt_conv_run_args *args, const cptk_kernels *kernels,
                  cpt_pool *pool)
{
    const cpt_conv_job job = {.conv = conv, .args = args, .kernels = kernels, .pool = pool};
    if (args->algorithm == CAPTION_CONV_IM2COL) {
        cpt_conv_im2col_run(&job);
    } else if (args->algorithm == CAPTION_CONV_WINOGRAD && cpt_conv_is_int8(conv)) {
        cpt_conv_winograd_int8_run(&job);
    } else if (args->algorithm == CAPTION_CONV_WINOGRAD && !args->add) {
        cpt_conv_winograd_run(&job);
    } else { /* no 3x3 layer of ResNet has a sum, so Winograd does without */
        cpt_conv_direct_run(&job);
    }
}
