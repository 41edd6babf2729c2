/* Safetensors files; see safetensors.h, and tools/source/safetensors.c for the format. */
#include "tools/common/json.h"
#include "tools/convert/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/outfile.h"

enum { ALIGNMENT = 8 }; /* of the data in the file: no element is larger */

#define WORDS_ENDING ".vocab.json"

char *convert_safetensors_words(const char *output)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(output);
    if (length >= strlen(ending) && strcmp(output + length - strlen(ending), ending) == 0) {
        length -= strlen(ending);
    }
    char *name = malloc(length + sizeof WORDS_ENDING);
    if (!name) return NULL;
    memcpy(name, output, length);
    memcpy(name + length, WORDS_ENDING, sizeof WORDS_ENDING);
    return name;
}

/* ---- the header ---- */

/* Large elements first, so that each tensor's data are aligned to its elements; then the encoder's, as the
 * checkpoint has them. */
static int by_element(const void *a, const void *b)
{
    const source_tensor *const *x = a, *const *y = b;
    const size_t p = source_type_size((*x)->type), q = source_type_size((*y)->type);
    if (p != q) return p > q ? -1 : 1;
    const int order = strcmp((*y)->part, (*x)->part); /* "encoder_state", "decoder_state" */
    return order ? order : (*x > *y) - (*x < *y);
}

static const source_tensor **sort_tensors(const convert_plan *plan, size_t *count)
{
    const convert_state *states[] = {&plan->encoder, &plan->decoder};
    const source_tensor **tensors = malloc((plan->encoder.count + plan->decoder.count) * sizeof *tensors);
    *count = 0;
    for (size_t s = 0; tensors && s < 2; s++) {
        for (size_t i = 0; i < states[s]->count; i++) tensors[(*count)++] = states[s]->sources[i].tensor;
    }
    if (tensors) qsort(tensors, *count, sizeof *tensors, by_element);
    return tensors;
}

static uint64_t bytes_of(const source_tensor *tensor)
{
    return tensor->count * source_type_size(tensor->type);
}

/* {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} */
static json_t *describe(const source_tensor *tensor, uint64_t begin)
{
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++) {
        (void)json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i]));
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", source_type_code(tensor->type), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)begin + (json_int_t)bytes_of(tensor));
}

/* Texts that hold JSON, as the reader wants them. */
static json_t *describe_source(const convert_metadata *metadata)
{
    static const char prefix[] = "source.";
    json_t *all = json_pack("{s:s}", "format", "pt");
    for (size_t i = 0; all && i < metadata->count; i++) {
        const char *key = metadata->entries[i].key, *value = metadata->entries[i].value;
        if (strncmp(key, prefix, strlen(prefix)) != 0) continue;
        key += strlen(prefix);
        if (strcmp(key, "vocabulary") == 0) continue; /* stands in a file of its own */
        json_t *text = json_string(value);
        char *quoted = strcmp(key, "checkpoint") == 0 ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
        if (quoted) {
            json_decref(text);
            text = json_string(quoted);
            free(quoted);
        }
        if (json_object_set_new(all, key, text) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* The header's text, padded with spaces so that the data are aligned; NULL without memory. */
static char *make_header(const convert_metadata *metadata, const source_tensor *const *tensors, size_t count)
{
    json_t *header = json_object();
    uint64_t at = 0;
    bool ok = json_object_set_new(header, "__metadata__", describe_source(metadata)) == 0;
    for (size_t i = 0; ok && i < count; i++) {
        char name[2 * SOURCE_NAME_BYTES];
        (void)snprintf(name, sizeof name, "%s.%s", tensors[i]->part, tensors[i]->name);
        ok = json_object_set_new(header, name, describe(tensors[i], at)) == 0;
        at += bytes_of(tensors[i]);
    }
    const char *reason = NULL;
    char *text = tool_json_print(ok ? header : NULL, JSON_COMPACT, &reason), *padded = NULL;
    if (!ok) json_decref(header);
    if (!text) return NULL;
    const size_t size = strlen(text), wanted = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    padded = realloc(text, wanted + 1);
    if (!padded) {
        free(text);
        return NULL;
    }
    memset(padded + size, ' ', wanted - size);
    padded[wanted] = '\0';
    return padded;
}

/* ---- files ---- */

static bool write_tensor(const source_file *checkpoint, const source_tensor *tensor, tool_outfile *out,
                         tool_error *err)
{
    const size_t size = (size_t)bytes_of(tensor);
    void *data = malloc(size ? size : 1);
    if (!data) return tool_fail(err, "%s: %s: out of memory", source_path(checkpoint), tensor->name);
    const bool ok =
        source_read_raw(checkpoint, tensor, data, err) && tool_outfile_write(out, data, size, err);
    free(data);
    return ok;
}

static bool write_tensors(convert_safetensors *s, const source_tensor *const *tensors, size_t count,
                          tool_outfile *out, tool_error *err)
{
    const source_file *checkpoint = s->plan->encoder.checkpoint;
    char *header = make_header(s->metadata, tensors, count);
    if (!header) return tool_fail(err, "%s: out of memory", source_path(checkpoint));
    const size_t size = strlen(header);
    unsigned char prefix[8];
    for (size_t i = 0; i < sizeof prefix; i++) prefix[i] = (unsigned char)((uint64_t)size >> (8 * i) & 255);
    bool ok =
        tool_outfile_write(out, prefix, sizeof prefix, err) && tool_outfile_write(out, header, size, err);
    free(header);
    s->size = sizeof prefix + size;
    for (size_t i = 0; ok && i < count; i++) {
        ok = write_tensor(checkpoint, tensors[i], out, err);
        s->size += bytes_of(tensors[i]);
    }
    return ok;
}

/* A word a line. */
static bool write_words(const convert_vocabulary *vocabulary, tool_outfile *out, tool_error *err)
{
    json_t *array = json_array();
    bool ok = array != NULL;
    for (uint32_t i = 0; ok && i < vocabulary->count; i++) {
        const source_word *word = &vocabulary->words[i];
        ok = json_array_append_new(array, json_stringn(word->data, word->size)) == 0;
    }
    const char *reason = NULL;
    char *text = tool_json_print(ok ? array : NULL, JSON_INDENT(1), &reason);
    if (!ok) json_decref(array);
    ok = text ? tool_outfile_write(out, text, strlen(text), err) && tool_outfile_write(out, "\n", 1, err)
              : tool_fail(err, "vocabulary: out of memory");
    free(text);
    return ok;
}

bool convert_safetensors_write(convert_safetensors *s, const char *output, tool_error *err)
{
    char *name = convert_safetensors_words(output);
    size_t count = 0;
    const source_tensor **tensors = sort_tensors(s->plan, &count);
    tool_outfile *words = NULL, *out = NULL;
    bool ok = (name && tensors) || tool_fail(err, "%s: out of memory", output);
    ok = ok && (words = tool_outfile_open(name, err)) != NULL && write_words(s->vocabulary, words, err) &&
         (out = tool_outfile_open(output, err)) != NULL && write_tensors(s, tensors, count, out, err) &&
         tool_outfile_commit(&words, err) && tool_outfile_commit(&out, err);
    tool_outfile_abort(&words);
    tool_outfile_abort(&out);
    free(tensors);
    free(name);
    return ok;
}
