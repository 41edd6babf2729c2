/* Tests of the tools' shared modules: numbers and names, tables of options, lists of images, JSON texts,
 * medians. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/format/names.h"
#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/command.h"
#include "tools/common/images.h"
#include "tools/common/json.h"
#include "tools/common/options.h"
#include "tools/common/session.h"

static void whole_numbers(void **state)
{
    static const char *const bad[] = {
        "", " 3", "3 ", "3x", "0x3", "1.5", "-", "+", "--3", "9", "-1", "1e1", "99999999999999999999"};
    int value = 7;
    (void)state;
    assert_true(tool_parse_int(&value, "--n", "0", 0, 8, NULL) && value == 0);
    assert_true(tool_parse_int(&value, "--n", "+8", 0, 8, NULL) && value == 8);
    assert_true(tool_parse_int(&value, "--n", "-5", -5, 8, NULL) && value == -5);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tool_error err = {{0}};
        value = 7;
        assert_false(tool_parse_int(&value, "--n", bad[i], 0, 8, &err));
        assert_int_equal(value, 7);
        assert_non_null(strstr(err.message, "--n"));
    }
}

static void large_numbers(void **state)
{
    uint64_t value = 7;
    (void)state;
    assert_true(tool_parse_u64(&value, "-n", "18446744073709551615", 1, UINT64_MAX, NULL));
    assert_true(value == UINT64_MAX);
    assert_false(tool_parse_u64(&value, "-n", "18446744073709551616", 1, UINT64_MAX, NULL));
    assert_false(tool_parse_u64(&value, "-n", "0", 1, UINT64_MAX, NULL));
    assert_false(tool_parse_u64(&value, "-n", "-1", 0, UINT64_MAX, NULL));
}

static void real_numbers(void **state)
{
    static const char *const bad[] = {"",     "nan",  "inf",  "0x1p3", "1,5", "1.5 ",
                                      "10.1", "-0.1", "1e99", "e",     "."};
    float value = 7;
    (void)state;
    assert_true(tool_parse_float(&value, "--x", "0.7", 0, 10, NULL) && value == 0.7f);
    assert_true(tool_parse_float(&value, "--x", "1e1", 0, 10, NULL) && value == 10.0f);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        value = 7;
        assert_false(tool_parse_float(&value, "--x", bad[i], 0, 10, NULL));
        assert_true(value == 7.0f);
    }
}

static void amounts_of_memory(void **state)
{
    static const char *const bad[] = {"",
                                      " 1",
                                      "M",
                                      "1m",
                                      "1KB",
                                      "1 K",
                                      "-1",
                                      "0",
                                      "0K",
                                      "1.5M",
                                      "0x10",
                                      "16385",
                                      "17K",
                                      "1G",
                                      "18446744073709551616",
                                      "99999999999999999999K"};
    uint64_t value = 7;
    (void)state;
    assert_true(tool_parse_bytes(&value, "--x", "16384", 16384, NULL) && value == 16384);
    assert_true(tool_parse_bytes(&value, "--x", "16K", 16384, NULL) && value == 16384);
    assert_true(tool_parse_bytes(&value, "--x", "3M", UINT64_MAX, NULL) && value == 3 << 20);
    assert_true(tool_parse_bytes(&value, "--x", "3G", UINT64_MAX, NULL) && value == 3ull << 30);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        value = 7;
        assert_false(tool_parse_bytes(&value, "--x", bad[i], 16384, NULL));
        assert_true(value == 7);
    }
}

static void names_from_a_list(void **state)
{
    static const char *const names[] = {"one", "two", NULL};
    tool_error err = {{0}};
    int index = 7;
    (void)state;
    assert_true(tool_parse_choice(&index, "--k", "two", names, NULL) && index == 1);
    assert_false(tool_parse_choice(&index, "--k", "tw", names, &err));
    assert_string_equal(err.message, "--k: 'tw' is not one of one, two");
}

static void shared_options(void **state)
{
    tool_error err = {{0}};
    (void)state;
    tool_options options;
    tool_options_init(&options);
    assert_int_equal(options.session.threads, tool_processors(CAPTION_MAX_THREADS));
    assert_int_equal(options.session.cpu, CAPTION_CPU_ALL);
    assert_true(tool_options_take(&options, TOOL_OPTION_CPU, "avx2", NULL));
    assert_int_equal(options.session.cpu, CAPTION_CPU_AVX2);
    assert_true(tool_options_take(&options, TOOL_OPTION_CPU, "c", NULL));
    assert_int_equal(options.session.cpu, 0);
    assert_false(tool_options_take(&options, TOOL_OPTION_CPU, "sse", NULL));
    assert_true(tool_options_take(&options, TOOL_OPTION_CONV, "im2col", NULL));
    assert_int_equal(options.session.conv, CAPTION_CONV_IM2COL);
    assert_false(tool_options_take(&options, TOOL_OPTION_BEAMS, "65", NULL));
    assert_true(tool_options_take(&options, TOOL_OPTION_PENALTY, "0.01", NULL));
    assert_true(tool_options_take(&options, TOOL_OPTION_LENGTH_ALPHA, "0.5", NULL));
    assert_true(options.length_alpha == 0.5f);
    assert_true(tool_options_take(&options, TOOL_OPTION_PENALTY_FORM, "corrected", NULL));
    assert_int_equal(options.form, CAPTION_PENALTY_CORRECTED);
    assert_true(tool_options_take(&options, TOOL_OPTION_PENALTY_FORM, "published", NULL));
    assert_int_equal(options.form, CAPTION_PENALTY_PUBLISHED);
    assert_false(tool_options_take(&options, TOOL_OPTION_OWN, NULL, &err));
    assert_string_equal(err.message, ""); /* not a shared one: no error of its own */
}

/* ---- what the shared options' help says of values ---- */

/* Help and initial value of an option, one after the other. */
static const char *said_of(const tool_option *options, const char *name, char text[512])
{
    while (options->name && strcmp(options->name, name) != 0) options++;
    assert_non_null(options->name);
    (void)snprintf(text, 512, "%s; %s", options->help, options->initial ? options->initial : "");
    return text;
}

/* `word` stands in the text, and no letter or digit stands beside it. */
static void assert_says(const char *text, const char *word)
{
    for (const char *at = text; (at = strstr(at, word)); at++) {
        const unsigned char before = at == text ? ' ' : (unsigned char)at[-1];
        const unsigned char after = (unsigned char)at[strlen(word)];
        if (!isalnum(before) && !isalnum(after)) return;
    }
    fail_msg("\"%s\" does not say %s", text, word);
}

static void help_says_every_name(void **state)
{
    char text[512];
    (void)state;
    for (int i = 0; i < CPT_CPU_LEVELS; i++) {
        assert_says(said_of(tool_engine_options, "cpu", text), cpt_cpu_levels[i].name);
    }
    for (int i = 0; cpt_conv_names[i]; i++) {
        assert_says(said_of(tool_engine_options, "conv", text), cpt_conv_names[i]);
    }
    for (int i = 0; cpt_penalty_names[i]; i++) {
        assert_says(said_of(tool_search_options, "penalty-form", text), cpt_penalty_names[i]);
    }
}

static void help_says_the_numbers(void **state)
{
    static const struct {
        const tool_option *options;
        const char *name, *format;
        double low, high, initial;
    } numbers[] = {
        {tool_search_options, "beams", "%.0f to %.0f; the model's, mostly %.0f", 1, CAPTION_MAX_BEAMS,
         CAPTION_DEFAULT_BEAMS},
        {tool_search_options, "max-len", "%.0f to %.0f; the model's, mostly %.0f", 1, CAPTION_MAX_LENGTH,
         CAPTION_DEFAULT_LENGTH},
        {tool_search_options, "length-alpha", "%g to %g; the model's, mostly %g", 0,
         (double)CAPTION_MAX_LENGTH_ALPHA, (double)CAPTION_DEFAULT_LENGTH_ALPHA},
        {tool_search_options, "penalty", "%g to %g; 1 is none; the model's, mostly %g",
         (double)CAPTION_MIN_REPETITION_PENALTY, (double)CAPTION_MAX_REPETITION_PENALTY,
         (double)CAPTION_DEFAULT_REPETITION_PENALTY},
    };
    char text[512], want[64];
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        (void)snprintf(want, sizeof want, numbers[i].format, numbers[i].low, numbers[i].high,
                       numbers[i].initial);
        assert_says(said_of(numbers[i].options, numbers[i].name, text), want);
    }
    (void)snprintf(want, sizeof want, "; %u", CAPTION_DEFAULT_MAX_PIXELS);
    assert_non_null(strstr(said_of(tool_limit_options, "max-pixels", text), want));
    caption_session_options session;
    tool_session_options_init(&session);
    (void)snprintf(want, sizeof want, "; %zuM", session.decode_memory >> 20);
    assert_non_null(strstr(said_of(tool_limit_options, "max-memory", text), want));
}

/* ---- tables of options ---- */

static const tool_option some[] = {
    {.name = "max-len", .code = 300, .argument = "N", .help = "most words", .initial = "20"},
    {.name = "max-pixels", .code = 301, .argument = "N", .help = "most pixels"},
    {.name = "penalty", .code = 302, .argument = "X", .help = "a penalty"},
    {.name = "penalty-form", .code = 303, .argument = "FORM", .help = "which penalty"},
    {.name = "maximum", .code = 300, .argument = "N"}, /* hidden */
    {.name = "output", .code = 'o', .argument = "FILE", .help = "a file"},
    {.name = "quiet", .code = 'q', .help = "less"},
    {.name = NULL},
};
static const tool_group some_groups[] = {{"Options", some}, {"Help", tool_help_options}, {NULL, NULL}};

/* What `note_option` was told, as "code=value ". */
static void note_option(void *user, int code, const char *value, tool_error *err)
{
    char *log = user;
    if (code == 302) (void)tool_fail(err, "no penalties today");
    char entry[64];
    (void)snprintf(entry, sizeof entry, "%d=%s ", code, value ? value : "");
    strcat(log, entry);
}

static const tool_command some_command = {.name = "tool sub",
                                          .synopsis = "[options] X\n[options] Y Z",
                                          .about = "About.\n",
                                          .groups = some_groups,
                                          .take = note_option};

static char standard_error[2048];

/* Reads words, parted at blanks; the log and what is left of the words go to `seen`. */
static int read_words(const char *words, char seen[512])
{
    char copy[256], *argv[32] = {NULL}, *next = NULL;
    int argc = 1;
    argv[0] = copy;
    (void)snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, " ", &next); w && argc < 31; w = strtok_r(NULL, " ", &next)) {
        argv[argc++] = w;
    }
    /* messages go to a file for the time */
    FILE *caught = tmpfile();
    assert_non_null(caught);
    const int kept = dup(STDERR_FILENO);
    (void)fflush(stderr);
    assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
    seen[0] = '\0';
    const int code = tool_read_options(&some_command, seen, &argc, argv);
    (void)fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    rewind(caught);
    standard_error[fread(standard_error, 1, sizeof standard_error - 1, caught)] = '\0';
    (void)fclose(caught);
    for (int i = 1; code < 0 && i < argc; i++) {
        strcat(seen, argv[i]);
        strcat(seen, " ");
    }
    return code;
}

static void options_are_read(void **state)
{
    static const struct {
        const char *words, *seen;
    } cases[] = {
        {"a --max-len 3 b --quiet", "300=3 113= a b "},
        {"--max-len=3 --max-len=", "300=3 300= "},
        {"--out f --q", "111=f 113= "},               /* cut short */
        {"--penalty-form x", "303=x "},               /* though --penalty begins it */
        {"--penalty- x", "303=x "},                   /* no longer ambiguous */
        {"--maximum 4", "300=4 "},                    /* hidden, in full */
        {"-qqo f -", "113= 113= 111=f - "},           /* letters together; a dash is an operand */
        {"-of -qog", "111=f 113= 111=g "},            /* the value in the same word */
        {"-q -- -q --max-len", "113= -q --max-len "}, /* the end of the options */
        {"--output -- -q", "111=-- 113= "},           /* a value is a value */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char seen[512];
        assert_int_equal(read_words(cases[i].words, seen), -1);
        assert_string_equal(seen, cases[i].seen);
    }
}

static void wrong_options_are_explained(void **state)
{
    static const struct {
        const char *words, *message;
    } cases[] = {
        {"--max 3", "tool: --max: ambiguous: --max-len or --max-pixels\n"},
        {"--max-lne 3", "tool: --max-lne: unknown option; did you mean --max-len?\n"},
        {"--outptu=f", "tool: --outptu: unknown option; did you mean --output?\n"},
        {"--mximum 3", "tool: --mximum: unknown option\n"}, /* hidden ones are not proposed */
        {"--zebra", "tool: --zebra: unknown option\n"},
        {"-quite", "tool: -u: unknown option\n"}, /* q is one, u is none */
        {"-pentaly 3", "tool: -pentaly: unknown option; did you mean --penalty?\n"},
        {"-z", "tool: -z: unknown option\n"},
        {"x --max-len", "tool: --max-len: needs a value: --max-len N\n"},
        {"-qo", "tool: -o: needs a value: -o FILE\n"},
        {"--quiet=1", "tool: --quiet: takes no value\n"},
        {"--penalty 3 --zebra", "tool: no penalties today\n"}, /* the first message wins */
        {"--z\033[31m\n", "tool: --z\\x1b[31m\\n: unknown option\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char seen[512];
        assert_int_equal(read_words(cases[i].words, seen), TOOL_EXIT_USAGE);
        assert_memory_equal(standard_error, cases[i].message, strlen(cases[i].message));
        assert_string_equal(standard_error + strlen(cases[i].message), "Try 'tool sub --help'.\n");
    }
}

static void help_is_the_table(void **state)
{
    static const char expected[] = "Usage: tool sub [options] X\n"
                                   "       tool sub [options] Y Z\n"
                                   "About.\n"
                                   "\n"
                                   "Options:\n"
                                   "  --max-len N           most words (default: 20)\n"
                                   "  --max-pixels N        most pixels\n"
                                   "  --penalty X           a penalty\n"
                                   "  --penalty-form FORM   which penalty\n"
                                   "  -o, --output FILE     a file\n"
                                   "  -q, --quiet           less\n"
                                   "\n"
                                   "Help:\n"
                                   "  -h, --help            this text\n"
                                   "  -V, --version         the version\n"
                                   "\n"
                                   "Exit code: 0, or 1 when something failed, or 2 for wrong usage.\n";
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    tool_print_help(&some_command, file);
    rewind(file);
    char text[2048];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    assert_string_equal(text, expected);
}

static void nearest_names(void **state)
{
    static const char *const names[] = {"beams", "nbest", "threads", NULL};
    (void)state;
    assert_string_equal(tool_nearest("baems", names), "beams");      /* two letters swapped: 1 */
    assert_string_equal(tool_nearest("beam", names), "beams");       /* one missing */
    assert_string_equal(tool_nearest("thread-s", names), "threads"); /* one too many */
    assert_null(tool_nearest("bogus", names));                       /* 3 of 5 replaced */
    assert_null(tool_nearest("", names));
    assert_null(tool_nearest("a-very-long-word-that-nobody-would-type-as-an-option", names));
}

/* ---- lists of images ---- */

static char folder[] = "/tmp/test_cli_XXXXXX";

static void put(const char *name, const void *bytes, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static const unsigned char jpeg[] = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16}, /* the starts of such files */
    png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0, 0};

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder)) return -1;
    put("b.JPG", jpeg, sizeof jpeg);
    put("a.png", png, sizeof png);
    put("c", png, sizeof png);           /* no ending */
    put("e.jpg.bak", jpeg, sizeof jpeg); /* another ending */
    put("d.jpg", "text", 4);             /* no picture, whatever its name */
    put("f.jpg", jpeg, 2);               /* too short to tell */
    put("._a.jpg", jpeg, sizeof jpeg);   /* hidden */
    put("g.png", png, 7);                /* cut off in its magic */
    char path[256];
    (void)snprintf(path, sizeof path, "%s/fifo.jpg", folder);
    if (mkfifo(path, 0600) != 0) return -1;
    (void)snprintf(path, sizeof path, "%s/link.jpg", folder);
    if (symlink("b.JPG", path) != 0) return -1;
    (void)snprintf(path, sizeof path, "%s/dangling.jpg", folder);
    if (symlink("nothing", path) != 0) return -1;
    (void)snprintf(path, sizeof path, "%s/z", folder);
    if (mkdir(path, 0777) != 0) return -1;
    put("z/f.jpg", jpeg, sizeof jpeg);
    (void)snprintf(path, sizeof path, "%s/empty", folder);
    return mkdir(path, 0777);
}

static int remove_folder(void **state)
{
    (void)state;
    char line[96];
    (void)snprintf(line, sizeof line, "rm -r %s", folder);
    return system(line);
}

static void assert_listed(const tool_images *images, size_t at, const char *name)
{
    assert_true(at < images->count);
    assert_memory_equal(images->names[at], folder, strlen(folder));
    assert_string_equal(images->names[at] + strlen(folder) + 1, name);
}

static void folders_are_searched(void **state)
{
    static const char *const expected[] = {"a.png", "b.JPG", "c", "e.jpg.bak", "link.jpg", "z/f.jpg"};
    static const char *const passed[] = {"d.jpg", "dangling.jpg", "f.jpg", "fifo.jpg", "g.png"};
    tool_images images = {.names = NULL};
    (void)state;
    assert_true(tool_images_add(&images, "-", false, NULL));
    assert_true(tool_images_add(&images, "no such file", false, NULL)); /* reading it will tell */
    assert_true(tool_images_add(&images, folder, false, NULL));
    assert_int_equal(images.count, 2 + 5);
    assert_string_equal(images.names[0], "-");
    assert_string_equal(images.names[1], "no such file");
    for (size_t i = 0; i < 5; i++) assert_listed(&images, i + 2, expected[i]);
    assert_int_equal(images.passed_over, 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(images.named[i], passed[i]);
    assert_true(tool_images_add(&images, folder, true, NULL));
    assert_int_equal(images.count, 7 + 6);
    for (size_t i = 0; i < 6; i++) assert_listed(&images, i + 7, expected[i]);
    assert_int_equal(images.passed_over, 10);
    tool_images_free(&images);
    tool_images_free(&images);
}

static void folders_without_pictures(void **state)
{
    tool_images images = {.names = NULL};
    tool_error err = {{0}};
    (void)state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/empty", folder);
    assert_false(tool_images_add(&images, path, false, &err));
    assert_non_null(strstr(err.message, "/empty: a folder without pictures"));
    assert_int_equal(images.count, 0);
    (void)snprintf(path, sizeof path, "%s/fifo.jpg", folder);
    assert_false(tool_is_picture(path)); /* and does not wait for a writer */
    (void)snprintf(path, sizeof path, "%s/b.JPG", folder);
    assert_true(tool_is_picture(path));
    tool_images_free(&images);
}

static void lists_of_names(void **state)
{
    tool_images images = {.names = NULL};
    tool_error err = {{0}};
    (void)state;
    char list[256];
    (void)snprintf(list, sizeof list, "%s/list", folder);
    put("list", "x y.jpg\r\n\nb.jpg\nlast", 20);
    assert_true(tool_images_add_list(&images, list, false, false, NULL));
    assert_int_equal(images.count, 3);
    assert_string_equal(images.names[0], "x y.jpg");
    assert_string_equal(images.names[1], "b.jpg");
    assert_string_equal(images.names[2], "last");
    put("list", "a\nb.jpg\0c \r\0", 12);
    assert_false(tool_images_add_list(&images, list, false, false, &err));
    assert_non_null(strstr(err.message, "/list:2: a zero byte: --null"));
    assert_true(tool_images_add_list(&images, list, true, false, NULL));
    assert_int_equal(images.count, 3 + 1 + 2); /* "a" of the refused list, and two names of the other */
    assert_string_equal(images.names[4], "a\nb.jpg");
    assert_string_equal(images.names[5], "c \r");
    char path[256];
    (void)snprintf(path, sizeof path, "%s/z\n-\n", folder);
    put("list", path, strlen(path));
    err.message[0] = '\0';
    assert_false(tool_images_add_list(&images, list, false, false, &err));
    assert_non_null(strstr(err.message, "/list:2: '-'"));
    assert_listed(&images, 6, "z/f.jpg");
    tool_images_free(&images);
}

#define ESCAPE "\xEF\xBF\xBD"

static void json_texts(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", ""},
        {"caf\xC3\xA9", "caf\xC3\xA9"},
        {"a\xFF\xC3z\xE9", "a" ESCAPE "ff" ESCAPE "c3z" ESCAPE "e9"},
        {"a\xFE.jpg", "a" ESCAPE "fe.jpg"},
        {ESCAPE, ESCAPE}, /* a character like others */
        {ESCAPE "fF" ESCAPE "1", ESCAPE "fF" ESCAPE "1"},
        {ESCAPE "ff", ESCAPE "ef" ESCAPE "bf" ESCAPE "bdff"}, /* no escape: it mustn't be taken for \xFF */
        {ESCAPE "\xFF", ESCAPE ESCAPE "ff"},
        {"f\xEF\xBF", "f" ESCAPE "ef" ESCAPE "bf"},
    };
    const int values[] = {3, -1};
    json_t *ints = tool_json_ints(values, 2), *none = tool_json_ints(values, 0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *text = tool_json_text(cases[i].text);
        assert_string_equal(json_string_value(text), cases[i].json);
        json_decref(text);
    }
    assert_int_equal(json_integer_value(json_array_get(ints, 1)), -1);
    assert_int_equal(json_array_size(none), 0);
    json_decref(ints);
    json_decref(none);
}

static void medians(void **state)
{
    double odd[] = {5, 1, 3}, even[] = {4, 1, 2, 9};
    (void)state;
    assert_true(tool_median(odd, 3) == 3.0);
    assert_true(tool_median(even, 4) == 3.0);
    assert_true(tool_median(odd, 0) == 0.0);
    assert_true(tool_now_ms() <= tool_now_ms());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(large_numbers),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(amounts_of_memory),
        cmocka_unit_test(names_from_a_list),
        cmocka_unit_test(shared_options),
        cmocka_unit_test(help_says_every_name),
        cmocka_unit_test(help_says_the_numbers),
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(wrong_options_are_explained),
        cmocka_unit_test(help_is_the_table),
        cmocka_unit_test(nearest_names),
        cmocka_unit_test_setup_teardown(folders_are_searched, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(folders_without_pictures, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(lists_of_names, make_folder, remove_folder),
        cmocka_unit_test(json_texts),
        cmocka_unit_test(medians),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
