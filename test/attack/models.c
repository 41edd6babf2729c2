/* models.c - hostile model files: good ones with damaged tables, weights, words and metadata; see attack.h.
 *
 * Checksums are put right nearly always, so that the checks behind them are reached. */
#include <math.h>

#include <capw.h>

#include "test/attack/attack.h"
#include "test/make_model.h"

/* ---- the parts of a model ---- */

enum { MAX_ENTRIES = 64, MAX_WORDS = 512 };

typedef struct entry {
    const char *key, *value; /* owned by the model's bytes, or constant */
} entry;

typedef struct parts {
    bytes file; /* a good model */
    capw_header header;
    entry entries[MAX_ENTRIES];
    size_t entry_count;
    const char *words[MAX_WORDS];
    size_t word_count;
} parts;

static uint32_t get32(const unsigned char *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static void take_apart(parts *p)
{
    const unsigned char *at = p->file.at;
    memcpy(&p->header, at, sizeof p->header);
    size_t place = (size_t)p->header.metadata_offset;
    for (p->entry_count = 0; p->entry_count < p->header.metadata_count; p->entry_count++) {
        const size_t key = get32(at + place), value = get32(at + place + 4);
        if (p->entry_count == MAX_ENTRIES) abort();
        p->entries[p->entry_count].key = (const char *)at + place + 8;
        p->entries[p->entry_count].value = (const char *)at + place + 8 + key;
        place += (8 + key + value + 3) / 4 * 4;
    }
    const unsigned char *offsets = at + p->header.vocabulary_offset;
    p->word_count = p->header.word_count;
    if (p->word_count > MAX_WORDS) abort();
    for (size_t i = 0; i < p->word_count; i++) {
        p->words[i] = (const char *)offsets + 4 * (p->word_count + 1) + get32(offsets + 4 * i);
    }
}

static void pad(bytes *b, size_t to)
{
    static const unsigned char zeros[64];
    put(b, zeros, (to - b->size % to) % to);
}

static void put_tables(bytes *out, parts *p)
{
    p->header.metadata_offset = out->size;
    p->header.metadata_count = (uint32_t)p->entry_count;
    for (size_t i = 0; i < p->entry_count; i++) {
        const size_t key = strlen(p->entries[i].key) + 1, value = strlen(p->entries[i].value) + 1;
        put_number(out, key, 4);
        put_number(out, value, 4);
        put(out, p->entries[i].key, key);
        put(out, p->entries[i].value, value);
        pad(out, 4);
    }
    p->header.vocabulary_offset = out->size;
    p->header.word_count = (uint32_t)p->word_count;
    size_t place = 0;
    for (size_t i = 0; i <= p->word_count; i++) {
        put_number(out, place, 4);
        if (i < p->word_count) place += strlen(p->words[i]) + 1;
    }
    for (size_t i = 0; i < p->word_count; i++) put(out, p->words[i], strlen(p->words[i]) + 1);
    pad(out, 64);
}

/* The model with its metadata and words as they now are, and the data behind them. */
static void put_together(bytes *out, parts *p)
{
    const uint64_t data = p->header.data_offset;
    put(out, p->file.at, (size_t)p->header.metadata_offset);
    put_tables(out, p);
    p->header.data_offset = out->size;
    put(out, p->file.at + data, p->file.size - (size_t)data);
    p->header.file_size = out->size;
    memcpy(out->at, &p->header, sizeof p->header);
    for (uint32_t i = 0; i < p->header.tensor_count; i++) {
        unsigned char *record = out->at + sizeof p->header + i * sizeof(capw_tensor);
        capw_tensor tensor;
        memcpy(&tensor, record, sizeof tensor);
        tensor.offset += p->header.data_offset - data;
        memcpy(record, &tensor, sizeof tensor);
    }
}

/* ---- attacks ---- */

static void attack_entries(parts *p, dice *d)
{
    static const char *const keys[] = {"decode.beams", "decode.max_length", "input.size", "model.kind",
                                       "model.layers", "token.end",         "x",          ""};
    for (size_t left = roll_below(d, 3) + 1; left > 0; left--) {
        entry *chosen = &p->entries[roll_below(d, p->entry_count)];
        switch (roll_below(d, 6)) {
        case 0:
            *chosen = p->entries[--p->entry_count];
            break;
        case 1:
            chosen->key = one_in(d, 2) ? roll_text(d) : keys[roll_below(d, sizeof keys / sizeof keys[0])];
            break;
        case 2:
            if (p->entry_count < MAX_ENTRIES) p->entries[p->entry_count++] = *chosen;
            break;
        default:
            chosen->value = roll_text(d);
        }
    }
}

static void attack_words(parts *p, dice *d)
{
    const bool all = one_in(d, 3);
    const char *text = roll_text(d);
    for (size_t i = 0; i < p->word_count; i++) {
        if (all || one_in(d, 4)) p->words[i] = text;
        if (!one_in(d, 3)) text = roll_text(d);
    }
    if (one_in(d, 8)) p->word_count--;
    if (one_in(d, 8) && p->word_count < MAX_WORDS) p->words[p->word_count++] = text;
}

static capw_tensor *some_record(bytes *b, dice *d)
{
    capw_header header;
    memcpy(&header, b->at, sizeof header);
    return (capw_tensor *)(void *)(b->at + sizeof header) + roll_below(d, header.tensor_count);
}

static void attack_header(bytes *b, dice *d)
{
    capw_header header;
    memcpy(&header, b->at, sizeof header);
    switch (roll_below(d, 8)) {
    case 0:
        header.tensor_count = (uint32_t)roll_edge(d);
        break;
    case 1:
        header.metadata_count = (uint32_t)roll_edge(d);
        break;
    case 2:
        header.word_count = (uint32_t)roll_edge(d);
        break;
    case 3:
        header.metadata_offset = roll_edge(d);
        break;
    case 4:
        header.vocabulary_offset = roll_edge(d);
        break;
    case 5:
        header.file_size = roll_edge(d);
        break;
    case 6:
        header.version = (uint32_t)roll_edge(d);
        break;
    default:
        header.data_offset = one_in(d, 2) ? roll_edge(d) : roll_below(d, b->size) / 64 * 64;
    }
    memcpy(b->at, &header, sizeof header);
}

static void attack_records(bytes *b, dice *d)
{
    for (size_t left = roll_below(d, 3) + 1; left > 0; left--) {
        capw_tensor *record = some_record(b, d), *other = some_record(b, d);
        switch (roll_below(d, 8)) {
        case 0:
            record->offset = one_in(d, 2) ? roll_edge(d) : other->offset; /* the latter overlaps */
            break;
        case 1:
            record->bytes = roll_edge(d);
            break;
        case 2:
            record->dims[roll_below(d, 4)] = (uint32_t)roll_edge(d);
            break;
        case 3:
            record->rank = (uint32_t)roll_edge(d);
            break;
        case 4:
            record->dtype = (uint32_t)roll_below(d, 8);
            record->layout = (uint32_t)roll_below(d, 8);
            break;
        case 5:
            memcpy(record->name, other->name, sizeof record->name);
            break;
        case 6:
            memset(record->name, 1 + (int)roll_below(d, 254), sizeof record->name);
            break;
        default: {
            const capw_tensor swapped = *record;
            *record = *other;
            *other = swapped;
        }
        }
    }
}

static float odd_float(dice *d)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 3.4e38f, -3.4e38f, 1e-40f, 0, -0.0f, 1e20f, 1};
    return odd[roll_below(d, sizeof odd / sizeof odd[0])];
}

/* The bytes of whole tensors, or of single weights. */
static void attack_weights(bytes *b, dice *d)
{
    for (size_t left = roll_below(d, 6) + 1; left > 0; left--) {
        capw_tensor *record = some_record(b, d);
        const float value = odd_float(d);
        const size_t count = (size_t)record->bytes / sizeof value;
        const bool whole = one_in(d, 2);
        for (size_t i = 0; i < count; i++) {
            if (whole || one_in(d, 50)) memcpy(b->at + record->offset + 4 * i, &value, sizeof value);
        }
        if (!one_in(d, 8)) record->crc = make_model_crc(b->at + record->offset, (size_t)record->bytes);
    }
}

/* ---- a model ---- */

static void good_model(bytes *out, dice *d)
{
    make_model_options options;
    make_model_defaults(&options);
    options.width = 1;
    options.seed = (uint32_t)roll(d);
    options.rnn = one_in(d, 2) ? CAPTION_RNN_LSTM : CAPTION_RNN_GRU;
    if (one_in(d, 4)) {
        options.kind = CAPTION_KIND_BASELINE;
        options.layers = 1 + (int)roll_below(d, 3);
        options.attention = 0;
    }
    if (one_in(d, 2)) {
        options.int8 = true;
        options.fine = one_in(d, 2);
    } else {
        options.coarse = one_in(d, 2);
        options.winograd = (int)roll_below(d, 3);
    }
    size_t size;
    unsigned char *data = make_model(&options, &size);
    if (!data) abort();
    put(out, data, size);
    free(data);
}

/* Puts checksums right where the tables end inside the file. */
static void seal(bytes *b)
{
    capw_header header;
    if (b->size < sizeof header) return;
    memcpy(&header, b->at, sizeof header);
    if (header.data_offset >= sizeof header && header.data_offset <= b->size) make_model_seal(b->at);
}

void attack_model(bytes *out, dice *d)
{
    static parts p;
    memset(&p, 0, sizeof p);
    good_model(&p.file, d);
    take_apart(&p);
    const size_t way = roll_below(d, 7);
    if (way == 0) attack_entries(&p, d);
    if (way == 1) attack_words(&p, d);
    put_together(out, &p);
    if (way == 2) attack_header(out, d);
    if (way == 3) attack_records(out, d);
    if (way == 4) attack_weights(out, d);
    if (way >= 5) damage(out, d);
    if (!one_in(d, 20)) seal(out);
    free_bytes(&p.file);
}
