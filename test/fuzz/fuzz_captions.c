/* fuzz_captions.c - bytes as a file of reference captions. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/eval/refs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tool_error error = {{0}};
    const int file = memfd_create("captions", 0);
    if (file < 0 || write(file, data, size) != (ssize_t)size) __builtin_trap();
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    eval_refs *refs = eval_refs_read(path, &error);
    if (!refs && error.message[0] == '\0') __builtin_trap();
    eval_refs_free(&refs);
    close(file);
    return 0;
}
