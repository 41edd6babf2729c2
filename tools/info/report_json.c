/* capinfo's output as one JSON object; see report.h. */
#include "tools/info/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/format/names.h"
#include "tools/common/json.h"

static void put_int(json_t **object, const char *key, uint64_t value)
{
    tool_json_set(object, key, json_integer((json_int_t)value));
}

static void put_text(json_t **object, const char *key, const char *value)
{
    tool_json_set(object, key, tool_json_text(value ? value : ""));
}

static void put_crc(json_t **object, const char *key, uint32_t crc)
{
    char text[9];
    (void)snprintf(text, sizeof text, "%08" PRIx32, crc);
    put_text(object, key, text);
}

static json_t *header_object(const capw_header *h)
{
    json_t *object = json_object();
    put_int(&object, "version", h->version);
    put_int(&object, "file_size", h->file_size);
    put_int(&object, "metadata_offset", h->metadata_offset);
    put_int(&object, "vocabulary_offset", h->vocabulary_offset);
    put_int(&object, "data_offset", h->data_offset);
    put_crc(&object, "tables_crc", h->tables_crc);
    put_crc(&object, "header_crc", h->header_crc);
    return object;
}

static json_t *metadata_object(const info_report *report)
{
    json_t *object = json_object();
    for (int k = 0; k < report->info.metadata_count; k++) {
        const char *key = NULL, *value = NULL;
        if (caption_model_metadata(report->model, k, &key, &value) != CAPTION_OK) continue;
        json_t *name = tool_json_text(key);
        tool_json_set(&object, json_string_value(name), name ? tool_json_text(value) : NULL);
        json_decref(name);
    }
    return object;
}

static void put_summary(json_t **root, const info_report *report)
{
    const caption_model_info *i = &report->info;
    tool_json_set(root, "header", header_object(&report->header));
    put_text(root, "kind", info_kind_name(i));
    put_text(root, "rnn", cpt_name_of(cpt_rnn_names, i->rnn));
    put_text(root, "precision", cpt_name_of(cpt_precision_names, i->precision));
    put_int(root, "layers", (uint64_t)i->layers);
    put_int(root, "input_size", (uint64_t)i->input_size);
    put_int(root, "positions", (uint64_t)i->positions);
    put_int(root, "feature_channels", (uint64_t)i->feature_channels);
    put_int(root, "embed_size", (uint64_t)i->embed_size);
    put_int(root, "hidden_size", (uint64_t)i->hidden_size);
    put_int(root, "attention_size", (uint64_t)i->attention_size);
    put_int(root, "vocabulary_size", (uint64_t)i->vocabulary_size);
    tool_json_set(
        root, "special",
        json_pack("{s:i, s:i, s:i, s:i}", "pad", i->pad, "start", i->start, "end", i->end, "unk", i->unk));
    put_int(root, "tensor_count", (uint64_t)i->tensor_count);
    put_int(root, "parameters", i->parameters);
    tool_json_set(root, "metadata", metadata_object(report));
}

static json_t *tensors_array(const info_report *report)
{
    json_t *array = json_array();
    for (int k = 0; k < report->info.tensor_count; k++) {
        caption_tensor_info t;
        if (caption_model_tensor(report->model, k, &t) != CAPTION_OK) continue;
        int dims[4];
        for (int d = 0; d < t.rank; d++) dims[d] = (int)t.dims[d];
        json_t *entry = json_object();
        put_text(&entry, "name", t.name);
        put_text(&entry, "type", t.dtype);
        put_text(&entry, "layout", t.layout);
        tool_json_set(&entry, "shape", tool_json_ints(dims, t.rank));
        put_int(&entry, "offset", t.offset);
        put_int(&entry, "bytes", t.bytes);
        put_crc(&entry, "crc32", t.crc);
        tool_json_append(&array, entry);
    }
    return array;
}

static json_t *ranges_array(const info_report *report)
{
    json_t *array = json_array();
    for (int k = 0; k < report->info.tensor_count; k++) {
        info_range r;
        if (!info_find_range(report->model, k, &r)) continue;
        tool_json_append(&array, json_pack("{s:s%, s:f, s:i, s:f, s:f}", "layer", r.layer, (size_t)r.length,
                                           "scale", r.scale, "zero_point", r.zero_point, "lowest", r.lowest,
                                           "largest", r.largest));
    }
    return array;
}

static json_t *words_array(const info_report *report)
{
    json_t *array = json_array();
    for (int k = 0; k < report->info.vocabulary_size; k++) {
        const char *word = caption_model_word(report->model, k);
        tool_json_append(&array, tool_json_text(word ? word : ""));
    }
    return array;
}

static json_t *layer_object(const info_plan *plan, int k)
{
    const caption_layer_info *l = &plan->layers[k];
    const bool int8 = plan->precision == CAPTION_PRECISION_INT8;
    const int in[] = {l->in_height, l->in_width, l->in_channels};
    const int out[] = {l->out_height, l->out_width, l->out_channels};
    json_t *entry = json_object();
    put_text(&entry, "name", l->name);
    put_text(&entry, "algorithm", l->algorithm);
    tool_json_set(&entry, "in", tool_json_ints(in, 3));
    tool_json_set(&entry, "out", tool_json_ints(out, 3));
    put_int(&entry, "kernel", (uint64_t)l->kernel);
    put_int(&entry, "stride", (uint64_t)l->stride);
    tool_json_set(&entry, "multiply_adds", json_real(l->multiply_adds));
    tool_json_set(&entry, "ms", json_real(plan->ms[k]));
    tool_json_set(&entry, int8 ? "gops" : "gflops", json_real(info_layer_speed(l, plan->ms[k])));
    tool_json_set(&entry, "share", json_real(plan->total_ms > 0 ? plan->ms[k] / plan->total_ms : 0));
    return entry;
}

static json_t *plan_object(const info_plan *plan)
{
    json_t *object = json_object(), *layers = json_array();
    for (int k = 0; k < plan->count; k++) tool_json_append(&layers, layer_object(plan, k));
    put_text(&object, "cpu", plan->cpu);
    put_text(&object, "precision", cpt_name_of(cpt_precision_names, plan->precision));
    put_int(&object, "threads", (uint64_t)plan->threads);
    put_int(&object, "runs", (uint64_t)plan->runs);
    tool_json_set(&object, "ms", json_real(plan->total_ms));
    tool_json_set(&object, "layers", layers);
    return object;
}

json_t *info_report_json(const info_report *report)
{
    json_t *root = json_object();
    put_text(&root, "file", report->name);
    if (report->sections.summary) put_summary(&root, report);
    if (report->sections.tensors) tool_json_set(&root, "tensors", tensors_array(report));
    if (report->sections.ranges) tool_json_set(&root, "ranges", ranges_array(report));
    if (report->sections.words) tool_json_set(&root, "words", words_array(report));
    if (report->sections.plan) tool_json_set(&root, "plan", plan_object(report->plan));
    if (report->verified) put_int(&root, "damaged_tensors", (uint64_t)report->damaged);
    return root;
}
