/* fuzz_model.c - bytes as a model file, float32 or int8, its checksums put right so that the checks behind
 * them are reached; where it opens, everything in it is looked at, and a picture is captioned. */
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/fuzz.h"
#include "test/make_model.h"

static void look(const caption_model *model)
{
    volatile size_t length = 0;
    caption_model_info info;
    caption_model_get_info(model, &info);
    const char *key;
    const char *value;
    for (int i = 0; i < info.metadata_count; i++) {
        if (caption_model_metadata(model, i, &key, &value) == CAPTION_OK) {
            length += strlen(key) + strlen(value);
        }
    }
    for (int i = 0; i < info.vocabulary_size; i++) length += strlen(caption_model_word(model, i));
    for (int i = 0; i < info.tensor_count; i++) {
        caption_tensor_info tensor;
        (void)caption_model_tensor(model, i, &tensor);
        (void)caption_model_verify(model, i, NULL);
    }
    (void)length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy = aligned_alloc(64, (size + 127) / 64 * 64);
    caption_model *model = NULL;
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    capw_header header;
    if (size >= sizeof header) {
        memcpy(&header, copy, sizeof header);
        header.file_size = size;
        memcpy(copy, &header, sizeof header);
        if (header.data_offset >= sizeof header && header.data_offset <= size) make_model_seal(copy);
    }
    if (caption_model_open_memory(&model, copy, size, NULL, NULL) == CAPTION_OK) {
        look(model);
        fuzz_caption(model);
    }
    caption_model_close(&model);
    free(copy);
    return 0;
}
