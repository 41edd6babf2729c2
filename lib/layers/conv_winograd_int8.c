/* conv_winograd_int8.c - Winograd's F(2x2, 3x3) for int8 layers, in exact integers.
 *
 * The tiles of all images are cut into blocks of the size that the kernels like.  First the inputs of all
 * blocks are transformed, shared by all threads.  Then each task makes one panel of outputs of a part of the
 * blocks.  It transforms the panel's filters, which the file has as they are for direct convolution.  The
 * results are those of direct convolution to the bit. */
#include "lib/layers/conv_internal.h"

enum {
    VALUES = 16, /* of a transformed tile or filter */
    /* With fewer tiles, transforming the filters costs more than the products that are saved. */
    MIN_TILES = 16,
    PART_BYTES = 256 << 10, /* transformed input that stays in the second-level cache for all panels */
    PART_MIN_TILES = 49,    /* so that a part's products take much longer than its filters' transform */
    IN_BLOCKS = 4,          /* of an input task */
};

static int tiles_of(const cpt_conv *conv)
{
    return cpt_ceil_div(conv->out_h, 2) * cpt_ceil_div(conv->out_w, 2);
}

bool cpt_conv_winograd_int8_fits(const cpt_conv *conv)
{
    return conv->kernel == 3 && conv->stride == 1 && conv->pad == 1 && conv->in_zero == 0 &&
           conv->in_c % CPTK_PANEL == 0 && conv->out_c % CPTK_PANEL == 0 &&
           conv->in_c <= CPTK_WINOGRAD_MOST_DEPTH;
}

bool cpt_conv_winograd_int8_pays(const cpt_conv *conv, const cptk_kernels *kernels)
{
    return kernels->winograd_u8_pays && cpt_conv_winograd_int8_fits(conv) && tiles_of(conv) >= MIN_TILES;
}

/* Bytes of a transformed tile. */
static size_t tile_bytes(const cpt_conv *conv)
{
    return VALUES * (size_t)conv->in_c * sizeof(int16_t);
}

/* int16 from one plane of a panel's transformed filters to the next: a cache line more than a power of two,
 * so that the planes don't drive each other out of the first cache. */
static size_t filter_plane(const cpt_conv *conv)
{
    return (size_t)conv->in_c * CPTK_PANEL + CPT_ALIGN / sizeof(int16_t);
}

static size_t filter_bytes(const cpt_conv *conv)
{
    return VALUES * filter_plane(conv) * sizeof(int16_t);
}

/* What one thread keeps: the transformed filters of a panel, and the sums of a block. */
static size_t thread_bytes(const cpt_conv *conv)
{
    const size_t sums = (size_t)VALUES * CPTK_WINOGRAD_MOST_TILES * CPTK_PANEL * sizeof(int32_t);
    return cpt_align_up(filter_bytes(conv) + sums);
}

static size_t input_bytes(const cpt_conv *conv, int batch)
{
    size_t bytes;
    if (!cpt_mul((size_t)batch, (size_t)tiles_of(conv), &bytes)) return SIZE_MAX;
    if (!cpt_mul(bytes, tile_bytes(conv), &bytes) || bytes > SIZE_MAX / 2) return SIZE_MAX;
    return cpt_align_up(bytes);
}

size_t cpt_conv_winograd_int8_scratch(const cpt_conv *conv, int batch, int threads)
{
    const size_t input = input_bytes(conv, batch);
    size_t all;
    if (!cpt_mul(thread_bytes(conv), (size_t)threads, &all) || !cpt_add(all, input, &all)) return SIZE_MAX;
    return all;
}

typedef struct winograd_job {
    const cpt_conv_job *job;
    int tiles, blocks; /* of an image */
    int all_blocks;    /* of the batch */
    int parts;
    unsigned char *input, *threads;
} winograd_job;

/* Block `index` of the batch, but for what belongs to a panel. */
static cptk_winograd_int8 block_of(const winograd_job *j, int index)
{
    const cpt_conv *conv = j->job->conv;
    const int image = index / j->blocks, block = index % j->blocks;
    const int first = cpt_part(j->tiles, j->blocks, block);
    const size_t positions = (size_t)conv->in_h * (size_t)conv->in_w, pitch = cpt_conv_in_pitch(conv);
    const size_t tile = (size_t)image * (size_t)j->tiles + (size_t)first;
    return (cptk_winograd_int8){
        .in = (const uint8_t *)j->job->args->in + (size_t)image * positions * pitch,
        .v = (int16_t *)(void *)(j->input + tile * tile_bytes(conv)),
        .h = conv->in_h,
        .w = conv->in_w,
        .depth = conv->in_c,
        .in_pitch = (int)pitch,
        .first = first,
        .count = cpt_part(j->tiles, j->blocks, block + 1) - first,
    };
}

static void in_task(void *user, int index, int thread)
{
    const winograd_job *j = user;
    const int end = cpt_min(j->all_blocks, (index + 1) * IN_BLOCKS);
    (void)thread;
    for (int i = index * IN_BLOCKS; i < end; i++) {
        const cptk_winograd_int8 w = block_of(j, i);
        j->job->kernels->winograd_input_u8(&w);
    }
}

/* Where the 16 outputs from `column` on of an image go. */
static cptk_out_int8 out_of(const cpt_conv_job *job, int image, int column)
{
    const cpt_conv *conv = job->conv;
    const cpt_conv_run_args *args = job->args;
    const size_t row = (size_t)image * (size_t)conv->out_h * (size_t)conv->out_w;
    const size_t add_at = row * cpt_conv_add_pitch(conv) + (size_t)column;
    const size_t at = row * cpt_conv_out_pitch(conv) + (size_t)column;
    return (cptk_out_int8){
        .scale = conv->filters.scale + column,
        .bias = conv->filters.bias ? conv->filters.bias + column : NULL,
        .add = args->add ? (const uint16_t *)args->add + add_at : NULL,
        .add_scale = conv->add_scale,
        .c_u8 = conv->floats || !args->out ? NULL : (uint8_t *)args->out + at,
        .c_u16 = args->out_wide ? args->out_wide + at : NULL,
        .c_f32 = conv->floats ? (float *)args->out + at : NULL,
        .add_stride = cpt_conv_add_pitch(conv),
        .c_stride = cpt_conv_out_pitch(conv),
    };
}

static void out_task(void *user, int index, int thread)
{
    const winograd_job *j = user;
    const cpt_conv *conv = j->job->conv;
    const cptk_kernels *kernels = j->job->kernels;
    const int panels = cpt_conv_panels(conv), part = index / panels, panel = index % panels;
    unsigned char *own = j->threads + (size_t)thread * thread_bytes(conv);
    int16_t *u = (int16_t *)(void *)own;
    int32_t *m = (int32_t *)(void *)(own + filter_bytes(conv));
    const cptk_winograd_int8 filters = {
        .b = conv->filters.quads + (size_t)panel * 9 * (size_t)conv->in_c * CPTK_PANEL,
        .u = u,
        .u_plane = filter_plane(conv),
        .depth = conv->in_c,
    };
    kernels->winograd_filters_i8(&filters);
    const int end = cpt_part(j->all_blocks, j->parts, part + 1);
    for (int i = cpt_part(j->all_blocks, j->parts, part); i < end; i++) {
        cptk_winograd_int8 w = block_of(j, i);
        w.u = u;
        w.u_plane = filters.u_plane;
        w.m = m;
        w.out = out_of(j->job, i / j->blocks, panel * CPTK_PANEL);
        kernels->winograd_product_i16(&w);
        kernels->winograd_output_u8(&w);
    }
}

void cpt_conv_winograd_int8_run(const cpt_conv_job *job)
{
    const cpt_conv *conv = job->conv;
    const int batch = job->args->batch, tiles = tiles_of(conv), all = batch * tiles;
    const int part_tiles = cpt_max(PART_MIN_TILES, (int)(PART_BYTES / tile_bytes(conv)));
    winograd_job j = {
        .job = job,
        .tiles = tiles,
        .blocks = cpt_ceil_div(tiles, job->kernels->winograd_tiles_u8),
        .parts = cpt_ceil_div(all, part_tiles),
        .input = job->args->scratch,
    };
    j.all_blocks = batch * j.blocks;
    j.parts = cpt_min(j.parts, j.all_blocks);
    j.threads = j.input + input_bytes(conv, batch);
    cpt_pool_run(job->pool, in_task, &j, cpt_ceil_div(j.all_blocks, IN_BLOCKS));
    cpt_pool_run(job->pool, out_task, &j, j.parts * cpt_conv_panels(conv));
}
