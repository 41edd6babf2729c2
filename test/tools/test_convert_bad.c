/* Tests of the conversion of what is wrong: checkpoints of other networks, damaged ones, vocabularies and
 * settings that do not fit.  Nothing may be left behind at the output's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "test/tools/net_maker.h"
#include "tools/convert/convert.h"
#include "tools/source/torch_zip.h"

static char folder[64], checkpoint[128], vocabulary[128], config[128], output[128];
static bool with_config, with_metrics;
static net n;

static bool convert(tool_error *err)
{
    convert_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    err->message[0] = '\0';
    job->files.checkpoint = checkpoint;
    job->files.vocabulary = vocabulary;
    job->files.output = output;
    job->files.config = with_config ? config : NULL;
    job->files.metrics = with_metrics ? config : NULL;
    job->compact = true;
    job->threads = 1;
    const bool ok = convert_run(job, err);
    convert_free(job);
    free(job);
    return ok;
}

static size_t files_there(void)
{
    DIR *dir = opendir(folder);
    size_t count = 0;
    assert_non_null(dir);
    while (readdir(dir)) count++;
    (void)closedir(dir);
    return count;
}

static void assert_refused(const char *message)
{
    const size_t before = files_there();
    tool_error err = {{0}};
    if (convert(&err)) fail_msg("converted, instead of \"%s\"", message);
    if (!strstr(err.message, message)) fail_msg("\"%s\" does not say \"%s\"", err.message, message);
    assert_int_equal(files_there(), before);
}

static void start(bool attention, bool lstm)
{
    net_make(&n, 1, attention, lstm, 1);
}

static void refuse_net(const char *message)
{
    net_write(&n, checkpoint);
    assert_refused(message);
}

static void missing_tensors(void **state)
{
    static const char *const keys[] = {"features.0.weight",
                                       "features.1.running_var",
                                       "features.6.5.conv3.weight",
                                       "features.7.0.downsample.1.bias",
                                       "fc.bias",
                                       "embedding.weight",
                                       "attention.W_dec.weight",
                                       "rnn_cell.bias_hh",
                                       "init_h.bias"};
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        start(true, false);
        net_find(&n, keys[i])->key[0] = '\0';
        char message[128];
        (void)snprintf(message, sizeof message, "%s is missing", keys[i]);
        refuse_net(message);
    }
    start(true, true);
    net_find(&n, "init_c.weight")->key[0] = '\0';
    refuse_net("decoder_state: init_c.weight is missing");
    start(false, false);
    net_find(&n, "bn.running_mean")->key[0] = '\0';
    refuse_net("encoder_state: bn.running_mean is missing");
    start(false, false);
    net_find(&n, "gru.weight_ih_l0")->key[0] = '\0';
    refuse_net("neither attention.W_enc.weight nor lstm.weight_ih_l0 nor gru.weight_ih_l0");
    start(true, false); /* the training counters may be missing */
    net_find(&n, "features.1.num_batches_tracked")->key[0] = '\0';
    net_write(&n, checkpoint);
    {
        tool_error err;
        if (!convert(&err)) fail_msg("%s", err.message);
        assert_int_equal(unlink(output), 0);
    }
}

static void leftovers(void **state)
{
    (void)state;
    start(true, false);
    (void)net_add(&n, true, "attention.gate", ".weight", 3, 4);
    refuse_net("decoder_state: attention.gate.weight is no part of this network");
    start(true, false);
    net_add_conv(&n, "features.4.3.conv1", 1, 4, 1);
    refuse_net("encoder_state: features.4.3.conv1.weight is no part of this network");
    start(true, false); /* an LSTM's tensor in a GRU's checkpoint */
    net_add_linear(&n, true, "init_c", NET_HIDDEN, 32);
    refuse_net("decoder_state: init_c.weight is no part of this network");
    start(false, true);
    (void)net_add(&n, true, "lstm", ".weight_ih_l0_reverse", 4, 4);
    refuse_net("decoder_state: lstm.weight_ih_l0_reverse is no part");
    start(true, false);
    (void)net_add(&n, true, "fc", ".bias", NET_WORDS, 0);
    refuse_net("decoder_state: fc.bias: appears twice");
    start(true, false);
    (void)net_add(&n, true, "", "\x1B[31mfc", NET_WORDS, 0);
    refuse_net("decoder_state: \\x1b[31mfc is no part");
}

static void misshapen_tensors(void **state)
{
    (void)state;
    start(true, false);
    net_find(&n, "features.0.weight")->dims[2] = 3;
    refuse_net("encoder_state: features.0.weight: its shape is [1, 3, 3, 7], not [?, 3, 7, 7]");
    start(true, false);
    net_find(&n, "features.5.1.conv2.weight")->dims[0] = 3;
    refuse_net("features.5.1.conv2.weight: its shape is [3, 2, 3, 3], not [2, 2, 3, 3]");
    start(true, false);
    net_find(&n, "features.4.0.bn3.bias")->dims[0] = 5;
    refuse_net("features.4.0.bn3.bias: its shape is [5], not [4]");
    start(true, false);
    net_find(&n, "rnn_cell.weight_ih")->dims[1] = 36;
    refuse_net("decoder_state: rnn_cell.weight_ih: its shape is [18, 36], not [18, 37]");
    start(true, false);
    net_find(&n, "fc.bias")->rank = 2;
    net_find(&n, "fc.bias")->dims[1] = 1;
    refuse_net("decoder_state: fc.bias: its shape is [19, 1], not [19]");
    start(true, false);
    net_find(&n, "embedding.weight")->dims[0] = NET_WORDS + 1;
    refuse_net("embedding.weight: its shape is [20, 5], not [19, 5]");
    start(true, false);
    net_find(&n, "fc.weight")->dims[0] = 0;
    refuse_net("decoder_state: fc.weight: its shape is [?, 6], not [?, ?]");
    start(true, false);
    net_find(&n, "features.1.num_batches_tracked")->rank = 1;
    net_find(&n, "features.1.num_batches_tracked")->dims[0] = 2;
    refuse_net("features.1.num_batches_tracked: not one int64 number");
    start(true, false);
    net_find(&n, "init_h.bias")->type = "LongStorage";
    refuse_net("decoder_state: init_h.bias: holds int64 numbers");
}

/* Writes the checkpoint with the storage of one tensor filled with a value. */
static void write_filled(const char *key, float value)
{
    const size_t index = (size_t)(net_find(&n, key) - n.tensors), count = (size_t)net_size(net_find(&n, key));
    zip_maker z;
    net_archive(&n, &z);
    write_file(checkpoint, z.out.at, z.out.size);
    char name[32];
    (void)snprintf(name, sizeof name, "net/data/%zu", index);
    {
        tool_error err = {{0}};
        torch_zip zip;
        assert_true(torch_zip_open(&zip, checkpoint, &err));
        torch_zip_entry *entry = torch_zip_find(&zip, name);
        assert_non_null(entry);
        const size_t at = (size_t)entry->data;
        uint32_t old = entry->crc;
        torch_zip_close(&zip);
        for (size_t i = 0; i < count; i++) memcpy(z.out.at + at + 4 * i, &value, sizeof value);
        uint32_t crc = (uint32_t)crc32_z(0, z.out.at + at, 4 * count);
        for (size_t i = 0; i + 4 <= z.out.size; i++) { /* in the descriptor and the directory */
            if (memcmp(z.out.at + i, &old, 4) == 0) memcpy(z.out.at + i, &crc, 4);
        }
    }
    write_file(checkpoint, z.out.at, z.out.size);
    zip_free(&z);
}

static void absurd_values(void **state)
{
    (void)state;
    start(true, false);
    write_filled("features.4.2.bn1.running_var", -1.0f);
    assert_refused("features.4.2.bn1.running_var: -1 is no variance");
    write_filled("rnn_cell.weight_hh", 3e38f * 10.0f);
    assert_refused("rnn_cell.weight_hh: holds numbers that are not finite");
    write_filled("features.7.2.conv3.weight", 3e38f); /* finite until its norm is folded in */
    assert_refused("features.7.2.conv3.weight: holds numbers that are not finite");
}

/* A zip64 checkpoint whose last tensor's field says more than the file has. */
static void damaged_zip64(void **state)
{
    (void)state;
    start(true, false);
    zip_maker z;
    n.wide = true;
    net_archive(&n, &z);
    n.wide = false;
    const size_t version = z.out.size - 98 - 28, tensor = version - (46 + strlen("net/version")) - 28;
    set_number(&z.out, tensor + 4, (uint64_t)1 << 40, 8);
    set_number(&z.out, tensor + 12, (uint64_t)1 << 40, 8);
    write_file(checkpoint, z.out.at, z.out.size);
    assert_refused("its data lie outside the file");
    zip_free(&z);
}

/* ---- vocabularies ---- */

static void raw_vocabulary(const char *items, size_t size)
{
    bytes b = {0};
    pk_begin(&b);
    pk_global(&b, "vocabulary", "Vocabulary");
    put(&b, ")\x81}X\4\0\0\0itos", 12);
    put(&b, items, size);
    put(&b, "sb.", 3);
    write_file(vocabulary, b.at, b.size);
    free_bytes(&b);
}

#define RAW(text) raw_vocabulary(text, sizeof(text) - 1)

static void wrong_vocabularies(void **state)
{
    (void)state;
    start(true, false);
    net_write(&n, checkpoint);
    net_write_vocabulary(vocabulary, NET_WORDS - 1, NULL);
    assert_refused("vocab.pkl: holds 18 words, but the checkpoint's decoder_state: fc.weight has 19 rows");
    net_write_vocabulary(vocabulary, NET_WORDS, "w8");
    assert_refused("the word w8 has two ids, 7 and 8");
    net_write_vocabulary(vocabulary, NET_WORDS, "a\xFF");
    assert_refused("word 7 (a\\xff) is not UTF-8");
    net_write_vocabulary(vocabulary, 3, NULL);
    assert_refused("the word <unk> is missing");
    net_write_vocabulary(vocabulary, 0, NULL);
    assert_refused("itos holds 0 words");
    RAW("}(K\0X\1\0\0\0aK\2X\1\0\0\0bu");
    assert_refused("itos holds 2 words, but id 2: the ids have gaps");
    RAW("}(K\0X\1\0\0\0aJ\xFF\xFF\xFF\xFFX\1\0\0\0bu");
    assert_refused("id -1: the ids have gaps");
    RAW("}(K\0X\1\0\0\0aK\0X\1\0\0\0bu");
    assert_refused("itos holds id 0 twice");
    RAW("}(K\0X\3\0\0\0a\0bu");
    assert_refused("word 0 (a\\x00b) holds a zero byte");
    RAW("}(K\0K\1u");
    assert_refused("itos maps a int to a int");
    RAW("](K\0K\1e");
    assert_refused("holds no dict itos");
    write_file(vocabulary, "\x80\2}.", 4);
    assert_refused("vocab.pkl: holds a dict, not a Vocabulary object");
    write_file(vocabulary, "\x80\2cos\nsystem\n.", 14);
    assert_refused("vocab.pkl: byte 2: names os.system");
    write_file(vocabulary, "", 0);
    assert_refused("vocab.pkl: byte 0: it is empty");
    net_write_vocabulary(vocabulary, NET_WORDS, NULL);
}

/* stoi with one entry that says otherwise */
static void disagreeing_vocabulary(void **state)
{
    bytes b = {0};
    (void)state;
    pk_begin(&b);
    pk_global(&b, "vocabulary", "Vocabulary");
    put(&b, ")\x81}(X\4\0\0\0itos}(K\0", 17);
    pk_text(&b, "<pad>");
    put(&b, "K\1", 2);
    pk_text(&b, "<start>");
    put(&b, "K\2", 2);
    pk_text(&b, "<end>");
    put(&b, "K\3", 2);
    pk_text(&b, "<unk>");
    put(&b, "uX\4\0\0\0stoi}(", 12);
    pk_text(&b, "<end>");
    put(&b, "K\1uub.", 6);
    write_file(vocabulary, b.at, b.size);
    free_bytes(&b);
    assert_refused("stoi disagrees with itos in its entry 0");
    net_write_vocabulary(vocabulary, NET_WORDS, NULL);
}

/* ---- settings ---- */

static void write_config(const char *text)
{
    write_file(config, text, strlen(text));
}

static void wrong_settings(void **state)
{
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"[]", "config.json: not a JSON object"},
        {"{", "config.json: line 1, column 1"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{\"rnn_type\":\"lstm\"}", "config.json: rnn_type is lstm, but the checkpoint holds a gru"},
        {"{\"hidden_size\":512}", "config.json: hidden_size is 512, but the checkpoint's tensors say 6"},
        {"{\"embed_size\":6}", "embed_size is 6"},
        {"{\"attention_dim\":6}", "attention_dim is 6"},
        {"{\"encoder_dim\":2048}", "encoder_dim is 2048"},
        {"{\"num_layers\":2}", "num_layers is 2"},
        {"{\"decode_beams\":0}", "config.json: decode_beams: must be a whole number from 1 to 64"},
        {"{\"decode_beams\":65}", "decode_beams"},
        {"{\"decode_beams\":2.5}", "decode_beams"},
        {"{\"decode_beams\":\"5\"}", "decode_beams"},
        {"{\"decode_max_length\":1025}", "decode_max_length"},
        {"{\"decode_length_alpha\":-0.1}", "decode_length_alpha: must be a number from 0 to 10"},
        {"{\"decode_repetition_penalty\":0}", "decode_repetition_penalty: must be a number from 0.01 to 100"},
        {"{\"decode_search\":\"best\"}", "decode_search: must be \"beam\" or \"greedy\""},
        {"{\"decode_penalty\":1}", "decode_penalty: must be \"published\" or \"corrected\""},
    };
    (void)state;
    start(true, false);
    net_write(&n, checkpoint);
    with_config = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_config(cases[i].json);
        assert_refused(cases[i].message);
    }
    assert_int_equal(unlink(config), 0);
    assert_refused("config.json: No such file");
    with_config = false;
    with_metrics = true;
    write_config("[3]");
    assert_refused("config.json: not a JSON object");
    with_metrics = false;
    pk_text(&n.config, "decode_beams"); /* the same for the checkpoint's own */
    pk_int(&n.config, 0);
    refuse_net("net.pth: config: decode_beams: must be a whole number");
    n.config.size = 0;
    pk_text(&n.config, "itself");
    put(&n.config, "]q\1h\1a", 6);
    refuse_net("net.pth: config: nested too deeply");
    n.config.size = 0;
    pk_text(&n.config, "bad\xFF");
    pk_text(&n.config, "bad\xFF");
    refuse_net("net.pth: config: ");
    n.config.size = 0;
    pk_text(&n.config, "class");
    pk_global(&n.config, "collections", "OrderedDict");
    refuse_net("net.pth: config: holds a class");
    free_bytes(&n.config);
}

/* A tuple that names the last one three times, thirteen times over: two million values if anyone wrote them
 * out. */
static void billion_values(void **state)
{
    (void)state;
    start(true, false);
    pk_text(&n.config, "laughs");
    put(&n.config, "N", 1);
    for (int i = 0; i < 13; i++) put(&n.config, "q\1h\1h\1\x87", 7);
    refuse_net("net.pth: config: nested too deeply or absurdly large");
    free_bytes(&n.config);
}

/* ---- files ---- */

static void unwritable_output(void **state)
{
    (void)state;
    start(true, false);
    net_write(&n, checkpoint);
    char saved[sizeof output];
    strcpy(saved, output);
    strcpy(output, "/nowhere/at/all.capw");
    assert_refused("/nowhere/at/all.capw");
    strcpy(output, folder);
    assert_refused("is a folder");
    strcpy(output, saved);
    strcpy(output, vocabulary);
    assert_refused("vocab.pkl: is an input");
    strcpy(output, checkpoint);
    assert_refused("net.pth: is an input");
    strcpy(output, saved);
    if (access("/dev/full", W_OK) == 0) {
        strcpy(output, "/dev/full");
        assert_refused("/dev/full");
        strcpy(output, saved);
    }
}

/* A failure late in the work leaves the old file as it was. */
static void old_output_stays(void **state)
{
    (void)state;
    start(true, false);
    write_file(output, "old", 3);
    write_filled("fc.bias", 3e38f * 10.0f);
    assert_refused("fc.bias: holds numbers that are not finite");
    struct stat info;
    assert_int_equal(stat(output, &info), 0);
    assert_int_equal(info.st_size, 3);
    assert_int_equal(unlink(output), 0);
}

/* Truncated anywhere: refused.  A byte changed anywhere: refused, or the same model as before. */
static void damaged_checkpoint(void **state)
{
    size_t step = 0;
    unsigned refused = 0, survived = 0;
    (void)state;
    start(true, false);
    zip_maker z;
    net_archive(&n, &z);
    const size_t size = z.out.size;
    tool_error err;
    for (size_t i = 0; i < size; i += 1 + i % 497) {
        write_file(checkpoint, z.out.at, i);
        assert_false(convert(&err));
        assert_true(err.message[0] != '\0');
    }
    for (size_t i = 0; i < size; i += 101 + step++ % 256) {
        const unsigned char old = z.out.at[i];
        z.out.at[i] ^= (unsigned char)(1 << step % 8);
        write_file(checkpoint, z.out.at, size);
        if (convert(&err)) {
            survived++;
            assert_int_equal(unlink(output), 0);
        } else {
            refused++;
            assert_true(err.message[0] != '\0');
        }
        z.out.at[i] = old;
    }
    assert_true(refused > survived); /* padding, times and the training counters are not checked */
    zip_free(&z);
}

static int make_files(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_convert_bad_XXXXXX");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(checkpoint, sizeof checkpoint, "%s/net.pth", folder);
    (void)snprintf(vocabulary, sizeof vocabulary, "%s/vocab.pkl", folder);
    (void)snprintf(config, sizeof config, "%s/config.json", folder);
    (void)snprintf(output, sizeof output, "%s/net.capw", folder);
    net_write_vocabulary(vocabulary, NET_WORDS, NULL);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    (void)unlink(checkpoint);
    (void)unlink(vocabulary);
    (void)unlink(config);
    (void)unlink(output);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_tensors),        cmocka_unit_test(leftovers),
        cmocka_unit_test(misshapen_tensors),      cmocka_unit_test(absurd_values),
        cmocka_unit_test(damaged_zip64),          cmocka_unit_test(wrong_vocabularies),
        cmocka_unit_test(disagreeing_vocabulary), cmocka_unit_test(wrong_settings),
        cmocka_unit_test(billion_values),         cmocka_unit_test(unwritable_output),
        cmocka_unit_test(old_output_stays),       cmocka_unit_test(damaged_checkpoint),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
