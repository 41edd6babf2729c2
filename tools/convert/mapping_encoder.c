/* The encoder's half of the mapping: torchvision's ResNet-50, as an nn.Sequential of its first eight
 * children. Called by mapping.c. */
#include "tools/convert/mapping.h"

#include <stdio.h>
#include <string.h>

enum {
    STAGES = 4,
    FIRST_STAGE = 4, /* features.4 is layer1 */
    LARGE_STAGES = 3 /* F(4x4, 3x3) pays; the last has many weights for few positions: F(2x2, 3x3) */
};

typedef struct conv_spec {
    char key[64];     /* of the weight, without ".weight" */
    char norm[64];    /* of the batch norm behind it */
    char name[56];    /* in the model file */
    uint64_t out, in; /* 0 = to be filled in */
    uint64_t kernel;
    capw_layout winograd; /* ROWS: no such copy */
} conv_spec;

static bool add_conv(convert_plan *plan, conv_spec *spec, tool_error *err)
{
    convert_shape shape = {4, {spec->out, spec->in, spec->kernel, spec->kernel}};
    const uint32_t kernel = (uint32_t)spec->kernel;
    const convert_source *source;
    convert_norm norm;
    char key[CONVERT_KEY_BYTES];
    int i;
    (void)snprintf(key, sizeof key, "%s.weight", spec->key);
    source = convert_state_take(&plan->encoder, key, &shape, err);
    if (!source || !convert_map_norm(&plan->encoder, spec->norm, shape.dims[0], &norm, err)) return false;
    spec->out = shape.dims[0];
    spec->in = shape.dims[1];
    plan->norms++;
    for (i = 0; i < 3; i++) { /* weight, bias, Winograd copy */
        static const char *const suffixes[] = {"weight", "bias", "winograd"};
        const capw_layout layouts[] = {CAPW_PANELS, CAPW_ROWS, spec->winograd};
        const uint32_t dims[4] = {(uint32_t)spec->out, kernel, kernel, (uint32_t)spec->in};
        convert_item *item;
        if (i == 2 && (spec->winograd == CAPW_ROWS || plan->compact)) continue;
        item = convert_plan_add(plan, spec->name, suffixes[i], layouts[i], err);
        if (!item) return false;
        item->rank = i == 1 ? 1 : 4;
        memcpy(item->dims, dims, (size_t)item->rank * sizeof dims[0]);
        item->source = i == 1 ? NULL : source;
        item->has_norm = true;
        item->norm = norm;
    }
    return true;
}

/* conv1 .. conv3 of a bottleneck and its downsample; *channels goes in and comes out changed */
static bool add_block(convert_plan *plan, int stage, int block, uint64_t *channels, tool_error *err)
{
    conv_spec spec;
    uint64_t in = *channels, out = block ? in : 0;
    int i;
    memset(&spec, 0, sizeof spec);
    spec.in = in;
    for (i = 1; i <= 3; i++) {
        (void)snprintf(spec.key, sizeof spec.key, "features.%d.%d.conv%d", FIRST_STAGE + stage, block, i);
        (void)snprintf(spec.norm, sizeof spec.norm, "features.%d.%d.bn%d", FIRST_STAGE + stage, block, i);
        (void)snprintf(spec.name, sizeof spec.name, "encoder.layer%d.%d.conv%d", stage + 1, block, i);
        spec.kernel = i == 2 ? 3 : 1;
        spec.out = i == 1 ? 0 : i == 2 ? spec.in : out;
        /* the first block of stages 2 to 4 has stride 2 */
        spec.winograd = CAPW_ROWS;
        if (i == 2 && (stage == 0 || block > 0)) {
            spec.winograd = stage < LARGE_STAGES ? CAPW_WINOGRAD : CAPW_WINOGRAD2;
        }
        if (!add_conv(plan, &spec, err)) return false;
        spec.in = spec.out;
    }
    *channels = spec.out;
    if (block) return true;
    (void)snprintf(spec.key, sizeof spec.key, "features.%d.0.downsample.0", FIRST_STAGE + stage);
    (void)snprintf(spec.norm, sizeof spec.norm, "features.%d.0.downsample.1", FIRST_STAGE + stage);
    (void)snprintf(spec.name, sizeof spec.name, "encoder.layer%d.0.downsample", stage + 1);
    spec.kernel = 1;
    spec.in = in;
    return add_conv(plan, &spec, err);
}

bool convert_map_encoder(convert_plan *plan, tool_error *err)
{
    static const int blocks[STAGES] = {3, 4, 6, 3};
    conv_spec stem = {"features.0", "features.1", "encoder.stem", 0, 3, 7, CAPW_ROWS};
    uint64_t channels;
    int stage, block;
    if (!add_conv(plan, &stem, err)) return false;
    channels = stem.out;
    plan->network.width = (uint32_t)channels;
    for (stage = 0; stage < STAGES; stage++) {
        for (block = 0; block < blocks[stage]; block++) {
            if (!add_block(plan, stage, block, &channels, err)) return false;
        }
    }
    plan->network.channels = (uint32_t)channels;
    return true;
}
