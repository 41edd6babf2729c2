/* conv_winograd_u8.c - Winograd's F(2x2, 3x3) for int8 layers, in exact integers.
 *
 * First the input of all tiles is transformed, shared by all threads.  Then each panel of outputs is a task:
 * it transforms its filters, which are stored as they are, and makes its outputs.  The results are those of
 * direct convolution to the bit. */
#include "lib/layers/conv_internal.h"

enum {
    IN_TILES = 32,        /* of an input task */
    MOST_CHANNELS = 1024, /* sums of 16-bit products stay below 2^31 up to 1842 */
    /* With fewer tiles, transforming the filters costs more than the products that are saved. */
    MIN_TILES = 25,
    VALUES = 16 /* of a transformed tile or filter */
};

static int tiles_of(const cpt_conv *conv)
{
    return cpt_ceil_div(conv->out_h, 2) * cpt_ceil_div(conv->out_w, 2);
}

bool cpt_conv_winograd_u8_fits(const cpt_conv *conv, const cptk_kernels *kernels)
{
    return kernels->winograd_in_u8 && conv->kernel == 3 && conv->stride == 1 && conv->pad == 1 &&
           conv->in_zero == 0 && conv->filters.bias && !conv->floats && conv->in_c % CPTK_PANEL == 0 &&
           conv->out_c % CPTK_PANEL == 0 && conv->in_c <= MOST_CHANNELS;
}

bool cpt_conv_winograd_u8_pays(const cpt_conv *conv, const cptk_kernels *kernels)
{
    return cpt_conv_winograd_u8_fits(conv, kernels) && tiles_of(conv) >= MIN_TILES;
}

/* Bytes of a thread's transformed filters of one panel. */
static size_t filter_bytes(const cpt_conv *conv)
{
    return (size_t)VALUES * (size_t)conv->in_c * CPTK_PANEL * sizeof(int16_t);
}

/* Bytes of an image's transformed tiles. */
static size_t input_bytes(const cpt_conv *conv)
{
    return (size_t)VALUES * (size_t)tiles_of(conv) * (size_t)conv->in_c * sizeof(int16_t);
}

size_t cpt_conv_winograd_u8_scratch(const cpt_conv *conv, int threads)
{
    return cpt_align_up(input_bytes(conv)) + filter_bytes(conv) * (size_t)threads;
}

typedef struct winograd_job {
    const cpt_conv_job *job;
    cptk_winograd_u8 first; /* with all tiles, before any panel */
    unsigned char *filters; /* a piece for each thread */
} winograd_job;

static void in_task(void *user, int index, int thread)
{
    const winograd_job *j = user;
    cptk_winograd_u8 w = j->first;
    (void)thread;
    w.first = index * IN_TILES;
    w.end = cpt_min(w.tiles, w.first + IN_TILES);
    j->job->kernels->winograd_in_u8(&w);
}

static void out_task(void *user, int index, int thread)
{
    const winograd_job *j = user;
    const cpt_conv *conv = j->job->conv;
    const int column = index * CPTK_PANEL;
    cptk_winograd_u8 w = j->first;
    w.b = conv->filters.quads + (size_t)index * 9 * (size_t)conv->in_c * CPTK_PANEL;
    w.u = (int16_t *)(void *)(j->filters + (size_t)thread * filter_bytes(conv));
    w.scale = conv->filters.scale + column;
    w.bias = conv->filters.bias + column;
    w.out += column;
    j->job->kernels->winograd_out_u8(&w);
}

void cpt_conv_winograd_u8_run(const cpt_conv_job *job)
{
    const cpt_conv *conv = job->conv;
    const size_t positions = (size_t)conv->in_h * (size_t)conv->in_w;
    unsigned char *scratch = job->args->scratch;
    winograd_job j = {
        .job = job,
        .first = {.v = (int16_t *)(void *)scratch,
                  .h = conv->in_h,
                  .w = conv->in_w,
                  .depth = conv->in_c,
                  .in_pitch = (int)cpt_conv_in_pitch(conv),
                  .out_pitch = (int)cpt_conv_out_pitch(conv),
                  .tiles = tiles_of(conv),
                  .end = tiles_of(conv)},
        .filters = scratch + cpt_align_up(input_bytes(conv)),
    };
    for (int image = 0; image < job->args->batch; image++) {
        j.first.in = (const uint8_t *)job->args->in + (size_t)image * positions * cpt_conv_in_pitch(conv);
        j.first.out = (uint8_t *)job->args->out + (size_t)image * positions * cpt_conv_out_pitch(conv);
        cpt_pool_run(job->pool, in_task, &j, cpt_ceil_div(j.first.tiles, IN_TILES));
        cpt_pool_run(job->pool, out_task, &j, cpt_conv_panels(conv));
    }
}
