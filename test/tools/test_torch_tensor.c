/* Tests of tools/source/torch_checkpoint and torch_tensor: number formats, strides, shared storages, and data
 * that are never read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "test/tools/torch_maker.h"
#include "tools/source/torch_checkpoint.h"

static char path[64];

typedef struct fixture {
    zip_maker zip;
    bytes pickle;
    torch_checkpoint checkpoint;
    tool_error err;
} fixture;

/* A checkpoint whose pickle is one tensor, with the given storage. */
static bool open_tensor(fixture *f, const tensor_spec *spec, const void *data, size_t size)
{
    memset(f, 0, sizeof *f);
    pk_begin(&f->pickle);
    pk_tensor(&f->pickle, spec);
    put_op(&f->pickle, '.');
    zip_add(&f->zip, "archive/data.pkl", f->pickle.at, f->pickle.size);
    if (data) zip_add(&f->zip, "archive/data/0", data, size);
    zip_add(&f->zip, "archive/byteorder", "little", 6);
    zip_add(&f->zip, "archive/version", "3\n", 2);
    zip_end(&f->zip);
    write_file(path, f->zip.out.at, f->zip.out.size);
    return torch_checkpoint_open(&f->checkpoint, path, &f->err);
}

/* The elements of an opened tensor as float32; values [64]. */
static bool read_tensor(fixture *f, float *values)
{
    const torch_tensor *tensor = f->checkpoint.pickle.root->as.tensor;
    const source_type type = tensor->storage->dtype;
    unsigned char data[64 * 8];
    if (!torch_tensor_read(&f->checkpoint, tensor, "x", data, &f->err)) return false;
    for (size_t i = 0; i < tensor->count; i++) {
        values[i] = source_type_read(type, data + i * source_type_size(type));
    }
    return true;
}

static void close_fixture(fixture *f)
{
    torch_checkpoint_close(&f->checkpoint);
    zip_free(&f->zip);
    free_bytes(&f->pickle);
}

static void assert_values(const tensor_spec *spec, const void *data, size_t size, const float *expected,
                          size_t count)
{
    fixture f;
    if (!open_tensor(&f, spec, data, size)) fail_msg("%s", f.err.message);
    assert_int_equal(f.checkpoint.pickle.root->as.tensor->count, count);
    float values[64];
    if (!read_tensor(&f, values)) {
        fail_msg("%s", f.err.message);
    }
    assert_memory_equal(values, expected, count * sizeof values[0]);
    close_fixture(&f);
}

static void number_formats(void **state)
{
    static const float floats[4] = {1.5f, -0.0f, 3e38f, 1e-45f};
    static const double doubles[4] = {1.5, -0.0, 0.1, 1e-60};
    static const float from_doubles[4] = {1.5f, -0.0f, 0.1f, 0.0f};
    static const uint16_t halves[8] = {0x3E00, 0x8000, 0x0001, 0x03FF, 0x0400, 0x7BFF, 0xFC00, 0xC500};
    static const uint16_t brains[4] = {0x3FC0, 0x8000, 0xFF80, 0x4049};
    const float from_halves[8] = {1.5f, -0.0f, 0x1p-24f, 0x3FFp-24f, 0x1p-14f, 65504.0f, -INFINITY, -5.0f};
    const float from_brains[4] = {1.5f, -0.0f, -INFINITY, 3.140625f};
    tensor_spec spec = {
        .type = "FloatStorage", .key = "0", .count = 4, .rank = 1, .dims = {4}, .strides = {1}};
    (void)state;
    assert_values(&spec, floats, sizeof floats, floats, 4);
    spec.type = "DoubleStorage";
    assert_values(&spec, doubles, sizeof doubles, from_doubles, 4);
    spec.type = "BFloat16Storage";
    assert_values(&spec, brains, sizeof brains, from_brains, 4);
    spec.type = "HalfStorage";
    spec.count = spec.dims[0] = 8;
    assert_values(&spec, halves, sizeof halves, from_halves, 8);
}

static void half_nan(void **state)
{
    static const uint16_t half = 0x7E01;
    const tensor_spec spec = {.type = "HalfStorage", .key = "0", .count = 1, .rank = 0};
    float value = 0;
    (void)state;
    fixture f;
    assert_true(open_tensor(&f, &spec, &half, sizeof half));
    assert_true(read_tensor(&f, &value));
    assert_true(isnan(value));
    close_fixture(&f);
}

static void strides_and_offsets(void **state)
{
    static const float transposed[6] = {2, 5, 3, 6, 4, 7}, part[4] = {3, 4, 7, 8}, row[3] = {4, 5, 6};
    const tensor_spec t = {.type = "FloatStorage",
                           .key = "0",
                           .count = 12,
                           .offset = 2,
                           .rank = 2,
                           .dims = {3, 2},
                           .strides = {1, 3}};
    const tensor_spec p = {.type = "FloatStorage",
                           .key = "0",
                           .count = 12,
                           .offset = 3,
                           .rank = 3,
                           .dims = {2, 1, 2},
                           .strides = {4, 99, 1}};
    const tensor_spec r = {
        .type = "FloatStorage", .key = "0", .count = 12, .offset = 4, .rank = 1, .dims = {3}, .strides = {1}};
    (void)state;
    float data[12];
    for (int i = 0; i < 12; i++) data[i] = (float)i;
    assert_values(&t, data, sizeof data, transposed, 6);
    assert_values(&p, data, sizeof data, part, 4);
    assert_values(&r, data, sizeof data, row, 3);
}

static void assert_open_refused(const tensor_spec *spec, const void *data, size_t size, const char *message)
{
    float values[64];
    fixture f;
    if (open_tensor(&f, spec, data, size) && read_tensor(&f, values)) {
        fail_msg("read, instead of \"%s\"", message);
    }
    if (!strstr(f.err.message, message)) fail_msg("\"%s\" does not say \"%s\"", f.err.message, message);
    close_fixture(&f);
}

static void wrong_storages(void **state)
{
    static const float data[4];
    tensor_spec spec = {
        .type = "FloatStorage", .key = "0", .count = 4, .rank = 1, .dims = {4}, .strides = {1}};
    (void)state;
    assert_open_refused(&spec, data, 12, "x: its data, archive/data/0, are 12 bytes, not 4 numbers of 4");
    assert_open_refused(&spec, data, 15, "are 15 bytes");
    assert_open_refused(&spec, NULL, 0, "x: its data, archive/data/0, are missing");
    spec.type = "LongStorage";
    assert_open_refused(&spec, data, 16, "are 16 bytes, not 4 numbers of 8");
}

/* Damage to a storage shows when it is read, and not before: skipped storages cost nothing. */
static void read_only_when_used(void **state)
{
    static const float data[4] = {1, 2, 3, 4};
    const tensor_spec whole = {.type = "FloatStorage",
                               .key = "0",
                               .count = 4,
                               .rank = 1,
                               .dims = {4},
                               .strides = {1}},
                      part = {.type = "FloatStorage",
                              .key = "0",
                              .count = 4,
                              .offset = 1,
                              .rank = 1,
                              .dims = {2},
                              .strides = {1}};
    const tensor_spec *specs[2] = {&whole, &part};
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f;
        assert_true(open_tensor(&f, specs[i], data, sizeof data));
        const size_t at = (size_t)torch_zip_find(&f.checkpoint.zip, "archive/data/0")->data;
        torch_checkpoint_close(&f.checkpoint);
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        (void)fseek(file, (long)at + 15, SEEK_SET); /* outside of the part, too */
        (void)fputc(7, file);
        (void)fclose(file);
        assert_true(torch_checkpoint_open(&f.checkpoint, path, &f.err));
        float values[4];
        assert_false(read_tensor(&f, values));
        assert_non_null(strstr(f.err.message, "archive/data/0: its checksum is wrong"));
        close_fixture(&f);
    }
}

static bool open_entries(const char *const names[], const char *const data[], size_t count, tool_error *err)
{
    zip_maker zip;
    memset(&zip, 0, sizeof zip);
    err->message[0] = '\0';
    for (size_t i = 0; i < count; i++) zip_add(&zip, names[i], data[i], strlen(data[i]));
    zip_end(&zip);
    write_file(path, zip.out.at, zip.out.size);
    torch_checkpoint checkpoint;
    const bool ok = torch_checkpoint_open(&checkpoint, path, err);
    torch_checkpoint_close(&checkpoint);
    zip_free(&zip);
    return ok;
}

static void archive_contents(void **state)
{
    static const char *const none[] = {"a/b/data.pkl"}, *const two[] = {"a/data.pkl", "b/data.pkl"};
    static const char *const ordered[] = {"a/data.pkl", "a/byteorder"};
    static const char *const pickles[] = {"\x80\2N.", "\x80\2N."};
    static const char *const big[] = {"\x80\2N.", "big"}, *const little[] = {"\x80\2N.", "little"};
    (void)state;
    tool_error err;
    assert_true(open_entries(two, pickles, 1, &err));
    assert_true(open_entries(ordered, little, 2, &err));
    assert_false(open_entries(none, pickles, 1, &err));
    assert_non_null(strstr(err.message, "holds no data.pkl"));
    assert_false(open_entries(two, pickles, 2, &err));
    assert_non_null(strstr(err.message, "holds two checkpoints, a/data.pkl and b/data.pkl"));
    assert_false(open_entries(ordered, big, 2, &err));
    assert_non_null(strstr(err.message, "a/byteorder: its data are \"big\"-endian"));
}

static int make_path(void **state)
{
    (void)state;
    strcpy(path, "/tmp/test_torch_tensor_XXXXXX");
    const int file = mkstemp(path);
    return file >= 0 ? close(file) : -1;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_formats),      cmocka_unit_test(half_nan),
        cmocka_unit_test(strides_and_offsets), cmocka_unit_test(wrong_storages),
        cmocka_unit_test(read_only_when_used), cmocka_unit_test(archive_contents),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
