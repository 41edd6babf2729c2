/* weights.c - validates a .capw file in memory and finds things in it.
 *
 * It reads no files and trusts no byte: counts are bounded before they are multiplied, and offsets are
 * compared before they are added. */
#include "lib/format/weights.h"

#include <inttypes.h>
#include <string.h>

#include "lib/format/utf8.h"
#include "lib/platform/arena.h"
#include "lib/platform/crc32.h"

static caption_status bad(caption_error *error, const char *what)
{
    return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: %s", what);
}

static caption_status check_header(const capw_header *h, size_t size, caption_error *error)
{
    const uint64_t tables = sizeof *h + (uint64_t)h->tensor_count * sizeof(capw_tensor);
    if (h->file_size != size) {
        return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: header says %llu bytes, there are %llu: %s",
                        (unsigned long long)h->file_size, (unsigned long long)size,
                        h->file_size > size ? "truncated" : "something was appended");
    }
    if (h->tensor_count == 0 || h->tensor_count > CAPW_MAX_TENSORS) {
        return bad(error, "absurd number of tensors");
    }
    if (h->metadata_count > CAPW_MAX_METADATA) return bad(error, "absurd number of metadata entries");
    if (h->word_count == 0 || h->word_count > CAPW_MAX_WORDS) return bad(error, "absurd number of words");
    if (h->data_offset > size || h->data_offset % CAPW_ALIGN) return bad(error, "data offset out of place");
    if (h->metadata_offset != tables || h->metadata_offset > h->data_offset) {
        return bad(error, "metadata offset out of place");
    }
    if (h->vocabulary_offset < h->metadata_offset || h->vocabulary_offset > h->data_offset ||
        h->vocabulary_offset % 4) {
        return bad(error, "vocabulary offset out of place");
    }
    return CAPTION_OK;
}

/* A tensor's record; its name is already known to end. */
static caption_status check_tensor(const capw_tensor *t, const capw_header *h, caption_error *error)
{
    const char *problem = cpt_layout_problem(t);
    if (!problem) {
        const uint64_t bytes = cpt_layout_bytes(t);
        if (bytes == 0 || t->bytes != bytes) {
            problem = "its size in bytes disagrees with its dimensions";
        } else if (t->offset % CAPW_ALIGN || t->offset < h->data_offset || t->offset > h->file_size ||
                   t->bytes > h->file_size - t->offset) {
            problem = "its data lie outside the file";
        }
    }
    if (problem) return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor %s: %s", t->name, problem);
    return CAPTION_OK;
}

static caption_status check_tensors(const cpt_weights *w, const capw_header *h, caption_error *error)
{
    for (uint32_t i = 0; i < w->tensor_count; i++) {
        const capw_tensor *t = &w->tensors[i];
        if (t->name[0] == '\0' || !memchr(t->name, '\0', sizeof t->name)) {
            return cpt_fail(error, CAPTION_ERROR_MODEL,
                            "model file: tensor record %" PRIu32 ": its name does not end", i);
        }
        const caption_status status = check_tensor(t, h, error);
        if (status) return status;
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(t->name, w->tensors[j].name) == 0) {
                return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor %s appears twice", t->name);
            }
        }
    }
    return CAPTION_OK;
}

/* Whether a text of `bytes` bytes at *at ends before `end`, in its only NUL.  Moves *at behind it. */
static bool check_text(const unsigned char **at, const unsigned char *end, uint32_t bytes)
{
    const unsigned char *text = *at;
    if (bytes == 0 || bytes > (size_t)(end - text)) return false;
    if (memchr(text, '\0', bytes) != text + bytes - 1) return false;
    *at = text + bytes;
    return true;
}

static caption_status check_metadata(const cpt_weights *w, const unsigned char *end, caption_error *error)
{
    const unsigned char *at = w->metadata;
    for (uint32_t i = 0; i < w->metadata_count; i++) {
        const unsigned char *start = at;
        uint32_t bytes[2]; /* of key and value */
        if ((size_t)(end - at) < sizeof bytes) return bad(error, "metadata run into the vocabulary");
        memcpy(bytes, at, sizeof bytes);
        at += sizeof bytes;
        if (!check_text(&at, end, bytes[0]) || !check_text(&at, end, bytes[1])) {
            return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: metadata entry %" PRIu32 " is malformed",
                            i);
        }
        const size_t rest = (4 - (size_t)(at - start) % 4) % 4;
        if (rest > (size_t)(end - at)) return bad(error, "metadata run into the vocabulary");
        at += rest;
    }
    return CAPTION_OK;
}

static caption_status check_words(cpt_weights *w, const unsigned char *end, caption_error *error)
{
    const unsigned char *start = (const unsigned char *)w->word_offsets;
    const size_t table = ((size_t)w->word_count + 1) * sizeof(uint32_t);
    if ((size_t)(end - start) < table) return bad(error, "the vocabulary runs into the tensors");
    w->words = (const char *)start + table;
    const size_t room = (size_t)(end - start) - table;
    w->longest_word = 0;
    for (uint32_t i = 0; i < w->word_count; i++) {
        const uint32_t from = w->word_offsets[i], to = w->word_offsets[i + 1];
        if ((i == 0 && from != 0) || from >= to || to > room ||
            memchr(w->words + from, '\0', to - from) != w->words + to - 1) {
            return cpt_fail(error, CAPTION_ERROR_MODEL,
                            "model file: word %" PRIu32 " of the vocabulary is malformed", i);
        }
        if (cpt_utf8_check(w->words + from, to - from - 1) != to - from - 1) {
            return cpt_fail(error, CAPTION_ERROR_MODEL,
                            "model file: word %" PRIu32 " of the vocabulary is not UTF-8", i);
        }
        if (to - from - 1 > w->longest_word) w->longest_word = to - from - 1;
    }
    return CAPTION_OK;
}

static caption_status check_magic(const void *data, size_t size, caption_error *error)
{
    const capw_header *h = data;
    const uint16_t one = 1;
    if (*(const unsigned char *)&one != 1) {
        return cpt_fail(error, CAPTION_ERROR_UNSUPPORTED, "model files need a little-endian machine");
    }
    if ((uintptr_t)data % CAPW_ALIGN) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "the model's memory is not 64-byte aligned");
    }
    if (size == 0) return bad(error, "it is empty");
    if (memcmp(data, CAPW_MAGIC, size < sizeof h->magic ? size : sizeof h->magic) != 0) {
        return bad(error, "wrong magic: this is no .capw file (capconvert makes one from a checkpoint)");
    }
    if (size < sizeof *h) return bad(error, "truncated inside the header");
    if (h->version != CAPW_VERSION) {
        return cpt_fail(error, CAPTION_ERROR_VERSION,
                        "model file: its version is %" PRIu32 ", this library reads version %u", h->version,
                        CAPW_VERSION);
    }
    if (h->header_crc != cpt_crc32(data, offsetof(capw_header, header_crc))) {
        return bad(error, "the header's checksum is wrong");
    }
    return CAPTION_OK;
}

caption_status cpt_weights_open(cpt_weights *w, const void *data, size_t size, caption_error *error)
{
    const capw_header *h = data;
    caption_status status = check_magic(data, size, error);
    memset(w, 0, sizeof *w);
    if (status) return status;
    status = check_header(h, size, error);
    if (status) return status;
    w->data = data;
    w->size = size;
    if (h->tables_crc != cpt_crc32(w->data + sizeof *h, (size_t)h->data_offset - sizeof *h)) {
        return bad(error, "the tables' checksum is wrong");
    }
    w->tensor_count = h->tensor_count;
    w->tensors = (const capw_tensor *)(const void *)(w->data + sizeof *h);
    w->metadata_count = h->metadata_count;
    w->metadata = w->data + h->metadata_offset;
    w->word_count = h->word_count;
    w->word_offsets = (const uint32_t *)(const void *)(w->data + h->vocabulary_offset);
    status = check_tensors(w, h, error);
    if (!status) status = check_metadata(w, w->data + h->vocabulary_offset, error);
    if (!status) status = check_words(w, w->data + h->data_offset, error);
    return status;
}

void cpt_weights_metadata(const cpt_weights *w, uint32_t index, const char **key, const char **value)
{
    const unsigned char *at = w->metadata;
    for (uint32_t i = 0;; i++) {
        uint32_t bytes[2];
        memcpy(bytes, at, sizeof bytes);
        *key = (const char *)at + sizeof bytes;
        *value = *key + bytes[0];
        if (i == index) return;
        at += (sizeof bytes + bytes[0] + bytes[1] + 3) / 4 * 4;
    }
}

const char *cpt_weights_find_metadata(const cpt_weights *w, const char *key)
{
    for (uint32_t i = 0; i < w->metadata_count; i++) {
        const char *found, *value;
        cpt_weights_metadata(w, i, &found, &value);
        if (strcmp(found, key) == 0) return value;
    }
    return NULL;
}

const capw_tensor *cpt_weights_find(const cpt_weights *w, const char *name)
{
    for (uint32_t i = 0; i < w->tensor_count; i++) {
        if (strcmp(w->tensors[i].name, name) == 0) return &w->tensors[i];
    }
    return NULL;
}

caption_status cpt_weights_verify(const cpt_weights *w, uint32_t index, caption_error *error)
{
    const capw_tensor *t = &w->tensors[index];
    if (cpt_crc32(w->data + t->offset, (size_t)t->bytes) != t->crc) {
        return cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor %s: its checksum is wrong", t->name);
    }
    return CAPTION_OK;
}

const void *cpt_weights_bind(const cpt_weights *w, const char *name, capw_dtype dtype, capw_layout layout,
                             cpt_shape *shape, caption_error *error)
{
    const capw_tensor *t = cpt_weights_find(w, name);
    if (!t) {
        cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor %s is missing", name);
        return NULL;
    }
    if (t->dtype != (uint32_t)dtype || t->layout != (uint32_t)layout) {
        cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor %s: it is stored as %s %s, not as %s %s",
                 name, cpt_dtype_name(t->dtype), cpt_layout_find(t->layout)->name,
                 cpt_dtype_name((uint32_t)dtype), cpt_layout_find((uint32_t)layout)->name);
        return NULL;
    }
    if (t->rank != (uint32_t)shape->rank) {
        cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor %s: its rank is %" PRIu32 ", not %d", name,
                 t->rank, shape->rank);
        return NULL;
    }
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] == 0) shape->dims[i] = (int)t->dims[i];
        if ((uint32_t)shape->dims[i] != t->dims[i]) {
            cpt_fail(error, CAPTION_ERROR_MODEL, "model file: tensor %s: dimension %d is %" PRIu32 ", not %d",
                     name, i, t->dims[i], shape->dims[i]);
            return NULL;
        }
    }
    return w->data + t->offset;
}
