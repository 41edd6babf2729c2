/* The service without HTTP: parameters, forms, refusals, answers, files, the queue and the workers. */
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "test/fixture.h"
#include "tools/common/clock.h"
#include "tools/common/json.h"
#include "tools/serve/answer.h"
#include "tools/serve/metrics.h"
#include "tools/serve/multipart.h"
#include "tools/serve/files.h"
#include "tools/serve/query.h"
#include "tools/serve/request.h"
#include "tools/serve/workers.h"

/* ---- parameters ---- */

static void parameters(void **state)
{
    char value[8];
    (void)state;
    assert_false(serve_query_find(NULL, "a", value, sizeof value));
    assert_false(serve_query_find("", "a", value, sizeof value));
    assert_false(serve_query_find("ab=1&b=2&xa=3", "a", value, sizeof value));
    assert_true(serve_query_find("a=1&b=2&a=3", "a", value, sizeof value)); /* the last one counts */
    assert_string_equal(value, "3");
    assert_true(serve_query_find("b&a&c", "a", value, sizeof value));
    assert_string_equal(value, "");
    assert_true(serve_query_find("%61=x%2By+z%", "a", value, sizeof value));
    assert_string_equal(value, "x+y z%");
    assert_true(serve_query_find("a=%zz%4", "a", value, sizeof value));
    assert_string_equal(value, "%zz%4");
    assert_true(serve_query_find("a=123456789", "a", value, sizeof value));
    assert_string_equal(value, "1234567");
    assert_true(serve_query_find("a=1=2", "a", value, sizeof value));
    assert_string_equal(value, "1=2");
}

/* As Pydantic 2 reads an integer out of a text. */
static void whole_numbers(void **state)
{
    static const char *const bad[] = {"",   " ",   "x",  "1x", "0x3",  "1e1", "1.5",
                                      "1.", "--1", "_1", "1_", "1__0", "1 2", "\xD9\xA3"};
    static const struct {
        const char *text;
        long number;
    } good[] = {{"3", 3},        {"+3", 3},  {" 3\n", 3}, {"-3", -3},
                {"1_000", 1000}, {"5.0", 5}, {"007", 7},  {"99999999999999999999999", LONG_MAX}};
    long number;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(serve_query_int(bad[i], &number));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(serve_query_int(good[i].text, &number));
        assert_int_equal(number, good[i].number);
    }
}

/* ---- forms ---- */

static void boundaries(void **state)
{
    static const char *const other[] = {NULL, "", "image/png", "multipart/form-dataX; boundary=b",
                                        "multipart/mixed; boundary=b"};
    static const char *const none[] = {"multipart/form-data",
                                       "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
                                       "multipart/form-data; xboundary=b"};
    char boundary[SERVE_BOUNDARY_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        assert_false(serve_multipart_boundary(other[i], boundary));
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_true(serve_multipart_boundary(none[i], boundary));
        assert_string_equal(boundary, "");
    }
    assert_true(serve_multipart_boundary("multipart/form-data; boundary=----a'b; charset=x", boundary));
    assert_string_equal(boundary, "----a'b");
    assert_true(
        serve_multipart_boundary(" MULTIPART/form-data ;x=\"a;b\\\"\" ; Boundary = \"c d\"", boundary));
    assert_string_equal(boundary, "c d");
    char longest[200] = "multipart/form-data; boundary=";
    memset(longest + strlen(longest), 'b', 70);
    assert_true(serve_multipart_boundary(longest, boundary));
    assert_int_equal(strlen(boundary), 70);
    longest[strlen(longest)] = 'b';
    assert_true(serve_multipart_boundary(longest, boundary));
    assert_string_equal(boundary, "");
}

static void assert_part(serve_multipart *reader, const char *name, const char *filename, const char *data)
{
    serve_part part;
    assert_int_equal(serve_multipart_next(reader, &part), SERVE_MULTIPART_PART);
    assert_string_equal(part.name, name);
    assert_int_equal(part.is_file, filename != NULL);
    assert_string_equal(part.filename, filename ? filename : "");
    assert_int_equal(part.size, strlen(data));
    assert_memory_equal(part.data, data, part.size);
}

static void begin(serve_multipart *reader, const char *body)
{
    serve_multipart_begin(reader, "b", body, strlen(body));
}

#define PART(headers, data) "--b\r\n" headers "\r\n\r\n" data "\r\n"
#define FILE_HEADER "Content-Disposition: form-data; name=\"file\"; filename=\"a.jpg\""

static void parts(void **state)
{
    serve_multipart reader;
    serve_part part;
    (void)state;
    begin(&reader,
          "\r\n" PART(FILE_HEADER, "one\r\n--x\r\n-") PART("X: y\r\ncontent-disposition:form-data;name=n", "")
              PART(FILE_HEADER "\r\nContent-Type: image/png", "\r\n")
                  PART("Content-Disposition: form-data; name=\"a\\\"b\"; filename*=UTF-8''x",
                       "three") "--b--rest");
    assert_part(&reader, "file", "a.jpg", "one\r\n--x\r\n-");
    assert_part(&reader, "n", NULL, "");
    assert_part(&reader, "file", "a.jpg", "\r\n");
    assert_part(&reader, "a\"b", "", "three");
    assert_int_equal(serve_multipart_next(&reader, &part), SERVE_MULTIPART_END);
    assert_int_equal(serve_multipart_next(&reader, &part), SERVE_MULTIPART_END);
    begin(&reader, "--b--");
    assert_int_equal(serve_multipart_next(&reader, &part), SERVE_MULTIPART_END);
}

/* Every beginning of a form is broken, until its last boundary is there. */
static void cut_forms(void **state)
{
    static const char body[] = PART(FILE_HEADER, "one") PART(FILE_HEADER, "two") "--b--";
    (void)state;
    for (size_t size = 0; size < sizeof body - 1; size++) {
        serve_multipart reader;
        serve_part part;
        serve_multipart_status status;
        char *copy = malloc(size + 1); /* exactly as large, so that sanitizers see a read beyond it */
        assert_non_null(copy);
        memcpy(copy, body, size);
        serve_multipart_begin(&reader, "b", copy, size);
        do {
            status = serve_multipart_next(&reader, &part);
        } while (status == SERVE_MULTIPART_PART);
        assert_int_equal(status, SERVE_MULTIPART_BROKEN);
        free(copy);
    }
}

/* ---- requests ---- */

static const serve_bounds bounds = {.beams = 0, .max_length = 0, .most_beams = 10, .most_max_length = 50};

/* Reads a request and compares the answer, "" for none. */
static void assert_read(serve_input input, int status, const char *answer)
{
    serve_file files[SERVE_MOST_FILES];
    serve_wish wish;
    serve_refusal refusal = {0, NULL};
    size_t count;
    input.size = strlen(input.body);
    const bool ok = serve_request_read(&input, &bounds, &wish, files, &count, &refusal);
    assert_int_equal(ok, status == 0);
    assert_int_equal(refusal.status, status);
    char *text = ok ? NULL : serve_answer_text(serve_answer_error(refusal.detail));
    assert_string_equal(ok ? "" : text, answer);
    free(text);
}

static void requests(void **state)
{
    static const char form[] = "multipart/form-data; boundary=b";
    (void)state;
    assert_read((serve_input){.content_type = form, .body = PART(FILE_HEADER, "x") "--b--"}, 0, "");
    assert_read((serve_input){.content_type = "IMAGE/jpeg", .body = "x"}, 0, "");
    assert_read((serve_input){.content_type = "text/plain", .body = "x"}, 422,
                "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"file\"],\"msg\":\"Field "
                "required\",\"input\":null}]}");
    assert_read(
        (serve_input){.content_type = "image/png", .query = "beam_width=0&max_len=51", .body = "x"}, 422,
        "{\"detail\":[{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"beam_width\"],\"msg\":\"Input "
        "should be greater than or equal to 1\",\"input\":\"0\",\"ctx\":{\"ge\":1}},{\"type\":\"less_than_"
        "equal\",\"loc\":[\"query\",\"max_len\"],\"msg\":\"Input should be less than or equal to "
        "50\",\"input\":\"51\",\"ctx\":{\"le\":50}}]}");
    assert_read(
        (serve_input){.content_type = "image/png", .query = "map=jet", .body = "x", .kind = SERVE_EXPLAIN},
        422,
        "{\"detail\":[{\"type\":\"literal_error\",\"loc\":[\"query\",\"map\"],\"msg\":\"Input should be "
        "'attention', 'gradcam' or 'occlusion'\",\"input\":\"jet\",\"ctx\":{\"expected\":\"'attention', "
        "'gradcam' or 'occlusion'\"}}]}");
    assert_read((serve_input){.content_type = "image/png", .query = "map=jet", .body = "x"}, 0, "");
    /* greedy captions have no beam */
    assert_read(
        (serve_input){
            .content_type = "image/png", .query = "beam_width=0", .body = "x", .kind = SERVE_ATTENTION},
        0, "");
    assert_read(
        (serve_input){.content_type = form,
                      .body = PART("Content-Disposition: form-data; name=file", "x\xFF") "--b--"},
        422,
        "{\"detail\":[{\"type\":\"value_error\",\"loc\":[\"body\",\"file\"],\"msg\":\"Value error, Expected "
        "UploadFile, received: <class 'str'>\",\"input\":\"x\xEF\xBF\xBD"
        "ff\",\"ctx\":{\"error\":{}}}]}");
    assert_read((serve_input){.content_type = form, .query = "max_len=x", .body = "--b"}, 400,
                "{\"detail\":\"There was an error parsing the body\"}");
    assert_read((serve_input){.content_type = "multipart/form-data", .body = ""}, 400,
                "{\"detail\":\"Missing boundary in multipart.\"}");
}

static void wishes(void **state)
{
    serve_file files[SERVE_MOST_FILES];
    serve_wish wish;
    serve_refusal refusal = {0, NULL};
    size_t count;
    (void)state;
    serve_input input = {.content_type = "image/png", .query = "beam_width=3", .body = "x", .size = 1};
    assert_true(serve_request_read(&input, &bounds, &wish, files, &count, &refusal));
    assert_int_equal(wish.beams, 3);
    assert_int_equal(wish.max_length, 0);
    assert_int_equal(count, 1);
    assert_ptr_equal(files[0].data, input.body);
    input.kind = SERVE_EXPLAIN;
    assert_true(serve_request_read(&input, &bounds, &wish, files, &count, &refusal));
    assert_int_equal(wish.map, TOOL_MAPS);
    input.query = "map=occlusion&beam_width=3";
    assert_true(serve_request_read(&input, &bounds, &wish, files, &count, &refusal));
    assert_int_equal(wish.map, TOOL_MAP_OCCLUSION);
    assert_int_equal(wish.beams, 3);
    assert_true(serve_accepts_lines("text/html;q=0.9, Application/X-NDJSON;q=1"));
    assert_false(serve_accepts_lines("application/x-ndjsonx, text/application/x-ndjson"));
    assert_false(serve_accepts_lines(NULL));
    assert_true(serve_authorised("bearer  abc", "abc"));
    assert_false(serve_authorised("Bearer abcd", "abc"));
    assert_false(serve_authorised("Bearer ab", "abc"));
    assert_false(serve_authorised("Basic abc", "abc"));
    assert_false(serve_authorised(NULL, "abc"));
}

/* ---- answers ---- */

/* Python: round(x, 4) */
static void rounding(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {-0.30222567, "[-0.3022]"}, {0.00005, "[0.0001]"}, {0.00025, "[0.0003]"}, {2.00015, "[2.0002]"},
        {2.00025, "[2.0002]"},      {1, "[1.0]"},          {0, "[0.0]"},          {NAN, "[null]"},
        {-INFINITY, "[null]"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *array = json_array();
        tool_json_append(&array, serve_json_rounded(cases[i].value));
        char *text = serve_answer_text(array);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

/* ---- files ---- */

static void files(void **state)
{
    serve_builtin file;
    (void)state;
    assert_true(serve_builtin_find(&file, "/", 1));
    assert_memory_equal(file.data, "<!DOCTYPE html>", 15);
    assert_string_equal(file.type, "text/html; charset=utf-8");
    assert_true(serve_builtin_find(&file, "/pictures/bus.jpg?", 17));
    assert_memory_equal(file.data, "\xFF\xD8", 2);
    assert_memory_equal(file.data + file.size - 2, "\xFF\xD9", 2);
    assert_false(serve_builtin_find(&file, "/pictures/bus.jpg?", 18));
    assert_false(serve_builtin_find(&file, "/pictures", 9));
    assert_false(serve_builtin_find(&file, "", 0));
}

/* ---- the queue ---- */

typedef struct test_job {
    serve_job job;
    atomic_bool left;
    atomic_int status; /* 0: not finished */
    char *text;
} test_job;

static bool has_left(serve_job *job)
{
    return atomic_load(&((test_job *)job)->left);
}

static void on_finish(serve_job *job, int status, char *text)
{
    test_job *t = (test_job *)job;
    t->text = text;
    assert_int_equal(atomic_exchange(&t->status, status), 0); /* once */
}

static void make_jobs(test_job *jobs, serve_job **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (test_job){.job = {.gone = has_left, .finish = on_finish}};
        list[i] = &jobs[i].job;
    }
}

static void queues(void **state)
{
    serve_queue queue;
    test_job jobs[6];
    serve_job *list[6], *taken[6];
    (void)state;
    make_jobs(jobs, list, 6);
    assert_true(serve_queue_begin(&queue, 4, 0, NULL));
    assert_true(serve_queue_put(&queue, list, 3));
    assert_false(serve_queue_put(&queue, list + 3, 2)); /* all or none */
    assert_int_equal(serve_queue_length(&queue), 3);
    assert_true(serve_queue_put(&queue, list + 3, 1));
    atomic_store(&jobs[0].left, true);
    atomic_store(&jobs[3].left, true);
    serve_queue_drop_gone(&queue);
    assert_int_equal(atomic_load(&jobs[0].status), SERVE_GONE);
    assert_int_equal(atomic_load(&jobs[3].status), SERVE_GONE);
    assert_true(serve_queue_put(&queue, list + 4, 2));
    assert_int_equal(serve_queue_take(&queue, taken, 3), 3);
    assert_ptr_equal(taken[0], list[1]);
    assert_ptr_equal(taken[1], list[2]);
    assert_ptr_equal(taken[2], list[4]);
    serve_queue_stop(&queue);
    assert_int_equal(serve_queue_take(&queue, taken, 3), 1);
    assert_int_equal(serve_queue_take(&queue, taken, 3), 0);
    assert_false(serve_queue_put(&queue, list, 1));
    serve_queue_end(&queue);
    /* a request that is larger than the room is taken when nothing waits */
    assert_true(serve_queue_begin(&queue, 2, 0, NULL));
    assert_true(serve_queue_put(&queue, list, 6));
    assert_false(serve_queue_put(&queue, list, 1));
    serve_queue_end(&queue);
}

/* A job that waits alone is taken after max_wait, and not before. */
static void company(void **state)
{
    serve_queue queue;
    test_job jobs[1];
    serve_job *list[1], *taken[4];
    (void)state;
    make_jobs(jobs, list, 1);
    assert_true(serve_queue_begin(&queue, 4, 30, NULL));
    assert_true(serve_queue_put(&queue, list, 1));
    assert_int_equal(serve_queue_take(&queue, taken, 4), 1);
    assert_true(tool_now_ms() - jobs[0].job.since >= 29);
    serve_queue_end(&queue);
}

/* ---- workers ---- */

/* They use a model of their own. */
static char model_path[64];

typedef struct service {
    serve_queue queue;
    serve_models models;
    serve_metrics metrics;
    serve_workers workers;
} service;

static void start(service *s, int workers, int batch)
{
    tool_error err = {{0}};
    assert_true(serve_models_begin(&s->models, NULL, &err));
    assert_true(serve_metrics_begin(&s->metrics));
    assert_true(serve_queue_begin(&s->queue, 64, 0, &err));
    s->workers = (serve_workers){.queue = &s->queue,
                                 .models = &s->models,
                                 .metrics = &s->metrics,
                                 .bounds = bounds,
                                 .batch = batch,
                                 .count = (size_t)workers};
    tool_options_init(&s->workers.options);
    s->workers.options.session.threads = 1;
    if (!serve_workers_begin(&s->workers, &err)) fail_msg("%s", err.message);
}

static void stop(service *s)
{
    serve_queue_stop(&s->queue);
    serve_workers_end(&s->workers);
    serve_queue_end(&s->queue);
    serve_metrics_end(&s->metrics);
    serve_models_end(&s->models);
}

static void wait_for(test_job *job)
{
    const struct timespec nap = {0, 2000000};
    while (!atomic_load(&job->status)) (void)nanosleep(&nap, NULL);
}

static const serve_wish wishes_of_jobs[] = {{.kind = SERVE_CAPTION, .beams = 1},
                                            {.kind = SERVE_EXPLAIN, .map = TOOL_MAP_OCCLUSION, .beams = 2},
                                            {.kind = SERVE_CAPTION, .beams = 4},
                                            {.kind = SERVE_ATTENTION, .beams = 5},
                                            {.kind = SERVE_EXPLAIN, .map = TOOL_MAP_ATTENTION, .beams = 4},
                                            {.kind = SERVE_EXPLAIN, .map = TOOL_MAP_GRADCAM, .beams = 4},
                                            {.kind = SERVE_CAPTION, .beams = 6},
                                            {.kind = SERVE_EXPLAIN, .map = TOOL_MAPS, .beams = 4}};

enum { IMAGES = 3, WISHES = sizeof wishes_of_jobs / sizeof wishes_of_jobs[0], JOBS = IMAGES * WISHES };

/* Whatever is captioned together, each image gets the answer that it gets alone. */
static void batches(void **state)
{
    static test_job jobs[JOBS];
    serve_job *list[JOBS];
    unsigned char *images[IMAGES];
    size_t sizes[IMAGES];
    char *alone[JOBS];
    service s;
    (void)state;
    for (uint32_t i = 0; i < 2; i++) images[i] = fixture_jpeg(i + 1, &sizes[i]);
    images[2] = fixture_progressive(3, &sizes[2]);
    for (int round = 0; round < 2; round++) {
        start(&s, round ? 3 : 1, round ? 4 : 1);
        make_jobs(jobs, list, JOBS);
        for (size_t i = 0; i < JOBS; i++) {
            jobs[i].job.file = (serve_file){.data = (char *)images[i % IMAGES], .size = sizes[i % IMAGES]};
            jobs[i].job.wish = wishes_of_jobs[i % WISHES];
            if (!round) assert_true(serve_queue_put(&s.queue, &list[i], 1));
        }
        if (round) assert_true(serve_queue_put(&s.queue, list, JOBS));
        for (size_t i = 0; i < JOBS; i++) {
            wait_for(&jobs[i]);
            assert_int_equal(atomic_load(&jobs[i].status), 200);
            if (round) assert_string_equal(jobs[i].text, alone[i]);
            if (!round) alone[i] = jobs[i].text;
            if (round) free(jobs[i].text);
        }
        stop(&s);
    }
    for (int i = 0; i < JOBS; i++) free(alone[i]);
    for (int i = 0; i < IMAGES; i++) free(images[i]);
}

/* The answer to a wish for an image, which the caller frees. */
static char *ask(service *s, const serve_wish *wish, unsigned char *image, size_t size, int status)
{
    test_job job;
    serve_job *list[1];
    make_jobs(&job, list, 1);
    job.job.file = (serve_file){.data = (char *)image, .size = size};
    job.job.wish = *wish;
    assert_true(serve_queue_put(&s->queue, list, 1));
    wait_for(&job);
    assert_int_equal(atomic_load(&job.status), status);
    return job.text;
}

/* The numbers of "maps" are those of the library to the bit, and there is a map for each token but <end>. */
static void assert_maps(const char *text, const caption_model *model, const caption_text *caption,
                        const float *maps)
{
    caption_model_info info;
    caption_model_get_info(model, &info);
    json_t *answer = json_loads(text, 0, NULL);
    const json_t *rows = json_object_get(answer, "maps"), *tokens = json_object_get(answer, "tokens");
    int row = 0;
    assert_non_null(answer);
    assert_string_equal(json_string_value(json_object_get(answer, "caption")), caption->text);
    for (int t = 0; t < caption->length && caption->ids[t] != info.end; t++) {
        if (caption->ids[t] == info.pad) continue;
        const json_t *map = json_array_get(rows, (size_t)row);
        assert_string_equal(json_string_value(json_array_get(tokens, (size_t)row++)),
                            caption_model_word(model, caption->ids[t]));
        assert_int_equal(json_array_size(map), info.positions);
        for (int p = 0; p < info.positions; p++) {
            const double number = json_number_value(json_array_get(map, (size_t)p));
            assert_true((float)number == maps[t * info.positions + p]);
        }
    }
    assert_true(row > 0);
    assert_int_equal(json_array_size(rows), row);
    assert_int_equal(json_array_size(tokens), row);
    json_decref(answer);
}

static void explanations(void **state)
{
    static const char *const names[] = {"\"map\":\"attention\"", "\"map\":\"gradcam\"",
                                        "\"map\":\"occlusion\""};
    service s;
    size_t size;
    unsigned char *image = fixture_jpeg(1, &size);
    caption_session_options options;
    caption_decode_options decode;
    caption_session *session;
    const caption_result *result;
    const caption_explanation *found;
    (void)state;
    start(&s, 1, 4);
    const caption_model *model = s.models.current->model;
    caption_session_options_init(&options);
    caption_decode_options_init(&decode, model);
    options.explain = 1;
    options.decode_memory = 16 << 20;
    decode.beams = 3;
    assert_int_equal(caption_session_create(&session, model, &options, NULL), CAPTION_OK);
    for (tool_map map = 0; map < TOOL_MAPS; map++) {
        const serve_wish wish = {.kind = SERVE_EXPLAIN, .map = map, .beams = 3};
        caption_explain_options explain;
        caption_explain_options_init(&explain);
        explain.method = tool_map_method(map);
        char *text = ask(&s, &wish, image, size, 200);
        assert_int_equal(caption_image(session, image, size, &decode, &result, NULL), CAPTION_OK);
        const caption_text *best = &result->captions[0];
        const float *maps = best->alpha;
        if (map != TOOL_MAP_ATTENTION) {
            assert_int_equal(caption_explain(session, 0, best, &explain, &found, NULL), CAPTION_OK);
            maps = found->maps;
        }
        assert_maps(text, model, best, maps);
        assert_non_null(strstr(text, names[map]));
        free(text);
    }
    caption_session_close(&session);
    stop(&s);
    free(image);
}

/* A model without attention has other maps, and says so. */
static void lacking(void **state)
{
    char path[64];
    make_model_options options;
    service s;
    size_t size;
    unsigned char *image = fixture_jpeg(1, &size);
    (void)state;
    make_model_defaults(&options);
    options.kind = CAPTION_KIND_BASELINE;
    unsigned char *data = make_model(&options, &size);
    assert_true(data && fixture_write(path, data, size));
    free(data);
    free(image);
    image = fixture_jpeg(1, &size);
    assert_int_equal(setenv("CAPTION_MODEL", path, 1), 0);
    start(&s, 1, 1);
    char *text = ask(&s, &(serve_wish){.kind = SERVE_EXPLAIN, .map = TOOL_MAP_ATTENTION, .beams = 2}, image,
                     size, 501);
    assert_string_equal(text, "{\"detail\":\"this model has no attention\"}");
    free(text);
    text = ask(&s, &(serve_wish){.kind = SERVE_EXPLAIN, .map = TOOL_MAPS, .beams = 2}, image, size, 200);
    assert_non_null(strstr(text, "\"map\":\"gradcam\""));
    free(text);
    stop(&s);
    assert_int_equal(setenv("CAPTION_MODEL", model_path, 1), 0);
    assert_int_equal(remove(path), 0);
    free(image);
}

/* Images that nobody waits for, that are none, and work that is broken off. */
static void endings(void **state)
{
    test_job jobs[3];
    serve_job *list[3];
    size_t size;
    unsigned char *image = fixture_jpeg(1, &size);
    service s;
    (void)state;
    start(&s, 1, 4);
    make_jobs(jobs, list, 3);
    jobs[0].job.file = (serve_file){.data = "text", .size = 4};
    jobs[1].job.file = jobs[2].job.file = (serve_file){.data = (char *)image, .size = size};
    atomic_store(&jobs[1].left, true);
    assert_true(serve_queue_put(&s.queue, list, 2));
    wait_for(&jobs[0]);
    wait_for(&jobs[1]);
    assert_int_equal(atomic_load(&jobs[0].status), 400);
    assert_non_null(strstr(jobs[0].text, "{\"detail\":\"could not decode image: not a"));
    assert_int_equal(atomic_load(&jobs[1].status), SERVE_GONE);
    assert_null(jobs[1].text);
    free(jobs[0].text);
    atomic_store(&s.workers.cut, true);
    assert_true(serve_queue_put(&s.queue, list + 2, 1));
    wait_for(&jobs[2]);
    assert_int_equal(atomic_load(&jobs[2].status), 503);
    free(jobs[2].text);
    assert_true(serve_models_renew(&s.models, NULL));
    stop(&s);
    free(image);
}

/* ---- counts ---- */

static void counts(void **state)
{
    serve_metrics m;
    size_t size;
    (void)state;
    assert_true(serve_metrics_begin(&m));
    assert_int_equal(serve_metrics_wait(&m, 100, 2), 1);
    serve_metrics_request(&m, 200);
    serve_metrics_request(&m, -1);
    serve_metrics_image(&m, 200, 60);
    serve_metrics_image(&m, 200, 40000);
    serve_metrics_image(&m, 400, 1);
    serve_metrics_batch(&m, 4, 2000);
    assert_int_equal(serve_metrics_wait(&m, 9, 2), 3); /* 9 x 0.5 s / 2, rounded up */
    char *text = serve_metrics_text(&m, &(serve_gauges){.queued = 7}, &size);
    assert_non_null(strstr(text, "\ncapserve_requests_total{status=\"200\"} 1\n"));
    assert_non_null(strstr(text, "\ncapserve_images_total{outcome=\"captioned\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.05\"} 0\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.1\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{le=\"30\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{le=\"+Inf\"} 2\n"));
    assert_non_null(strstr(text, "\ncapserve_queued_images 7\n"));
    assert_int_equal(strlen(text), size);
    free(text);
    serve_metrics_end(&m);
}

static int set_up(void **state)
{
    make_model_options options;
    size_t size;
    (void)state;
    make_model_defaults(&options);
    unsigned char *data = make_model(&options, &size);
    const bool ok = data && fixture_write(model_path, data, size);
    free(data);
    return ok ? setenv("CAPTION_MODEL", model_path, 1) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return remove(model_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters), cmocka_unit_test(whole_numbers), cmocka_unit_test(boundaries),
        cmocka_unit_test(parts),      cmocka_unit_test(cut_forms),     cmocka_unit_test(requests),
        cmocka_unit_test(wishes),     cmocka_unit_test(rounding),      cmocka_unit_test(files),
        cmocka_unit_test(queues),     cmocka_unit_test(company),       cmocka_unit_test(batches),
        cmocka_unit_test(endings),    cmocka_unit_test(counts),        cmocka_unit_test(explanations),
        cmocka_unit_test(lacking),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
