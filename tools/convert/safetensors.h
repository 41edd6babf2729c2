/* Writes a checkpoint's tensors to a safetensors file, and its vocabulary to a JSON file.
 *
 * Both can be read again in place of the checkpoint and the pickle: the same model file comes of them.
 * Tensors keep their names, below "encoder_state." and "decoder_state.", and their types.  What the model
 * file would say of the training becomes the file's metadata. */
#ifndef TOOLS_CONVERT_SAFETENSORS_H
#define TOOLS_CONVERT_SAFETENSORS_H

#include "tools/convert/metadata.h"

typedef struct convert_safetensors {
    const convert_plan *plan;
    const convert_metadata *metadata;
    const convert_vocabulary *vocabulary;
    uint64_t size; /* of the file of tensors; set by the function */
} convert_safetensors;

/* The name of the vocabulary's file, in memory that the caller frees: `output` with .vocab.json for
 * .safetensors.  NULL without memory. */
char *convert_safetensors_words(const char *output);

/* Each file appears complete or not at all. */
bool convert_safetensors_write(convert_safetensors *safetensors, const char *output, tool_error *err);

#endif
