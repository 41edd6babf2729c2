/* capinfo's output as one JSON object; see report.h. */
#include "tools/info/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/format/names.h"
#include "tools/common/json.h"

/* jansson's setters refuse a NULL value, so a failure anywhere shows in the returned sum: each of these
 * returns 0, or more when something failed. */
static int put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) != 0;
}

static int put_int(json_t *object, const char *key, uint64_t value)
{
    return put(object, key, json_integer((json_int_t)value));
}

static int put_text(json_t *object, const char *key, const char *value)
{
    return put(object, key, tool_json_text(value ? value : ""));
}

static int put_crc(json_t *object, const char *key, uint32_t crc)
{
    char text[9];
    (void)snprintf(text, sizeof text, "%08" PRIx32, crc);
    return put_text(object, key, text);
}

static json_t *header_object(const capw_header *h)
{
    json_t *object = json_object();
    int bad = put_int(object, "version", h->version);
    bad += put_int(object, "file_size", h->file_size);
    bad += put_int(object, "metadata_offset", h->metadata_offset);
    bad += put_int(object, "vocabulary_offset", h->vocabulary_offset);
    bad += put_int(object, "data_offset", h->data_offset);
    bad += put_crc(object, "tables_crc", h->tables_crc);
    bad += put_crc(object, "header_crc", h->header_crc);
    if (!bad) return object;
    json_decref(object);
    return NULL;
}

static json_t *metadata_object(const info_report *report)
{
    json_t *object = json_object();
    int bad = !object;
    for (int k = 0; k < report->info.metadata_count; k++) {
        const char *key = NULL, *value = NULL;
        if (caption_model_metadata(report->model, k, &key, &value) != CAPTION_OK) continue;
        json_t *name = tool_json_text(key);
        bad += !name || put_text(object, json_string_value(name), value);
        json_decref(name);
    }
    if (!bad) return object;
    json_decref(object);
    return NULL;
}

static int put_summary(json_t *root, const info_report *report)
{
    const caption_model_info *i = &report->info;
    int bad = put(root, "header", header_object(&report->header));
    bad += put_text(root, "kind", info_kind_name(i));
    bad += put_text(root, "rnn", cpt_name_of(cpt_rnn_names, i->rnn));
    bad += put_text(root, "precision", cpt_name_of(cpt_precision_names, i->precision));
    bad += put_int(root, "layers", (uint64_t)i->layers);
    bad += put_int(root, "input_size", (uint64_t)i->input_size);
    bad += put_int(root, "positions", (uint64_t)i->positions);
    bad += put_int(root, "feature_channels", (uint64_t)i->feature_channels);
    bad += put_int(root, "embed_size", (uint64_t)i->embed_size);
    bad += put_int(root, "hidden_size", (uint64_t)i->hidden_size);
    bad += put_int(root, "attention_size", (uint64_t)i->attention_size);
    bad += put_int(root, "vocabulary_size", (uint64_t)i->vocabulary_size);
    bad += put(
        root, "special",
        json_pack("{s:i, s:i, s:i, s:i}", "pad", i->pad, "start", i->start, "end", i->end, "unk", i->unk));
    bad += put_int(root, "tensor_count", (uint64_t)i->tensor_count);
    bad += put_int(root, "parameters", i->parameters);
    return bad + put(root, "metadata", metadata_object(report));
}

static int put_tensors(json_t *root, const info_report *report)
{
    json_t *array = json_array();
    int bad = 0;
    for (int k = 0; k < report->info.tensor_count; k++) {
        caption_tensor_info t;
        if (caption_model_tensor(report->model, k, &t) != CAPTION_OK) continue;
        int dims[4];
        for (int d = 0; d < t.rank; d++) dims[d] = (int)t.dims[d];
        json_t *entry = json_object();
        bad += put_text(entry, "name", t.name);
        bad += put_text(entry, "type", t.dtype);
        bad += put_text(entry, "layout", t.layout);
        bad += put(entry, "shape", tool_json_ints(dims, t.rank));
        bad += put_int(entry, "offset", t.offset);
        bad += put_int(entry, "bytes", t.bytes);
        bad += put_crc(entry, "crc32", t.crc);
        bad += json_array_append_new(array, entry) != 0;
    }
    return bad + put(root, "tensors", array);
}

static int put_ranges(json_t *root, const info_report *report)
{
    json_t *array = json_array();
    int bad = 0;
    for (int k = 0; k < report->info.tensor_count; k++) {
        info_range r;
        if (!info_find_range(report->model, k, &r)) continue;
        json_t *entry =
            json_pack("{s:s%, s:f, s:i, s:f, s:f}", "layer", r.layer, (size_t)r.length, "scale", r.scale,
                      "zero_point", r.zero_point, "lowest", r.lowest, "largest", r.largest);
        bad += json_array_append_new(array, entry) != 0;
    }
    return bad + put(root, "ranges", array);
}

static int put_words(json_t *root, const info_report *report)
{
    json_t *array = json_array();
    int bad = 0;
    for (int k = 0; k < report->info.vocabulary_size; k++) {
        const char *word = caption_model_word(report->model, k);
        bad += json_array_append_new(array, tool_json_text(word ? word : "")) != 0;
    }
    return bad + put(root, "words", array);
}

static int put_plan(json_t *root, const info_plan *plan)
{
    json_t *object = json_object(), *layers = json_array();
    const bool int8 = plan->precision == CAPTION_PRECISION_INT8;
    int bad = 0;
    for (int k = 0; k < plan->count; k++) {
        const caption_layer_info *l = &plan->layers[k];
        const int in[] = {l->in_height, l->in_width, l->in_channels};
        const int out[] = {l->out_height, l->out_width, l->out_channels};
        json_t *entry = json_object();
        bad += put_text(entry, "name", l->name);
        bad += put_text(entry, "algorithm", l->algorithm);
        bad += put(entry, "in", tool_json_ints(in, 3));
        bad += put(entry, "out", tool_json_ints(out, 3));
        bad += put_int(entry, "kernel", (uint64_t)l->kernel);
        bad += put_int(entry, "stride", (uint64_t)l->stride);
        bad += put(entry, "multiply_adds", json_real(l->multiply_adds));
        bad += put(entry, "ms", json_real(plan->ms[k]));
        bad += put(entry, int8 ? "gops" : "gflops", json_real(info_layer_speed(l, plan->ms[k])));
        bad += put(entry, "share", json_real(plan->total_ms > 0 ? plan->ms[k] / plan->total_ms : 0));
        bad += json_array_append_new(layers, entry) != 0;
    }
    bad += put_text(object, "cpu", plan->cpu);
    bad += put_text(object, "precision", cpt_name_of(cpt_precision_names, plan->precision));
    bad += put_int(object, "threads", (uint64_t)plan->threads);
    bad += put_int(object, "runs", (uint64_t)plan->runs);
    bad += put(object, "ms", json_real(plan->total_ms));
    bad += put(object, "layers", layers);
    return bad + put(root, "plan", object);
}

bool info_print_json(const info_report *report, FILE *stream)
{
    json_t *root = json_object();
    int bad = put_text(root, "file", report->name);
    if (report->sections.summary) bad += put_summary(root, report);
    if (report->sections.tensors) bad += put_tensors(root, report);
    if (report->sections.ranges) bad += put_ranges(root, report);
    if (report->sections.words) bad += put_words(root, report);
    if (report->sections.plan) bad += put_plan(root, report->plan);
    if (report->verified) bad += put_int(root, "damaged_tensors", (uint64_t)report->damaged);
    if (!bad) {
        /* a failed write is found when the output is flushed */
        (void)json_dumpf(root, stream, JSON_INDENT(1) | TOOL_JSON_FLAGS);
        (void)fputc('\n', stream);
    }
    json_decref(root);
    return bad == 0;
}
