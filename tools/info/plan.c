/* Times the encoder layer by layer; see plan.h. */
#include "tools/info/plan.h"

#include <stdlib.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"

enum { WARM_UP = 2, MAX_LAYERS = 4096 };

typedef struct layer_clock {
    double last;
    double *times; /* [layers, runs] */
    int run, runs, layers;
} layer_clock;

static int on_layer(void *user, const caption_progress *progress)
{
    layer_clock *clock = user;
    const double now = tool_now_ms();
    const int layer = progress->done - 1;
    if (progress->stage != CAPTION_STAGE_ENCODER || layer < 0 || layer >= clock->layers) return 0;
    if (clock->run >= 0) clock->times[layer * clock->runs + clock->run] = now - clock->last;
    clock->last = tool_now_ms();
    return 0;
}

static bool list_layers(info_plan *plan, tool_error *err)
{
    caption_layer_info layer;
    while (plan->count < MAX_LAYERS &&
           caption_session_layer(plan->session, plan->count, &layer) == CAPTION_OK) {
        plan->count++;
    }
    plan->layers = calloc((size_t)plan->count + 1, sizeof *plan->layers);
    plan->ms = calloc((size_t)plan->count + 1, sizeof *plan->ms);
    if (!plan->layers || !plan->ms) return tool_fail(err, "out of memory");
    for (int i = 0; i < plan->count; i++) (void)caption_session_layer(plan->session, i, &plan->layers[i]);
    return true;
}

/* A picture with something in every frequency: zeros and denormals would be faster or slower than photos. */
static bool load_made_up(caption_session *session, int side, caption_error *error)
{
    const size_t size = (size_t)side * (size_t)side * 3;
    uint8_t *rgb = malloc(size); /* [side, side, 3] */
    if (!rgb) return false;
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        rgb[i] = (uint8_t)(((i * 255) / size + (state >> 25)) & 255u);
    }
    const caption_pixel_view view = {.rgb = rgb, .width = side, .height = side, .stride = 0};
    const caption_status status = caption_load_pixels(session, 0, &view, error);
    free(rgb);
    return status == CAPTION_OK;
}

static bool run_encoder(info_plan *plan, layer_clock *clock, const caption_model *model, caption_error *error)
{
    caption_decode_options options;
    caption_decode_options_init(&options, model);
    options.progress = on_layer;
    options.progress_user = clock;
    for (int i = -WARM_UP; i < plan->runs; i++) {
        clock->run = i;
        clock->last = tool_now_ms();
        if (caption_encode(plan->session, 1, &options, error) != CAPTION_OK) return false;
    }
    return true;
}

bool info_measure_plan(info_plan *plan, const caption_model *model, const caption_session_options *options,
                       int runs, tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    plan->runs = runs;
    plan->threads = options->threads;
    caption_model_info info;
    caption_model_get_info(model, &info);
    plan->precision = info.precision;
    caption_session_options lean = *options; /* no image is decoded */
    lean.decode_memory = CAPTION_DEFAULT_DECODE_MEMORY;
    if (caption_session_create(&plan->session, model, &lean, &error) != CAPTION_OK) {
        return tool_fail_caption(err, "--plan", &error);
    }
    plan->cpu = caption_session_cpu(plan->session);
    if (!list_layers(plan, err)) return false;
    layer_clock clock = {.layers = plan->count, .runs = runs};
    clock.times = calloc((size_t)plan->count * (size_t)runs + 1, sizeof *clock.times);
    if (!clock.times || !load_made_up(plan->session, info.input_size, &error) ||
        !run_encoder(plan, &clock, model, &error)) {
        free(clock.times);
        if (error.status == CAPTION_OK) return tool_fail(err, "out of memory");
        return tool_fail_caption(err, "--plan", &error);
    }
    for (int i = 0; i < plan->count; i++) {
        plan->ms[i] = tool_median(clock.times + (size_t)i * (size_t)runs, runs);
        plan->total_ms += plan->ms[i];
    }
    free(clock.times);
    return true;
}

void info_plan_free(info_plan *plan)
{
    free(plan->layers);
    free(plan->ms);
    caption_session_close(&plan->session);
    *plan = (info_plan){.count = 0};
}

const char *info_speed_unit(const info_plan *plan)
{
    return plan->precision == CAPTION_PRECISION_INT8 ? "GOP/s" : "GFLOP/s";
}

double info_layer_speed(const caption_layer_info *layer, double ms)
{
    return ms > 0 ? 2e-6 * layer->multiply_adds / ms : 0;
}
