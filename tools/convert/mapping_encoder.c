/* The encoder's half of the mapping: torchvision's ResNet-50, as an nn.Sequential of its first eight
 * children. */
#include <stdio.h>
#include <string.h>

#include "lib/format/resnet50.h"
#include "tools/convert/mapping.h"

enum { FIRST_STAGE_CHILD = 4 }; /* features.4 is stage 1, which torchvision calls layer1 */

typedef struct conv_spec {
    char key[64];     /* of the weight, without ".weight" */
    char norm[64];    /* of the batch norm behind it */
    char name[56];    /* in the model file */
    uint64_t out, in; /* 0: the checkpoint says, and it is filled in */
    uint64_t kernel;
    capw_layout winograd; /* of the second copy of the weights; CAPW_ROWS for none */
} conv_spec;

/* Appends one of a convolution's tensors: its weights or their copy from `source`, its bias from the norm
 * alone. */
static bool add_tensor(convert_plan *plan, const conv_spec *spec, capw_layout layout,
                       const convert_source *source, const convert_norm *norm, tool_error *err)
{
    const uint32_t kernel = (uint32_t)spec->kernel;
    const uint32_t dims[4] = {(uint32_t)spec->out, kernel, kernel, (uint32_t)spec->in};
    const char *suffix = layout == CAPW_ROWS ? "bias" : layout == CAPW_PANELS ? "weight" : "winograd";
    convert_item *item = convert_plan_add(plan, spec->name, suffix, CAPW_FLOAT32, layout, err);
    if (!item) return false;
    item->rank = source ? 4 : 1;
    memcpy(item->dims, dims, (size_t)item->rank * sizeof dims[0]);
    item->source = source;
    item->has_norm = true;
    item->norm = *norm;
    return true;
}

static bool add_conv(convert_plan *plan, conv_spec *spec, tool_error *err)
{
    convert_shape shape = {4, {spec->out, spec->in, spec->kernel, spec->kernel}};
    char key[CONVERT_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%s.weight", spec->key);
    const convert_source *source = convert_state_take(&plan->encoder, key, &shape, err);
    convert_norm norm;
    if (!source || !convert_map_norm(&plan->encoder, spec->norm, shape.dims[0], &norm, err)) return false;
    spec->out = shape.dims[0];
    spec->in = shape.dims[1];
    plan->norms++;
    if (!add_tensor(plan, spec, CAPW_PANELS, source, &norm, err) ||
        !add_tensor(plan, spec, CAPW_ROWS, NULL, &norm, err)) {
        return false;
    }
    if (spec->winograd == CAPW_ROWS || plan->compact) return true;
    return add_tensor(plan, spec, spec->winograd, source, &norm, err);
}

/* A block's three convolutions and, in a stage's first block, the projection of its input, which torchvision
 * calls downsample.  *channels: the input's going in, the output's coming out. */
static bool add_block(convert_plan *plan, int stage, int block, uint64_t *channels, tool_error *err)
{
    const int child = FIRST_STAGE_CHILD + stage - 1;
    const uint64_t in = *channels, out = block ? in : 0;
    conv_spec spec = {.in = in};
    for (int i = 1; i <= 3; i++) {
        const bool is_3x3 = i == 2;
        (void)snprintf(spec.key, sizeof spec.key, "features.%d.%d.conv%d", child, block, i);
        (void)snprintf(spec.norm, sizeof spec.norm, "features.%d.%d.bn%d", child, block, i);
        (void)snprintf(spec.name, sizeof spec.name, "encoder.layer%d.%d.conv%d", stage, block, i);
        spec.kernel = is_3x3 ? 3 : 1;
        spec.out = i == 1 ? 0 : is_3x3 ? spec.in : out;
        spec.winograd = is_3x3 ? cpt_resnet50_winograd(stage, block) : CAPW_ROWS;
        if (!add_conv(plan, &spec, err)) return false;
        spec.in = spec.out;
    }
    *channels = spec.out;
    if (block) return true;
    (void)snprintf(spec.key, sizeof spec.key, "features.%d.0.downsample.0", child);
    (void)snprintf(spec.norm, sizeof spec.norm, "features.%d.0.downsample.1", child);
    (void)snprintf(spec.name, sizeof spec.name, "encoder.layer%d.0.downsample", stage);
    spec.kernel = 1;
    spec.in = in;
    return add_conv(plan, &spec, err);
}

bool convert_map_encoder(convert_plan *plan, tool_error *err)
{
    conv_spec stem = {
        .key = "features.0",
        .norm = "features.1",
        .name = "encoder.stem",
        .in = 3,
        .kernel = 7,
        .winograd = CAPW_ROWS,
    };
    if (!add_conv(plan, &stem, err)) return false;
    uint64_t channels = stem.out;
    plan->network.width = (uint32_t)channels;
    for (int stage = 1; stage <= CPT_RESNET50_STAGES; stage++) {
        for (int block = 0; block < cpt_resnet50_stage_at(stage)->blocks; block++) {
            if (!add_block(plan, stage, block, &channels, err)) return false;
        }
    }
    plan->network.channels = (uint32_t)channels;
    return true;
}
