/* Ranges without pictures, from the batch norms; see ranges.h.
 *
 * A batch norm gives its outputs the mean `bias` and the standard deviation |weight|.  What it gives is taken
 * as normally distributed, and channels as independent of each other.  So a layer's values before its ReLU
 * are a mixture of one normal distribution for each channel.  Moments of what a block adds go from block to
 * block. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/convert/fit.h"
#include "tools/convert/fold.h"

#define SQRT_HALF 0.70710678118654752440
#define INVERSE_SQRT_2PI 0.39894228040143267794

enum {
    INPUT_SIDE = 224,
    STEM_SIDE = INPUT_SIDE / 2,
    STAGE_SIDE = INPUT_SIDE / 4, /* of stage 1; each later stage halves it */
    FAR = 10,                    /* standard deviations beyond which nothing is expected */
    BISECTIONS = 60
};

/* One normal distribution for each channel. */
typedef struct moments {
    size_t count;
    double *mean, *variance; /* [count], owned: one allocation, mean's */
} moments;

static void moments_free(moments *m)
{
    free(m->mean);
    *m = (moments){.mean = NULL};
}

/* ---- normal distributions ---- */

/* The probability of more than x. */
static double upper_tail(double x)
{
    return 0.5 * erfc(x * SQRT_HALF);
}

/* The probability of more than `value`, or with `below` of less than -value, in channel i. */
static double beyond(const moments *m, size_t i, double value, bool below)
{
    const double distance = value - (below ? -m->mean[i] : m->mean[i]), deviation = sqrt(m->variance[i]);
    if (deviation > 0) return upper_tail(distance / deviation);
    return distance < 0 ? 1 : 0;
}

/* Mean and variance of max(x, 0). */
static void rectify(moments *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const double mean = m->mean[i], deviation = sqrt(m->variance[i]);
        if (!(deviation > 0)) {
            m->mean[i] = fmax(mean, 0);
            continue;
        }
        const double positive = upper_tail(-mean / deviation);
        const double z = mean / deviation, density = INVERSE_SQRT_2PI * exp(-0.5 * z * z);
        const double first = mean * positive + deviation * density;
        const double second = (mean * mean + deviation * deviation) * positive + mean * deviation * density;
        m->mean[i] = first;
        m->variance[i] = fmax(second - first * first, 0);
    }
}

/* The value beyond which, on one side, one number of a picture is expected, whose map has `positions`. */
static double largest_of(const moments *m, double positions, bool below)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < m->count; i++) {
        high = fmax(high, (below ? -m->mean[i] : m->mean[i]) + FAR * sqrt(m->variance[i]));
    }
    for (int step = 0; step < BISECTIONS; step++) {
        const double middle = (low + high) / 2;
        double expected = 0;
        for (size_t i = 0; i < m->count; i++) expected += positions * beyond(m, i, middle, below);
        if (expected > 1) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

/* Adds one side of channel i to the bins, up to the last that is expected to hold anything. */
static void spread_side(convert_histogram *h, const moments *m, size_t i, bool below)
{
    const double deviation = sqrt(m->variance[i]), mean = below ? -m->mean[i] : m->mean[i];
    const double most = below ? -h->low : h->high;
    double *zero = h->counts + (h->with_sign ? CONVERT_BINS : 0);
    if (!(h->width > 0)) return;
    const double first = floor(fmax(mean - FAR * deviation, 0) / h->width);
    const double last = fmin(floor(fmin(mean + FAR * deviation, most) / h->width), CONVERT_BINS - 1);
    double above = beyond(m, i, first * h->width, below);
    for (int bin = (int)fmin(first, CONVERT_BINS); bin <= last; bin++) {
        const double next = beyond(m, i, (bin + 1) * h->width, below);
        zero[below ? -1 - bin : bin] += above - next;
        above = next;
    }
}

/* ---- layers ---- */

/* side: of the layer's map */
static bool fit_moments(convert_range *range, const moments *m, bool with_sign, int side, tool_error *err)
{
    const double positions = (double)side * side;
    convert_histogram h;
    if (!convert_histogram_open(&h, with_sign)) return tool_fail(err, "%s: out of memory", range->layer);
    convert_histogram_reach(&h, largest_of(m, positions, false));
    if (with_sign) convert_histogram_reach(&h, -largest_of(m, positions, true));
    for (size_t i = 0; i < m->count; i++) {
        spread_side(&h, m, i, false);
        if (with_sign) spread_side(&h, m, i, true);
        if (!with_sign) h.zeros += 1 - beyond(m, i, 0, false);
    }
    convert_fit_best(range, &h);
    convert_histogram_close(&h);
    return true;
}

static const convert_item *find_item(const convert_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++) {
        const convert_item *item = &plan->items[i];
        if (item->has_norm && strcmp(item->name, name) == 0) return item;
    }
    return NULL;
}

/* The moments of a batch norm's outputs: of the one that is folded into the bias of this name. */
static bool read_moments(moments *m, const convert_plan *plan, const char *name, tool_error *err)
{
    const convert_item *item = find_item(plan, name);
    const source_file *checkpoint = plan->encoder.checkpoint;
    if (!item) return tool_fail(err, "%s: %s: has no batch norm", source_path(checkpoint), name);
    const size_t n = item->dims[0];
    double *numbers = malloc(4 * n * sizeof *numbers); /* mean, variance, the factor and summand of fold.h */
    float *values = malloc(n * sizeof *values);
    *m = (moments){.count = n, .mean = numbers, .variance = numbers ? numbers + n : NULL};
    bool ok = numbers && values;
    if (!ok) (void)tool_fail(err, "%s: %s: out of memory", source_path(checkpoint), name);
    ok = ok && convert_fold(checkpoint, &item->norm, n, numbers + 2 * n, numbers + 3 * n, err) &&
         source_read(checkpoint, item->norm.var->tensor, values, err);
    /* |weight| but for the epsilon, which matters in channels that hardly vary */
    for (size_t i = 0; ok && i < n; i++) {
        m->variance[i] = numbers[2 * n + i] * numbers[2 * n + i] * (double)values[i];
    }
    ok = ok && source_read(checkpoint, item->norm.bias->tensor, values, err);
    for (size_t i = 0; ok && i < n; i++) {
        m->mean[i] = (double)values[i];
        if (isfinite(m->mean[i]) && isfinite(m->variance[i])) continue;
        ok = tool_fail(err, "%s: %s: holds numbers that are not finite", source_path(checkpoint),
                       item->norm.weight->key);
    }
    free(values);
    if (!ok) moments_free(m);
    return ok;
}

typedef struct norm_walk {
    convert_ranges *ranges;
    const convert_plan *plan;
    tool_error *err;
} norm_walk;

/* Reads a layer's moments; where there are some to add, adds them; finds its range.  *m is before the ReLU,
 * and the caller's to free. */
static bool take_layer(const norm_walk *walk, const char *layer, int side, const moments *add, moments *m)
{
    convert_range *range = &walk->ranges->layers[walk->ranges->count++];
    (void)snprintf(range->layer, sizeof range->layer, "%s", layer);
    char name[CAPW_NAME_BYTES];
    (void)snprintf(name, sizeof name, "encoder.%s.bias", layer);
    if (!read_moments(m, walk->plan, name, walk->err)) return false;
    for (size_t i = 0; add && i < m->count && i < add->count; i++) {
        m->mean[i] += add->mean[i];
        m->variance[i] += add->variance[i];
    }
    return fit_moments(range, m, strstr(layer, "downsample") != NULL, side, walk->err);
}

/* identity: the moments of the block's input going in, those of its output coming out. */
static bool take_block(const norm_walk *walk, int stage, int block, moments *identity)
{
    const int side = STAGE_SIDE >> (stage - 1), before = side * cpt_resnet50_stride(stage, block);
    char layer[CAPW_NAME_BYTES];
    bool ok = true;
    for (int i = 1; ok && i <= 2; i++) {
        moments inner = {0};
        (void)snprintf(layer, sizeof layer, "layer%d.%d.conv%d", stage, block, i);
        ok = take_layer(walk, layer, i == 1 ? before : side, NULL, &inner);
        moments_free(&inner);
    }
    if (ok && block == 0) {
        moments_free(identity);
        (void)snprintf(layer, sizeof layer, "layer%d.%d.downsample", stage, block);
        ok = take_layer(walk, layer, side, NULL, identity);
    }
    moments sum = {0};
    (void)snprintf(layer, sizeof layer, "layer%d.%d.conv3", stage, block);
    ok = ok && take_layer(walk, layer, side, identity, &sum);
    moments_free(identity);
    *identity = sum;
    if (ok) rectify(identity);
    return ok;
}

/* The input of a baseline decoder's first step, which comes from a BatchNorm1d: few of its numbers are
 * further than four standard deviations away from their means. */
static bool take_vector(const norm_walk *walk)
{
    moments m = {0};
    if (walk->plan->network.kind != CAPTION_KIND_BASELINE) return true;
    if (!read_moments(&m, walk->plan, "project.bias", walk->err)) return false;
    double largest = 0;
    for (size_t i = 0; i < m.count; i++) {
        largest = fmax(largest, fabs(m.mean[i]) + 4 * sqrt(m.variance[i]));
    }
    walk->ranges->largest_input = (float)largest;
    moments_free(&m);
    return true;
}

bool convert_ranges_from_norms(convert_ranges *ranges, const convert_plan *plan, tool_error *err)
{
    *ranges = (convert_ranges){.count = 0};
    const norm_walk walk = {.ranges = ranges, .plan = plan, .err = err};
    moments m = {0};
    bool ok = take_layer(&walk, "stem", STEM_SIDE, NULL, &m);
    for (int stage = 1; stage <= CPT_RESNET50_STAGES; stage++) {
        for (int block = 0; ok && block < cpt_resnet50_stage_at(stage)->blocks; block++) {
            ok = take_block(&walk, stage, block, &m);
        }
    }
    moments_free(&m);
    return ok && take_vector(&walk);
}
