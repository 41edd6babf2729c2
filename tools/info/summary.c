/* The summary that capinfo shows of a model, short enough for one screen; see report.h. */
#include "tools/info/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "lib/format/names.h"
#include "tools/common/clean.h"
#include "tools/common/json.h"

enum {
    LABEL_COLUMNS = 12,
    SCREEN_COLUMNS = 80,
    VALUE_BYTES = 56, /* texts from the file are cut to less than that */
    MAX_TYPES = 8,
    MAX_METRICS = 16
};

/* A line "label       item, item", continued under its first item where it gets too long. */
typedef struct entry {
    FILE *stream;
    int column; /* 0 before the first item */
} entry;

static entry begin_entry(FILE *stream, const char *label)
{
    (void)fprintf(stream, "%-*s", LABEL_COLUMNS, label);
    return (entry){.stream = stream, .column = 0};
}

static void add_item(entry *e, const char *format, ...) TOOL_PRINTF(2, 3);

static void add_item(entry *e, const char *format, ...)
{
    char text[256], clean[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tool_clean(clean, sizeof clean, text);
    const int length = (int)strlen(clean);
    if (e->column && e->column + 2 + length > SCREEN_COLUMNS - 1) { /* a comma may follow */
        (void)fprintf(e->stream, ",\n%*s", LABEL_COLUMNS, "");
        e->column = LABEL_COLUMNS;
    } else if (e->column) {
        (void)fputs(", ", e->stream);
        e->column += 2;
    } else {
        e->column = LABEL_COLUMNS;
    }
    (void)fputs(clean, e->stream);
    e->column += length;
}

static void end_entry(const entry *e)
{
    (void)fputs(e->column ? "\n" : "-\n", e->stream);
}

/* The value of a metadata key, cut to fit a line; NULL where there is none. */
static const char *find_short(const info_report *report, const char *key, char text[VALUE_BYTES])
{
    const char *value = caption_model_find_metadata(report->model, key);
    if (!value) return NULL;
    (void)snprintf(text, VALUE_BYTES, "%s", value);
    if (strlen(value) >= VALUE_BYTES) memcpy(text + VALUE_BYTES - 4, "...", 4);
    return text;
}

static void print_origin(const info_report *report, FILE *stream)
{
    static const char *const keys[][2] = {{"converter", "made by"},
                                          {"source.checkpoint", "from"},
                                          {"source.vocabulary", "with"},
                                          {"source.epoch", "epoch"}};
    entry e = begin_entry(stream, "origin");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char text[VALUE_BYTES];
        const char *value = find_short(report, keys[i][0], text);
        if (value) add_item(&e, "%s %s", keys[i][1], value);
    }
    end_entry(&e);
}

static void print_sizes(const info_report *report, FILE *stream)
{
    const caption_model_info *i = &report->info;
    const int special[] = {i->pad, i->start, i->end, i->unk};
    entry e = begin_entry(stream, "encoder");
    add_item(&e, "%d x %d x 3 -> %d x %d", i->input_size, i->input_size, i->positions, i->feature_channels);
    end_entry(&e);
    e = begin_entry(stream, "decoder");
    add_item(&e, "embedding %d", i->embed_size);
    add_item(&e, "hidden %d", i->hidden_size);
    if (i->attention_size) add_item(&e, "attention %d", i->attention_size);
    end_entry(&e);
    e = begin_entry(stream, "vocabulary");
    add_item(&e, "%d words", i->vocabulary_size);
    for (int k = 0; k < 4; k++) {
        const char *word = caption_model_word(report->model, special[k]);
        add_item(&e, "%d %.*s", special[k], VALUE_BYTES, word ? word : "?");
    }
    end_entry(&e);
}

static void print_search(const info_report *report, FILE *stream)
{
    caption_decode_options d;
    caption_decode_options_init(&d, report->model);
    entry e = begin_entry(stream, "search");
    if (d.search == CAPTION_SEARCH_GREEDY) {
        add_item(&e, "%s", cpt_name_of(cpt_search_names, d.search));
    } else {
        add_item(&e, "%d beams", d.beams);
    }
    add_item(&e, "at most %d words", d.max_length);
    add_item(&e, "length alpha %g", (double)d.length_alpha);
    add_item(&e, "penalty %g (%s)", (double)d.repetition_penalty, cpt_name_of(cpt_penalty_names, d.penalty));
    end_entry(&e);
}

/* The plain numbers of the training's test results. */
static void print_metrics(const info_report *report, FILE *stream)
{
    const char *text = caption_model_find_metadata(report->model, "source.metrics");
    json_error_t where;
    json_t *root = text ? tool_json_parse(text, strlen(text), 0, &where) : NULL;
    entry e = begin_entry(stream, "metrics");
    int count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (json_is_number(value) && count++ < MAX_METRICS) {
            add_item(&e, "%.*s %.4g", VALUE_BYTES, key, json_number_value(value));
        }
    }
    end_entry(&e);
    json_decref(root);
}

/* Bytes of the tensors by element type, in the order in which the types appear. */
static void print_bytes(const info_report *report, FILE *stream)
{
    const char *types[MAX_TYPES];
    uint64_t bytes[MAX_TYPES];
    int count = 0;
    for (int k = 0; k < report->info.tensor_count; k++) {
        caption_tensor_info t;
        if (caption_model_tensor(report->model, k, &t) != CAPTION_OK) continue;
        int type = 0;
        while (type < count && strcmp(types[type], t.dtype) != 0) type++;
        if (type == MAX_TYPES) continue;
        if (type == count) {
            types[count] = t.dtype;
            bytes[count++] = 0;
        }
        bytes[type] += t.bytes;
    }
    entry e = begin_entry(stream, "bytes");
    for (int type = 0; type < count; type++) {
        add_item(&e, "%s %.2f MB", types[type], (double)bytes[type] * 1e-6);
    }
    add_item(&e, "file %.2f MB", (double)report->header.file_size * 1e-6);
    end_entry(&e);
}

void info_print_summary(const info_report *report, FILE *stream)
{
    const caption_model_info *i = &report->info;
    (void)fprintf(stream, "%-*s", LABEL_COLUMNS, "file");
    tool_put_clean(stream, report->name);
    (void)fputc('\n', stream);
    entry e = begin_entry(stream, "kind");
    add_item(&e, "%s", info_kind_name(i));
    add_item(&e, "%s", info_rnn_name(i));
    add_item(&e, "%d layer%s", i->layers, i->layers == 1 ? "" : "s");
    end_entry(&e);
    e = begin_entry(stream, "precision");
    add_item(&e, "%s", cpt_name_of(cpt_precision_names, i->precision));
    end_entry(&e);
    print_sizes(report, stream);
    print_origin(report, stream);
    print_search(report, stream);
    print_metrics(report, stream);
    e = begin_entry(stream, "numbers");
    add_item(&e, "%" PRIu64 " in %d tensors", i->parameters, i->tensor_count);
    end_entry(&e);
    print_bytes(report, stream);
}
