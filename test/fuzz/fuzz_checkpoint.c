/* fuzz_checkpoint.c - bytes as a file of weights: its kind, the zip archive, the pickle, one part's tensors.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const source_file *file)
{
    source_part part;
    if (source_list(file, "decoder_state", &part, NULL)) {
        for (size_t i = 0; i < part.count; i++) (void)source_check(file, &part.tensors[i], NULL);
    }
    source_part_free(&part);
    json_t *value;
    (void)source_value(file, "config", &value, NULL);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tool_error error = {{0}};
    const int file = memfd_create("checkpoint", 0);
    if (file < 0 || write(file, data, size) != (ssize_t)size) __builtin_trap();
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    source_file *source = source_open(path, &error);
    if (!source && error.message[0] == '\0') __builtin_trap();
    if (source) look(source);
    source_close(&source);
    close(file);
    return 0;
}
