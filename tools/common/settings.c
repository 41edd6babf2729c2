/* What captions depend on, as text; see settings.h. */
#include "tools/common/settings.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "lib/format/names.h"

/* A number that differs between models with other tensors, whatever their files are called. */
static unsigned long fingerprint(const caption_model *model, int tensors)
{
    uLong crc = crc32(0, NULL, 0);
    for (int i = 0; i < tensors; i++) {
        caption_tensor_info t;
        if (caption_model_tensor(model, i, &t) != CAPTION_OK) continue;
        crc = crc32(crc, (const Bytef *)t.name, (uInt)strlen(t.name));
        crc = crc32(crc, (const Bytef *)t.dims, sizeof t.dims);
        crc = crc32(crc, (const Bytef *)&t.crc, sizeof t.crc);
    }
    return crc;
}

bool tool_settings(char *text, size_t size, const caption_model *model,
                   const caption_session_options *session, const caption_decode_options *decode)
{
    caption_model_info info;
    caption_model_get_info(model, &info);
    const int length = snprintf(
        text, size,
        "model=%08lx\nsearch=%s\nbeams=%d\nmax-length=%d\nlength-alpha=%.6g\nrepetition-penalty=%.6g\n"
        "penalty=%s\nexif=%s\n",
        fingerprint(model, info.tensor_count), cpt_name_of(cpt_search_names, decode->search),
        decode->search == CAPTION_SEARCH_GREEDY ? 1 : decode->beams, decode->max_length,
        (double)decode->length_alpha, (double)decode->repetition_penalty,
        cpt_name_of(cpt_penalty_names, decode->penalty), session->no_exif ? "ignored" : "applied");
    return length > 0 && (size_t)length < size;
}

bool tool_settings_compare(const char *path, const char *kept, const char *wanted, tool_error *err)
{
    while (*kept || *wanted) {
        const size_t k = strcspn(kept, "\n"), w = strcspn(wanted, "\n");
        if (k != w || strncmp(kept, wanted, k) != 0) {
            return tool_fail(
                err, "%s: was begun with %.*s, now %.*s: use the same settings, or another output file", path,
                (int)k, kept, (int)w, wanted);
        }
        kept += k + (kept[k] == '\n');
        wanted += w + (wanted[w] == '\n');
    }
    return true;
}
