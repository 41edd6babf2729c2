/* fuzz_convert.c - a checkpoint (torch.save or safetensors), a vocabulary (pickle or JSON), a config and
 * metrics: the whole conversion, to float32 and, where that works, to int8, and a caption from each.
 *
 * Input: the sizes of the first three files, then the four files (fuzz_unpack).  An empty config or empty
 * metrics stand for none.  The checksums of the checkpoint are put right. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/fuzz/fuzz.h"
#include "tools/convert/convert.h"

static bool convert(const convert_files *files, bool int8)
{
    static convert_job job;
    tool_error error = {{0}};
    memset(&job, 0, sizeof job);
    job.files = *files;
    job.int8 = int8;
    job.threads = 1;
    const bool ok = convert_run(&job, &error);
    convert_free(&job);
    fuzz_need(ok || error.message[0] != '\0');
    fuzz_need(ok == (access(files->output, F_OK) == 0));
    return ok;
}

static void caption(const char *path)
{
    caption_model *model;
    caption_error error;
    const caption_status status = caption_model_open_file(&model, path, NULL, &error);
    fuzz_need(status == CAPTION_OK);
    fuzz_caption(model);
    caption_model_close(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { CHECKPOINT, VOCABULARY, CONFIG, METRICS, PARTS };
    static const char *const names[PARTS] = {"model.pth", "vocab.pkl", "config.json", "metrics.json"};
    fuzz_bytes parts[PARTS];
    char paths[PARTS][FUZZ_PATH], output[FUZZ_PATH];
    fuzz_unpack((fuzz_bytes){data, size}, parts, PARTS);
    uint8_t *sealed = malloc(parts[CHECKPOINT].size + 1);
    fuzz_need(sealed != NULL);
    if (parts[CHECKPOINT].size) memcpy(sealed, parts[CHECKPOINT].data, parts[CHECKPOINT].size);
    fuzz_seal_zip(sealed, parts[CHECKPOINT].size);
    parts[CHECKPOINT].data = sealed;
    for (int i = 0; i < PARTS; i++) fuzz_write(paths[i], names[i], parts[i]);
    fuzz_path(output, "model.capw");
    const convert_files files = {
        .checkpoint = paths[CHECKPOINT],
        .vocabulary = paths[VOCABULARY],
        .output = output,
        .config = parts[CONFIG].size ? paths[CONFIG] : NULL,
        .metrics = parts[METRICS].size ? paths[METRICS] : NULL,
    };
    for (int int8 = 0; int8 < 2; int8++) {
        (void)unlink(output);
        if (!convert(&files, int8)) break;
        caption(output);
    }
    free(sealed);
    return 0;
}
