/* The armed allocator: once a session is initialised nothing is allocated; and when any one allocation fails
 * before that, or while capconvert looks for ranges, the error is clean and nothing leaks.  Skipped under
 * sanitizers and valgrind, whose own allocators look for leaks, too. */
#include "test/failing_memory.h"

#include <fcntl.h>

#include "test/fixture.h"
#include "test/tools/net_maker.h"
#include "tools/common/session.h"
#include "tools/convert/ranges.h"

/* One of each kind that its library reads in its own way: a progressive JPEG keeps all coefficients, an
 * interlaced PNG all rows. */
enum { JPEG, PROGRESSIVE, PNG, PICTURES };

typedef struct encoded {
    unsigned char *data; /* owned */
    size_t size;
} encoded;

static void make_pictures(encoded pictures[PICTURES])
{
    pictures[JPEG].data = fixture_jpeg(1, &pictures[JPEG].size);
    pictures[PROGRESSIVE].data = fixture_progressive(1, &pictures[PROGRESSIVE].size);
    pictures[PNG].data = fixture_png(1, &pictures[PNG].size);
    for (int i = 0; i < PICTURES; i++) assert_non_null(pictures[i].data);
}

static void free_pictures(encoded pictures[PICTURES])
{
    for (int i = 0; i < PICTURES; i++) free(pictures[i].data);
}

static void caption_every_way(caption_session *session, const encoded pictures[PICTURES], const char *path)
{
    caption_pixel_view view = fixture_pixels(2);
    caption_decode_options greedy;
    caption_decode_options_init(&greedy, NULL);
    greedy.search = CAPTION_SEARCH_GREEDY;
    const caption_result *r;
    assert_int_equal(caption_file(session, path, NULL, &r, NULL), CAPTION_OK);
    for (int i = 0; i < PICTURES; i++) {
        const encoded *p = &pictures[i];
        assert_int_equal(caption_image(session, p->data, p->size, NULL, &r, NULL), CAPTION_OK);
        assert_int_equal(r->warnings, 0);
        if (i == PNG) {
            assert_int_equal(caption_image(session, p->data, p->size - 20, NULL, &r, NULL),
                             CAPTION_ERROR_IMAGE);
        } else {
            assert_int_equal(caption_image(session, p->data, p->size - 20, NULL, &r, NULL), CAPTION_OK);
            assert_true(r->warnings > 0);
        }
        assert_int_equal(caption_image(session, p->data, 40, NULL, &r, NULL), CAPTION_ERROR_IMAGE);
    }
    assert_int_equal(caption_image(session, "junk", 4, NULL, &r, NULL), CAPTION_ERROR_IMAGE);
    assert_int_equal(caption_pixels(session, &view, NULL, &r, NULL), CAPTION_OK);
    assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_OK);
    assert_int_equal(caption_encode(session, 1, NULL, NULL), CAPTION_OK);
    assert_int_equal(caption_decode(session, 0, &greedy, &r, NULL), CAPTION_OK);
    assert_int_equal(caption_decode(session, 0, NULL, &r, NULL), CAPTION_OK);
}

/* Every method that the model has. */
static void explain_every_way(caption_session *session)
{
    const caption_explanation *why;
    const caption_result *r;
    caption_explain_options how;
    caption_pixel_view view = fixture_pixels(2);
    caption_explain_options_init(&how);
    assert_int_equal(caption_pixels(session, &view, NULL, &r, NULL), CAPTION_OK);
    const caption_status status = caption_explain(session, 0, &r->captions[0], &how, &why, NULL);
    assert_true(status == CAPTION_OK || status == CAPTION_ERROR_UNSUPPORTED); /* int8 */
    how.method = CAPTION_EXPLAIN_PUBLISHED;
    assert_int_equal(caption_explain(session, 0, &r->captions[0], &how, &why, NULL), CAPTION_OK);
    how.method = CAPTION_EXPLAIN_OCCLUSION;
    assert_int_equal(caption_explain(session, 0, &r->captions[0], &how, &why, NULL), CAPTION_OK);
}

static void armed(const make_model_options *options, caption_conv conv, int threads)
{
    caption_session *session = NULL;
    encoded pictures[PICTURES];
    make_pictures(pictures);
    fixture fix;
    assert_true(fixture_open(&fix, options));
    char path[64];
    assert_true(fixture_write(path, pictures[JPEG].data, pictures[JPEG].size));
    caption_session_options o;
    caption_session_options_init(&o);
    o.conv = conv;
    o.threads = threads;
    o.explain = 1;
    const size_t size = caption_session_size(fix.model, &o, NULL);
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    assert_non_null(memory);
    assert_int_equal(caption_session_init(&session, memory, size, fix.model, &o, NULL), CAPTION_OK);
    atomic_store(&counted, 0);
    caption_every_way(session, pictures, path);
    explain_every_way(session);
    const int during = atomic_load(&counted);
    caption_session_close(&session);
    unlink(path);
    free(memory);
    free_pictures(pictures);
    fixture_close(&fix);
    assert_int_equal(during, 0);
}

/* OpenBLAS maps its work buffer at the first product of the process: the one exception.  It happens here. */
static void first_product(void)
{
    const caption_pixel_view view = fixture_pixels(1);
    caption_session *session = NULL;
    fixture fix;
    assert_true(fixture_open(&fix, NULL));
    caption_session_options o;
    caption_session_options_init(&o);
    o.conv = CAPTION_CONV_IM2COL;
    assert_int_equal(caption_session_create(&session, fix.model, &o, NULL), CAPTION_OK);
    const caption_result *r;
    assert_int_equal(caption_pixels(session, &view, NULL, &r, NULL), CAPTION_OK);
    caption_session_close(&session);
    fixture_close(&fix);
}

static void nothing_after_init(void **state)
{
    (void)state;
    need_watch();
    first_product();
    make_model_options options;
    make_model_defaults(&options);
    options.winograd = 1;
    options.coarse = true;
    armed(&options, CAPTION_CONV_AUTO, 1);
    armed(&options, CAPTION_CONV_AUTO, 2);
    armed(&options, CAPTION_CONV_WINOGRAD, 1);
    options.rnn = CAPTION_RNN_LSTM;
    armed(&options, CAPTION_CONV_DIRECT, 1);
    options.int8 = options.fine = true;
    armed(&options, CAPTION_CONV_AUTO, 2);
    options.kind = CAPTION_KIND_BASELINE;
    options.layers = 2;
    armed(&options, CAPTION_CONV_AUTO, 1);
    options.int8 = options.fine = false;
    armed(&options, CAPTION_CONV_AUTO, 1);
}

static void nothing_after_init_im2col(void **state)
{
    (void)state;
    need_watch();
    first_product();
    armed(NULL, CAPTION_CONV_IM2COL, 1);
}

static int read_bytes(void *user, uint64_t offset, void *buffer, size_t size)
{
    memcpy(buffer, (const unsigned char *)user + offset, size);
    return 0;
}

/* Everything that may allocate, in one go. */
static caption_status whole_life(fixture *fix, const encoded pictures[PICTURES], const char *model_path,
                                 const caption_session_options *o)
{
    caption_model *model = NULL, *second = NULL;
    caption_session *session = NULL;
    const caption_pixel_view view = fixture_pixels(1);
    caption_error error;
    caption_status status = caption_model_open_file(&model, model_path, NULL, &error);
    if (!status) {
        status = caption_model_open_callback(&second, read_bytes, fix->bytes, fix->size, NULL, &error);
    }
    if (!status) status = caption_session_create(&session, second, o, &error);
    const caption_result *r;
    if (!status) status = caption_pixels(session, &view, NULL, &r, &error);
    for (int i = 0; i < PICTURES && !status; i++) {
        status = caption_image(session, pictures[i].data, pictures[i].size, NULL, &r, &error);
    }
    if (status) {
        assert_true(error.status == status && error.message[0] != '\0');
        if (!model) assert_null(second);
    }
    caption_session_close(&session);
    caption_model_close(&second);
    caption_model_close(&model);
    return status;
}

static void sweep(int threads)
{
    encoded pictures[PICTURES];
    int n = 1;
    make_pictures(pictures);
    fixture fix;
    assert_true(fixture_open(&fix, NULL));
    char path[64];
    assert_true(fixture_write(path, fix.bytes, fix.size));
    caption_session_options o;
    caption_session_options_init(&o);
    o.threads = threads;
    assert_int_equal(whole_life(&fix, pictures, path, &o),
                     CAPTION_OK); /* what is made once in a process is made here */
    caption_status status;
    do {
        const int before = atomic_load(&live);
        atomic_store(&counted, 0);
        atomic_store(&fail_at, n);
        status = whole_life(&fix, pictures, path, &o);
        atomic_store(&fail_at, 0);
        const int after = atomic_load(&live);
        if (status && status != CAPTION_ERROR_MEMORY && status != CAPTION_ERROR_IO) {
            fail_msg("allocation %d failed: status %d", n, (int)status);
        }
        if (threads == 1 && before != after) {
            fail_msg("allocation %d failed: %d blocks leak", n, after - before);
        }
        n++;
    } while (status && n < 1000);
    assert_int_equal(status, CAPTION_OK);
    assert_true(n > 4); /* two models, a session, libjpeg's state */
    unlink(path);
    free_pictures(pictures);
    fixture_close(&fix);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    need_watch();
    sweep(1);
    sweep(3);
}

/* ---- the ranges of an int8 model ---- */

typedef struct ranges_job {
    const caption_model *model; /* NULL: from batch norm */
    const char *list;           /* of one encoded */
    const convert_plan *plan;
} ranges_job;

static bool find_ranges(const ranges_job *job, tool_error *err)
{
    static convert_ranges ranges;
    convert_pictures pictures = {.name = job->list, .tool = "test", .model = "m.capw", .quiet = true};
    tool_session_options_init(&pictures.session);
    const bool ok = job->model ? convert_ranges_from_pictures(&ranges, job->model, &pictures, err)
                               : convert_ranges_from_norms(&ranges, job->plan, err);
    if (ok) assert_int_equal(ranges.count, CPT_RESNET50_CONVOLUTIONS);
    if (ok) assert_int_equal(ranges.pictures, job->model ? 1 : 0);
    convert_ranges_free(&ranges);
    return ok;
}

/* Every `step`th allocation fails, one in each run. */
static void sweep_ranges(const ranges_job *job, int step)
{
    tool_error err = {{0}};
    if (!find_ranges(job, &err)) fail_msg("%s", err.message); /* what is made once is made here */
    int n = 1;
    for (bool all = false; !all; n += step) {
        const int before = atomic_load(&live);
        err.message[0] = '\0';
        atomic_store(&counted, 0);
        atomic_store(&fail_at, n);
        const bool ok = find_ranges(job, &err);
        atomic_store(&fail_at, 0);
        all = atomic_load(&counted) < n;
        /* files are read without a buffer where there is no memory for one */
        if ((all && !ok) || ok != !err.message[0]) fail_msg("allocation %d failed: '%s'", n, err.message);
        if (atomic_load(&live) != before) fail_msg("allocation %d failed: blocks leak", n);
    }
    assert_true(n > CPT_RESNET50_CONVOLUTIONS);
}

static void ranges_from_pictures(void **state)
{
    char photo[64], list[64];
    size_t size;
    fixture fix;
    (void)state;
    need_watch();
    assert_true(fixture_open(&fix, NULL));
    unsigned char *jpeg = fixture_jpeg(1, &size);
    assert_true(jpeg && fixture_write(photo, jpeg, size) && fixture_write(list, photo, strlen(photo)));
    /* the encoded is reported as one that can't be read */
    const int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    assert_true(dup2(nowhere, STDERR_FILENO) >= 0);
    sweep_ranges(&(ranges_job){.model = fix.model, .list = list}, 1);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    (void)close(nowhere);
    (void)unlink(list);
    (void)unlink(photo);
    free(jpeg);
    fixture_close(&fix);
}

static void ranges_from_norms(void **state)
{
    static net n;
    static convert_plan plan;
    tool_error err = {{0}};
    char path[64];
    (void)state;
    need_watch();
    net_make(&n, 1, true, false, 1);
    assert_true(fixture_write(path, "", 0));
    net_write(&n, path);
    source_file *file = source_open(path, &err);
    if (!file || !convert_plan_make(&plan, file, &err)) fail_msg("%s", err.message);
    sweep_ranges(&(ranges_job){.plan = &plan}, 7); /* all of them would take long */
    convert_plan_free(&plan);
    source_close(&file);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_after_init), cmocka_unit_test(nothing_after_init_im2col),
        cmocka_unit_test(any_allocation_may_fail), cmocka_unit_test(ranges_from_pictures),
        cmocka_unit_test(ranges_from_norms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
