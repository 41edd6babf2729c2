/* make_checkpoint.c - a small checkpoint with invented weights in the published layout, and the files that
 * are published beside it, for test/scripts/test_weights.sh:  make_checkpoint FOLDER */
#include "test/tools/net_maker.h"

enum { WIDTH = 8, PATH_BYTES = 1024 };

static void add_setting(net *n, const char *key, int64_t value)
{
    pk_text(&n->config, key);
    pk_int(&n->config, value);
}

static const char *in_folder(char path[PATH_BYTES], const char *folder, const char *name)
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    return path;
}

int main(int argc, char **argv)
{
    static const char config[] = "{\"rnn_type\": \"gru\", \"hidden_size\": 6}\n";
    static const char metrics[] = "{\"BLEU-4\": 0.3093}\n";
    static net n;
    if (argc != 2) {
        fprintf(stderr, "Usage: make_checkpoint FOLDER\n");
        return 2;
    }
    net_make(&n, WIDTH, true, false, 1);
    pk_text(&n.config, "rnn_type");
    pk_text(&n.config, "gru");
    add_setting(&n, "hidden_size", NET_HIDDEN);
    char path[PATH_BYTES];
    net_write(&n, in_folder(path, argv[1], "attention_gru_glove.pth"));
    net_write_vocabulary(in_folder(path, argv[1], "vocab.pkl"), NET_WORDS, NULL);
    write_file(in_folder(path, argv[1], "config.json"), config, sizeof config - 1);
    write_file(in_folder(path, argv[1], "metrics_beam5.json"), metrics, sizeof metrics - 1);
    free_bytes(&n.config);
    return 0;
}
