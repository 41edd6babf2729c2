/* capinfo's output as text, and the file header; see report.h. */
#include "tools/info/report.h"

#include <inttypes.h>
#include <string.h>

#include "lib/format/names.h"
#include "tools/common/clean.h"

enum { HEADER_BYTES = 64 };

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

/* Names of tensors are plain ASCII: opening the model has checked them. */
static void print_tensors(const info_report *report, FILE *stream)
{
    (void)fprintf(stream, "%-34s %-8s %-9s %-14s %10s\n", "tensor", "type", "layout", "shape", "bytes");
    for (int k = 0; k < report->info.tensor_count; k++) {
        caption_tensor_info t;
        char shape[64] = "";
        size_t used = 0;
        if (caption_model_tensor(report->model, k, &t) != CAPTION_OK) continue;
        for (int d = 0; d < t.rank && used < sizeof shape; d++) {
            const int wrote =
                snprintf(shape + used, sizeof shape - used, "%s%" PRIu32, d ? "x" : "", t.dims[d]);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
        (void)fprintf(stream, "%-34s %-8s %-9s %-14s %10" PRIu64 "\n", t.name, t.dtype, t.layout, shape,
                      t.bytes);
    }
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
                  "ms", "GFLOP/s", "%");
    for (int k = 0; k < plan->count; k++) {
        print_layer(plan, k, stream);
        work += plan->layers[k].multiply_adds;
    }
    (void)fprintf(stream, "%d layers, %.2f G multiply-adds, %.2f ms, %.1f GFLOP/s\n", plan->count,
                  work * 1e-9, plan->total_ms, plan->total_ms > 0 ? 2e-6 * work / plan->total_ms : 0);
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
    if (s->words) print_words(report, stream);
    if (s->plan) print_plan(report->plan, stream);
    if (report->verified && !report->damaged && !report->quiet) {
        tool_put_clean(stream, report->name);
        (void)fprintf(stream, ": the checksums of all %d tensors are right\n", report->info.tensor_count);
    }
}
