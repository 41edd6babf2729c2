/* fuzz_store.c - the predictions file of an interrupted run and the settings beside it: opened again, asked,
 * continued.
 *
 * Input: the predictions, a separator, the settings.  What a run that is refused leaves must be what was
 * there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/fuzz.h"
#include "tools/eval/store.h"

static bool same(const char *path, fuzz_bytes content)
{
    FILE *file = fopen(path, "rb");
    uint8_t *now = malloc(content.size + 2);
    fuzz_need(file && now);
    const size_t size = fread(now, 1, content.size + 1, file);
    const bool equal = size == content.size && (size == 0 || memcmp(now, content.data, size) == 0);
    (void)fclose(file);
    free(now);
    return equal;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char settings[] = "model=00112233\nbeams=5\n";
    static const char *const images[] = {"a.jpg", "b.jpg", "c.jpg"};
    fuzz_bytes parts[2];
    char path[FUZZ_PATH], beside[FUZZ_PATH];
    tool_error error = {{0}};
    fuzz_split((fuzz_bytes){data, size}, parts, 2);
    fuzz_write(path, "predictions.tsv", parts[0]);
    fuzz_write(beside, "predictions.tsv.run", parts[1]);
    eval_store *store = eval_store_open(path, settings, images, 3, &error);
    if (!store) {
        fuzz_need(error.message[0] != '\0' && same(path, parts[0]) && same(beside, parts[1]));
        return 0;
    }
    const char *found = eval_store_find(store, "a.jpg");
    if (!found) {
        fuzz_need(eval_store_add(store, "a.jpg", "a dog runs", &error));
        found = eval_store_find(store, "a.jpg");
        fuzz_need(found && strcmp(found, "a dog runs") == 0);
    }
    eval_store_close(&store);
    store = eval_store_open(path, settings, images, 3, &error);
    fuzz_need(store != NULL);
    eval_store_close(&store);
    return 0;
}
