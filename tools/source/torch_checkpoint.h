/* A checkpoint written by torch.save: a zip archive, the pickle in it, and the tensors' storages.
 *
 * A storage is the memory that one or more tensors view through a shape and strides.  Opening reads the
 * pickle only; a storage is read when a tensor in it is.  Nothing that a checkpoint says is executed, and
 * nothing is printed. */
#ifndef TOOLS_SOURCE_TORCH_CHECKPOINT_H
#define TOOLS_SOURCE_TORCH_CHECKPOINT_H

#include "tools/source/torch_pickle.h"
#include "tools/source/torch_zip.h"

typedef struct torch_checkpoint {
    torch_zip zip;
    torch_pickle pickle;
    char prefix[256]; /* of every entry's name: what the file was called when it was saved, and "/" */
} torch_checkpoint;

/* Close it whatever the result.  `path` must outlive it. */
bool torch_checkpoint_open(torch_checkpoint *checkpoint, const char *path, tool_error *err);
void torch_checkpoint_close(torch_checkpoint *checkpoint);

/* Checks that a tensor's storage is there and has the right size.  `name` is for messages.  Reads no data. */
bool torch_tensor_check(const torch_checkpoint *checkpoint, const torch_tensor *tensor, const char *name,
                        tool_error *err);

/* All elements in row-major order, in the storage's type, into data[count * size].  May be called from
 * several threads. */
bool torch_tensor_read(const torch_checkpoint *checkpoint, const torch_tensor *tensor, const char *name,
                       void *data, tool_error *err);

#endif
