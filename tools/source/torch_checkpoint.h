/* A checkpoint written by torch.save: the zip archive, its pickle, its tensors as float32.
 *
 * Called by the converter.  Opening reads the pickle only; a storage is read when a tensor in it is.  Never
 * executes anything a checkpoint says, never prints. */
#ifndef TOOLS_TORCH_CHECKPOINT_H
#define TOOLS_TORCH_CHECKPOINT_H

#include "tools/source/torch_pickle.h"
#include "tools/source/torch_zip.h"

typedef struct torch_checkpoint {
    torch_zip zip;
    torch_pickle pickle;
    char prefix[256]; /* the archive's name inside itself, with its slash */
} torch_checkpoint;

/* Close it whatever the result.  `path` must outlive it. */
bool torch_checkpoint_open(torch_checkpoint *checkpoint, const char *path, tool_error *err);
void torch_checkpoint_close(torch_checkpoint *checkpoint);

/* Finds the storage of a tensor and checks its size; `name` is for messages.  NULL and an error if it is not
 * there or too small.  Reads no data. */
torch_zip_entry *torch_tensor_storage(const torch_checkpoint *checkpoint, const torch_tensor *tensor,
                                      const char *name, tool_error *err);

/* The same, and the tensor must hold floating-point numbers. */
bool torch_tensor_check(const torch_checkpoint *checkpoint, const torch_tensor *tensor, const char *name,
                        tool_error *err);

/* All elements in row-major order, as float32, into values[tensor->count].  May be called from several
 * threads. */
bool torch_tensor_read(const torch_checkpoint *checkpoint, const torch_tensor *tensor, const char *name,
                       float *values, tool_error *err);

#endif
