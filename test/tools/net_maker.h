/* Small checkpoints of all four networks, and their vocabularies, for the tests of tools/convert.
 *
 * Everything is static.  A value is a function of its tensor's name and its place in the tensor, so a test
 * can work out what a model file must hold.  Nothing here uses the converter. */
#ifndef TEST_NET_MAKER_H
#define TEST_NET_MAKER_H

#include "lib/format/resnet50.h"
#include "test/tools/torch_maker.h"

enum { NET_EMBED = 5, NET_HIDDEN = 6, NET_ATTENTION = 7, NET_WORDS = 19, NET_MAX = 400 };

typedef struct net_tensor {
    char key[112];
    int rank;
    int64_t dims[4];
    bool decoder;     /* in decoder_state */
    const char *type; /* "FloatStorage" */
} net_tensor;

typedef struct net {
    net_tensor tensors[NET_MAX];
    size_t count;
    bytes config; /* pickled keys and values */
    bool wide;    /* the archive is a zip64 one, as if it had more than 4 GiB */
} net;

/* In [-1, 1); of variances in [0.25, 1.25). */
static inline float net_value(const char *key, size_t i)
{
    uint32_t h = 2166136261u + (uint32_t)i * 2654435761u;
    const size_t size = strlen(key);
    for (size_t k = 0; k < size; k++) h = (h ^ (unsigned char)key[k]) * 16777619u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    const float value = (float)(h >> 8) / 8388608.0f - 1.0f;
    return size > 3 && strcmp(key + size - 3, "var") == 0 ? 0.75f + value / 2 : value;
}

static inline net_tensor *net_find(net *n, const char *key)
{

    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->tensors[i].key, key) == 0) return &n->tensors[i];
    }
    abort();
}

static inline net_tensor *net_add(net *n, bool decoder, const char *key, const char *suffix, int64_t a,
                                  int64_t b)
{
    net_tensor *t = &n->tensors[n->count++];
    if (n->count > NET_MAX) abort();
    memset(t, 0, sizeof *t);
    (void)snprintf(t->key, sizeof t->key, "%s%s", key, suffix);
    t->decoder = decoder;
    t->type = "FloatStorage";
    t->rank = b ? 2 : 1;
    t->dims[0] = a;
    t->dims[1] = b;
    return t;
}

static inline void net_add_conv(net *n, const char *key, int64_t out, int64_t in, int64_t kernel)
{
    net_tensor *t = net_add(n, false, key, ".weight", out, in);
    t->rank = 4;
    t->dims[2] = t->dims[3] = kernel;
}

static inline void net_add_norm(net *n, const char *key, int64_t size)
{

    (void)net_add(n, false, key, ".weight", size, 0);
    (void)net_add(n, false, key, ".bias", size, 0);
    (void)net_add(n, false, key, ".running_mean", size, 0);
    (void)net_add(n, false, key, ".running_var", size, 0);
    net_tensor *t = net_add(n, false, key, ".num_batches_tracked", 0, 0);
    t->rank = 0;
    t->type = "LongStorage";
}

static inline void net_add_linear(net *n, bool decoder, const char *key, int64_t out, int64_t in)
{
    (void)net_add(n, decoder, key, ".weight", out, in);
    (void)net_add(n, decoder, key, ".bias", out, 0);
}

static inline void net_add_encoder(net *n, int64_t width)
{
    int64_t in = width;
    net_add_conv(n, "features.0", width, 3, 7);
    net_add_norm(n, "features.1", width);
    char key[64];
    for (int s = 0; s < 4; s++) {
        const int64_t w = width << s, sizes[4] = {in, w, w, 4 * w};

        for (int b = 0; b < cpt_resnet50_stage_at(s + 1)->blocks; b++) {
            for (int i = 1; i <= 3; i++) {
                (void)snprintf(key, sizeof key, "features.%d.%d.conv%d", s + 4, b, i);
                net_add_conv(n, key, sizes[i], b && i == 1 ? 4 * w : sizes[i - 1], i == 2 ? 3 : 1);
                (void)snprintf(key, sizeof key, "features.%d.%d.bn%d", s + 4, b, i);
                net_add_norm(n, key, sizes[i]);
            }
            if (b) continue;
            (void)snprintf(key, sizeof key, "features.%d.0.downsample.0", s + 4);
            net_add_conv(n, key, 4 * w, in, 1);
            (void)snprintf(key, sizeof key, "features.%d.0.downsample.1", s + 4);
            net_add_norm(n, key, 4 * w);
        }
        in = 4 * w;
    }
}

static inline void net_add_recurrent(net *n, const char *prefix, const char *suffix, int64_t rows,
                                     int64_t input)
{
    char tail[48];
    (void)snprintf(tail, sizeof tail, "weight_ih%s", suffix);
    (void)net_add(n, true, prefix, tail, rows, input);
    (void)snprintf(tail, sizeof tail, "weight_hh%s", suffix);
    (void)net_add(n, true, prefix, tail, rows, NET_HIDDEN);
    (void)snprintf(tail, sizeof tail, "bias_ih%s", suffix);
    (void)net_add(n, true, prefix, tail, rows, 0);
    (void)snprintf(tail, sizeof tail, "bias_hh%s", suffix);
    (void)net_add(n, true, prefix, tail, rows, 0);
}

static inline void net_make(net *n, int64_t width, bool attention, bool lstm, int layers)
{
    const int64_t channels = 32 * width, rows = (lstm ? 4 : 3) * NET_HIDDEN;
    memset(n, 0, sizeof *n);
    net_add_encoder(n, width);
    (void)net_add(n, true, "embedding", ".weight", NET_WORDS, NET_EMBED);
    net_add_linear(n, true, "fc", NET_WORDS, NET_HIDDEN);
    if (attention) {
        net_add_linear(n, true, "attention.W_enc", NET_ATTENTION, channels);
        net_add_linear(n, true, "attention.W_dec", NET_ATTENTION, NET_HIDDEN);
        net_add_linear(n, true, "attention.V", 1, NET_ATTENTION);
        net_add_linear(n, true, "init_h", NET_HIDDEN, channels);
        if (lstm) net_add_linear(n, true, "init_c", NET_HIDDEN, channels);
        net_add_recurrent(n, "rnn_cell.", "", rows, NET_EMBED + channels);
        return;
    }
    net_add_linear(n, false, "project", NET_EMBED, channels);
    net_add_norm(n, "bn", NET_EMBED);
    char suffix[24];
    for (int layer = 0; layer < layers; layer++) {
        (void)snprintf(suffix, sizeof suffix, "_l%d", layer);
        net_add_recurrent(n, lstm ? "lstm." : "gru.", suffix, rows, layer ? NET_HIDDEN : NET_EMBED);
    }
}

static inline int64_t net_size(const net_tensor *t)
{
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= t->dims[i];
    return count;
}

static inline void net_pickle_state(const net *n, bool decoder, bytes *b)
{

    pk_global(b, "collections", "OrderedDict");
    put(b, ")R(", 3);
    for (size_t i = 0; i < n->count; i++) {
        const net_tensor *t = &n->tensors[i];
        char key[24];
        tensor_spec spec = {.type = t->type, .key = key, .count = net_size(t), .rank = t->rank};
        int64_t step = 1;

        if (t->decoder != decoder || !t->key[0]) continue;
        (void)snprintf(key, sizeof key, "%zu", i);
        for (int d = t->rank - 1; d >= 0; d--) {
            spec.dims[d] = t->dims[d];
            spec.strides[d] = step;
            step *= t->dims[d];
        }
        pk_text(b, t->key);
        pk_tensor(b, &spec);
    }
    put(b, "u}X\t\0\0\0_metadata}sb", 19);
}

/* The optimizer's tensor names a storage that is not in the archive: whoever reads it fails. */
static inline void net_pickle(const net *n, bytes *b)
{
    const tensor_spec moment = {
        .type = "FloatStorage", .key = "absent", .count = 6, .rank = 1, .dims = {6}, .strides = {1}};
    pk_begin(b);
    put(b, "}(", 2);
    pk_text(b, "encoder_state");
    net_pickle_state(n, false, b);
    pk_text(b, "decoder_state");
    net_pickle_state(n, true, b);
    pk_text(b, "optimizer_state");
    put(b, "}", 1);
    pk_text(b, "exp_avg");
    pk_tensor(b, &moment);
    put(b, "s", 1);
    pk_text(b, "epoch");
    pk_int(b, 31);
    pk_text(b, "metrics");
    put(b, "}(", 2);
    pk_text(b, "BLEU-4");
    pk_float(b, 0.3);
    pk_text(b, "missing");
    put(b, "N", 1);
    pk_text(b, "val_loss");
    pk_scalar(b, "f8", "<", "\0\0\0\0\0\0\xF8\x3F", 8); /* numpy.float64(1.5) */
    put(b, "u", 1);
    pk_text(b, "config");
    put(b, "}(", 2);
    put(b, n->config.at, n->config.size);
    put(b, "uu.", 3);
}

static inline void net_archive(const net *n, zip_maker *z)
{
    bytes b = {0};
    memset(z, 0, sizeof *z);
    z->wide = n->wide;
    net_pickle(n, &b);
    zip_add(z, "net/data.pkl", b.at, b.size);
    zip_add(z, "net/byteorder", "little", 6);
    for (size_t i = 0; i < n->count; i++) {
        const net_tensor *t = &n->tensors[i];
        const bool whole = strcmp(t->type, "LongStorage") == 0;
        const size_t count = (size_t)net_size(t);

        b.size = 0;
        for (size_t k = 0; k < count; k++) {
            const float value = net_value(t->key, k);
            const int64_t steps = 1234;

            put(&b, whole ? (const void *)&steps : (const void *)&value, whole ? 8 : 4);
        }
        char name[32];
        (void)snprintf(name, sizeof name, "net/data/%zu", i);
        zip_add(z, name, b.at, b.size);
    }
    zip_add(z, "net/version", "3\n", 2);
    zip_end(z);
    free_bytes(&b);
}

static inline void net_write(const net *n, const char *path)
{
    zip_maker z;
    net_archive(n, &z);
    write_file(path, z.out.at, z.out.size);
    zip_free(&z);
}

/* A vocabulary of NET_WORDS words: the four special ones, then w4, w5, ...; odd != NULL replaces word 7. */
static inline void net_put_vocabulary(bytes *b, int words, const char *odd)
{
    static const char *const special[4] = {"<pad>", "<start>", "<end>", "<unk>"};
    pk_begin(b);
    pk_global(b, "src.vocabulary", "Vocabulary");
    put(b, ")\x81}(", 4);
    pk_text(b, "freq_threshold");
    pk_int(b, 3);
    char word[16];
    int i;
    for (int turn = 0; turn < 2; turn++) {
        pk_text(b, turn ? "stoi" : "itos");
        put(b, "}(", 2);
        for (i = words; i-- > 0;) { /* any order will do */
            (void)snprintf(word, sizeof word, "w%d", i);
            if (!turn) pk_int(b, i);
            pk_text(b, i < 4 ? special[i] : i == 7 && odd ? odd : word);
            if (turn) pk_int(b, i);
        }
        put(b, "u", 1);
    }
    pk_text(b, "word_freqs");
    pk_global(b, "collections", "Counter");
    put(b, "}\x85Rub.", 6);
}

static inline void net_write_vocabulary(const char *path, int words, const char *odd)
{
    bytes b = {0};
    net_put_vocabulary(&b, words, odd);
    write_file(path, b.at, b.size);
    free_bytes(&b);
}

#endif
