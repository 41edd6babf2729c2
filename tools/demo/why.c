/* Maps of words; see why.h. */
#include "tools/demo/why.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/grow.h"

/* Copies maps [words, positions]: what the session owns is gone after its next call. */
static bool keep(demo_why *why, tool_map map, const float *values, int positions, tool_error *err)
{
    const size_t count = (size_t)why->words * (size_t)positions;
    why->side = 1;
    while (why->side * why->side < positions) why->side++;
    float *room = tool_grow(why->maps[map], &why->capacity[map], count + 1, sizeof *room);
    if (!room) return tool_fail(err, "out of memory");
    why->maps[map] = room;
    memcpy(room, values, count * sizeof *room);
    why->has[map] = true;
    return true;
}

static bool explain(demo_why *why, tool_map map, const caption_text *caption, const char *image,
                    tool_error *err)
{
    caption_error error = {CAPTION_OK, ""};
    caption_explain_options options;
    const caption_explanation *found = NULL;
    caption_explain_options_init(&options);
    options.method = tool_map_method(map);
    if (caption_explain(why->session, 0, caption, &options, &found, &error) != CAPTION_OK) {
        return tool_fail_caption(err, image, &error);
    }
    return keep(why, map, found->maps, found->rows * found->columns, err);
}

bool demo_why_find(demo_why *why, const caption_text *caption, const char *image, tool_error *err)
{
    caption_model_info info;
    caption_model_get_info(why->model, &info);
    why->words = caption->length - (caption->ids[caption->length - 1] == info.end); /* <end> is no word */
    memset(why->has, 0, sizeof why->has);
    bool ok = true;
    if (why->wanted[TOOL_MAP_ATTENTION] && caption->alpha) {
        ok = keep(why, TOOL_MAP_ATTENTION, caption->alpha, info.positions, err);
    }
    for (int map = TOOL_MAP_GRADCAM; ok && map < TOOL_MAPS; map++) {
        if (why->wanted[map]) ok = explain(why, (tool_map)map, caption, image, err);
    }
    return ok;
}

void demo_why_free(demo_why *why)
{
    for (int map = 0; map < TOOL_MAPS; map++) {
        free(why->maps[map]);
        why->maps[map] = NULL;
        why->capacity[map] = 0;
    }
}
