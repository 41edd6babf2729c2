/* fuzz_checkpoint.c - bytes as a file of weights: its kind, the archive, the pickle, one part's tensors.
 *
 * Every third input has its zip checksums put right. */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/fuzz.h"
#include "tools/source/source.h"

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
    uint8_t *copy = malloc(size + 1);
    tool_error error = {{0}};
    char path[FUZZ_PATH];
    fuzz_need(copy != NULL);
    if (size) memcpy(copy, data, size);
    if (size % 3 == 0) fuzz_seal_zip(copy, size);
    fuzz_write(path, "checkpoint.pth", (fuzz_bytes){copy, size});
    source_file *source = source_open(path, &error);
    fuzz_need(source || error.message[0] != '\0');
    if (source) look(source);
    source_close(&source);
    free(copy);
    return 0;
}
