/* fuzz_checkpoint.c - bytes as a PyTorch checkpoint: zip archive, then pickle. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/source/torch_checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    torch_checkpoint checkpoint = {0};
    tool_error error = {{0}};
    const int file = memfd_create("checkpoint", 0);
    if (file < 0 || write(file, data, size) != (ssize_t)size) __builtin_trap();
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (!torch_checkpoint_open(&checkpoint, path, &error) && error.message[0] == '\0') __builtin_trap();
    torch_checkpoint_close(&checkpoint);
    close(file);
    return 0;
}
