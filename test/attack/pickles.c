/* pickles.c - hostile checkpoints, vocabularies and settings; see attack.h. */
#include <math.h>

#include "test/attack/attack.h"
#include "test/fuzz/fuzz.h"
#include "test/tools/net_maker.h"

/* ---- streams of instructions ---- */

static void put_some(bytes *b, dice *d, const char *instructions, size_t times)
{
    for (; times > 0; times--) put_text(b, instructions);
    if (one_in(d, 4)) put_text(b, roll_text(d));
}

/* Lists in lists, each of two references to the one before: 2^64 items, were they ever counted. */
static void put_doubled_lists(bytes *b)
{
    put(b, "]q\0", 3);
    for (int i = 0; i < 64; i++) {
        put(b, "]q", 2);
        put_number(b, (uint64_t)i + 1, 1);
        for (int k = 0; k < 2; k++) {
            put_op(b, 'h');
            put_number(b, (uint64_t)i, 1);
            put_op(b, 'a');
        }
    }
}

static void put_long(bytes *b, dice *d)
{
    const bool huge = one_in(d, 2);
    put_op(b, 0x8b); /* LONG4 */
    put_number(b, huge ? roll_edge(d) : 100000, 4);
    for (int i = 0; i < (huge ? 10 : 12500); i++) put_number(b, 0x7777777777777777, 8);
}

/* One instruction with arguments that are often wrong. */
static void put_any(bytes *b, dice *d)
{
    static const char plain[] = "(.0123])}lduteasbRoiNQ\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x94";
    switch (roll_below(d, 10)) {
    case 0:
        put_op(b, "KMJ"[roll_below(d, 3)]);
        put_number(b, roll_edge(d), 4);
        break;
    case 1:
        put_op(b, "hq"[roll_below(d, 2)]);
        put_number(b, roll_below(d, 8), 1);
        break;
    case 2:
        put_op(b, "jr"[roll_below(d, 2)]);
        put_number(b, roll_edge(d), 4);
        break;
    case 3:
        pk_text(b, roll_text(d));
        break;
    case 4:
        put_op(b, one_in(d, 2) ? 0x8d : 0x8e); /* BINUNICODE8, BINBYTES8 */
        put_number(b, roll_edge(d), 8);
        break;
    case 5:
        pk_global(b, one_in(d, 2) ? "os" : "collections", one_in(d, 2) ? "system" : "OrderedDict");
        break;
    case 6:
        put_op(b, 0x95); /* FRAME */
        put_number(b, roll_edge(d), 8);
        break;
    default:
        put_op(b, (unsigned char)plain[roll_below(d, sizeof plain - 1)]);
    }
}

static void make_stream(bytes *out, dice *d)
{
    out->size = 0;
    pk_begin(out);
    switch (roll_below(d, 7)) {
    case 0:
        put_some(out, d, one_in(d, 2) ? "]" : "(", 1000000);
        break;
    case 1:
        for (int i = 0; i < 100000; i++) put(out, "](", 2);
        put_some(out, d, "e", 100000);
        break;
    case 2:
        put_doubled_lists(out);
        break;
    case 3:
        put_long(out, d);
        break;
    case 4:
        put_some(out, d, "N\x85", 200000); /* tuples in tuples */
        break;
    case 5:
        pk_global(out, "os", "system");
        pk_text(out, "touch attacked");
        put(out, "\x85R", 2);
        break;
    default:
        for (size_t left = roll_below(d, 300); left > 0; left--) put_any(out, d);
    }
    put_op(out, '.');
}

/* ---- vocabularies ---- */

/* A word for each index, some of both hostile. */
static void make_words(bytes *out, dice *d)
{
    static const char *const special[4] = {"<pad>", "<start>", "<end>", "<unk>"};
    const size_t words = one_in(d, 6) ? 100000 : NET_WORDS, odd = words / 20;
    out->size = 0;
    pk_begin(out);
    pk_global(out, "src.vocabulary", "Vocabulary");
    put(out, ")\x81}(", 4);
    for (int turn = 0; turn < 2; turn++) {
        pk_text(out, turn ? "stoi" : "itos");
        put(out, "}(", 2);
        for (size_t i = 0; i < words; i++) {
            char word[24];
            (void)snprintf(word, sizeof word, "w%zu", i);
            const char *text = one_in(d, odd + 12) ? roll_text(d) : i < 4 ? special[i] : word;
            const int64_t index = one_in(d, 40) ? (int64_t)roll_edge(d) : (int64_t)i;
            if (!turn) pk_int(out, index);
            pk_text(out, text);
            if (turn) pk_int(out, index);
        }
        put_op(out, 'u');
    }
    put(out, "ub.", 3);
}

void attack_vocabulary(bytes *out, dice *d)
{
    net_put_vocabulary(out, NET_WORDS, one_in(d, 4) ? roll_text(d) : NULL);
    switch (roll_below(d, 4)) {
    case 0:
        make_stream(out, d);
        break;
    case 1:
        make_words(out, d);
        break;
    default:
        damage(out, d);
    }
}

/* ---- checkpoints ---- */

static void attack_tensors(net *n, dice *d)
{
    static const char *const types[] = {"HalfStorage", "BFloat16Storage", "DoubleStorage", "CharStorage",
                                        "BoolStorage", "FloatStorage",    "OtherStorage"};
    for (size_t left = roll_below(d, 3) + 1; left > 0; left--) {
        net_tensor *t = &n->tensors[roll_below(d, n->count)];
        const net_tensor *other = &n->tensors[roll_below(d, n->count)];
        switch (roll_below(d, 6)) {
        case 0:
            t->dims[roll_below(d, 4)] = (int64_t)roll_below(d, 70);
            break;
        case 1:
            t->rank = (int)roll_below(d, 5);
            break;
        case 2:
            t->type = types[roll_below(d, sizeof types / sizeof types[0])];
            break;
        case 3:
            (void)snprintf(t->key, sizeof t->key, "%s", one_in(d, 2) ? other->key : roll_text(d));
            break;
        case 4:
            t->decoder = !t->decoder;
            break;
        default:
            t->key[0] = '\0'; /* left out */
        }
    }
}

static void attack_config(net *n, dice *d)
{
    static const char *const keys[] = {"rnn_type",   "hidden_size",  "embed_size",
                                       "num_layers", "decoder_type", "max_length"};
    for (size_t left = roll_below(d, 4); left > 0; left--) {
        pk_text(&n->config, one_in(d, 5) ? roll_text(d) : keys[roll_below(d, sizeof keys / sizeof keys[0])]);
        if (one_in(d, 3)) {
            pk_int(&n->config, (int64_t)roll_edge(d));
        } else if (one_in(d, 2)) {
            pk_float(&n->config, one_in(d, 2) ? (double)NAN : 1e300);
        } else {
            pk_text(&n->config, roll_text(d));
        }
    }
}

/* Floats of the archive become numbers that no weight may be. */
static void attack_values(bytes *b, dice *d)
{
    static const uint32_t odd[] = {0x7FC00000, 0x7F800000, 0xFF800000, 0x7F7FFFFF, 1, 0x80000000, 0};
    const uint64_t value = odd[roll_below(d, sizeof odd / sizeof odd[0])];
    for (size_t left = roll_below(d, 2000); left > 0; left--) {
        set_number(b, b->size / 4 + roll_below(d, b->size / 2) / 4 * 4, value, 4);
    }
}

/* An archive of another pickle, or of entries that no program would write. */
static void make_archive(bytes *out, dice *d)
{
    zip_maker z;
    bytes pickle = {0};
    memset(&z, 0, sizeof z);
    z.plain = one_in(d, 2);
    make_stream(&pickle, d);
    zip_add(&z, one_in(d, 6) ? roll_text(d) : "net/data.pkl", pickle.at, pickle.size);
    for (size_t left = one_in(d, 3) ? 70000 : roll_below(d, 4); left > 0; left--) {
        char name[32];
        (void)snprintf(name, sizeof name, "net/data/%zu", one_in(d, 50) ? 1 : left);
        zip_add(&z, name, "\0\0\x80?", one_in(d, 9) ? 0 : 4);
    }
    zip_end(&z);
    out->size = 0;
    put_bytes(out, &z.out);
    zip_free(&z);
    free_bytes(&pickle);
}

static void good_net(net *n, dice *d)
{
    const bool attention = !one_in(d, 4), lstm = one_in(d, 2);
    net_make(n, 1, attention, lstm, attention ? 1 : 1 + (int)roll_below(d, 3));
    pk_text(&n->config, "rnn_type");
    pk_text(&n->config, lstm ? "lstm" : "gru");
}

void attack_checkpoint(bytes *out, dice *d)
{
    static net n;
    zip_maker z;
    const size_t way = roll_below(d, 6);
    good_net(&n, d);
    if (way == 0) attack_tensors(&n, d);
    if (way == 1) attack_config(&n, d);
    net_archive(&n, &z);
    put_bytes(out, &z.out);
    zip_free(&z);
    free_bytes(&n.config);
    if (way == 2) attack_values(out, d);
    if (way == 3) make_archive(out, d);
    if (way >= 4) damage(out, d);
    if (!one_in(d, 10)) fuzz_seal_zip(out->at, out->size);
}

/* ---- JSON beside a checkpoint ---- */

void attack_settings(bytes *out, dice *d)
{
    static const char *const starts[] = {"{\"rnn_type\": \"gru\", \"hidden_size\": 6", "{\"BLEU-4\": 0.3093",
                                         "{\"a\": {\"b\": [1, 2]}"};
    put_text(out, starts[roll_below(d, sizeof starts / sizeof starts[0])]);
    for (size_t left = roll_below(d, 6); left > 0; left--) {
        put_text(out, ", \"");
        put_text(out, roll_text(d));
        put_text(out, "\": ");
        if (one_in(d, 3)) put_text(out, "\"");
        put_text(out, roll_text(d));
        if (one_in(d, 3)) put_text(out, "\"");
    }
    if (one_in(d, 6)) put_some(out, d, one_in(d, 2) ? "[" : "{\"a\":", 100000);
    put_text(out, "}\n");
    if (one_in(d, 3)) damage(out, d);
}
