/* capinfo's output as text, and the file header; see report.h. */
#include "tools/info/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint32_t get32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t get64(const unsigned char *bytes)
{
    return get32(bytes) | (uint64_t)get32(bytes + 4) << 32;
}

bool info_read_header(capw_header *header, const char *path, tool_error *err)
{
    unsigned char bytes[64];
    FILE *file = fopen(path, "rb");
    size_t got;
    if (!file) return tool_fail_errno(err, path, errno);
    got = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    if (got != sizeof bytes) return tool_fail(err, "%s: can't read its header", path);
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

/* Control characters come from the file and might drive a terminal: they are shown, not sent. */
static void print_clean(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n') {
            (void)fputs("\\n", stdout);
        } else if (c < 0x20 || c == 0x7F) {
            (void)printf("\\x%02x", (unsigned)c);
        } else {
            (void)putchar(c);
        }
    }
}

static const char *kind_name(const caption_model_info *info)
{
    return info->kind == CAPTION_KIND_ATTENTION ? "attention" : "baseline";
}

static const char *word_or(const caption_model *model, int id)
{
    const char *word = caption_model_word(model, id);
    return word ? word : "?";
}

static void print_summary(const info_report *report)
{
    const caption_model_info *i = &report->info;
    const capw_header *h = &report->header;
    const int special[] = {i->pad, i->start, i->end, i->unk};
    int k;
    (void)printf("file        %s\n", report->name);
    (void)printf("header      version %" PRIu32 ", %" PRIu64 " bytes, metadata at %" PRIu64
                 ", vocabulary at %" PRIu64 ", data at %" PRIu64 "\n",
                 h->version, h->file_size, h->metadata_offset, h->vocabulary_offset, h->data_offset);
    (void)printf("checksums   tables %08" PRIx32 ", header %08" PRIx32 "\n", h->tables_crc, h->header_crc);
    (void)printf("kind        %s, %s, %d layer%s\n", kind_name(i), i->rnn == CAPTION_RNN_GRU ? "GRU" : "LSTM",
                 i->layers, i->layers == 1 ? "" : "s");
    (void)printf("encoder     %d x %d x 3 -> %d x %d\n", i->input_size, i->input_size, i->positions,
                 i->feature_channels);
    (void)printf("decoder     embedding %d, hidden %d", i->embed_size, i->hidden_size);
    if (i->attention_size) (void)printf(", attention %d", i->attention_size);
    (void)printf("\nvocabulary  %d words;", i->vocabulary_size);
    for (k = 0; k < 4; k++) {
        (void)printf("%s %d ", k ? "," : "", special[k]);
        print_clean(word_or(report->model, special[k]));
    }
    (void)printf("\nnumbers     %" PRIu64 " in %d tensors\n", i->parameters, i->tensor_count);
    (void)printf("metadata    %d entries\n", i->metadata_count);
    for (k = 0; k < i->metadata_count; k++) {
        const char *key, *value;
        if (caption_model_metadata(report->model, k, &key, &value) != CAPTION_OK) continue;
        (void)fputs("  ", stdout);
        print_clean(key);
        (void)fputs(" = ", stdout);
        print_clean(value);
        (void)putchar('\n');
    }
}

static void print_tensors(const info_report *report)
{
    int k, d;
    (void)printf("%-44s %-9s %-9s %10s %12s %8s  %s\n", "tensor", "type", "layout", "offset", "bytes",
                 "crc32", "shape");
    for (k = 0; k < report->info.tensor_count; k++) {
        caption_tensor_info t;
        if (caption_model_tensor(report->model, k, &t) != CAPTION_OK) continue;
        (void)printf("%-44s %-9s %-9s %10" PRIu64 " %12" PRIu64 " %08" PRIx32 "  ", t.name, t.dtype, t.layout,
                     t.offset, t.bytes, t.crc);
        for (d = 0; d < t.rank; d++) (void)printf("%s%" PRIu32, d ? " x " : "", t.dims[d]);
        (void)putchar('\n');
    }
}

static void print_words(const info_report *report)
{
    int k;
    for (k = 0; k < report->info.vocabulary_size; k++) {
        (void)printf("%d ", k);
        print_clean(word_or(report->model, k));
        (void)putchar('\n');
    }
}

static void print_plan(const info_plan *plan)
{
    double work = 0;
    int k;
    (void)printf("%-22s %-11s %-4s %-4s %-16s %-16s %8s %9s %6s\n", "layer", "algorithm", "size", "step",
                 "in", "out", "ms", "GFLOP/s", "share");
    for (k = 0; k < plan->count; k++) {
        const caption_layer_info *l = &plan->layers[k];
        char in[40], out[40], speed[24] = "-";
        (void)snprintf(in, sizeof in, "%dx%dx%d", l->in_height, l->in_width, l->in_channels);
        (void)snprintf(out, sizeof out, "%dx%dx%d", l->out_height, l->out_width, l->out_channels);
        if (l->multiply_adds > 0) {
            (void)snprintf(speed, sizeof speed, "%.1f", info_layer_speed(l, plan->ms[k]));
        }
        (void)printf("%-22s %-11s %-4d %-4d %-16s %-16s %8.3f %9s %5.1f%%\n", l->name, l->algorithm,
                     l->kernel, l->stride, in, out, plan->ms[k], speed,
                     plan->total_ms > 0 ? 100 * plan->ms[k] / plan->total_ms : 0);
        work += l->multiply_adds;
    }
    (void)printf(
        "%d layers, %.2f G multiply-adds, %.2f ms, %.1f GFLOP/s; %s, %d thread%s, medians of %d runs\n",
        plan->count, work * 1e-9, plan->total_ms, plan->total_ms > 0 ? 2e-6 * work / plan->total_ms : 0,
        plan->cpu, plan->threads, plan->threads == 1 ? "" : "s", plan->runs);
}

void info_print_text(const info_report *report)
{
    if (report->sections.summary) print_summary(report);
    if (report->sections.summary && report->sections.tensors) (void)putchar('\n');
    if (report->sections.tensors) print_tensors(report);
    if (report->sections.words) print_words(report);
    if (report->sections.plan) print_plan(report->plan);
    if (report->verified && !report->damaged) {
        (void)printf("%s: the checksums of all %d tensors are right\n", report->name,
                     report->info.tensor_count);
    }
}
