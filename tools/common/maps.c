/* Kinds of maps; see maps.h. */
#include "tools/common/maps.h"

#include <stddef.h>

const char *const tool_map_names[TOOL_MAPS + 1] = {
    [TOOL_MAP_ATTENTION] = "attention", [TOOL_MAP_GRADCAM] = "gradcam", [TOOL_MAP_OCCLUSION] = "occlusion"};

bool tool_map_possible(tool_map map, const caption_model_info *info)
{
    if (map == TOOL_MAP_ATTENTION) return info->kind == CAPTION_KIND_ATTENTION;
    return map != TOOL_MAP_GRADCAM || info->precision == CAPTION_PRECISION_FLOAT32;
}

tool_map tool_map_usual(const caption_model_info *info)
{
    tool_map map = TOOL_MAP_ATTENTION;
    while (!tool_map_possible(map, info)) map++; /* occlusion is always possible */
    return map;
}

caption_explain_method tool_map_method(tool_map map)
{
    return map == TOOL_MAP_GRADCAM ? CAPTION_EXPLAIN_GRADCAM : CAPTION_EXPLAIN_OCCLUSION;
}
