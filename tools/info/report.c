/* capinfo's output as text, and the file header; see report.h. */
#include "tools/info/report.h"

#include <inttypes.h>
#include <string.h>

#include "lib/format/names.h"
#include "tools/common/clean.h"

enum { HEADER_BYTES = 64, NAME_BYTES = 4 * CAPW_NAME_BYTES + 1 }; /* a name with every byte escaped */

static uint32_t get32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t get64(const unsigned char *bytes)
{
    return get32(bytes) | (uint64_t)get32(bytes + 4) << 32;
}

bool info_parse_header(capw_header *header, const unsigned char *bytes, size_t size)
{
    if (size < HEADER_BYTES) return false;
    memcpy(header->magic, bytes, 8);
    header->version = get32(bytes + 8);
    header->tensor_count = get32(bytes + 12);
    header->file_size = get64(bytes + 16);
    header->metadata_offset = get64(bytes + 24);
    header->metadata_count = get32(bytes + 32);
    header->word_count = get32(bytes + 36);
    header->vocabulary_offset = get64(bytes + 40);
    header->data_offset = get64(bytes + 48);
    header->tables_crc = get32(bytes + 56);
    header->header_crc = get32(bytes + 60);
    return true;
}

const char *info_kind_name(const caption_model_info *info)
{
    return cpt_name_of(cpt_kind_names, info->kind);
}

const char *info_rnn_name(const caption_model_info *info)
{
    return cpt_name_of(cpt_rnn_titles, info->rnn);
}

bool info_find_range(const caption_model *model, int tensor, info_range *range)
{
    static const char suffix[] = ".range";
    caption_tensor_info t;
    float values[2];
    if (caption_model_tensor(model, tensor, &t) != CAPTION_OK) return false;
    const size_t length = strlen(t.name), tail = sizeof suffix - 1;
    if (length <= tail || strcmp(t.name + length - tail, suffix) != 0) return false;
    if (t.bytes != sizeof values || strcmp(t.dtype, "float32") != 0) return false;
    memcpy(values, t.data, sizeof values);
    const double scale = (double)values[0], zero = (double)values[1];
    if (!(zero >= 0 && zero <= UINT8_MAX)) return false; /* opening the model has refused those it uses */
    *range = (info_range){.layer = t.name,
                          .length = (int)(length - tail),
                          .scale = scale,
                          .zero_point = (int)zero,
                          .lowest = (0 - zero) * scale,
                          .largest = (UINT8_MAX - zero) * scale};
    return true;
}

static void print_details(const info_report *report, FILE *stream)
{
    const capw_header *h = &report->header;
    (void)fprintf(stream, "header      version %" PRIu32 ", %" PRIu64 " bytes\n", h->version, h->file_size);
    (void)fprintf(stream, "offsets     metadata %" PRIu64 ", vocabulary %" PRIu64 ", data %" PRIu64 "\n",
                  h->metadata_offset, h->vocabulary_offset, h->data_offset);
    (void)fprintf(stream, "checksums   tables %08" PRIx32 ", header %08" PRIx32 "\n", h->tables_crc,
                  h->header_crc);
    (void)fprintf(stream, "metadata    %d entries\n", report->info.metadata_count);
    for (int k = 0; k < report->info.metadata_count; k++) {
        const char *key = NULL, *value = NULL;
        if (caption_model_metadata(report->model, k, &key, &value) != CAPTION_OK) continue;
        (void)fputs("  ", stream);
        tool_put_clean(stream, key);
        (void)fputs(" = ", stream);
        tool_put_clean(stream, value);
        (void)fputc('\n', stream);
    }
}

static void print_tensors(const info_report *report, FILE *stream)
{
    (void)fprintf(stream, "%-34s %-8s %-9s %-14s %10s\n", "tensor", "type", "layout", "shape", "bytes");
    for (int k = 0; k < report->info.tensor_count; k++) {
        caption_tensor_info t;
        char shape[64] = "", name[NAME_BYTES];
        size_t used = 0;
        if (caption_model_tensor(report->model, k, &t) != CAPTION_OK) continue;
        for (int d = 0; d < t.rank && used < sizeof shape; d++) {
            const int wrote =
                snprintf(shape + used, sizeof shape - used, "%s%" PRIu32, d ? "x" : "", t.dims[d]);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
        (void)tool_shorten(name, sizeof name, t.name, strlen(t.name));
        (void)fprintf(stream, "%-34s %-8s %-9s %-14s %10" PRIu64 "\n", name, t.dtype, t.layout, shape,
                      t.bytes);
    }
}

static void print_ranges(const info_report *report, FILE *stream)
{
    int count = 0;
    for (int k = 0; k < report->info.tensor_count; k++) {
        info_range r;
        if (!info_find_range(report->model, k, &r)) continue;
        if (!count++) {
            (void)fprintf(stream, "%-34s %12s %4s %11s %11s\n", "range", "scale", "zero", "lowest",
                          "largest");
        }
        char name[NAME_BYTES];
        (void)tool_shorten(name, sizeof name, r.layer, (size_t)r.length);
        (void)fprintf(stream, "%-34s %12.6g %4d %11.5g %11.5g\n", name, r.scale, r.zero_point, r.lowest,
                      r.largest);
    }
    if (!count) (void)fputs("no ranges: a model of float32 has none\n", stream);
}

static void print_words(const info_report *report, FILE *stream)
{
    for (int k = 0; k < report->info.vocabulary_size; k++) {
        const char *word = caption_model_word(report->model, k);
        (void)fprintf(stream, "%d ", k);
        tool_put_clean(stream, word ? word : "?");
        (void)fputc('\n', stream);
    }
}

static void print_layer(const info_plan *plan, int index, FILE *stream)
{
    const caption_layer_info *l = &plan->layers[index];
    const double ms = plan->ms[index];
    char in[40], speed[24] = "-";
    (void)snprintf(in, sizeof in, "%dx%dx%d", l->in_height, l->in_width, l->in_channels);
    char out[40];
    (void)snprintf(out, sizeof out, "%dx%dx%d", l->out_height, l->out_width, l->out_channels);
    if (l->multiply_adds > 0) (void)snprintf(speed, sizeof speed, "%.1f", info_layer_speed(l, ms));
    (void)fprintf(stream, "%-19s %-9s %d/%d %-11s %-11s %8.3f %7s %5.1f\n", l->name, l->algorithm, l->kernel,
                  l->stride, in, out, ms, speed, plan->total_ms > 0 ? 100 * ms / plan->total_ms : 0);
}

static void print_plan(const info_plan *plan, FILE *stream)
{
    double work = 0;
    (void)fprintf(stream, "%-19s %-9s %s %-11s %-11s %8s %7s %5s\n", "layer", "algorithm", "k/s", "in", "out",
                  "ms", info_speed_unit(plan), "%");
    for (int k = 0; k < plan->count; k++) {
        print_layer(plan, k, stream);
        work += plan->layers[k].multiply_adds;
    }
    (void)fprintf(stream, "%d layers in %s, %.2f G multiply-adds, %.2f ms, %.1f %s\n", plan->count,
                  cpt_name_of(cpt_precision_names, plan->precision), work * 1e-9, plan->total_ms,
                  plan->total_ms > 0 ? 2e-6 * work / plan->total_ms : 0, info_speed_unit(plan));
    (void)fprintf(stream, "k/s: side of the kernel, step; %s, %d thread%s, medians of %d run%s\n", plan->cpu,
                  plan->threads, plan->threads == 1 ? "" : "s", plan->runs, plan->runs == 1 ? "" : "s");
}

void info_print_text(const info_report *report, FILE *stream)
{
    const info_sections *s = &report->sections;
    if (s->summary) info_print_summary(report, stream);
    if (s->details) print_details(report, stream);
    if (s->summary && s->tensors) (void)fputc('\n', stream);
    if (s->tensors) print_tensors(report, stream);
    if (s->ranges) print_ranges(report, stream);
    if (s->words) print_words(report, stream);
    if (s->plan) print_plan(report->plan, stream);
    if (report->verified && !report->damaged && !report->quiet) {
        tool_put_clean(stream, report->name);
        (void)fprintf(stream, ": the checksums of all %d tensors are right\n", report->info.tensor_count);
    }
}
