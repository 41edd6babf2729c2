/* Damaged and hostile model files: each is refused with a message, or, where the damage can't be seen, runs
 * without harm.  Worth most under AddressSanitizer and UBSan (`make asan`). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/fixture.h"

static unsigned char *good, *work;
static size_t size;

static int make(void **state)
{
    (void)state;
    make_model_options options;
    make_model_defaults(&options);
    options.width = 1;
    options.coarse = true;
    good = make_model(&options, &size);
    work = aligned_alloc(CAPW_ALIGN, (size + CAPW_ALIGN - 1) / CAPW_ALIGN * CAPW_ALIGN);
    return good && work ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    free(good);
    free(work);
    return 0;
}

static capw_header header(void)
{
    capw_header h;
    memcpy(&h, good, sizeof h);
    return h;
}

static void set_header(const capw_header *h)
{
    memcpy(work, h, sizeof *h);
    ((capw_header *)(void *)work)->header_crc = make_model_crc(work, offsetof(capw_header, header_crc));
}

static void fresh(void)
{
    memcpy(work, good, size);
}

/* Opens `bytes` bytes; on an error there must be a message and no model. */
static caption_status try_open(size_t bytes, caption_error *error)
{
    caption_model *model = (caption_model *)(void *)work;
    const caption_status status = caption_model_open_memory(&model, work, bytes, NULL, error);
    if (status) {
        assert_null(model);
        assert_int_equal(error->status, status);
        assert_true(error->message[0] != '\0');
    } else {
        caption_model_close(&model);
    }
    return status;
}

static void must_fail(caption_status wanted, const char *part)
{
    caption_error error;
    assert_int_equal(try_open(size, &error), wanted);
    if (part && !strstr(error.message, part)) fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

static void good_one(void **state)
{
    (void)state;
    fresh();
    caption_error error;
    assert_int_equal(try_open(size, &error), CAPTION_OK);
}

static void truncated_anywhere(void **state)
{
    (void)state;
    fresh();
    for (size_t bytes = 0; bytes < size; bytes++) {
        caption_error error;
        if (try_open(bytes, &error) != CAPTION_ERROR_MODEL) {
            fail_msg("cut to %zu bytes: %s", bytes, error.message);
        }
    }
}

/* The header has the size of the cut file, so that a later check must notice. */
static void truncated_and_sealed(void **state)
{
    capw_header h = header();
    (void)state;
    for (size_t bytes = sizeof h; bytes < size; bytes++) {
        /* an exact copy, so that AddressSanitizer sees a step beyond it */
        const size_t room = (bytes + CAPW_ALIGN - 1) / CAPW_ALIGN * CAPW_ALIGN;
        caption_model *model = NULL;
        if (bytes > h.data_offset + 256 && bytes % 61 != 0) continue;
        unsigned char *copy = aligned_alloc(CAPW_ALIGN, room);
        assert_non_null(copy);
        h.file_size = bytes;
        fresh();
        set_header(&h);
        memcpy(copy, work, bytes);
        caption_error error;
        if (caption_model_open_memory(&model, copy, bytes, NULL, &error) != CAPTION_ERROR_MODEL) {
            fail_msg("cut to %zu bytes: %s", bytes, error.message);
        }
        free(copy);
    }
}

static void header_bytes(void **state)
{
    static const unsigned char masks[] = {0x01, 0x80, 0xFF};
    (void)state;
    for (size_t i = 0; i < sizeof(capw_header); i++) {
        for (size_t m = 0; m < sizeof masks; m++) {
            fresh();
            work[i] ^= masks[m];
            caption_error error;
            if (try_open(size, &error) == CAPTION_OK) fail_msg("header byte %zu changed: opened", i);
        }
    }
}

/* Every field with absurd values and a right checksum. */
static void header_fields(void **state)
{
    static const uint64_t values[] = {0,         1, 63, 64, 65, 4096, 0x7FFFFFFF, 0xFFFFFFFF, UINT64_MAX - 63,
                                      UINT64_MAX};
    static const struct {
        size_t offset, bytes;
    } fields[] = {{8, 4}, {12, 4}, {16, 8}, {24, 8}, {32, 4}, {36, 4}, {40, 8}, {48, 8}, {56, 4}};
    (void)state;
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            capw_header h = header();
            memcpy((unsigned char *)&h + fields[f].offset, &values[v], fields[f].bytes);
            if (memcmp(&h, good, sizeof h) == 0) continue;
            fresh();
            set_header(&h);
            caption_error error;
            /* fewer metadata than there are may do no harm; everything else must be noticed */
            if (try_open(size, &error) == CAPTION_OK && fields[f].offset != 32) {
                fail_msg("header field at %zu set to %llu: opened", fields[f].offset,
                         (unsigned long long)values[v]);
            }
        }
    }
}

static void versions(void **state)
{
    capw_header h = header();
    (void)state;
    fresh();
    h.version = CAPW_VERSION + 1;
    set_header(&h);
    must_fail(CAPTION_ERROR_VERSION, "version");
    fresh();
    memcpy(work, "\x89PNG", 4);
    must_fail(CAPTION_ERROR_MODEL, "magic");
}

/* Any byte of the tables, checksums put right: no crash, whatever the answer. */
static void table_bytes(void **state)
{
    const capw_header h = header();
    int refused = 0;
    (void)state;
    for (size_t i = sizeof h; i < h.data_offset; i += i < sizeof h + 512 || i > h.metadata_offset ? 1 : 37) {
        fresh();
        work[i] ^= (unsigned char)(i % 3 == 0 ? 0xFF : i % 3 == 1 ? 0x01 : 0x80);
        make_model_seal(work);
        caption_error error;
        if (try_open(size, &error) != CAPTION_OK) refused++;
    }
    assert_true(refused > 400);
    fresh();
    work[h.metadata_offset] ^= 1;
    must_fail(CAPTION_ERROR_MODEL, "checksum"); /* and without putting them right */
}

static capw_tensor *record(uint32_t index)
{
    return (capw_tensor *)(void *)(work + sizeof(capw_header)) + index;
}

static void missing_tensors(void **state)
{
    const capw_header h = header();
    (void)state;
    for (uint32_t i = 0; i < h.tensor_count; i++) {
        fresh();
        char name[CAPW_NAME_BYTES];
        memcpy(name, record(i)->name, sizeof name);
        if (strcmp(name, "fc.screen") == 0) continue; /* need not be there */
        record(i)->name[0] = 'X';
        make_model_seal(work);
        must_fail(CAPTION_ERROR_MODEL, name);
    }
}

/* One output fewer (or one more, where there is just one), the size in bytes right. */
static void misshapen_tensors(void **state)
{
    const capw_header h = header();
    (void)state;
    for (uint32_t i = 0; i < h.tensor_count; i++) {
        capw_tensor *t = record(i);
        fresh();
        const uint32_t outputs = t->dims[0];
        t->dims[0] = outputs > 1 ? outputs - 1 : 2;
        if (t->layout == CAPW_ROWS) {
            t->bytes = t->bytes / outputs * t->dims[0];
        } else if (outputs % CAPW_PANEL == 1 && outputs > 1) {
            continue; /* a panel fewer: other bytes */
        }
        make_model_seal(work);
        must_fail(CAPTION_ERROR_MODEL, "tensor");
    }
}

#define BAD_TENSOR(name, change, part)        \
    do {                                      \
        capw_tensor *t;                       \
        fresh();                              \
        t = make_model_find(work, name);      \
        assert_non_null(t);                   \
        change;                               \
        make_model_seal(work);                \
        must_fail(CAPTION_ERROR_MODEL, part); \
    } while (0)

static void bad_records(void **state)
{
    (void)state;
    BAD_TENSOR("fc.weight", t->dtype = CAPW_INT8, "fc.weight");
    BAD_TENSOR("fc.weight", t->dtype = 99, "fc.weight");
    BAD_TENSOR("fc.weight", t->layout = 99, "fc.weight");
    BAD_TENSOR("fc.weight", t->layout = CAPW_WINOGRAD, "fc.weight");
    BAD_TENSOR("fc.weight", t->layout = CAPW_WINOGRAD2, "fc.weight");
    BAD_TENSOR("fc.weight", t->rank = 0, "fc.weight");
    BAD_TENSOR("fc.weight", t->rank = 5, "fc.weight");
    BAD_TENSOR("fc.weight", t->rank = UINT32_MAX, "fc.weight");
    BAD_TENSOR("fc.weight", t->dims[1] = 0, "fc.weight");
    BAD_TENSOR("fc.weight", t->dims[0] = UINT32_MAX, "fc.weight");
    BAD_TENSOR("fc.weight", t->dims[2] = 7, "fc.weight");
    BAD_TENSOR("fc.weight", t->offset = size, "fc.weight");
    BAD_TENSOR("fc.weight", t->offset = UINT64_MAX - 63, "fc.weight");
    BAD_TENSOR("fc.weight", t->offset = 0, "fc.weight");
    BAD_TENSOR("fc.weight", t->offset += 4, "fc.weight");
    BAD_TENSOR("fc.weight", t->bytes = 0, "fc.weight");
    BAD_TENSOR("fc.weight", t->bytes = UINT64_MAX, "fc.weight");
    BAD_TENSOR("fc.weight", memset(t->name, 'a', sizeof t->name), "name");
    BAD_TENSOR("fc.weight", memset(t->name, 0, sizeof t->name), "name");
    BAD_TENSOR("fc.weight", strcpy(t->name, "fc.bias"), "fc.bias");
    BAD_TENSOR("fc.screen", t->dtype = CAPW_FLOAT32, "fc.screen");
    BAD_TENSOR("fc.screen", t->dtype = CAPW_FLOAT32; t->bytes *= 2, "data type");
    BAD_TENSOR("fc.screen", t->dtype = CAPW_INT8, "data type");
    BAD_TENSOR("fc.screen", t->dtype = CAPW_FLOAT16, "data type"); /* of the same size */
    BAD_TENSOR("fc.screen", t->layout = CAPW_PANELS, "data type");
    BAD_TENSOR("fc.bias", t->dtype = CAPW_INT16; t->bytes /= 2, "data type");
    BAD_TENSOR("fc.bias", t->dtype = CAPW_FLOAT16; t->bytes /= 2, "data type");
    BAD_TENSOR("fc.bias", t->dtype = UINT32_MAX, "data type");
    BAD_TENSOR("fc.bias", t->layout = UINT32_MAX, "layout");
    BAD_TENSOR("fc.bias", t->layout = CAPW_PANELS, "two to four");
    BAD_TENSOR("fc.screen", t->layout = CAPW_ROWS, "fc.screen");
    BAD_TENSOR("fc.screen", t->rank = 1, "fc.screen");
    BAD_TENSOR("fc.screen", t->dims[0]--, "fc.screen");
    BAD_TENSOR("fc.screen", t->bytes -= 2, "fc.screen");
    BAD_TENSOR("fc.screen_scale", t->name[0] = 'x', "fc.screen_scale");
    BAD_TENSOR("fc.screen_scale", t->dims[0]--, "fc.screen_scale");
    BAD_TENSOR("fc.screen_bounds", t->name[0] = 'x', "fc.screen_bounds");
    BAD_TENSOR("fc.screen_bounds", t->dims[0]--, "fc.screen_bounds");
}

/* Replaces the first `from` in the tables by `to`, of the same length. */
static void replace(const char *from, const char *to)
{
    const capw_header h = header();
    const size_t n = strlen(from);
    fresh();
    for (size_t i = (size_t)h.metadata_offset; i + n < h.data_offset; i++) {
        if (memcmp(work + i, from, n) == 0) {
            memcpy(work + i, to, n);
            make_model_seal(work);
            return;
        }
    }
    fail_msg("no \"%s\" in the file", from);
}

static void bad_metadata(void **state)
{
    (void)state;
    replace("attention", "attentiom");
    must_fail(CAPTION_ERROR_MODEL, "model.kind");
    replace("attention", "baseline\0");
    must_fail(CAPTION_ERROR_MODEL, NULL);
    replace("gru", "rnn");
    must_fail(CAPTION_ERROR_MODEL, "model.rnn");
    replace("model.kind", "model.kinx");
    must_fail(CAPTION_ERROR_MODEL, "model.kind");
    replace("224", "-24");
    must_fail(CAPTION_ERROR_MODEL, "input.size");
    replace("224", "2x4");
    must_fail(CAPTION_ERROR_MODEL, "input.size");
    replace("0.485 0.456 0.406", "0.485 0.456 none!");
    must_fail(CAPTION_ERROR_MODEL, "input.mean");
    replace("0.229 0.224 0.225", "0.000 0.224 0.225");
    must_fail(CAPTION_ERROR_MODEL, "input.std");
    replace("0.7", "1e9");
    must_fail(CAPTION_ERROR_MODEL, "decode.length_alpha");
    replace("1.2", "-.1");
    must_fail(CAPTION_ERROR_MODEL, "decode.repetition_penalty");
    replace("published", "publishes");
    must_fail(CAPTION_ERROR_MODEL, "decode.penalty");
}

/* A caption of such words could be written to a file that nothing reads again. */
static void bad_words(void **state)
{
    (void)state;
    replace("<start>", "<st\xC3\xA9t>"); /* e with an acute accent is good */
    must_fail(CAPTION_OK, NULL);
    replace("<start>", "<st\xC3rt>");
    must_fail(CAPTION_ERROR_MODEL, "of the vocabulary is not UTF-8");
    replace("<start>", "<star\xED\xA0"); /* a surrogate, cut off */
    must_fail(CAPTION_ERROR_MODEL, "of the vocabulary is not UTF-8");
}

static void checksums(void **state)
{
    caption_model *model = NULL;
    (void)state;
    fresh();
    work[make_model_find(work, "init_h.bias")->offset] ^= 1;
    caption_error error;
    assert_int_equal(try_open(size, &error),
                     CAPTION_OK); /* the tensors are read only where `verify` asks for it */
    caption_model_options options;
    caption_model_options_init(&options);
    options.verify = 1;
    assert_int_equal(caption_model_open_memory(&model, work, size, &options, &error), CAPTION_ERROR_MODEL);
    assert_non_null(strstr(error.message, "init_h.bias"));
    assert_null(model);
}

/* Weights that no training makes: the search must still end, within its limits. */
static void absurd_weights(void **state)
{
    static const uint32_t patterns[] = {0x7FC00000u /* NaN */, 0x7F800000u /* infinity */,
                                        0xFF7FFFFFu /* -max */, 0x00000001u /* denormal */};
    int nan_scores = 0;
    (void)state;
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        const caption_pixel_view view = fixture_pixels(1);
        caption_model *model = NULL;
        caption_session *session = NULL;
        fresh();
        for (size_t i = (size_t)header().data_offset; i + 4 <= size; i += 4) {
            memcpy(work + i, &patterns[p], 4);
        }
        caption_error error;
        assert_int_equal(caption_model_open_memory(&model, work, size, NULL, &error), CAPTION_OK);
        assert_int_equal(caption_session_create(&session, model, NULL, &error), CAPTION_OK);
        const caption_result *r;
        if (caption_pixels(session, &view, NULL, &r, &error) == CAPTION_OK) {
            assert_true(r->count >= 1 && r->count <= 5);
            for (int i = 0; i < r->count; i++) {
                assert_true(r->captions[i].length >= 1 && r->captions[i].length <= 20);
                const double score = r->captions[i].score, confidence = r->captions[i].confidence;
                assert_true(isnan(score) ? confidence == 0 : confidence >= 0 && confidence <= 1);
                nan_scores += isnan(score);
                assert_true(i == 0 || isnan(score) || !isnan(r->captions[i - 1].score)); /* NaN comes last */
                for (int t = 0; t < r->captions[i].length; t++) {
                    assert_true(r->captions[i].ids[t] >= 0 && r->captions[i].ids[t] < 37);
                }
            }
        } else {
            assert_true(error.message[0] != '\0');
        }
        caption_session_close(&session);
        caption_model_close(&model);
    }
    assert_true(nan_scores > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_one),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(truncated_and_sealed),
        cmocka_unit_test(header_bytes),
        cmocka_unit_test(header_fields),
        cmocka_unit_test(versions),
        cmocka_unit_test(table_bytes),
        cmocka_unit_test(missing_tensors),
        cmocka_unit_test(misshapen_tensors),
        cmocka_unit_test(bad_records),
        cmocka_unit_test(bad_metadata),
        cmocka_unit_test(bad_words),
        cmocka_unit_test(checksums),
        cmocka_unit_test(absurd_weights),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
