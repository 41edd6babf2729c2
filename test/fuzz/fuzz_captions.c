/* fuzz_captions.c - bytes as a file of reference captions, and as a list of its images.
 *
 * Input: the captions, a separator, the list. */
#include <stdlib.h>

#include "test/fuzz/fuzz.h"
#include "tools/eval/refs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes parts[2];
    char captions[FUZZ_PATH], list[FUZZ_PATH];
    tool_error error = {{0}};
    fuzz_split((fuzz_bytes){data, size}, parts, 2);
    fuzz_write(captions, "captions.txt", parts[0]);
    fuzz_write(list, "list.txt", parts[1]);
    eval_refs *refs = eval_refs_read(captions, &error);
    fuzz_need(refs || error.message[0] != '\0');
    if (refs) {
        size_t count;
        free(eval_refs_list(refs, list, &count, NULL));
        free(eval_refs_list_null(refs, list, &count, NULL));
    }
    eval_refs_free(&refs);
    return 0;
}
