/* The files that capdump writes: raw little-endian arrays, named after the image.
 *
 * Every file appears complete or not at all.  Never prints. */
#ifndef TOOLS_DUMP_ARRAYS_H
#define TOOLS_DUMP_ARRAYS_H

#include <stddef.h>
#include <stdint.h>

#include <caption.h>

#include "tools/common/error.h"

typedef struct dump_target {
    const char *folder, *name; /* files are FOLDER/NAME.ENDING */
} dump_target;

/* data: `size` bytes, written as they are. */
bool dump_file(const dump_target *target, const char *ending, const void *data, size_t size, tool_error *err);

/* values: [count], written as float32. */
bool dump_floats(const dump_target *target, const char *ending, const float *values, size_t count,
                 tool_error *err);

/* NAME.LAYER.f32, or of an int8 model NAME.LAYER.u8 and NAME.LAYER.u16, those that there are: the first image
 * of a layer's map, [height, width, channels]. */
bool dump_map(const dump_target *target, const caption_map *map, tool_error *err);

/* NAME.input.f32, [3, side, side], from the pixels, [side, side, 3], and the model's mean and deviation. */
bool dump_input(const dump_target *target, const caption_model *model, const uint8_t *pixels, size_t side,
                tool_error *err);

#endif
