/* The kinds of maps that explain a caption word by word, as options, JSON and pages name them. */
#ifndef TOOLS_COMMON_MAPS_H
#define TOOLS_COMMON_MAPS_H

#include <stdbool.h>

#include <caption.h>

typedef enum tool_map {
    TOOL_MAP_ATTENTION, /* the weights of a model with attention */
    TOOL_MAP_GRADCAM,   /* see CAPTION_EXPLAIN_GRADCAM */
    TOOL_MAP_OCCLUSION, /* see CAPTION_EXPLAIN_OCCLUSION */
    TOOL_MAPS           /* how many there are */
} tool_map;

/* "attention", "gradcam", "occlusion"; NULL behind the last. */
extern const char *const tool_map_names[TOOL_MAPS + 1];

/* Whether a model has such maps. */
bool tool_map_possible(tool_map map, const caption_model_info *info);

/* The kind to show where nobody asked for another: the first that the model has. */
tool_map tool_map_usual(const caption_model_info *info);

/* How caption_explain makes such maps, which are not those of attention. */
caption_explain_method tool_map_method(tool_map map);

#endif
