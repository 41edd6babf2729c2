/* What captions depend on, as text; see settings.h. */
#include "tools/common/settings.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "lib/format/names.h"

/* with its final zero byte, so that "ab", "c" isn't "a", "bc" */
static uLong add_text(uLong crc, const char *text)
{
    return crc32(crc, (const Bytef *)text, (uInt)strlen(text) + 1);
}

static uLong add_tensor(uLong crc, const caption_tensor_info *t)
{
    const uint64_t place[] = {t->offset, t->bytes};
    crc = add_text(add_text(add_text(crc, t->name), t->dtype), t->layout);
    crc = crc32(crc, (const Bytef *)t->dims, sizeof t->dims);
    crc = crc32(crc, (const Bytef *)place, sizeof place);
    return crc32(crc, (const Bytef *)&t->crc, sizeof t->crc);
}

/* A number that differs between models with other tensors, words or metadata, whatever their files are
 * called. Tensors stand in it with their checksums, so their data need not be read. */
static unsigned long fingerprint(const caption_model *model, const caption_model_info *info)
{
    const int counts[] = {info->tensor_count, info->metadata_count, info->vocabulary_size};
    uLong crc = crc32(0, (const Bytef *)counts, sizeof counts);
    for (int i = 0; i < info->tensor_count; i++) {
        caption_tensor_info t;
        if (caption_model_tensor(model, i, &t) == CAPTION_OK) crc = add_tensor(crc, &t);
    }
    for (int i = 0; i < info->metadata_count; i++) {
        const char *key, *value;
        if (caption_model_metadata(model, i, &key, &value) != CAPTION_OK) continue;
        crc = add_text(add_text(crc, key), value);
    }
    for (int i = 0; i < info->vocabulary_size; i++) {
        const char *word = caption_model_word(model, i);
        if (word) crc = add_text(crc, word);
    }
    return crc;
}

bool tool_settings(char *text, size_t size, const caption_model *model,
                   const caption_session_options *session, const caption_decode_options *decode)
{
    caption_model_info info;
    caption_model_get_info(model, &info);
    const int length =
        snprintf(text, size,
                 "model=%08lx\nsearch=%s\nbeams=%d\nmax-length=%d\nmin-length=%d\nlength-alpha=%."
                 "6g\nrepetition-penalty=%.6g\n"
                 "penalty=%s\nexif=%s\n",
                 fingerprint(model, &info), cpt_name_of(cpt_search_names, decode->search),
                 decode->search == CAPTION_SEARCH_GREEDY ? 1 : decode->beams, decode->max_length,
                 decode->min_length, (double)decode->length_alpha, (double)decode->repetition_penalty,
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
