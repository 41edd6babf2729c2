/* The files that capdump writes: raw little-endian arrays, named after the image.
 *
 * Every file appears complete or not at all, and dump_undo removes those that stand alone after a failure.
 * Never prints. */
#ifndef TOOLS_DUMP_ARRAYS_H
#define TOOLS_DUMP_ARRAYS_H

#include <stddef.h>
#include <stdint.h>

#include <caption.h>

#include "tools/common/error.h"

typedef struct dump_target {
    const char *folder, *name; /* files are FOLDER/NAME.ENDING */
    bool made_folder;          /* it was not there before */
    char **written;            /* [count] paths of the files that are in place; owned */
    size_t count, room;
} dump_target;

/* Makes the folder where it is missing. */
bool dump_begin(dump_target *target, tool_error *err);

/* Removes what was written. */
void dump_undo(dump_target *target);

/* Accepts a target that dump_begin never saw. */
void dump_free(dump_target *target);

/* data: `size` bytes, written as they are. */
bool dump_file(dump_target *target, const char *ending, const void *data, size_t size, tool_error *err);

/* values: [count], written as float32. */
bool dump_floats(dump_target *target, const char *ending, const float *values, size_t count, tool_error *err);

/* NAME.LAYER.f32, or of an int8 model NAME.LAYER.u8 and NAME.LAYER.u16, those that there are: the first image
 * of a layer's map, [height, width, channels]. */
bool dump_map(dump_target *target, const caption_map *map, tool_error *err);

/* NAME.input.f32, [3, side, side], from the pixels, [side, side, 3], and the model's mean and deviation. */
bool dump_input(dump_target *target, const caption_model *model, const uint8_t *pixels, size_t side,
                tool_error *err);

#endif
