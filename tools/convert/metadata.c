/* Metadata of a model file; see metadata.h.  Called by convert.c. */
#include "tools/convert/metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/text.h"
#include "tools/convert/json.h"

enum { MAX_VALUE = 1 << 22 };

static bool set(convert_metadata *m, const char *key, const char *value, tool_error *err)
{
    size_t size = strlen(value) + 1, i;
    char *copy = size <= MAX_VALUE ? malloc(size) : NULL;
    if (!copy) return tool_fail(err, "metadata: %s: too large, or out of memory", key);
    memcpy(copy, value, size);
    for (i = 0; i < m->count; i++) {
        if (strcmp(m->entries[i].key, key) != 0) continue;
        free(m->entries[i].value);
        m->entries[i].value = copy;
        return true;
    }
    if (m->count == CONVERT_MAX_METADATA) {
        free(copy);
        return tool_fail(err, "metadata: %s: too many entries", key);
    }
    m->entries[m->count].key = key;
    m->entries[m->count++].value = copy;
    return true;
}

static bool set_int(convert_metadata *m, const char *key, long long value, tool_error *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", value);
    return set(m, key, text, err);
}

/* ---- decoding defaults ---- */

static const struct decode_setting {
    const char *config_key, *key, *standard;
    double low, high;       /* of a number */
    bool whole;             /* an integer */
    const char *choices[2]; /* of a text */
} decode_settings[] = {
    /* the ranges are those of caption_decode_options */
    {"decode_search", "decode.search", "beam", 0, 0, false, {"beam", "greedy"}},
    {"decode_beams", "decode.beams", "5", 1, 64, true, {NULL, NULL}},
    {"decode_max_length", "decode.max_length", "20", 1, 1024, true, {NULL, NULL}},
    {"decode_length_alpha", "decode.length_alpha", "0.7", 0, 10, false, {NULL, NULL}},
    {"decode_repetition_penalty", "decode.repetition_penalty", "1.2", 0.01, 100, false, {NULL, NULL}},
    {"decode_penalty", "decode.penalty", "published", 0, 0, false, {"published", "corrected"}},
};

static bool set_decode(convert_metadata *m, const struct decode_setting *s, const json_t *value,
                       const char *place, tool_error *err)
{
    char text[32];
    double number;
    if (s->choices[0]) {
        const char *word = json_string_value(value);
        if (!word || (strcmp(word, s->choices[0]) != 0 && strcmp(word, s->choices[1]) != 0))
            return tool_fail(err, "%s: %s: must be \"%s\" or \"%s\"", place, s->config_key, s->choices[0],
                             s->choices[1]);
        return set(m, s->key, word, err);
    }
    number = json_number_value(value);
    if (!json_is_number(value) || (s->whole && !json_is_integer(value)) || number < s->low ||
        number > s->high)
        return tool_fail(err, "%s: %s: must be a%s number from %g to %g", place, s->config_key,
                         s->whole ? " whole" : "", s->low, s->high);
    convert_json_number(number, text);
    return set(m, s->key, text, err);
}

static bool set_decodes(convert_metadata *m, const json_t *config, const char *place, tool_error *err)
{
    size_t i;
    for (i = 0; i < sizeof decode_settings / sizeof decode_settings[0]; i++) {
        const json_t *value = json_object_get(config, decode_settings[i].config_key);
        if (value && !set_decode(m, &decode_settings[i], value, place, err)) return false;
    }
    return true;
}

/* ---- does a configuration describe this network? ---- */

static bool check_config(const convert_network *n, const json_t *config, const char *place, tool_error *err)
{
    const struct {
        const char *key;
        long long size;
    } sizes[] = {
        {"embed_size", n->embed},
        {"hidden_size", n->hidden},
        {"attention_dim", n->attention ? (long long)n->attention_size : -1},
        {"encoder_dim", n->channels},
        {"num_layers", n->layers},
    };
    const json_t *value = json_object_get(config, "rnn_type");
    const char *type = n->lstm ? "lstm" : "gru";
    size_t i;
    if (json_is_string(value) && strcmp(json_string_value(value), type) != 0)
        return tool_fail(err, "%s: rnn_type is %.32s, but the checkpoint holds a %s", place,
                         json_string_value(value), type);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        value = json_object_get(config, sizes[i].key);
        if (sizes[i].size >= 0 && json_is_integer(value) && json_integer_value(value) != sizes[i].size)
            return tool_fail(err, "%s: %s is %lld, but the checkpoint's tensors say %lld", place,
                             sizes[i].key, (long long)json_integer_value(value), sizes[i].size);
    }
    return true;
}

/* ---- where it came from ---- */

static bool set_name(convert_metadata *m, const char *key, const char *path, tool_error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return set(m, key,
               tool_utf8_check(name, strlen(name)) == strlen(name) ? name : "(a name that is not UTF-8)",
               err);
}

static bool set_json(convert_metadata *m, const char *key, const json_t *json, tool_error *err)
{
    char *text = convert_json_text(json);
    bool ok = text ? set(m, key, text, err) : tool_fail(err, "metadata: %s: out of memory", key);
    free(text);
    return ok;
}

/* The checkpoint's own dict `part`, replaced by that of the file `path` if there is one.  With `network`, it
 * is a configuration: checked against the network and asked for decoding defaults. */
static bool set_part(convert_metadata *m, const convert_plan *plan, const char *part, const char *path,
                     const convert_network *network, tool_error *err)
{
    const torch_checkpoint *checkpoint = plan->encoder.checkpoint;
    const torch_value *value = torch_dict_get(checkpoint->pickle.root, part);
    char place[1024];
    bool ok = true;
    int i;
    (void)snprintf(place, sizeof place, "%s: %s", checkpoint->zip.path, part);
    for (i = 0; ok && i < 2; i++) {
        const char *where = i ? path : place;
        json_t *json;
        if (i ? !path : !value || value->kind == TORCH_NONE) continue;
        json = i ? convert_json_file(path, err) : convert_json_pickled(value, place, err);
        ok = json != NULL;
        if (ok && network) ok = check_config(network, json, where, err) && set_decodes(m, json, where, err);
        ok = ok && set_json(m, network ? "source.config" : "source.metrics", json, err);
        json_decref(json);
    }
    return ok;
}

static bool set_model(convert_metadata *m, const convert_network *n, const convert_vocabulary *v,
                      tool_error *err)
{
    return set(m, "model.kind", n->attention ? "attention" : "baseline", err) &&
           set(m, "model.rnn", n->lstm ? "lstm" : "gru", err) && set_int(m, "model.layers", n->layers, err) &&
           set(m, "input.size", "224", err) && set(m, "input.mean", "0.485 0.456 0.406", err) &&
           set(m, "input.std", "0.229 0.224 0.225", err) && set_int(m, "token.pad", v->pad, err) &&
           set_int(m, "token.start", v->start, err) && set_int(m, "token.end", v->end, err) &&
           set_int(m, "token.unk", v->unk, err);
}

static int by_key(const void *a, const void *b)
{
    const struct convert_entry *x = a, *y = b;
    return strcmp(x->key, y->key);
}

bool convert_metadata_make(convert_metadata *m, const convert_files *files, const convert_plan *plan,
                           const convert_vocabulary *vocabulary, tool_error *err)
{
    const torch_value *epoch = torch_dict_get(plan->encoder.checkpoint->pickle.root, "epoch");
    size_t i;
    memset(m, 0, sizeof *m);
    if (!set_model(m, &plan->network, vocabulary, err)) return false;
    for (i = 0; i < sizeof decode_settings / sizeof decode_settings[0]; i++) {
        if (!set(m, decode_settings[i].key, decode_settings[i].standard, err)) return false;
    }
    if (epoch && epoch->kind == TORCH_INT && !set_int(m, "source.epoch", epoch->as.integer, err))
        return false;
    if (!set_part(m, plan, "config", files->config, &plan->network, err) ||
        !set_part(m, plan, "metrics", files->metrics, NULL, err) ||
        !set_name(m, "source.checkpoint", files->checkpoint, err) ||
        !set_name(m, "source.vocabulary", files->vocabulary, err) ||
        !set(m, "converter", "capconvert " CAPTION_VERSION_STRING, err))
        return false;
    qsort(m->entries, m->count, sizeof m->entries[0], by_key);
    return true;
}

void convert_metadata_free(convert_metadata *m)
{
    size_t i;
    for (i = 0; i < m->count; i++) free(m->entries[i].value);
    memset(m, 0, sizeof *m);
}
