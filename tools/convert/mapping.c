/* The whole mapping, and what its two halves share; see mapping.h. */
#include "tools/convert/mapping.h"

#include <stdio.h>
#include <string.h>

convert_item *convert_plan_add(convert_plan *plan, const char *prefix, const char *suffix, capw_dtype dtype,
                               capw_layout layout, tool_error *err)
{
    convert_item *item = &plan->items[plan->count];
    if (plan->count == CONVERT_MAX_ITEMS) {
        (void)tool_fail(err, "%s: too many tensors", source_path(plan->encoder.checkpoint));
        return NULL;
    }
    const int n = snprintf(item->name, sizeof item->name, "%s.%s", prefix, suffix);
    if (n < 0 || (size_t)n >= sizeof item->name) {
        (void)tool_fail(err, "%s: a tensor's name is too long", source_path(plan->encoder.checkpoint));
        return NULL;
    }
    item->dtype = dtype;
    item->layout = layout;
    plan->count++;
    return item;
}

/* Marks the batch norm's counter of training steps as used, if there is one; a model file has no use for it.
 */
static bool skip_counter(const convert_state *state, const char *prefix, tool_error *err)
{
    char key[CONVERT_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%s.num_batches_tracked", prefix);
    convert_source *source = convert_state_find(state, key);
    if (!source) return true;
    if (source->tensor->rank != 0 || source->tensor->type != SOURCE_INT64) {
        return tool_fail(err, "%s: %s: %s: not one int64 number", source_path(state->checkpoint), state->part,
                         key);
    }
    source->used = true;
    return true;
}

bool convert_map_norm(const convert_state *state, const char *prefix, uint64_t size, convert_norm *norm,
                      tool_error *err)
{
    static const char *const names[4] = {"weight", "bias", "running_mean", "running_var"};
    const convert_source **const to[4] = {&norm->weight, &norm->bias, &norm->mean, &norm->var};
    for (int i = 0; i < 4; i++) {
        convert_shape shape = {1, {size}};
        char key[CONVERT_KEY_BYTES];
        (void)snprintf(key, sizeof key, "%s.%s", prefix, names[i]);
        *to[i] = convert_state_take(state, key, &shape, err);
        if (!*to[i]) return false;
    }
    return skip_counter(state, prefix, err);
}

bool convert_plan_make(convert_plan *plan, const source_file *checkpoint, tool_error *err)
{
    return convert_state_open(&plan->encoder, checkpoint, "encoder_state", err) &&
           convert_state_open(&plan->decoder, checkpoint, "decoder_state", err) &&
           convert_map_encoder(plan, err) && convert_map_decoder(plan, err) &&
           convert_state_check_used(&plan->encoder, err) && convert_state_check_used(&plan->decoder, err);
}

void convert_plan_free(convert_plan *plan)
{
    convert_state_free(&plan->encoder);
    convert_state_free(&plan->decoder);
}
