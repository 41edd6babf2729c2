/* Metadata of a model file; see metadata.h. */
#include "tools/convert/metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caption.h>

#include "lib/format/names.h"
#include "tools/common/json.h"
#include "tools/common/printable.h"
#include "tools/common/text.h"
#include "tools/convert/json.h"

enum { MAX_VALUE = 1 << 22 }; /* bytes: metrics of some ten thousand epochs */

/* Keeps a copy of value; a second value of the same key replaces the first. */
static bool set(convert_metadata *m, const char *key, const char *value, tool_error *err)
{
    const size_t size = strlen(value) + 1;
    if (size > MAX_VALUE) return tool_fail(err, "metadata: %s: larger than %d bytes", key, MAX_VALUE);
    size_t at = 0;
    while (at < m->count && strcmp(m->entries[at].key, key) != 0) at++;
    if (at == CONVERT_MAX_METADATA) return tool_fail(err, "metadata: %s: too many entries", key);
    char *copy = malloc(size);
    if (!copy) return tool_fail(err, "metadata: %s: out of memory", key);
    memcpy(copy, value, size);
    if (at == m->count) m->count++;
    free(m->entries[at].value);
    m->entries[at].key = key;
    m->entries[at].value = copy;
    return true;
}

static bool set_int(convert_metadata *m, const char *key, long long value, tool_error *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", value);
    return set(m, key, text, err);
}

/* ---- decoding defaults ---- */

/* A number, or a text that is one of the names of a list. */
static const struct decode_setting {
    const char *config_key, *key;
    double standard;          /* of a text the value */
    double low, high;         /* of a number */
    bool integer;             /* a number without a fraction */
    const char *const *names; /* NULL: a number */
} decode_settings[] = {
    {.config_key = "decode_search",
     .key = "decode.search",
     .standard = CAPTION_SEARCH_BEAM,
     .names = cpt_search_names},
    {.config_key = "decode_beams",
     .key = "decode.beams",
     .standard = CAPTION_DEFAULT_BEAMS,
     .low = 1,
     .high = CAPTION_MAX_BEAMS,
     .integer = true},
    {.config_key = "decode_max_length",
     .key = "decode.max_length",
     .standard = CAPTION_DEFAULT_LENGTH,
     .low = 1,
     .high = CAPTION_MAX_LENGTH,
     .integer = true},
    {.config_key = "decode_length_alpha",
     .key = "decode.length_alpha",
     .standard = (double)CAPTION_DEFAULT_LENGTH_ALPHA,
     .low = 0,
     .high = (double)CAPTION_MAX_LENGTH_ALPHA},
    {.config_key = "decode_repetition_penalty",
     .key = "decode.repetition_penalty",
     .standard = (double)CAPTION_DEFAULT_REPETITION_PENALTY,
     .low = (double)CAPTION_MIN_REPETITION_PENALTY,
     .high = (double)CAPTION_MAX_REPETITION_PENALTY},
    {.config_key = "decode_penalty",
     .key = "decode.penalty",
     .standard = CAPTION_PENALTY_PUBLISHED,
     .names = cpt_penalty_names},
};

enum { DECODE_SETTINGS = sizeof decode_settings / sizeof decode_settings[0] };

/* What a model file gets where no configuration says anything. */
static bool set_standards(convert_metadata *m, tool_error *err)
{
    for (size_t i = 0; i < DECODE_SETTINGS; i++) {
        const struct decode_setting *s = &decode_settings[i];
        char number[32];
        (void)snprintf(number, sizeof number, "%g", s->standard); /* a float's own digits: 0.7 */
        const char *text = s->names ? cpt_name_of(s->names, (uint32_t)s->standard) : number;
        if (!set(m, s->key, text, err)) return false;
    }
    return true;
}

static bool set_decode(convert_metadata *m, const struct decode_setting *s, const json_t *value,
                       const char *place, tool_error *err)
{
    if (s->names) {
        const char *word = json_string_value(value);
        if (!word || cpt_name_find(s->names, word) < 0) {
            return tool_fail(err, "%s: %s: must be \"%s\" or \"%s\"", place, s->config_key, s->names[0],
                             s->names[1]);
        }
        return set(m, s->key, word, err);
    }
    const double number = json_number_value(value);
    if (!json_is_number(value) || (s->integer && !json_is_integer(value)) || number < s->low ||
        number > s->high) {
        return tool_fail(err, "%s: %s: must be a%s number from %g to %g", place, s->config_key,
                         s->integer ? " whole" : "", s->low, s->high);
    }
    char text[32];
    convert_json_number(number, text);
    return set(m, s->key, text, err);
}

static bool set_decodes(convert_metadata *m, const json_t *config, const char *place, tool_error *err)
{
    for (size_t i = 0; i < DECODE_SETTINGS; i++) {
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
        long long size; /* -1: this network has no such size */
    } sizes[] = {
        {"embed_size", n->embed},
        {"hidden_size", n->hidden},
        {"attention_dim", n->kind == CAPTION_KIND_ATTENTION ? (long long)n->attention_size : -1},
        {"encoder_dim", n->channels},
        {"num_layers", n->layers},
    };
    const json_t *type = json_object_get(config, "rnn_type");
    const char *own_type = cpt_name_of(cpt_rnn_names, n->rnn);
    if (json_is_string(type) && strcmp(json_string_value(type), own_type) != 0) {
        char printable[TOOL_PRINTABLE_BYTES];
        return tool_fail(err, "%s: rnn_type is %s, but the checkpoint holds a %s", place,
                         tool_printable(json_string_value(type), json_string_length(type), printable),
                         own_type);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const json_t *size = json_object_get(config, sizes[i].key);
        if (sizes[i].size >= 0 && json_is_integer(size) && json_integer_value(size) != sizes[i].size) {
            return tool_fail(err, "%s: %s is %lld, but the checkpoint's tensors say %lld", place,
                             sizes[i].key, (long long)json_integer_value(size), sizes[i].size);
        }
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

/* A file that was made from a checkpoint names it; any other is one. */
static bool set_checkpoint(convert_metadata *m, const source_file *checkpoint, tool_error *err)
{
    json_t *name = NULL;
    const char *text = source_value(checkpoint, "checkpoint", &name, NULL) ? json_string_value(name) : NULL;
    const bool ok = set_name(m, "source.checkpoint", text ? text : source_path(checkpoint), err);
    json_decref(name);
    return ok;
}

static bool set_json(convert_metadata *m, const char *key, const json_t *json, tool_error *err)
{
    char *text = convert_json_text(json);
    const bool ok = text ? set(m, key, text, err) : tool_fail(err, "metadata: %s: out of memory", key);
    free(text);
    return ok;
}

/* Stores settings that came from `place`.  With `network` they are a configuration, which is checked against
 * the network and may hold decoding defaults; without, they are metrics. */
static bool use_settings(convert_metadata *m, const json_t *settings, const char *place,
                         const convert_network *network, tool_error *err)
{
    if (!json_is_object(settings)) return tool_fail(err, "%s: not a dict", place);
    if (network && (!check_config(network, settings, place, err) || !set_decodes(m, settings, place, err))) {
        return false;
    }
    return set_json(m, network ? "source.config" : "source.metrics", settings, err);
}

/* Settings from the checkpoint's value `key`, then those of the file `path` (may be NULL), which replace
 * them. */
static bool set_settings(convert_metadata *m, const source_file *checkpoint, const char *key,
                         const char *path, const convert_network *network, tool_error *err)
{
    json_t *own = NULL;
    char place[1024];
    (void)snprintf(place, sizeof place, "%s: %s", source_path(checkpoint), key);
    bool ok = source_value(checkpoint, key, &own, err);
    if (ok && own) ok = use_settings(m, own, place, network, err);
    json_decref(own);
    if (!ok || !path) return ok;
    json_t *given = convert_json_file(path, err);
    ok = given && use_settings(m, given, path, network, err);
    json_decref(given);
    return ok;
}

/* The epoch is for information only, so a checkpoint may lack it or hold something else in its place. */
static bool set_epoch(convert_metadata *m, const source_file *checkpoint, tool_error *err)
{
    json_t *epoch = NULL;
    bool ok = true;
    if (source_value(checkpoint, "epoch", &epoch, NULL) && json_is_integer(epoch)) {
        ok = set_int(m, "source.epoch", json_integer_value(epoch), err);
    } else if (tool_json_lost()) {
        ok = tool_fail(err, "metadata: source.epoch: out of memory");
    }
    json_decref(epoch);
    return ok;
}

static bool set_model(convert_metadata *m, const convert_network *n, const convert_vocabulary *v,
                      tool_error *err)
{
    return set(m, "model.kind", cpt_name_of(cpt_kind_names, n->kind), err) &&
           set(m, "model.rnn", cpt_name_of(cpt_rnn_names, n->rnn), err) &&
           set_int(m, "model.layers", n->layers, err) && set(m, "input.size", "224", err) &&
           set(m, "input.mean", "0.485 0.456 0.406", err) && set(m, "input.std", "0.229 0.224 0.225", err) &&
           set_int(m, "token.pad", v->pad, err) && set_int(m, "token.start", v->start, err) &&
           set_int(m, "token.end", v->end, err) && set_int(m, "token.unk", v->unk, err);
}

static bool set_converter(convert_metadata *m, tool_error *err)
{
    return set(m, "converter", "capconvert " CAPTION_VERSION, err);
}

static int by_key(const void *a, const void *b)
{
    const struct convert_entry *x = a, *y = b;
    return strcmp(x->key, y->key);
}

bool convert_metadata_make(convert_metadata *m, const convert_files *files, const convert_plan *plan,
                           const convert_vocabulary *vocabulary, tool_error *err)
{
    const source_file *checkpoint = plan->encoder.checkpoint;
    memset(m, 0, sizeof *m);
    if (!set_model(m, &plan->network, vocabulary, err) || !set_standards(m, err) ||
        !set_epoch(m, checkpoint, err) ||
        !set_settings(m, checkpoint, "config", files->config, &plan->network, err) ||
        !set_settings(m, checkpoint, "metrics", files->metrics, NULL, err) ||
        !set_checkpoint(m, checkpoint, err) || !set_name(m, "source.vocabulary", files->vocabulary, err) ||
        !set_converter(m, err)) {
        return false;
    }
    qsort(m->entries, m->count, sizeof m->entries[0], by_key);
    return true;
}

bool convert_metadata_copy(convert_metadata *m, const caption_model *model, int pictures, tool_error *err)
{
    const char *key, *value;
    char source[64] = "batch norm";
    memset(m, 0, sizeof *m);
    if (pictures > 0) {
        (void)snprintf(source, sizeof source, "%d picture%s", pictures, pictures == 1 ? "" : "s");
    }
    for (int i = 0; caption_model_metadata(model, i, &key, &value) == CAPTION_OK; i++) {
        if (!set(m, key, value, err)) return false;
    }
    if (!set_converter(m, err) || !set(m, "quantise.activations", source, err)) return false;
    qsort(m->entries, m->count, sizeof m->entries[0], by_key);
    return true;
}

void convert_metadata_free(convert_metadata *m)
{
    for (size_t i = 0; i < m->count; i++) free(m->entries[i].value);
    memset(m, 0, sizeof *m);
}
