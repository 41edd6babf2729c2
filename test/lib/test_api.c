/* Tests of what the public functions promise: option ranges, the order of the steps, aborting, closing, and
 * that every way to the same caption gives the same caption.  Errors: test_errors.c. */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/fixture.h"

static fixture fix;
static caption_session *session;

static int open_all(void **state)
{
    (void)state;
    caption_session_options options;
    caption_session_options_init(&options);
    options.max_batch = 2;
    if (!fixture_open(&fix, NULL)) return -1;
    return caption_session_create(&session, fix.model, &options, NULL) == CAPTION_OK ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    caption_session_close(&session);
    fixture_close(&fix);
    return session != NULL;
}

/* Asserts that a call failed with this status, and that the error has the status and a reason. */
static void refused(caption_status got, caption_status wanted, const caption_error *error)
{
    assert_int_equal(got, wanted);
    assert_int_equal(error->status, wanted);
    assert_true(error->message[0] != '\0');
    assert_true(memchr(error->message, '\0', sizeof error->message) != NULL);
    assert_null(strchr(error->message, '\n'));
}

/* ---- models ---- */

typedef struct source {
    const unsigned char *data;
    size_t size;
    int calls, fail_at;
} source;

static int read_source(void *user, uint64_t offset, void *buffer, size_t size)
{
    source *s = user;
    if (++s->calls == s->fail_at || offset > s->size || size > s->size - offset) return 1;
    memcpy(buffer, s->data + offset, size);
    return 0;
}

static const caption_result *caption_seed(caption_session *s, uint32_t seed)
{
    const caption_pixel_view view = fixture_pixels(seed);
    const caption_result *result = NULL;
    caption_error e;
    assert_int_equal(caption_pixels(s, &view, NULL, &result, &e), CAPTION_OK);
    assert_int_equal(e.status, CAPTION_OK);
    assert_non_null(result);
    return result;
}

/* Asserts that a session on `model` gives the caption that the fixture's session gives. */
static void same_caption(const caption_model *model)
{
    caption_session *other = NULL;
    const caption_result *result = caption_seed(session, 5);
    char *text = strdup(result->captions[0].text);
    const double score = result->captions[0].score;
    assert_int_equal(caption_session_create(&other, model, NULL, NULL), CAPTION_OK);
    result = caption_seed(other, 5);
    assert_string_equal(result->captions[0].text, text);
    assert_true(result->captions[0].score == score);
    caption_session_close(&other);
    free(text);
}

static void open_callback(void **state)
{
    caption_model *model = NULL;
    source s = {.data = fix.bytes, .size = fix.size};
    (void)state;
    caption_error e;
    assert_int_equal(caption_model_open_callback(&model, read_source, &s, fix.size, NULL, &e), CAPTION_OK);
    const int calls = s.calls;
    same_caption(model);
    assert_int_equal(s.calls, calls); /* nothing is read later */
    caption_model_close(&model);
    for (int n = 1; n <= calls; n++) {
        s.calls = 0;
        s.fail_at = n;
        refused(caption_model_open_callback(&model, read_source, &s, fix.size, NULL, &e), CAPTION_ERROR_IO,
                &e);
        assert_null(model);
    }
    refused(caption_model_open_callback(&model, read_source, &s, 0, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
}

static void open_file(void **state)
{
    caption_model *model = NULL;
    (void)state;
    char path[64];
    assert_true(fixture_write(path, fix.bytes, fix.size));
    caption_error e;
    assert_int_equal(caption_model_open_file(&model, path, NULL, &e), CAPTION_OK);
    same_caption(model);
    caption_model_close(&model);
    unlink(path);
    assert_true(fixture_write(path, "", 0));
    refused(caption_model_open_file(&model, path, NULL, &e), CAPTION_ERROR_MODEL, &e);
    assert_non_null(strstr(e.message, path));
    unlink(path);
}

/* A FIFO isn't waited for, and neither it nor a device or a socket is opened. */
static void open_no_regular_file(void **state)
{
    char folder[] = "/tmp/test_api_XXXXXX", path[3][64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path[0], sizeof path[0], "%s/fifo", folder);
    (void)snprintf(path[1], sizeof path[1], "%s/zeros", folder);
    (void)snprintf(path[2], sizeof path[2], "%s/socket", folder);
    strcpy(address.sun_path, path[2]);
    assert_int_equal(mkfifo(path[0], 0600), 0);
    assert_int_equal(symlink("/dev/zero", path[1]), 0);
    assert_int_equal(bind(server, (const struct sockaddr *)&address, sizeof address), 0);
    for (int i = 0; i < 3; i++) {
        caption_model *model = NULL;
        caption_error e;
        char reason[256];
        refused(caption_model_open_file(&model, path[i], NULL, &e), CAPTION_ERROR_IO, &e);
        (void)snprintf(reason, sizeof reason, "%s: is not a regular file", path[i]);
        assert_string_equal(e.message, reason);
        (void)unlink(path[i]);
    }
    (void)close(server);
    assert_int_equal(rmdir(folder), 0);
}

static void open_in_own_memory(void **state)
{
    const size_t size = caption_model_size();
    unsigned char *memory = aligned_alloc(64, (size + 127) / 64 * 64);
    caption_model *model = NULL;
    (void)state;
    assert_non_null(memory);
    caption_error e;
    refused(caption_model_init(&model, memory, size - 1, fix.bytes, fix.size, NULL, &e), CAPTION_ERROR_MEMORY,
            &e);
    refused(caption_model_init(&model, memory + 8, size, fix.bytes, fix.size, NULL, &e),
            CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_model_init(&model, NULL, size, fix.bytes, fix.size, NULL, &e), CAPTION_ERROR_ARGUMENT,
            &e);
    assert_int_equal(caption_model_init(&model, memory, size, fix.bytes, fix.size, NULL, &e), CAPTION_OK);
    same_caption(model);
    caption_model_close(&model);
    assert_null(model);
    free(memory);
}

/* ---- sessions ---- */

static void refused_session(const caption_session_options *options, caption_status wanted)
{
    caption_session *s = (caption_session *)(void *)&fix;
    caption_error e;
    assert_true(caption_session_size(fix.model, options, &e) == 0);
    refused(e.status, wanted, &e);
    refused(caption_session_create(&s, fix.model, options, &e), wanted, &e);
    assert_null(s);
    assert_int_equal(caption_session_create(&s, fix.model, options, NULL), wanted);
}

#define REFUSED_SESSION(field, value, wanted) \
    do {                                      \
        caption_session_options o_;           \
        caption_session_options_init(&o_);    \
        o_.field = value;                     \
        refused_session(&o_, wanted);         \
    } while (0)

static void session_options(void **state)
{
    (void)state;
    REFUSED_SESSION(abi_version, CAPTION_ABI_VERSION + 1, CAPTION_ERROR_VERSION);
    REFUSED_SESSION(struct_size, sizeof(caption_session_options) + 1, CAPTION_ERROR_VERSION);
    REFUSED_SESSION(struct_size, 4, CAPTION_ERROR_VERSION);
    REFUSED_SESSION(reserved[2], 1, CAPTION_ERROR_VERSION);
    REFUSED_SESSION(low_memory, 2, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(explain, 2, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(threads, 0, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(threads, CAPTION_MAX_THREADS + 1, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(threads, -1, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(max_batch, 0, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(max_batch, CAPTION_MAX_BATCH + 1, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(max_beams, -1, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(max_beams, CAPTION_MAX_BEAMS + 1, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(max_length, -1, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(max_length, CAPTION_MAX_LENGTH + 1, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(conv, (caption_conv)4, CAPTION_ERROR_ARGUMENT);
    REFUSED_SESSION(max_pixels, 0, CAPTION_ERROR_ARGUMENT);
}

static void session_memory(void **state)
{
    const size_t size = caption_session_size(fix.model, NULL, NULL);
    unsigned char *memory = aligned_alloc(64, (size + 127) / 64 * 64);
    caption_session *s = NULL;
    (void)state;
    assert_true(size > 0);
    assert_non_null(memory);
    caption_error e;
    refused(caption_session_init(&s, memory, size - 1, fix.model, NULL, &e), CAPTION_ERROR_MEMORY, &e);
    refused(caption_session_init(&s, memory + 16, size, fix.model, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_session_init(&s, NULL, size, fix.model, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_session_init(&s, memory, size, NULL, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_session_init(NULL, memory, size, fix.model, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_session_create(&s, NULL, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_session_create(NULL, fix.model, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    assert_true(caption_session_size(NULL, NULL, &e) == 0);
    memset(memory, 0xA5, size); /* a session must not count on zeros */
    assert_int_equal(caption_session_init(&s, memory, size, fix.model, NULL, &e), CAPTION_OK);
    (void)caption_seed(s, 1);
    caption_session_close(&s);
    assert_null(s);
    free(memory);
}

/* ---- decoding options ---- */

#define REFUSED_DECODE(field, value, wanted)                                       \
    do {                                                                           \
        const caption_pixel_view view_ = fixture_pixels(1);                        \
        const caption_result *result_;                                             \
        caption_decode_options o_;                                                 \
        caption_error e_;                                                          \
        caption_decode_options_init(&o_, fix.model);                               \
        o_.field = value;                                                          \
        result_ = (const caption_result *)(void *)&fix;                            \
        refused(caption_pixels(session, &view_, &o_, &result_, &e_), wanted, &e_); \
        assert_null(result_);                                                      \
    } while (0)

static void decode_options(void **state)
{
    const caption_pixel_view view = fixture_pixels(1);
    (void)state;
    REFUSED_DECODE(abi_version, CAPTION_ABI_VERSION + 1, CAPTION_ERROR_VERSION);
    REFUSED_DECODE(struct_size, sizeof(caption_decode_options) + 1, CAPTION_ERROR_VERSION);
    REFUSED_DECODE(reserved[3], 1, CAPTION_ERROR_VERSION);
    REFUSED_DECODE(min_length, 21, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(min_length, -1, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(search, (caption_search)2, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(beams, 0, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(beams, 6, CAPTION_ERROR_ARGUMENT); /* the session was made for 5 */
    REFUSED_DECODE(nbest, -1, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(nbest, 6, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(max_length, 0, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(max_length, 21, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(length_alpha, -0.1f, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(length_alpha, 10.5f, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(length_alpha, NAN, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(repetition_penalty, 0.0f, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(repetition_penalty, 101.0f, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(repetition_penalty, NAN, CAPTION_ERROR_ARGUMENT);
    REFUSED_DECODE(penalty, (caption_penalty)2, CAPTION_ERROR_ARGUMENT);
    caption_decode_options o;
    caption_decode_options_init(&o, NULL);
    assert_int_equal(o.abi_version, CAPTION_ABI_VERSION);
    assert_int_equal(o.beams, 5);
    assert_int_equal(o.max_length, 20);
    assert_true(o.length_alpha == 0.7f && o.repetition_penalty == 1.2f);
    assert_int_equal(o.penalty, CAPTION_PENALTY_PUBLISHED);
    assert_int_equal(o.search, CAPTION_SEARCH_BEAM);
    o.length_alpha = CAPTION_MAX_LENGTH_ALPHA; /* both ends of a range are in it */
    o.repetition_penalty = CAPTION_MIN_REPETITION_PENALTY;
    o.beams = 5; /* the most that the session was made for */
    o.min_length = o.max_length;
    const caption_result *result;
    assert_int_equal(caption_pixels(session, &view, &o, &result, NULL), CAPTION_OK);
    assert_int_equal(result->captions[0].length, 20);
}

/* ---- captioning ---- */

static void caption_arguments(void **state)
{
    caption_pixel_view view = fixture_pixels(1);
    (void)state;
    const caption_result *r;
    caption_error e;
    refused(caption_pixels(NULL, &view, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_pixels(session, NULL, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_pixels(session, &view, NULL, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_file(session, NULL, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_file(session, "/nonexistent.jpg", NULL, &r, &e), CAPTION_ERROR_IO, &e);
    refused(caption_file(session, "/tmp", NULL, &r, &e), CAPTION_ERROR_IO, &e);
    refused(caption_image(session, NULL, 10, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_image(session, "", 0, NULL, &r, &e), CAPTION_ERROR_IMAGE, &e);
    refused(caption_image(session, "no image", 8, NULL, &r, &e), CAPTION_ERROR_IMAGE, &e);
    assert_int_equal(caption_image(session, "no image", 8, NULL, &r, NULL), CAPTION_ERROR_IMAGE);
    view.width = 0;
    refused(caption_pixels(session, &view, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    view = fixture_pixels(1);
    view.height = -1;
    refused(caption_pixels(session, &view, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    view = fixture_pixels(1);
    view.rgb = NULL;
    refused(caption_pixels(session, &view, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
}

static void step_order(void **state)
{
    caption_session *s = NULL;
    const caption_pixel_view view = fixture_pixels(1);
    float features[49 * 64] = {0};
    (void)state;
    assert_int_equal(caption_session_create(&s, fix.model, NULL, NULL), CAPTION_OK);
    assert_null(caption_slot_pixels(s, 0));
    assert_null(caption_slot_features(s, 0));
    caption_error e;
    refused(caption_encode(s, 1, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    const caption_result *r;
    refused(caption_decode(s, 0, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_load_pixels(s, 1, &view, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_load_pixels(s, -1, &view, &e), CAPTION_ERROR_ARGUMENT, &e);
    assert_int_equal(caption_load_pixels(s, 0, &view, &e), CAPTION_OK);
    assert_non_null(caption_slot_pixels(s, 0));
    refused(caption_decode(s, 0, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_encode(s, 2, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_encode(s, 0, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_encode(s, INT_MIN, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_encode(s, INT_MAX, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    assert_int_equal(caption_encode(s, 1, NULL, &e), CAPTION_OK);
    assert_int_equal(caption_decode(s, 0, NULL, &r, &e), CAPTION_OK);
    /* a load that fails empties the slot */
    refused(caption_load_image(s, 0, "junk", 4, &e), CAPTION_ERROR_IMAGE, &e);
    refused(caption_decode(s, 0, NULL, &r, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_set_features(s, 0, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_set_features(s, 3, features, &e), CAPTION_ERROR_ARGUMENT, &e);
    assert_int_equal(caption_set_features(s, 0, features, &e), CAPTION_OK);
    assert_int_equal(caption_decode(s, 0, NULL, &r, &e), CAPTION_OK);
    caption_session_close(&s);
}

/* Two slots encoded together, and features put back, give what one image alone gives, to the last bit. */
static void ways_agree(void **state)
{
    const size_t bytes = 49 * 64 * sizeof(float);
    (void)state;
    float *features = malloc(2 * bytes);
    assert_non_null(features);
    char *text[2];
    for (uint32_t i = 0; i < 2; i++) {
        text[i] = strdup(caption_seed(session, i + 1)->captions[0].text);
        memcpy((char *)features + i * bytes, caption_slot_features(session, 0), bytes);
    }
    for (int i = 0; i < 2; i++) {
        caption_pixel_view view = fixture_pixels((uint32_t)i + 1);
        assert_int_equal(caption_load_pixels(session, i, &view, NULL), CAPTION_OK);
    }
    assert_int_equal(caption_encode(session, 2, NULL, NULL), CAPTION_OK);
    const caption_result *r;
    for (int i = 0; i < 2; i++) {
        assert_memory_equal(caption_slot_features(session, i), (char *)features + (size_t)i * bytes, bytes);
        assert_int_equal(caption_decode(session, i, NULL, &r, NULL), CAPTION_OK);
        assert_string_equal(r->captions[0].text, text[i]);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(caption_set_features(session, 1, features + (size_t)i * 49 * 64, NULL), CAPTION_OK);
        assert_int_equal(caption_decode(session, 1, NULL, &r, NULL), CAPTION_OK);
        assert_string_equal(r->captions[0].text, text[i]);
        free(text[i]);
    }
    free(features);
}

static void negative_stride(void **state)
{
    caption_pixel_view view = fixture_pixels(3);
    const size_t bytes = 224 * 224 * 3, row = (size_t)view.width * 3;
    uint8_t *copy = malloc(bytes), *flipped = malloc(row * (size_t)view.height);
    (void)state;
    assert_true(copy && flipped);
    assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_OK);
    memcpy(copy, caption_slot_pixels(session, 0), bytes);
    for (size_t y = 0; y < (size_t)view.height; y++) {
        memcpy(flipped + ((size_t)view.height - 1 - y) * row, view.rgb + y * row, row);
    }
    view.rgb = flipped + ((size_t)view.height - 1) * row;
    view.stride = -(ptrdiff_t)row;
    assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_OK);
    assert_memory_equal(caption_slot_pixels(session, 0), copy, bytes);
    free(copy);
    free(flipped);
}

/* Rows that no memory holds are never looked for. */
static void absurd_strides(void **state)
{
    static const ptrdiff_t strides[] = {PTRDIFF_MIN, PTRDIFF_MIN + 1, PTRDIFF_MAX, PTRDIFF_MAX / 4,
                                        PTRDIFF_MIN / 4};
    (void)state;
    for (size_t i = 0; i < sizeof strides / sizeof *strides; i++) {
        caption_pixel_view view = fixture_pixels(3);
        view.stride = strides[i];
        caption_error e;
        refused(caption_load_pixels(session, 0, &view, &e), CAPTION_ERROR_ARGUMENT, &e);
    }
    caption_pixel_view row = fixture_pixels(3);
    row.height = 1;
    row.stride = PTRDIFF_MAX;
    assert_int_equal(caption_load_pixels(session, 0, &row, NULL), CAPTION_OK);
}

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.12g is not %.12g", a, b);
}

static void results(void **state)
{
    const caption_result *r = caption_seed(session, 2);
    (void)state;
    assert_true(r->count >= 1 && r->count <= 5);
    assert_int_equal(r->warnings, 0);
    for (int i = 0; i < r->count; i++) {
        const caption_text *c = &r->captions[i];
        assert_true(c->length >= 1 && c->length <= 20);
        assert_true(c->confidence >= 0 && c->confidence <= 1);
        near(c->confidence, fmin(1.0, exp(c->score)), 1e-9);
        near(c->score, c->log_probability / pow(c->length, (double)0.7f), 1e-6);
        if (i > 0) assert_true(c->score <= r->captions[i - 1].score);
        for (int t = 0; t < c->length; t++) {
            double sum = 0;
            assert_true(c->ids[t] >= 0 && c->ids[t] < 37);
            for (int p = 0; p < 49; p++) sum += (double)c->alpha[t * 49 + p];
            near(sum, 1.0, 1e-4);
        }
    }
}

static void jpeg_and_probe(void **state)
{
    size_t size;
    unsigned char *jpeg = fixture_jpeg(4, &size);
    (void)state;
    assert_non_null(jpeg);
    caption_image_info info;
    caption_error e;
    assert_int_equal(caption_image_probe(jpeg, size, &info, &e), CAPTION_OK);
    assert_int_equal(info.format, CAPTION_FORMAT_JPEG);
    assert_int_equal(info.width, 64);
    assert_int_equal(info.height, 48);
    assert_int_equal(info.orientation, 1);
    refused(caption_image_probe("x", 1, &info, &e), CAPTION_ERROR_IMAGE, &e);
    refused(caption_image_probe(NULL, 1, &info, &e), CAPTION_ERROR_ARGUMENT, &e);
    refused(caption_image_probe(jpeg, size, NULL, &e), CAPTION_ERROR_ARGUMENT, &e);
    const caption_result *r;
    assert_int_equal(caption_image(session, jpeg, size, NULL, &r, &e), CAPTION_OK);
    char *text = strdup(r->captions[0].text);
    char path[64];
    assert_true(fixture_write(path, jpeg, size));
    assert_int_equal(caption_file(session, path, NULL, &r, &e), CAPTION_OK);
    assert_string_equal(r->captions[0].text, text);
    unlink(path);
    free(text);
    free(jpeg);
}

typedef struct stopper {
    caption_stage stage;
    int at, encoder_calls, decoder_calls;
} stopper;

static int stop(void *user, const caption_progress *p)
{
    stopper *s = user;
    int *calls = p->stage == CAPTION_STAGE_ENCODER ? &s->encoder_calls : &s->decoder_calls;
    (*calls)++;
    if (p->done != *calls || p->done > p->total) return 99;
    if (p->logits) return 98; /* nobody asked for them */
    return p->stage == s->stage && p->done == s->at;
}

static void aborting(void **state)
{
    static const stopper cases[] = {
        {.stage = CAPTION_STAGE_ENCODER, .at = 1},
        {.stage = CAPTION_STAGE_ENCODER, .at = 30},
        {.stage = CAPTION_STAGE_ENCODER, .at = 54},
        {.stage = CAPTION_STAGE_DECODER, .at = 1},
    };
    const caption_pixel_view view = fixture_pixels(6);
    (void)state;
    char *text = strdup(caption_seed(session, 6)->captions[0].text);
    caption_decode_options o;
    caption_decode_options_init(&o, fix.model);
    o.progress = stop;
    stopper s;
    o.progress_user = &s;
    const caption_result *r;
    caption_error e;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s = cases[i];
        refused(caption_pixels(session, &view, &o, &r, &e), CAPTION_ERROR_ABORTED, &e);
        assert_null(r);
        assert_int_equal(s.stage == CAPTION_STAGE_ENCODER ? s.encoder_calls : s.decoder_calls, s.at);
    }
    s = (stopper){.stage = CAPTION_STAGE_DECODER, .at = -1}; /* never */
    assert_int_equal(caption_pixels(session, &view, &o, &r, &e), CAPTION_OK);
    assert_int_equal(s.encoder_calls, 54);
    assert_string_equal(r->captions[0].text, text); /* the session is as good as before */
    free(text);
}

/* Batches of every size up to more than one group: the same bits as one image alone, and every layer of every
 * group is told of once. */
static void batches(void **state)
{
    enum { MOST = 7, FLOATS = 49 * 64 };
    caption_session *many = NULL;
    static float alone[MOST][FLOATS];
    (void)state;
    caption_session_options options;
    caption_session_options_init(&options);
    options.max_batch = MOST;
    options.threads = 2;
    assert_int_equal(caption_session_create(&many, fix.model, &options, NULL), CAPTION_OK);
    caption_decode_options o;
    caption_decode_options_init(&o, fix.model);
    o.progress = stop;
    for (int i = 0; i < MOST; i++) {
        assert_non_null(caption_seed(session, (uint32_t)i));
        memcpy(alone[i], caption_slot_features(session, 0), sizeof alone[i]);
    }
    for (int count = 1; count <= MOST; count++) {
        stopper s = {.stage = CAPTION_STAGE_DECODER, .at = -1}; /* never */
        o.progress_user = &s;
        for (int i = 0; i < count; i++) {
            const caption_pixel_view view = fixture_pixels((uint32_t)i);
            assert_int_equal(caption_load_pixels(many, i, &view, NULL), CAPTION_OK);
        }
        assert_int_equal(caption_encode(many, count, &o, NULL), CAPTION_OK);
        assert_int_equal(s.encoder_calls, (count + 3) / 4 * 54);
        for (int i = 0; i < count; i++) {
            assert_memory_equal(caption_slot_features(many, i), alone[i], sizeof alone[i]);
        }
    }
    caption_session_close(&many);
}

static void closing(void **state)
{
    caption_model *model = NULL;
    caption_session *s = NULL;
    (void)state;
    caption_model_close(NULL);
    caption_model_close(&model);
    caption_session_close(NULL);
    caption_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches),
        cmocka_unit_test(open_callback),
        cmocka_unit_test(open_file),
        cmocka_unit_test(open_in_own_memory),
        cmocka_unit_test(open_no_regular_file),
        cmocka_unit_test(session_options),
        cmocka_unit_test(session_memory),
        cmocka_unit_test(decode_options),
        cmocka_unit_test(caption_arguments),
        cmocka_unit_test(step_order),
        cmocka_unit_test(ways_agree),
        cmocka_unit_test(negative_stride),
        cmocka_unit_test(absurd_strides),
        cmocka_unit_test(results),
        cmocka_unit_test(jpeg_and_probe),
        cmocka_unit_test(aborting),
        cmocka_unit_test(closing),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
