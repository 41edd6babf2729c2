/* Tests of the contract of errors, over every public function that takes a caption_error: the status is the
 * same with and without one, the structure is filled on every return, and each way to fail has its status. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/error_calls.h"
#include "test/fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* More bytes than any address space has. */
#define TOO_MANY ((uint64_t)1 << 50)

/* AddressSanitizer ends the program at a request for that much, unless it is told to return NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static fixture fix;
static caption_session *session, *narrow; /* narrow: images of at most 100 pixels */
static unsigned char *jpeg, *damaged, *newer;
static size_t jpeg_size;
static unsigned char *memory; /* 64-byte aligned, enough for a model or a session */
static size_t memory_size;
static float features[49 * 64];
static char model_path[64], damaged_path[64], jpeg_path[64], junk_path[64];

static caption_model_options newer_model, reserved_model;
static caption_session_options newer_session_options, larger_session_options, bad_session_options,
    vast_session_options, impossible_session_options;
static caption_decode_options newer_decode_options, reserved_decode_options, bad_decode_options,
    stopping_decode_options;
static caption_explain_options newer_explain_options, reserved_explain_options, bad_explain_options,
    stopping_explain_options;
static const int tokens[] = {5, 9, 2};
static const caption_text told = {.ids = tokens, .length = 3}, untold = {.ids = tokens};

/* ---- what calls work on ---- */

static int stop(void *user, const caption_progress *progress)
{
    (void)user, (void)progress;
    return 1;
}

static void set_options(void)
{
    caption_model_options_init(&newer_model);
    reserved_model = newer_model;
    newer_model.struct_size += 8;
    reserved_model.reserved[4] = 1;

    caption_session_options_init(&newer_session_options);
    larger_session_options = bad_session_options = vast_session_options = impossible_session_options =
        newer_session_options;
    newer_session_options.abi_version++;
    larger_session_options.struct_size += 8;
    bad_session_options.threads = CAPTION_MAX_THREADS + 1;
    vast_session_options.decode_memory = TOO_MANY;
    impossible_session_options.decode_memory = SIZE_MAX;

    caption_decode_options_init(&newer_decode_options, NULL);
    reserved_decode_options = bad_decode_options = stopping_decode_options = newer_decode_options;
    newer_decode_options.struct_size += 8;
    reserved_decode_options.reserved[0] = 1;
    bad_decode_options.length_alpha = -1;
    stopping_decode_options.progress = stop;

    caption_explain_options_init(&newer_explain_options);
    reserved_explain_options = bad_explain_options = stopping_explain_options = newer_explain_options;
    newer_explain_options.struct_size += 8;
    reserved_explain_options.reserved[3] = 1;
    bad_explain_options.method = (caption_explain_method)-1;
    stopping_explain_options.progress = stop;
}

static unsigned char *copy_of_model(void)
{
    unsigned char *copy = aligned_alloc(64, (fix.size + 63) / 64 * 64);
    if (copy) memcpy(copy, fix.bytes, fix.size);
    return copy;
}

static int set_up(void **state)
{
    (void)state;
    if (!fixture_open(&fix, NULL)) return -1;
    caption_session_options options;
    caption_session_options_init(&options);
    options.max_batch = 2;
    options.explain = 1;
    if (caption_session_create(&session, fix.model, &options, NULL)) return -1;
    options.max_pixels = 100;
    options.explain = 0;
    if (caption_session_create(&narrow, fix.model, &options, NULL)) return -1;
    jpeg = fixture_jpeg(1, &jpeg_size);
    damaged = copy_of_model();
    newer = copy_of_model();
    memory_size = caption_session_size(fix.model, NULL, NULL);
    memory = aligned_alloc(64, memory_size);
    if (!jpeg || !damaged || !newer || !memory || caption_model_size() > memory_size) return -1;
    damaged[fix.size - 1] ^= 1; /* the last tensor's checksum no longer fits */
    newer[8]++;                 /* the header's version */
    make_model_seal(newer);
    set_options();
    return fixture_write(model_path, fix.bytes, fix.size) && fixture_write(damaged_path, damaged, 100) &&
                   fixture_write(jpeg_path, jpeg, jpeg_size) && fixture_write(junk_path, "line\nline", 9)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(model_path);
    unlink(damaged_path);
    unlink(jpeg_path);
    unlink(junk_path);
    caption_session_close(&session);
    caption_session_close(&narrow);
    fixture_close(&fix);
    free(jpeg);
    free(damaged);
    free(newer);
    free(memory);
    return 0;
}

/* ---- the tables ---- */

typedef struct row {
    const target *target;
    caption_status wanted;
    args args;
} row;

#define ERROR(kind) CAPTION_ERROR_##kind
#define BYTES(structure) sizeof(caption_##structure)
#define GOOD_MODEL .data = fix.bytes, .size = fix.size

/* Names of the functions that had a row, for the last test. */
static const char *tried[256];
static size_t tried_count;

static bool is_one_line(const char text[256])
{
    const char *end = memchr(text, '\0', 256);
    for (const char *c = text; end && c < end; c++) {
        if (iscntrl((unsigned char)*c)) return false;
    }
    return end && end > text;
}

/* The call without an error structure, with one full of rubbish, and with one from an error before. */
static void try_row(const row *r, size_t number)
{
    caption_error error;
    memset(&error, 0x5A, sizeof error);
    for (int way = 0; way < 3; way++) {
        const caption_status got = r->target->call(&r->args, way == 0 ? NULL : &error);
        if (got != r->wanted) {
            fail_msg("%s, row %zu, way %d: status %d (%s), wanted %d", r->target->name, number, way, (int)got,
                     way ? error.message : "", (int)r->wanted);
        }
        if (way == 0) continue;
        if (error.status != got) {
            fail_msg("%s, row %zu: error.status %d", r->target->name, number, (int)error.status);
        }
        if (got ? !is_one_line(error.message) : error.message[0] != '\0') {
            fail_msg("%s, row %zu: message \"%.256s\"", r->target->name, number, error.message);
        }
    }
    assert_true(tried_count < COUNT(tried));
    tried[tried_count++] = r->target->name;
}

static void try_all(const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) try_row(&rows[i], i);
}

static void models(void **state)
{
    /* clang-format off */
    const row rows[] = {
        {&open_file, CAPTION_OK, {.path = model_path}},
        {&open_file, ERROR(ARGUMENT), {.path = NULL}},
        {&open_file, ERROR(ARGUMENT), {.path = model_path, .no_result = true}},
        {&open_file, ERROR(IO), {.path = "/nonexistent/a\nb\033[1m"}},
        {&open_file, ERROR(IO), {.path = "/"}},
        {&open_file, ERROR(MODEL), {.path = damaged_path}},
        {&open_file, ERROR(MODEL), {.path = junk_path}},
        {&open_file, ERROR(VERSION), {.path = model_path, .model_how = &newer_model}},

        {&open_memory, CAPTION_OK, {GOOD_MODEL}},
        {&open_memory, ERROR(ARGUMENT), {.size = fix.size}},
        {&open_memory, ERROR(ARGUMENT), {.data = fix.bytes + 4, .size = 99}},
        {&open_memory, ERROR(MODEL), {.data = fix.bytes, .size = 99}},
        {&open_memory, ERROR(MODEL), {.data = fix.bytes, .size = 0}},
        {&open_memory, ERROR(VERSION), {.data = newer, .size = fix.size}},
        {&open_memory, ERROR(VERSION), {GOOD_MODEL, .model_how = &reserved_model}},

        {&open_callback, CAPTION_OK, {.read = read_model, GOOD_MODEL}},
        {&open_callback, ERROR(ARGUMENT), {.size = fix.size}},
        {&open_callback, ERROR(ARGUMENT), {.data = fix.bytes, .read = read_model, .size = 0}},
        {&open_callback, ERROR(MEMORY), {.data = fix.bytes, .read = read_model, .size = TOO_MANY}},
        {&open_callback, ERROR(IO), {.read = read_nothing, .size = fix.size}},
        {&open_callback, ERROR(MODEL), {.data = fix.bytes, .read = read_model, .size = 99}},
        {&open_callback, ERROR(VERSION), {.read = read_model, GOOD_MODEL, .model_how = &newer_model}},

        {&init_model, CAPTION_OK, {.memory = memory, .room = memory_size, GOOD_MODEL}},
        {&init_model, ERROR(ARGUMENT), {.memory = NULL, .room = memory_size, GOOD_MODEL}},
        {&init_model, ERROR(ARGUMENT), {.memory = memory + 8, .room = memory_size - 8, GOOD_MODEL}},
        {&init_model, ERROR(MEMORY), {.memory = memory, .room = caption_model_size() - 1, GOOD_MODEL}},
        {&init_model, ERROR(MODEL), {.memory = memory, .room = memory_size, .data = fix.bytes, .size = 70}},
        {&init_model, ERROR(VERSION), {.memory = memory, .room = memory_size, .data = newer, .size = fix.size}},
    };
    /* clang-format on */
    (void)state;
    try_all(rows, COUNT(rows));
}

static void inside_models(void **state)
{
    caption_model *broken = NULL;
    (void)state;
    assert_int_equal(caption_model_open_memory(&broken, damaged, fix.size, NULL, NULL), CAPTION_OK);
    caption_model_info info;
    assert_int_equal(caption_model_get_info(broken, &info), CAPTION_OK);
    int last = -1; /* the tensor whose bytes are the last of the file */
    for (int i = 0; i < info.tensor_count; i++) {
        caption_tensor_info t;
        assert_int_equal(caption_model_tensor(broken, i, &t), CAPTION_OK);
        if (t.offset + t.bytes == fix.size) last = i;
    }
    assert_true(last >= 0);
    /* clang-format off */
    const row rows[] = {
        {&get_info, CAPTION_OK, {.model = fix.model}},
        {&get_info, ERROR(ARGUMENT), {.model = NULL}},
        {&get_info, ERROR(ARGUMENT), {.model = fix.model, .no_result = true}},
        {&get_info, ERROR(VERSION), {.model = fix.model, .struct_size = BYTES(model_info) + 1}},
        {&get_info, ERROR(VERSION), {.model = fix.model, .struct_size = 1}},

        {&get_tensor, CAPTION_OK, {.model = fix.model}},
        {&get_tensor, ERROR(ARGUMENT), {.model = NULL}},
        {&get_tensor, ERROR(ARGUMENT), {.model = fix.model, .number = -1}},
        {&get_tensor, ERROR(ARGUMENT), {.model = fix.model, .number = info.tensor_count}},
        {&get_tensor, ERROR(VERSION), {.model = fix.model, .struct_size = BYTES(tensor_info) + 1}},

        {&verify, CAPTION_OK, {.model = broken, .number = last == 0 ? 1 : 0}},
        {&verify, ERROR(MODEL), {.model = broken, .number = last}},
        {&verify, ERROR(ARGUMENT), {.model = broken, .number = -1}},
        {&verify, ERROR(ARGUMENT), {.model = NULL}},
    };
    /* clang-format on */
    try_all(rows, COUNT(rows));
    caption_model_close(&broken);
}

static void sessions(void **state)
{
    const args good = {.model = fix.model, .memory = memory, .room = memory_size};
    const struct {
        caption_status wanted;
        const caption_session_options *options;
    } ways[] = {
        {CAPTION_OK, NULL},
        {ERROR(VERSION), &newer_session_options},
        {ERROR(VERSION), &larger_session_options},
        {ERROR(ARGUMENT), &bad_session_options},
        {ERROR(MEMORY), &impossible_session_options},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        args a = good;
        a.session_options = ways[i].options;
        const row rows[] = {
            {&session_size, ways[i].wanted, a},
            {&init_session, ways[i].wanted, a},
            {&create_session, ways[i].wanted, a},
        };
        try_all(rows, COUNT(rows));
    }
    /* clang-format off */
    const row rows[] = {
        {&session_size, ERROR(ARGUMENT), {.model = NULL}},
        {&init_session, ERROR(ARGUMENT), {.model = NULL, .memory = memory, .room = memory_size}},
        {&init_session, ERROR(ARGUMENT), {.model = fix.model, .memory = memory, .room = 1, .no_result = true}},
        {&init_session, ERROR(ARGUMENT), {.model = fix.model, .memory = memory + 32, .room = memory_size}},
        {&init_session, ERROR(MEMORY), {.model = fix.model, .memory = memory, .room = memory_size - 1}},
        {&create_session, ERROR(ARGUMENT), {.model = NULL}},
        {&create_session, ERROR(ARGUMENT), {.model = fix.model, .no_result = true}},
        {&create_session, ERROR(MEMORY), {.model = fix.model, .session_options = &vast_session_options}},
    };
    /* clang-format on */
    try_all(rows, COUNT(rows));
}

/* What the three functions that caption one image have in common. */
static void one_call(void **state)
{
    const args good = {.session = session, .path = jpeg_path, .data = jpeg, .size = jpeg_size, .width = 64};
    args no_session = good, no_result = good, large = good, empty = good;
    (void)state;
    no_session.session = NULL;
    no_result.no_result = true;
    large.session = narrow;
    empty.path = NULL;
    empty.data = NULL;
    const struct {
        caption_status wanted;
        const caption_decode_options *options;
        const args *args;
    } ways[] = {
        {CAPTION_OK, NULL, &good},
        {ERROR(ARGUMENT), NULL, &no_session},
        {ERROR(ARGUMENT), NULL, &no_result},
        {ERROR(ARGUMENT), NULL, &empty},
        {ERROR(LIMIT), NULL, &large},
        {ERROR(VERSION), &newer_decode_options, &good},
        {ERROR(VERSION), &reserved_decode_options, &good},
        {ERROR(ARGUMENT), &bad_decode_options, &good},
        {ERROR(ABORTED), &stopping_decode_options, &good},
    };
    for (size_t i = 0; i < COUNT(ways); i++) {
        args a = *ways[i].args;
        a.options = ways[i].options;
        const row rows[] = {
            {&file, ways[i].wanted, a},
            {&image, ways[i].wanted, a},
            {&pixels, ways[i].wanted, a},
        };
        try_all(rows, COUNT(rows));
    }
    /* clang-format off */
    const row rows[] = {
        {&file, ERROR(IO), {.session = session, .path = "/nonexistent/a\nb"}},
        {&file, ERROR(IMAGE), {.session = session, .path = junk_path}},
        {&image, ERROR(IMAGE), {.session = session, .data = "junk", .size = 4}},
        {&image, ERROR(IMAGE), {.session = session, .data = jpeg, .size = 30}},
        {&pixels, ERROR(ARGUMENT), {.session = session, .data = jpeg, .width = 0}},
        {&pixels, ERROR(VERSION), {.session = session, .data = jpeg, .width = 9, .struct_size = 200}},
    };
    /* clang-format on */
    try_all(rows, COUNT(rows));
}

static void loading(void **state)
{
    const args good = {.session = session, .path = jpeg_path, .data = jpeg, .size = jpeg_size, .width = 64};
    args slots[4] = {good, good, good, good};
    (void)state;
    slots[1].number = -1;
    slots[2].number = 2;
    slots[3].session = NULL;
    for (size_t i = 0; i < COUNT(slots); i++) {
        const caption_status wanted = i == 0 ? CAPTION_OK : ERROR(ARGUMENT);
        args a = slots[i];
        const row rows[] = {
            {&load_file, wanted, a},
            {&load_image, wanted, a},
            {&load_pixels, wanted, a},
        };
        try_all(rows, COUNT(rows));
        a.data = features;
        try_row(&(row){&set_features, wanted, a}, i);
    }
    /* clang-format off */
    const row rows[] = {
        {&load_file, ERROR(ARGUMENT), {.session = session}},
        {&load_file, ERROR(IO), {.session = session, .path = "/nonexistent/a"}},
        {&load_file, ERROR(IMAGE), {.session = session, .path = junk_path}},
        {&load_file, ERROR(LIMIT), {.session = narrow, .path = jpeg_path}},
        {&load_image, ERROR(ARGUMENT), {.session = session, .size = 9}},
        {&load_image, ERROR(IMAGE), {.session = session, .data = "", .size = 0}},
        {&load_image, ERROR(LIMIT), {.session = narrow, .data = jpeg, .size = jpeg_size}},
        {&load_pixels, ERROR(ARGUMENT), {.session = session, .width = 64}},
        {&load_pixels, ERROR(ARGUMENT), {.session = session, .data = jpeg, .width = -5}},
        {&load_pixels, ERROR(LIMIT), {.session = narrow, .data = jpeg, .width = 64}},
        {&load_pixels, ERROR(VERSION), {.session = session, .data = jpeg, .width = 64, .struct_size = 200}},
        {&set_features, ERROR(ARGUMENT), {.session = session}},
    };
    /* clang-format on */
    try_all(rows, COUNT(rows));
}

static void steps(void **state)
{
    /* clang-format off */
    const row rows[] = {
        {&encode, CAPTION_OK, {.session = session, .number = 1}},
        {&encode, ERROR(ARGUMENT), {.session = NULL, .number = 1}},
        {&encode, ERROR(ARGUMENT), {.session = session, .number = 0}},
        {&encode, ERROR(ARGUMENT), {.session = session, .number = 2}},
        {&encode, ERROR(ARGUMENT), {.session = session, .number = 3}},
        {&encode, ERROR(VERSION), {.session = session, .number = 1, .options = &newer_decode_options}},
        {&encode, ERROR(ABORTED), {.session = session, .number = 1, .options = &stopping_decode_options}},

        {&decode, CAPTION_OK, {.session = session, .number = 0}},
        {&decode, ERROR(ARGUMENT), {.session = NULL, .number = 0}},
        {&decode, ERROR(ARGUMENT), {.session = session, .no_result = true}},
        {&decode, ERROR(ARGUMENT), {.session = session, .number = -1}},
        {&decode, ERROR(ARGUMENT), {.session = session, .number = 1}},
        {&decode, ERROR(ARGUMENT), {.session = session, .options = &bad_decode_options}},
        {&decode, ERROR(VERSION), {.session = session, .options = &newer_decode_options}},
        {&decode, ERROR(VERSION), {.session = session, .options = &reserved_decode_options}},
        {&decode, ERROR(ABORTED), {.session = session, .options = &stopping_decode_options}},
        {&decode_batch, CAPTION_OK, {.session = session, .number = 1}},
        {&decode_batch, ERROR(ARGUMENT), {.session = NULL, .number = 1}},
        {&decode_batch, ERROR(ARGUMENT), {.session = session, .number = 1, .no_result = true}},
        {&decode_batch, ERROR(ARGUMENT), {.session = session, .number = 0}},
        {&decode_batch, ERROR(ARGUMENT), {.session = session, .number = 2}},
        {&decode_batch, ERROR(ARGUMENT), {.session = session, .number = 3}},
        {&decode_batch, ERROR(ARGUMENT), {.session = session, .number = 1, .options = &bad_decode_options}},
        {&decode_batch, ERROR(VERSION), {.session = session, .number = 1, .options = &newer_decode_options}},
        {&decode_batch, ERROR(VERSION), {.session = session, .number = 1, .options = &reserved_decode_options}},
        {&decode_batch, ERROR(ABORTED), {.session = session, .number = 1, .options = &stopping_decode_options}},

        {&explain, CAPTION_OK, {.session = session, .caption = &told}},
        {&explain, ERROR(ARGUMENT), {.session = NULL, .caption = &told}},
        {&explain, ERROR(ARGUMENT), {.session = session}},
        {&explain, ERROR(ARGUMENT), {.session = session, .caption = &untold}},
        {&explain, ERROR(ARGUMENT), {.session = session, .caption = &told, .no_result = true}},
        {&explain, ERROR(ARGUMENT), {.session = session, .caption = &told, .number = -1}},
        {&explain, ERROR(ARGUMENT), {.session = session, .caption = &told, .number = 1}},
        {&explain, ERROR(ARGUMENT), {.session = session, .caption = &told, .explain_how = &bad_explain_options}},
        {&explain, ERROR(VERSION), {.session = session, .caption = &told, .explain_how = &newer_explain_options}},
        {&explain, ERROR(VERSION), {.session = session, .caption = &told, .explain_how = &reserved_explain_options}},
        {&explain, ERROR(ABORTED), {.session = session, .caption = &told, .explain_how = &stopping_explain_options}},
    };
    /* clang-format on */
    (void)state;
    try_all(rows, COUNT(rows));
}

static void looking(void **state)
{
    /* clang-format off */
    const row rows[] = {
        {&probe, CAPTION_OK, {.data = jpeg, .size = jpeg_size}},
        {&probe, ERROR(ARGUMENT), {.size = 9}},
        {&probe, ERROR(ARGUMENT), {.data = jpeg, .size = jpeg_size, .no_result = true}},
        {&probe, ERROR(IMAGE), {.data = "GIF89a", .size = 6}},
        {&probe, ERROR(IMAGE), {.data = jpeg, .size = 12}},
        {&probe, ERROR(VERSION), {.data = jpeg, .size = jpeg_size, .struct_size = BYTES(image_info) + 1}},

        {&layer, CAPTION_OK, {.session = session}},
        {&layer, ERROR(ARGUMENT), {.session = NULL}},
        {&layer, ERROR(ARGUMENT), {.session = session, .number = -1}},
        {&layer, ERROR(ARGUMENT), {.session = session, .number = 54}},
        {&layer, ERROR(ARGUMENT), {.session = session, .no_result = true}},
        {&layer, ERROR(VERSION), {.session = session, .struct_size = BYTES(layer_info) + 1}},
    };
    /* clang-format on */
    (void)state;
    try_all(rows, COUNT(rows));
}

/* ---- nothing is left out ---- */

static bool was_tried(const char *function)
{
    for (size_t i = 0; i < tried_count; i++) {
        if (strcmp(tried[i], function) == 0) return true;
    }
    return false;
}

/* Every declaration in caption.h that begins with CAPTION_API and takes a caption_error had a row. */
static void every_function(void **state)
{
    static char text[1 << 17];
    (void)state;
    FILE *header = fopen("include/caption.h", "r");
    if (!header) {
        printf("skipped: include/caption.h is not below the current folder\n");
        skip();
    }
    text[fread(text, 1, sizeof text - 1, header)] = '\0';
    (void)fclose(header);
    int functions = 0;
    for (char *at = strstr(text, "\nCAPTION_API "); at; at = strstr(at + 1, "\nCAPTION_API ")) {
        char *end = strchr(at, ';'), *open = strchr(at, '(');
        assert_true(end && open && open < end);
        *end = *open = '\0';
        if (strstr(open + 1, "caption_error *error")) {
            const char *name = open;
            while (name[-1] != ' ' && name[-1] != '*') name--;
            if (!was_tried(name)) fail_msg("%s has no row", name);
            functions++;
        }
        at = end;
    }
    assert_true(functions >= 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models),   cmocka_unit_test(inside_models),  cmocka_unit_test(sessions),
        cmocka_unit_test(one_call), cmocka_unit_test(loading),        cmocka_unit_test(steps),
        cmocka_unit_test(looking),  cmocka_unit_test(every_function),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
