/* Numbers and names on a command line; see cli.h.  Called by the tools' option parsers. */
#include "tools/common/cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* strtol and strtod skip blanks and know hexadecimal, nan and inf; an option's value is plain digits. */
static bool only(const char *text, const char *allowed)
{
    return text[0] && text[strspn(text, allowed)] == '\0';
}

bool tool_parse_int(int *value, const char *option, const char *text, int min, int max, tool_error *err)
{
    char *stop = NULL;
    long number;
    errno = 0;
    number = only(text, "+-0123456789") ? strtol(text, &stop, 10) : 0;
    if (!stop || stop == text || *stop) return tool_fail(err, "%s: '%s' is not a whole number", option, text);
    if (errno || number < min || number > max) {
        return tool_fail(err, "%s: %s is out of range, %d to %d are allowed", option, text, min, max);
    }
    *value = (int)number;
    return true;
}

bool tool_parse_u64(uint64_t *value, const char *option, const char *text, uint64_t min, uint64_t max,
                    tool_error *err)
{
    uintmax_t number;
    if (!only(text, "0123456789")) return tool_fail(err, "%s: '%s' is not a whole number", option, text);
    errno = 0;
    number = strtoumax(text, NULL, 10);
    if (errno || number < min || number > max) {
        return tool_fail(err, "%s: %s is out of range, %" PRIu64 " to %" PRIu64 " are allowed", option, text,
                         min, max);
    }
    *value = number;
    return true;
}

bool tool_parse_float(float *value, const char *option, const char *text, float min, float max,
                      tool_error *err)
{
    char *stop = NULL;
    double number;
    /* the tools never call setlocale, so the decimal point is a point everywhere */
    number = only(text, "+-.0123456789eE") ? strtod(text, &stop) : 0;
    if (!stop || stop == text || *stop) return tool_fail(err, "%s: '%s' is not a number", option, text);
    if (!((float)number >= min && (float)number <= max)) {
        return tool_fail(err, "%s: %s is out of range, %g to %g are allowed", option, text, (double)min,
                         (double)max);
    }
    *value = (float)number;
    return true;
}

bool tool_parse_choice(int *index, const char *option, const char *text, const char *const *names,
                       tool_error *err)
{
    char list[256] = "";
    size_t used = 0;
    int i;
    for (i = 0; names[i]; i++) {
        int wrote;
        if (strcmp(names[i], text) == 0) {
            *index = i;
            return true;
        }
        wrote = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
        if (wrote > 0 && (size_t)wrote < sizeof list - used) used += (size_t)wrote;
    }
    return tool_fail(err, "%s: '%s' is not one of %s", option, text, list);
}

/* The message for getopt_long's '?' and ':'.  Always returns false. */
static bool bad_option(int code, char *const *argv, tool_error *err)
{
    const char *word = argv[optind - 1];
    if (strncmp(word, "--", 2) == 0) {
        int length = (int)strcspn(word, "=");
        if (code == ':') return tool_fail(err, "%s: needs a value", word);
        /* optopt is set where the option exists but takes no value */
        if (optopt && word[length] == '=') return tool_fail(err, "%.*s: takes no value", length, word);
        return tool_fail(err, "%.*s: unknown option", length, word);
    }
    return tool_fail(err, "-%c: %s", optopt, code == ':' ? "needs a value" : "unknown option");
}

int tool_usage_error(const char *tool, const tool_error *err)
{
    (void)fprintf(stderr, "%s: %s\nTry '%s --help'.\n", tool, err->message, tool);
    return TOOL_EXIT_USAGE;
}

int tool_failure(const char *tool, const tool_error *err)
{
    (void)fprintf(stderr, "%s: %s\n", tool, err->message);
    return TOOL_EXIT_FAILED;
}

int tool_print_version(const char *tool)
{
    (void)printf("%s (libcaption) %s\n", tool, caption_version());
    return TOOL_EXIT_OK;
}

bool tool_flush_output(tool_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return true;
    return tool_fail_errno(err, "standard output", errno ? errno : EIO);
}

int tool_read_options(const tool_command *command, void *options, int argc, char **argv)
{
    tool_error err = {{0}};
    int code;
    opterr = 0;
    while ((code = getopt_long(argc, argv, command->short_options, command->long_options, NULL)) != -1) {
        if (code == 'V') return tool_print_version(command->tool);
        if (code == 'h') {
            (void)fputs(command->usage, stdout);
            return tool_flush_output(&err) ? TOOL_EXIT_OK : tool_failure(command->tool, &err);
        }
        if (code == '?' || code == ':') {
            (void)bad_option(code, argv, &err);
        } else {
            command->take(options, code, &err);
        }
        if (err.message[0]) return tool_usage_error(command->tool, &err);
    }
    return -1;
}

bool tool_fail_caption(tool_error *err, const char *name, const caption_error *error)
{
    size_t length = strlen(name);
    const char *reason = error->message[0] ? error->message : caption_status_string(error->status);
    if (strncmp(reason, name, length) == 0 && strncmp(reason + length, ": ", 2) == 0) {
        return tool_fail(err, "%s", reason);
    }
    return tool_fail(err, "%s: %s", name, reason);
}
