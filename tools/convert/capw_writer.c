/* Writes model files; see capw_writer.h. */
#include "tools/convert/capw_writer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/format/layout.h"
#include "lib/platform/crc32.h"

static uint64_t rounded(uint64_t size, uint64_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static size_t metadata_size(const convert_metadata *m)
{
    size_t size = 0;
    for (size_t i = 0; i < m->count; i++) {
        size += (size_t)rounded(8 + strlen(m->entries[i].key) + 1 + strlen(m->entries[i].value) + 1, 4);
    }
    return size;
}

static size_t vocabulary_size(const convert_vocabulary *v)
{
    size_t size = ((size_t)v->count + 1) * sizeof(uint32_t);
    for (size_t i = 0; i < v->count; i++) size += v->words[i].size + 1;
    return size;
}

static void put_metadata(const convert_metadata *m, unsigned char *to)
{
    for (size_t i = 0; i < m->count; i++) {
        const uint32_t sizes[2] = {(uint32_t)strlen(m->entries[i].key) + 1,
                                   (uint32_t)strlen(m->entries[i].value) + 1};
        memcpy(to, sizes, sizeof sizes);
        memcpy(to + 8, m->entries[i].key, sizes[0]);
        memcpy(to + 8 + sizes[0], m->entries[i].value, sizes[1]);
        to += rounded(8 + (uint64_t)sizes[0] + sizes[1], 4);
    }
}

static void put_vocabulary(const convert_vocabulary *v, unsigned char *to)
{
    unsigned char *text = to + ((size_t)v->count + 1) * sizeof(uint32_t);
    uint32_t at = 0;
    for (size_t i = 0; i < v->count; i++) {
        memcpy(to + i * sizeof at, &at, sizeof at);
        if (v->words[i].size) memcpy(text + at, v->words[i].data, v->words[i].size);
        at += (uint32_t)v->words[i].size + 1; /* its NUL is there already */
    }
    memcpy(to + v->count * sizeof at, &at, sizeof at);
}

static bool put_records(convert_writer *w, const capw_tensor *tensors, tool_error *err)
{
    uint64_t offset = w->tables_size;
    for (size_t i = 0; i < w->count; i++) {
        const capw_tensor *tensor = &tensors[i];
        capw_tensor *record = &w->records[i];
        memcpy(record->name, tensor->name, sizeof record->name);
        record->dtype = tensor->dtype;
        record->layout = tensor->layout;
        record->rank = tensor->rank;
        memcpy(record->dims, tensor->dims, sizeof record->dims);
        record->offset = offset;
        record->bytes = cpt_layout_bytes(record);
        if (record->bytes == 0 || record->bytes > UINT64_MAX / 2 - offset) {
            const char *problem = cpt_layout_problem(record);
            return tool_fail(err, "model file: tensor %s: %s", tensor->name,
                             problem ? problem : "it is too large");
        }
        w->file_size = offset + record->bytes;
        offset = rounded(w->file_size, CAPW_ALIGN);
    }
    return true;
}

bool convert_writer_open(convert_writer *w, tool_outfile *out, const convert_contents *contents,
                         tool_error *err)
{
    const convert_metadata *metadata = contents->metadata;
    const convert_vocabulary *vocabulary = contents->vocabulary;
    const uint64_t metadata_at = sizeof(capw_header) + contents->count * sizeof(capw_tensor);
    const uint64_t vocabulary_at = metadata_at + metadata_size(metadata);
    memset(w, 0, sizeof *w);
    w->out = out;
    w->tables_size = (size_t)rounded(vocabulary_at + vocabulary_size(vocabulary), CAPW_ALIGN);
    w->tables = calloc(1, w->tables_size);
    if (!w->tables) return tool_fail(err, "model file: out of memory");
    w->records = (capw_tensor *)(void *)(w->tables + sizeof(capw_header));
    w->count = contents->count;
    if (!put_records(w, contents->tensors, err)) return false;
    put_metadata(metadata, w->tables + metadata_at);
    put_vocabulary(vocabulary, w->tables + vocabulary_at);
    capw_header *header = (capw_header *)(void *)w->tables;
    memcpy(header->magic, CAPW_MAGIC, sizeof header->magic);
    header->version = CAPW_VERSION;
    header->tensor_count = (uint32_t)contents->count;
    header->file_size = w->file_size;
    header->metadata_offset = metadata_at;
    header->metadata_count = (uint32_t)metadata->count;
    header->word_count = vocabulary->count;
    header->vocabulary_offset = vocabulary_at;
    header->data_offset = w->tables_size;
    return tool_outfile_reserve(out, w->file_size, err);
}

bool convert_writer_put(convert_writer *w, size_t index, const void *data, uint32_t crc, tool_error *err)
{
    capw_tensor *record = &w->records[index];
    record->crc = crc;
    return tool_outfile_seek(w->out, record->offset, err) &&
           tool_outfile_write(w->out, data, (size_t)record->bytes, err);
}

bool convert_writer_finish(convert_writer *w, tool_error *err)
{
    capw_header *header = (capw_header *)(void *)w->tables;
    header->tables_crc = cpt_crc32(w->tables + sizeof *header, w->tables_size - sizeof *header);
    header->header_crc = cpt_crc32(header, offsetof(capw_header, header_crc));
    return tool_outfile_seek(w->out, 0, err) && tool_outfile_write(w->out, w->tables, w->tables_size, err);
}

void convert_writer_free(convert_writer *w)
{
    free(w->tables);
    memset(w, 0, sizeof *w);
}
