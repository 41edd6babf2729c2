/* capserve - captions over HTTP, for programs that know the published service and for a browser.
 *
 * Reads its options, opens the socket and the model, starts the workers and waits for signals: SIGTERM and
 * SIGINT end it, SIGHUP opens the model file again. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/confine.h"
#include "tools/common/json.h"
#include "tools/common/text.h"
#include "tools/serve/http.h"
#include "tools/serve/listen.h"

static const char tool[] = "capserve";

enum {
    USUAL_BATCH = 4,
    USUAL_QUEUE = 64,
    USUAL_BEAMS = 10,
    USUAL_LENGTH = 50,
    USUAL_GRACE = 10,
    USUAL_TIMEOUT = 30,
    USUAL_CONNECTIONS = 512,
    USUAL_BYTES = 16 << 20,
    MOST_BYTES = 1 << 30,
    MOST_TOKEN = 4096,
    TICK_MS = 250
};

typedef struct server_options {
    tool_options common;
    const char *model, *address, *token_file; /* NULL: not given */
    int workers, batch, max_wait, queue, grace, timeout, connections, most_beams, most_length;
    uint64_t max_bytes;
    bool quiet;
} server_options;

/* ---- options ---- */

enum {
    OPTION_LISTEN = TOOL_OPTION_OWN,
    OPTION_TOKEN,
    OPTION_WORKERS,
    OPTION_BATCH,
    OPTION_MAX_WAIT,
    OPTION_QUEUE,
    OPTION_GRACE,
    OPTION_TIMEOUT,
    OPTION_CONNECTIONS,
    OPTION_MOST_BEAMS,
    OPTION_MOST_LEN,
    OPTION_MAX_BYTES
};

/* clang-format off */
static const tool_option own_options[] = {
    TOOL_ENTRY_MODEL,
    {.name = "listen", .code = OPTION_LISTEN, .argument = "ADDRESS",
     .help = "answer on HOST:PORT; :PORT stands for every address of the machine", .initial = "127.0.0.1:8000"},
    {.name = "token-file", .code = OPTION_TOKEN, .argument = "FILE",
     .help = "answer only those who send the bearer token in FILE", .initial = "everybody"},
    {.name = "quiet", .code = 'q', .help = "no notes, only errors"},
    {.name = NULL},
};

static const tool_option request_options[] = {
    {.name = "most-beams", .code = OPTION_MOST_BEAMS, .argument = "N",
     .help = "the widest beam that a request may ask for, 1 to 64", .initial = "10"},
    {.name = "most-len", .code = OPTION_MOST_LEN, .argument = "N",
     .help = "the longest caption that a request may ask for, 1 to 1024", .initial = "50"},
    {.name = "max-bytes", .code = OPTION_MAX_BYTES, .argument = "SIZE",
     .help = "refuse larger uploads: bytes, or with K, M or G behind the number", .initial = "16M"},
    {.name = "timeout", .code = OPTION_TIMEOUT, .argument = "SECONDS",
     .help = "drop clients that take longer to send a request or to read an answer", .initial = "30"},
    {.name = "connections", .code = OPTION_CONNECTIONS, .argument = "N",
     .help = "open connections at most; others wait", .initial = "512"},
    {.name = "queue", .code = OPTION_QUEUE, .argument = "N",
     .help = "images that may wait; beyond that the answer is 503", .initial = "64"},
    {.name = "grace", .code = OPTION_GRACE, .argument = "SECONDS",
     .help = "how long requests may go on after SIGTERM", .initial = "10"},
    {.name = NULL},
};

static const tool_option more_machine_options[] = {
    {.name = "workers", .code = OPTION_WORKERS, .argument = "N",
     .help = "share the threads among so many workers, each with a session", .initial = "one a thread"},
    {.name = "batch", .code = OPTION_BATCH, .argument = "N",
     .help = "images that a worker encodes together at most, 1 to 8", .initial = "4"},
    {.name = "max-wait", .code = OPTION_MAX_WAIT, .argument = "MS",
     .help = "milliseconds that an image may wait for others to be encoded with", .initial = "0"},
    {.name = NULL},
};

static const tool_group groups[] = {
    {"Options", own_options},
    {"Requests", request_options},
    {"Search", tool_search_options},
    {"Images", tool_image_options},
    {"Images", tool_limit_options},
    {"Machine", tool_engine_options},
    {"Machine", more_machine_options},
    {"Help", tool_help_options},
    {NULL, NULL},
};
/* clang-format on */

/* Takes an option that is a whole number; false for any other. */
static bool take_number(server_options *o, int code, const char *value, tool_error *err)
{
    const struct {
        int code;
        int *to;
        const char *name;
        int min, max;
    } numbers[] = {
        {OPTION_WORKERS, &o->workers, "--workers", 1, CAPTION_MAX_THREADS},
        {OPTION_BATCH, &o->batch, "--batch", 1, SERVE_MOST_BATCH},
        {OPTION_MAX_WAIT, &o->max_wait, "--max-wait", 0, 10000},
        {OPTION_QUEUE, &o->queue, "--queue", 1, 100000},
        {OPTION_GRACE, &o->grace, "--grace", 0, 3600},
        {OPTION_TIMEOUT, &o->timeout, "--timeout", 1, 3600},
        {OPTION_CONNECTIONS, &o->connections, "--connections", 1, 60000},
        {OPTION_MOST_BEAMS, &o->most_beams, "--most-beams", 1, CAPTION_MAX_BEAMS},
        {OPTION_MOST_LEN, &o->most_length, "--most-len", 1, CAPTION_MAX_LENGTH},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].code != code) continue;
        (void)tool_parse_int(numbers[i].to, numbers[i].name, value, numbers[i].min, numbers[i].max, err);
        return true;
    }
    return false;
}

static void take(void *user, int code, const char *value, tool_error *err)
{
    server_options *o = user;
    switch (code) {
    case 'm':
        o->model = value;
        break;
    case 'q':
        o->quiet = true;
        break;
    case OPTION_LISTEN:
        o->address = value;
        break;
    case OPTION_TOKEN:
        o->token_file = value;
        break;
    case OPTION_MAX_BYTES:
        (void)tool_parse_bytes(&o->max_bytes, "--max-bytes", value, MOST_BYTES, err);
        break;
    default:
        if (!take_number(o, code, value, err)) (void)tool_options_take(&o->common, code, value, err);
    }
}

static const tool_command command = {
    .name = tool,
    .synopsis = "[options]",
    .about = "Captions images over HTTP: POST /caption, POST /caption/attention, and a page\n"
             "for browsers.  SIGTERM ends it, SIGHUP opens the model file again.\n",
    .groups = groups,
    .take = take,
};

/* Returns -1 to go on, or the exit code. */
static int parse(server_options *o, int argc, char **argv)
{
    tool_error err = {{0}};
    *o = (server_options){.address = "127.0.0.1:8000",
                          .batch = USUAL_BATCH,
                          .queue = USUAL_QUEUE,
                          .grace = USUAL_GRACE,
                          .timeout = USUAL_TIMEOUT,
                          .connections = USUAL_CONNECTIONS,
                          .most_beams = USUAL_BEAMS,
                          .most_length = USUAL_LENGTH,
                          .max_bytes = USUAL_BYTES};
    tool_options_init(&o->common);
    const int code = tool_read_options(&command, o, &argc, argv);
    if (code >= 0) return code;
    if (argc > 1) (void)tool_fail(&err, "%s: is no option", argv[1]);
    if (o->common.beams > o->most_beams) o->most_beams = o->common.beams;
    if (o->common.max_length > o->most_length) o->most_length = o->common.max_length;
    if (!o->workers) o->workers = o->common.session.threads;
    o->common.session.threads /= o->workers;
    if (o->common.session.threads < 1) o->common.session.threads = 1;
    return err.message[0] ? tool_usage_error(tool, &err) : -1;
}

/* ---- signals ---- */

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

/* Blocks the signals in this thread and those that it starts; they are waited for. */
static void block_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) (void)sigaddset(set, signals[i]);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* The next signal, or 0 after one tick. */
static int wait_signal(const sigset_t *set)
{
    const struct timespec tick = {0, TICK_MS * 1000000L};
    const int number = sigtimedwait(set, NULL, &tick);
    return number > 0 ? number : 0;
}

/* ---- the service ---- */

typedef struct server {
    const server_options *options;
    serve_queue queue;
    serve_models models;
    serve_metrics metrics;
    serve_workers workers;
    serve_service service;
    char *token; /* owned; NULL: none */
    sigset_t signals;
} server;

/* Reads the token: the first line of the file. */
static bool read_token(char **token, const char *path, tool_error *err)
{
    tool_text text;
    *token = NULL;
    if (!path) return true;
    if (!tool_text_read_regular(&text, path, MOST_TOKEN, err)) return false;
    text.data[strcspn(text.data, "\r\n")] = '\0';
    if (!text.data[0]) {
        tool_text_free(&text);
        return tool_fail(err, "%s: holds no token", path);
    }
    *token = text.data;
    return true;
}

static void renew_model(server *s)
{
    tool_error err = {{0}};
    if (!serve_models_renew(&s->models, &err)) {
        tool_note(tool, "%s: the old model stays", err.message);
    } else if (!s->options->quiet) {
        tool_note(tool, "the model was opened again");
    }
}

/* Lets requests end, but no longer than the grace period.  Returns how many had to be cut. */
static size_t drain(server *s)
{
    const double until = tool_now_ms() + s->options->grace * 1e3;
    serve_http_drain(&s->service);
    int number = 0;
    while (atomic_load(&s->service.requests) && tool_now_ms() < until && number != SIGTERM &&
           number != SIGINT) {
        number = wait_signal(&s->signals);
        serve_http_tick(&s->service);
    }
    const size_t left = atomic_load(&s->service.requests);
    atomic_store(&s->workers.cut, true);
    serve_queue_stop(&s->queue);
    serve_workers_end(&s->workers);
    const double stop = tool_now_ms() + 1e3; /* for the last answers to be sent */
    while (left && atomic_load(&s->service.requests) && tool_now_ms() < stop) (void)wait_signal(&s->signals);
    return left;
}

/* Answers until a signal ends it. */
static int run(server *s)
{
    int number = 0;
    while (number != SIGTERM && number != SIGINT && !tool_json_lost()) {
        number = wait_signal(&s->signals);
        if (number == SIGHUP) renew_model(s);
        serve_http_tick(&s->service);
    }
    const bool lost = tool_json_lost();
    const size_t cut = drain(s);
    if (cut && !s->options->quiet) tool_note(tool, "%zu request%s cut", cut, cut == 1 ? " was" : "s were");
    serve_http_end(&s->service);
    if (!lost) return TOOL_EXIT_OK;
    return tool_failure(tool, &(tool_error){"out of memory"});
}

/* Starts what answers: the workers, and HTTP on the socket. */
static bool begin(server *s, int listener, tool_error *err)
{
    const server_options *o = s->options;
    s->workers = (serve_workers){.queue = &s->queue,
                                 .models = &s->models,
                                 .metrics = &s->metrics,
                                 .options = o->common,
                                 .bounds = {.most_beams = o->most_beams, .most_max_length = o->most_length},
                                 .batch = o->batch,
                                 .count = (size_t)o->workers};
    s->service = (serve_service){.queue = &s->queue,
                                 .models = &s->models,
                                 .metrics = &s->metrics,
                                 .workers = &s->workers,
                                 .token = s->token,
                                 .max_bytes = (size_t)o->max_bytes,
                                 .timeout = o->timeout,
                                 .connections = o->connections};
    if (!serve_metrics_begin(&s->metrics)) return tool_fail(err, "threads: can't make a lock");
    if (!serve_queue_begin(&s->queue, (size_t)o->queue, o->max_wait, err)) return false;
    if (!serve_workers_begin(&s->workers, err)) return false;
    if (serve_http_begin(&s->service, listener, err)) return true;
    serve_queue_stop(&s->queue);
    serve_workers_end(&s->workers);
    return false;
}

static int serve(server *s, tool_error *err)
{
    const server_options *o = s->options;
    char shown[SERVE_ADDRESS_BYTES];
    if (!read_token(&s->token, o->token_file, err)) return TOOL_EXIT_FAILED;
    const int listener = serve_listen(o->address, shown, err);
    if (listener < 0) return TOOL_EXIT_FAILED;
    tool_confine_server();
    int code = TOOL_EXIT_FAILED;
    if (serve_models_begin(&s->models, o->model, err)) {
        if (begin(s, listener, err)) {
            if (!o->quiet) tool_note(tool, "%s: on http://%s/", s->models.current->name, shown);
            code = run(s);
        }
        serve_models_end(&s->models);
    }
    (void)close(listener);
    return code;
}

int main(int argc, char **argv)
{
    static server s;
    server_options options;
    tool_error err = {{0}};
    tool_start(tool);
    const int wrong = parse(&options, argc, argv);
    if (wrong >= 0) return wrong;
    s.options = &options;
    block_signals(&s.signals);
    const int code = serve(&s, &err);
    free(s.token);
    return err.message[0] ? tool_failure(tool, &err) : code;
}
