/* Tests of safetensors files: what tools/source reads of them and refuses, and what tools/convert writes.
 *
 * Files are put together here byte by byte, from the format's description. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "test/tools/net_maker.h"
#include "tools/common/text.h"
#include "tools/convert/convert.h"

static char folder[64];

/* "FOLDER/NAME", of which four may be in use at once. */
static const char *at(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, const char *header, const void *data, size_t size)
{
    bytes b = {0};
    put_number(&b, strlen(header), 8);
    put(&b, header, strlen(header));
    put(&b, data, size);
    write_file(at(name), b.at, b.size);
    free_bytes(&b);
}

/* ---- reading ---- */

static void assert_values(const source_file *file, const source_part *part, const char *name,
                          const float *expected, size_t count)
{
    tool_error err = {{0}};
    float values[8] = {0};
    const source_tensor *tensor = source_find(part, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->count, count);
    if (!source_read(file, tensor, values, &err)) fail_msg("%s", err.message);
    assert_memory_equal(values, expected, count * sizeof values[0]);
}

static void types(void **state)
{
    static const char header[] =
        "{\"decoder_state.d\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]},\n"
        "\"decoder_state.f\":{\"shape\":[2,1],\"data_offsets\":[16,24],\"dtype\":\"F32\"},"
        "\"decoder_state.h\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[24,26]},"
        "\"__metadata__\":{\"format\":\"pt\",\"epoch\":\"31\",\"config\":\"{\\\"a\\\": [1, "
        "null]}\",\"bad\":\"{\"},"
        "\"decoder_state.b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[26,28]},"
        "\"decoder_state.none\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[28,28]},"
        "\"encoder_state.n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[28,36]},"
        "\"other\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[36,37]}}   ";
    static const float d[2] = {1.5f, -0.1f}, f[2] = {3, 4}, h[1] = {0x1p-24f}, b[1] = {3.140625f};
    const double doubles[2] = {1.5, -0.1};
    const uint16_t half = 1, brain = 0x4049;
    const int64_t whole = -7;
    tool_error err = {{0}};
    bytes data = {0};
    (void)state;
    put(&data, doubles, sizeof doubles);
    put(&data, f, sizeof f);
    put(&data, &half, sizeof half);
    put(&data, &brain, sizeof brain);
    put(&data, &whole, sizeof whole);
    put(&data, "\1", 1);
    put_file("a.safetensors", header, data.at, data.size);
    free_bytes(&data);
    const char *path = at("a.safetensors");
    source_file *file = source_open(path, &err);
    if (!file) fail_msg("%s", err.message);
    source_part part;
    assert_true(source_list(file, "decoder_state", &part, &err));
    assert_int_equal(part.count, 5);
    assert_values(file, &part, "d", d, 2);
    assert_values(file, &part, "f", f, 2);
    assert_values(file, &part, "h", h, 1);
    assert_values(file, &part, "b", b, 1);
    assert_values(file, &part, "none", NULL, 0);
    assert_int_equal(source_find(&part, "f")->rank, 2);
    assert_int_equal(source_find(&part, "f")->dims[0], 2);
    source_part_free(&part);

    assert_true(source_list(file, "encoder_state", &part, &err));
    assert_int_equal(part.count, 1);
    int64_t got = 0;
    assert_true(source_read_raw(file, &part.tensors[0], &got, &err));
    assert_int_equal(got, -7);
    assert_string_equal(err.message, "");
    assert_false(source_check(file, &part.tensors[0], &err));
    assert_non_null(strstr(err.message, "a.safetensors: encoder_state: n: holds int64 numbers"));
    source_part_free(&part);
    err.message[0] = '\0';
    assert_false(source_list(file, "decoder", &part, &err));
    assert_non_null(strstr(err.message, "no tensor's name begins with decoder."));
    source_part_free(&part);

    json_t *value;
    assert_true(source_value(file, "epoch", &value, &err));
    assert_int_equal(json_integer_value(value), 31);
    json_decref(value);
    assert_true(source_value(file, "config", &value, &err));
    assert_int_equal(json_array_size(json_object_get(value, "a")), 2);
    json_decref(value);
    assert_true(source_value(file, "metrics", &value, &err));
    assert_null(value);
    err.message[0] = '\0';
    assert_false(source_value(file, "bad", &value, &err));
    assert_non_null(strstr(err.message, "a.safetensors: __metadata__: bad: line 1, column "));
    source_close(&file);
}

/* One tensor of six bytes of F16, with these pieces in the header. */
#define ONE(type, shape, offsets) \
    "{\"a.x\":{\"dtype\":" type ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(first, second)                                                  \
    "{\"a.x\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":" first "}," \
    "\"a.y\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":" second "}}"

static void hostile(void **state)
{
    static const struct {
        const char *header, *reason; /* NULL: opens */
    } cases[] = {
        {ONE("\"F16\"", "[3]", "[0,6]"), NULL},
        {ONE("\"F16\"", "[3]", "[0,6]") " \n", NULL},
        {TWO("[3,6]", "[0,3]"), NULL},
        {"{", "header: line 1, column "},
        {"{}x", "header: line 1, column "},
        {"{\"a.x\":1}", "header: a.x: not an object"},
        {"{\"a.x\":[]}", "header: a.x: not an object"},
        {"{\"a.\\u001b[1m\":1}", "header: a.?[1m: not an object"},
        {"{\"a.x\\u0000\":{}}", "header: line 1, column "},
        {"{\"a.\xFF\":{}}", "header: line 1, column "},
        {"{\"a.x\":{}}", "header: a.x: no \"dtype\""},
        {ONE("7", "[3]", "[0,6]"), "header: a.x: no \"dtype\""},
        {ONE("\"F8_E4M3\"", "[6]", "[0,6]"), "header: a.x: its type, F8_E4M3, is none that is read"},
        {ONE("\"f16\"", "[3]", "[0,6]"), "its type, f16, is none that is read"},
        {ONE("\"F16\"", "[3]", "[0,6],\"x\":1"), "holds something else than \"dtype\""},
        {ONE("\"F16\"", "[3]", "[0,6],\"shape\":[3]"), "header: line 1, column "},
        {ONE("\"F16\"", "3", "[0,6]"), "header: a.x: \"shape\" is no array"},
        {ONE("\"F16\"", "[-3]", "[0,6]"), "\"shape\" holds something else than whole numbers"},
        {ONE("\"F16\"", "[3.0]", "[0,6]"), "\"shape\" holds something else than whole numbers"},
        {ONE("\"F16\"", "[\"3\"]", "[0,6]"), "\"shape\" holds something else than whole numbers"},
        {ONE("\"F16\"", "[18446744073709551619]", "[0,6]"), "header: line 1, column "},
        {ONE("\"F16\"", "[4294967296,4294967296,4294967296,3]", "[0,6]"), "\"shape\" is absurdly large"},
        {ONE("\"F16\"", "[9223372036854775807]", "[0,6]"), "its data are 6 bytes, not 9223372036854775807"},
        {ONE("\"F16\"", "[1,1,1,1,1,1,1,1,3]", "[0,6]"), "\"shape\" has more than 8 dimensions"},
        {ONE("\"F16\"", "[2]", "[0,6]"), "its data are 6 bytes, not 2 numbers of 2"},
        {ONE("\"F32\"", "[3]", "[0,6]"), "its data are 6 bytes, not 3 numbers of 4"},
        {ONE("\"F16\"", "[3]", "[0,6,6]"), "\"data_offsets\" are not two offsets"},
        {ONE("\"F16\"", "[3]", "[0]"), "\"data_offsets\" are not two offsets"},
        {ONE("\"F16\"", "[3]", "6"), "\"data_offsets\" are not two offsets"},
        {ONE("\"F16\"", "[3]", "[-6,0]"), "\"data_offsets\" are not two offsets"},
        {ONE("\"F16\"", "[3]", "[6,0]"), "\"data_offsets\" are not two offsets in order"},
        {ONE("\"F16\"", "[3]", "[1,7]"), "header: a.x: its data end behind the file"},
        {ONE("\"F16\"", "[3]", "[0,9223372036854775807]"), "its data end behind the file"},
        {ONE("\"F16\"", "[2]", "[0,4]"), "2 bytes behind the last tensor"},
        {ONE("\"F16\"", "[2]", "[2,6]"), "header: a.x: before its data are bytes of no tensor"},
        {"{}", "6 bytes behind the last tensor"},
        {TWO("[0,3]", "[0,3]"), "its data overlap with another tensor's"},
        {TWO("[0,3]", "[2,5]"), "header: a.y: its data overlap with another tensor's"},
        {TWO("[0,3]", "[3,6],\"shape\":[3]"), "header: line 1, column "},
        {"{\"a.x\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[0,6]},\"a.x\":{}}",
         "duplicate object key"},
        {"{\"__metadata__\":[]}", "header: __metadata__: not an object"},
        {"{\"__metadata__\":{\"a\":1}}", "header: __metadata__: a value is no text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tool_error err = {{0}};
        put_file("a.safetensors", cases[i].header, "abcdef", 6);
        const char *path = at("a.safetensors");
        source_file *file = source_open(path, &err);
        if (file && cases[i].reason) fail_msg("%s: opened", cases[i].header);
        if (!file && !cases[i].reason) fail_msg("%s", err.message);
        if (!file &&
            (!strstr(err.message, cases[i].reason) || strncmp(err.message, path, strlen(path)) != 0)) {
            fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].reason);
        }
        source_close(&file);
    }
}

static void assert_refused(const void *data, size_t size, const char *reason)
{
    tool_error err = {{0}};
    write_file(at("a.safetensors"), data, size);
    assert_null(source_open(at("a.safetensors"), &err));
    if (!strstr(err.message, reason)) fail_msg("\"%s\" does not say \"%s\"", err.message, reason);
}

static void lengths(void **state)
{
    static const char header[] = ONE("\"F16\"", "[3]", "[0,6]");
    bytes b = {0};
    (void)state;
    put_number(&b, strlen(header), 8);
    put(&b, header, strlen(header));
    put(&b, "abcdef", 6);
    for (size_t size = 0; size < b.size; size++) assert_refused(b.at, size, "a.safetensors: ");
    put(&b, "g", 1);
    assert_refused(b.at, b.size, ": 1 bytes behind the last tensor");
    set_number(&b, 0, b.size - 7, 8);
    assert_refused(b.at, b.size, "byte 0: a header of 64 bytes, but the file has 71");
    set_number(&b, 0, UINT64_C(1) << 40, 8);
    assert_refused(b.at, b.size, "byte 0: not a checkpoint of any kind that is read");
    set_number(&b, 0, (UINT64_C(1) << 40) - 1, 8);
    assert_refused(b.at, b.size, "byte 0: a header of 1099511627775 bytes, but the file has 71");
    free_bytes(&b);
    const size_t large = (4 << 20) + 1;
    put_number(&b, large, 8);
    put(&b, "{}", 2);
    for (size_t i = 2; i < large; i++) put(&b, " ", 1);
    assert_refused(b.at, b.size, "byte 0: a header of 4194305 bytes; at most 4194304 are read");
    free_bytes(&b);
}

/* ---- words ---- */

static void json_words(void **state)
{
    static const struct {
        const char *text, *reason; /* NULL: opens */
    } cases[] = {
        {"[\"a\",\"\",\"\\u00e9\"]", NULL},
        {"\n [\n \"a\",\n \"\",\n \"\xC3\xA9\"\n]\n", NULL},
        {"[]", ": holds 0 words"},
        {"[\"a\",\"b\",\"c\",\"d\"]", ": holds 4 words"},
        {"[\"a\",1]", ": word 1 is no text"},
        {"[\"a\",", ": line 1, column "},
        {"[\"a\"]x", ": line 1, column "},
        {"[\"\xFF\"]", ": line 1, column "},
        {"[\"\\u0000\"]", ": line 1, column "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tool_error err = {{0}};
        source_words words;
        write_file(at("v.json"), cases[i].text, strlen(cases[i].text));
        const bool ok = source_words_open(&words, at("v.json"), 3, &err);
        if (ok != !cases[i].reason) fail_msg("%s: %s", cases[i].text, err.message);
        if (ok) {
            assert_int_equal(words.count, 3);
            assert_memory_equal(words.at[0].data, "a", 2);
            assert_int_equal(words.at[1].size, 0);
            assert_memory_equal(words.at[2].data, "\xC3\xA9", 3);
        } else {
            assert_non_null(strstr(err.message, cases[i].reason));
        }
        source_words_free(&words);
    }
}

/* ---- writing ---- */

static bool convert(const char *from, const char *words, const char *to, bool safetensors, tool_error *err)
{
    convert_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    job->files.checkpoint = from;
    job->files.vocabulary = words;
    job->files.output = to;
    job->safetensors = safetensors;
    job->threads = 2;
    const bool ok = convert_run(job, err);
    convert_free(job);
    free(job);
    return ok;
}

static void assert_converts(const char *from, const char *words, const char *to, bool safetensors)
{
    tool_error err = {{0}};
    if (!convert(at(from), at(words), at(to), safetensors, &err)) fail_msg("%s", err.message);
}

static void assert_same_file(const char *a, const char *b)
{
    tool_error err = {{0}};
    tool_text x, y;
    assert_true(tool_text_read(&x, at(a), (size_t)1 << 28, &err));
    assert_true(tool_text_read(&y, at(b), (size_t)1 << 28, &err));
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    tool_text_free(&x);
    tool_text_free(&y);
}

static void round_trip(void **state)
{
    static net n;
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        net_make(&n, 1, kind < 2, kind % 2 != 0, 1 + kind / 3);
        pk_text(&n.config, "decode_beams");
        pk_int(&n.config, 3);
        pk_text(&n.config, "decoder_lr");
        pk_float(&n.config, 0.0032);
        net_write(&n, at("net.pth"));
        free_bytes(&n.config);
        net_write_vocabulary(at("vocab.pkl"), NET_WORDS, "\xC3\xA9t\xC3\xA9 \"\\\n");
        assert_converts("net.pth", "vocab.pkl", "direct.capw", false);
        assert_converts("net.pth", "vocab.pkl", "net.safetensors", true);
        assert_converts("net.safetensors", "vocab.pkl", "there.capw", false);
        assert_same_file("direct.capw", "there.capw");
        /* only the name of the vocabulary's file is another one */
        assert_converts("net.pth", "net.vocab.json", "direct.capw", false);
        assert_converts("net.safetensors", "net.vocab.json", "there.capw", false);
        assert_same_file("direct.capw", "there.capw");
        /* a second time nothing changes */
        assert_converts("net.safetensors", "net.vocab.json", "again.safetensors", true);
        assert_same_file("net.safetensors", "again.safetensors");
        assert_same_file("net.vocab.json", "again.vocab.json");
    }
}

/* The data of tensors are aligned to their elements, which the format asks for. */
static void aligned(void **state)
{
    static net n;
    tool_error err = {{0}};
    tool_text text;
    uint64_t size;
    (void)state;
    net_make(&n, 1, true, false, 1);
    net_write(&n, at("net.pth"));
    net_write_vocabulary(at("vocab.pkl"), NET_WORDS, NULL);
    assert_converts("net.pth", "vocab.pkl", "net.safetensors", true);
    assert_true(tool_text_read(&text, at("net.safetensors"), (size_t)1 << 28, &err));
    memcpy(&size, text.data, sizeof size);
    assert_int_equal(size % 8, 0);
    json_t *header = json_loadb(text.data + 8, (size_t)size, 0, NULL), *value;
    assert_non_null(header);
    const char *key;
    json_object_foreach(header, key, value)
    {
        const char *type = json_string_value(json_object_get(value, "dtype"));
        const json_int_t begin =
            json_integer_value(json_array_get(json_object_get(value, "data_offsets"), 0));
        if (type) assert_int_equal(begin % (strcmp(type, "I64") == 0 ? 8 : 4), 0);
    }
    const json_t *counter = json_object_get(header, "encoder_state.features.1.num_batches_tracked");
    assert_string_equal(json_string_value(json_object_get(counter, "dtype")), "I64");
    assert_int_equal(json_array_size(json_object_get(counter, "shape")), 0);
    const json_t *metadata = json_object_get(header, "__metadata__");
    assert_string_equal(json_string_value(json_object_get(metadata, "epoch")), "31");
    assert_string_equal(json_string_value(json_object_get(metadata, "checkpoint")), "\"net.pth\"");
    json_decref(header);
    tool_text_free(&text);
}

static size_t count_files(void)
{
    DIR *dir = opendir(folder);
    size_t count = 0;
    assert_non_null(dir);
    while (readdir(dir)) count++;
    (void)closedir(dir);
    return count - 2; /* without . and .. */
}

static void empty_folder(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.') (void)unlink(at(entry->d_name));
    }
    (void)closedir(dir);
}

static void nothing_left_behind(void **state)
{
    static net n;
    tool_error err = {{0}};
    zip_maker z;
    (void)state;
    empty_folder();
    net_make(&n, 1, true, false, 1);
    net_archive(&n, &z);
    z.out.at[z.out.size / 2] ^= 1; /* in some tensor's data */
    write_file(at("net.pth"), z.out.at, z.out.size);
    zip_free(&z);
    net_write_vocabulary(at("vocab.pkl"), NET_WORDS, NULL);
    assert_false(convert(at("net.pth"), at("vocab.pkl"), at("net.safetensors"), true, &err));
    assert_non_null(strstr(err.message, "its checksum is wrong"));
    assert_int_equal(count_files(), 2);

    net_write(&n, at("net.pth"));
    assert_converts("net.pth", "vocab.pkl", "net.safetensors", true);
    err.message[0] = '\0';
    assert_false(convert(at("net.safetensors"), at("vocab.pkl"), at("net.safetensors"), true, &err));
    assert_non_null(strstr(err.message, "net.safetensors: is an input, and can't be the output too"));
    err.message[0] = '\0';
    assert_false(convert(at("net.pth"), at("net.vocab.json"), at("net.safetensors"), true, &err));
    assert_non_null(strstr(err.message, "net.vocab.json: is an input, and can't be the output too"));
    assert_int_equal(count_files(), 4);
}

static void names(void **state)
{
    static const char *const pairs[][2] = {
        {"a/net.safetensors", "a/net.vocab.json"},
        {"net", "net.vocab.json"},
        {".safetensors", ".vocab.json"},
        {"", ".vocab.json"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *name = convert_safetensors_words(pairs[i][0]);
        assert_string_equal(name, pairs[i][1]);
        free(name);
    }
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_safetensors_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    empty_folder();
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),   cmocka_unit_test(hostile),
        cmocka_unit_test(lengths), cmocka_unit_test(json_words),
        cmocka_unit_test(names),   cmocka_unit_test(round_trip),
        cmocka_unit_test(aligned), cmocka_unit_test(nothing_left_behind),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
