/* Tests of tools/source/source and words: the kind of a file is told from its bytes, tensors are found and
 * read by name, and what a file says about itself comes as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "test/tools/torch_maker.h"
#include "tools/source/input.h"
#include "tools/source/source.h"
#include "tools/source/types.h"
#include "tools/source/words.h"

static char path[64];

/* Writes an archive of torch.save whose root is a dict: the pickled keys and values given. */
static void write_archive(const bytes *items, const void *data, size_t size)
{
    zip_maker z = {0};
    bytes pickle = {0};
    pk_begin(&pickle);
    put(&pickle, "}(", 2);
    put(&pickle, items->at, items->size);
    put(&pickle, "u.", 2);
    zip_add(&z, "net/data.pkl", pickle.at, pickle.size);
    if (data) zip_add(&z, "net/data/0", data, size);
    zip_end(&z);
    write_file(path, z.out.at, z.out.size);
    zip_free(&z);
    free_bytes(&pickle);
}

/* "decoder_state": {NAME: a transposed [2, 3] view of 6 numbers} */
static void write_tensor(const char *name, const char *type, const void *data, size_t size)
{
    const tensor_spec spec = {
        .type = type, .key = "0", .count = 6, .rank = 2, .dims = {3, 2}, .strides = {1, 3}};
    bytes items = {0};
    pk_text(&items, "decoder_state");
    put(&items, "}", 1);
    pk_text(&items, name);
    pk_tensor(&items, &spec);
    put(&items, "s", 1);
    write_archive(&items, data, size);
    free_bytes(&items);
}

static void tensors_by_name(void **state)
{
    static const float data[6] = {1, 2, 3, 4, 5, 6}, expected[6] = {1, 4, 2, 5, 3, 6};
    tool_error err = {{0}};
    (void)state;
    write_tensor("fc.weight", "FloatStorage", data, sizeof data);
    source_file *file = source_open(path, &err);
    if (!file) fail_msg("%s", err.message);
    assert_string_equal(source_path(file), path);
    source_part part;
    assert_true(source_list(file, "decoder_state", &part, &err));
    assert_int_equal(part.count, 1);
    assert_null(source_find(&part, "fc.bias"));
    assert_null(source_find(&part, ""));
    const source_tensor *tensor = source_find(&part, "fc.weight");
    assert_non_null(tensor);
    assert_string_equal(tensor->part, "decoder_state");
    assert_int_equal(tensor->type, SOURCE_FLOAT32);
    assert_int_equal(tensor->rank, 2);
    assert_int_equal(tensor->dims[0], 3);
    assert_int_equal(tensor->dims[1], 2);
    assert_int_equal(tensor->count, 6);
    assert_true(source_check(file, tensor, &err));
    float values[6];
    assert_true(source_read(file, tensor, values, &err));
    assert_memory_equal(values, expected, sizeof values);
    source_part_free(&part);
    assert_false(source_list(file, "encoder_state", &part, &err));
    assert_non_null(strstr(err.message, "it holds no dict encoder_state"));
    source_part_free(&part);
    source_close(&file);
    assert_null(file);
    source_close(&file);
    source_close(NULL);
}

/* Lists the part "decoder_state", which must be refused. */
static void assert_list_refused(const char *message)
{
    tool_error err = {{0}};
    source_file *file = source_open(path, &err);
    if (!file) fail_msg("%s", err.message);
    source_part part;
    assert_false(source_list(file, "decoder_state", &part, &err));
    if (!strstr(err.message, message)) fail_msg("\"%s\" does not say \"%s\"", err.message, message);
    source_part_free(&part);
    source_close(&file);
}

static void names_that_are_none(void **state)
{
    static const float data[6] = {0};
    bytes items = {0};
    (void)state;
    char name[SOURCE_NAME_BYTES + 1];
    memset(name, 'x', SOURCE_NAME_BYTES);
    name[SOURCE_NAME_BYTES] = '\0';
    write_tensor(name, "FloatStorage", data, sizeof data);
    assert_list_refused("xxx...: not a tensor's name");
    pk_text(&items, "decoder_state");
    put(&items, "}", 1);
    pk_text(&items, "fc.\x1B[1m");
    put(&items, "K\1s", 3);
    write_archive(&items, NULL, 0);
    assert_list_refused("decoder_state: fc.?[1m: a int, not a tensor");
    items.size = 0;
    pk_text(&items, "decoder_state");
    put(&items, "}K\1K\2s", 6);
    write_archive(&items, NULL, 0);
    assert_list_refused("decoder_state: a key is a int, not a str");
    free_bytes(&items);
}

static void data_that_are_none(void **state)
{
    static const int64_t whole[6] = {0};
    static const float data[6] = {0};
    tool_error err = {{0}};
    (void)state;
    write_tensor("fc.weight", "LongStorage", whole, sizeof whole);
    source_file *file = source_open(path, &err);
    assert_non_null(file);
    source_part part;
    assert_true(source_list(file, "decoder_state", &part, &err));
    assert_int_equal(part.tensors[0].type, SOURCE_INT64);
    assert_false(source_check(file, &part.tensors[0], &err));
    assert_non_null(strstr(err.message, "decoder_state: fc.weight: holds int64 numbers"));
    source_part_free(&part);
    source_close(&file);
    write_tensor("fc.weight", "FloatStorage", data, sizeof data - 4);
    err.message[0] = '\0';
    file = source_open(path, &err); /* no data are looked at yet */
    assert_non_null(file);
    assert_true(source_list(file, "decoder_state", &part, &err));
    assert_false(source_check(file, &part.tensors[0], &err));
    assert_non_null(strstr(err.message, "decoder_state: fc.weight: its data"));
    source_part_free(&part);
    source_close(&file);
}

static void values_as_json(void **state)
{
    tool_error err = {{0}};
    bytes items = {0};
    (void)state;
    pk_text(&items, "epoch");
    pk_int(&items, 31);
    pk_text(&items, "nothing");
    put(&items, "N", 1);
    pk_text(&items, "config");
    put(&items, "}", 1);
    pk_text(&items, "sizes");
    put(&items, "](K\1\x88", 5);
    pk_float(&items, 0.5);
    put(&items, "es", 2);
    pk_text(&items, "odd");
    pk_global(&items, "collections", "Counter");
    write_archive(&items, NULL, 0);
    free_bytes(&items);
    source_file *file = source_open(path, &err);
    if (!file) fail_msg("%s", err.message);
    json_t *value;
    assert_true(source_value(file, "epoch", &value, &err));
    assert_int_equal(json_integer_value(value), 31);
    json_decref(value);
    assert_true(source_value(file, "config", &value, &err));
    char *text = json_dumps(value, JSON_COMPACT);
    assert_string_equal(text, "{\"sizes\":[1,true,0.5]}");
    free(text);
    json_decref(value);
    assert_true(source_value(file, "nothing", &value, &err));
    assert_null(value);
    assert_true(source_value(file, "absent", &value, &err));
    assert_null(value);
    assert_string_equal(err.message, "");
    assert_false(source_value(file, "odd", &value, &err));
    assert_null(value);
    assert_non_null(strstr(err.message, ": odd: holds a class, which JSON can't say"));
    source_close(&file);
}

/* ---- kinds ---- */

static void assert_open_refused(const char *file, const char *message)
{
    tool_error err = {{0}};
    assert_null(source_open(file, &err));
    if (!strstr(err.message, message)) fail_msg("\"%s\" does not say \"%s\"", err.message, message);
    assert_true(strncmp(err.message, file, strlen(file)) == 0);
}

static void kinds_by_bytes(void **state)
{
    static const struct {
        const char *start;
        size_t size;
        const char *message;
    } cases[] = {
        {"", 0, "checkpoint: the file is empty"},
        {"P", 1,
         "byte 0: not a checkpoint of any kind that is read: archives of torch.save, safetensors files"},
        {"\x89PNG\r\n\x1A\n", 8, "byte 0: not a checkpoint of any kind that is read"},
        {"\x40\0\0\0\0\0\0\0{}", 10, "byte 0: a header of 64 bytes, but the file has 10"},
        {"\x40\0\0\0\0\0\0\0[]", 10, "byte 0: not a checkpoint of any kind that is read"},
        {"\x80\2}.", 4, "byte 0: not a checkpoint of any kind that is read"}, /* a pickle, but of no file */
        {"PK", 2, "zip: truncated"},
        {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46", 8, "before PyTorch 1.6"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file(path, cases[i].start, cases[i].size);
        assert_open_refused(path, cases[i].message);
    }
    assert_open_refused("/", "is a folder");
    assert_open_refused("/dev/null", "not a regular file");
    assert_open_refused("/nowhere/at.all", "No such file");
}

static void inputs_at_offsets(void **state)
{
    tool_error err = {{0}};
    char text[4] = "";
    (void)state;
    write_file(path, "abcdef", 6);
    source_input input;
    assert_true(source_input_open(&input, path, &err));
    assert_int_equal(input.size, 6);
    assert_true(source_input_read(&input, 3, text, 3, &err));
    assert_string_equal(text, "def");
    assert_true(source_input_read(&input, 6, text, 0, &err));
    assert_false(source_input_read(&input, 4, text, 3, &err));
    assert_non_null(strstr(err.message, "byte 4: a read past the end"));
    err.message[0] = '\0';
    assert_false(source_input_read(&input, UINT64_MAX, text, 1, &err));
    assert_int_equal(truncate(path, 2), 0);
    err.message[0] = '\0';
    assert_false(source_input_read(&input, 0, text, 3, &err));
    assert_non_null(strstr(err.message, "became shorter"));
    source_input_close(&input);
    source_input_close(&input);
}

static void element_types(void **state)
{
    (void)state;
    assert_string_equal(source_type_name(SOURCE_BFLOAT16), "bfloat16");
    assert_string_equal(source_type_name(SOURCE_BOOL), "bool");
    assert_string_equal(source_type_code(SOURCE_BFLOAT16), "BF16");
    source_type type;
    assert_true(source_type_find("U8", &type));
    assert_int_equal(type, SOURCE_UINT8);
    assert_false(source_type_find("U16", &type));
    assert_int_equal(source_type_size(SOURCE_FLOAT64), 8);
    assert_int_equal(source_type_size(SOURCE_INT16), 2);
    assert_true(source_type_is_real(SOURCE_FLOAT16));
    assert_false(source_type_is_real(SOURCE_UINT8));
}

/* ---- words ---- */

static void words_in_order(void **state)
{
    tool_error err = {{0}};
    bytes b = {0};
    (void)state;
    pk_begin(&b);
    pk_global(&b, "vocabulary", "Vocabulary");
    put(&b, ")\x81}(", 4);
    pk_text(&b, "itos");
    put(&b, "}(K\2", 4);
    pk_text(&b, "two");
    put(&b, "K\0", 2);
    pk_text(&b, "");
    put(&b, "K\1", 2);
    pk_text(&b, "one");
    put(&b, "uub.", 4);
    write_file(path, b.at, b.size);
    source_words words;
    if (!source_words_open(&words, path, 3, &err)) fail_msg("%s", err.message);
    assert_int_equal(words.count, 3);
    assert_int_equal(words.at[0].size, 0);
    assert_memory_equal(words.at[1].data, "one", 3);
    assert_memory_equal(words.at[2].data, "two", 3);
    source_words_free(&words);
    assert_false(source_words_open(&words, path, 2, &err));
    assert_non_null(strstr(err.message, "itos holds 3 words"));
    source_words_free(&words);
    source_words_free(&words);
    free_bytes(&b);
}

static int make_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/test_source_XXXXXX");
    const int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_by_name),    cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(data_that_are_none), cmocka_unit_test(values_as_json),
        cmocka_unit_test(kinds_by_bytes),     cmocka_unit_test(inputs_at_offsets),
        cmocka_unit_test(element_types),      cmocka_unit_test(words_in_order),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
