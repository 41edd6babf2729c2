/* Numbers, names and messages of a command line; see cli.h. */
#include "tools/common/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/clean.h"
#include "tools/common/json.h"
#include "tools/common/mapped.h"

enum { NOTE_BYTES = 2048 };

void tool_start(const char *tool)
{
    /* input for writing and output for reading, so that using them fails; what goes to error is lost */
    static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    static const char *const names[] = {"input", "output", "error"};
    for (int number = 0; number < 3; number++) {
        if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
        if (open("/dev/null", modes[number]) == number) continue; /* it takes the lowest free number */
        (void)fprintf(stderr, "standard %s is closed, and nothing can stand in for it: /dev/null: %s\n",
                      names[number], strerror(errno));
        exit(TOOL_EXIT_FAILED);
    }
    /* a file that grows past the limit of its size (ulimit -f) is a failed write, and not a signal */
    (void)signal(SIGXFSZ, SIG_IGN);
    /* numbers keep their decimal point: LC_NUMERIC stays "C" */
    (void)setlocale(LC_CTYPE, "");
    tool_json_begin();
    tool_mapped_start(tool);
}

/* ---- numbers and names ---- */

/* strtol and strtod skip blanks and know hexadecimal, nan and inf; an option's value is plain digits. */
static bool only(const char *text, const char *allowed)
{
    return text[0] && text[strspn(text, allowed)] == '\0';
}

bool tool_parse_int(int *value, const char *option, const char *text, int min, int max, tool_error *err)
{
    char *stop = NULL;
    errno = 0;
    const long number = only(text, "+-0123456789") ? strtol(text, &stop, 10) : 0;
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
    if (!only(text, "0123456789")) return tool_fail(err, "%s: '%s' is not a whole number", option, text);
    errno = 0;
    const uintmax_t number = strtoumax(text, NULL, 10);
    if (errno || number < min || number > max) {
        return tool_fail(err, "%s: %s is out of range, %" PRIu64 " to %" PRIu64 " are allowed", option, text,
                         min, max);
    }
    *value = number;
    return true;
}

bool tool_parse_bytes(uint64_t *value, const char *option, const char *text, uint64_t max, tool_error *err)
{
    static const char units[] = "KMG";
    const size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
    if (!digits || (text[digits] && (!unit || text[digits + 1]))) {
        return tool_fail(err, "%s: '%s' is no amount of memory; 256M is one", option, text);
    }
    errno = 0;
    const uintmax_t number = strtoumax(text, NULL, 10);
    const int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    if (errno || number < 1 || number > max >> shift) {
        return tool_fail(err, "%s: %s is out of range, 1 to %" PRIu64 " bytes are allowed", option, text,
                         max);
    }
    *value = (uint64_t)number << shift;
    return true;
}

bool tool_parse_float(float *value, const char *option, const char *text, float min, float max,
                      tool_error *err)
{
    char *stop = NULL;
    const double number = only(text, "+-.0123456789eE") ? strtod(text, &stop) : 0;
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
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0) {
            *index = i;
            return true;
        }
        const int wrote = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
        if (wrote > 0 && (size_t)wrote < sizeof list - used) used += (size_t)wrote;
    }
    return tool_fail(err, "%s: '%s' is not one of %s", option, text, list);
}

int tool_processors(int most)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > most ? most : (int)count;
}

/* ---- messages ---- */

/* One line on standard error: the first word of `command`, then the message. */
static void print_message(const char *command, const char *message)
{
    (void)fprintf(stderr, "%.*s: ", (int)strcspn(command, " "), command);
    tool_put_clean(stderr, message);
    (void)fputc('\n', stderr);
}

int tool_usage_error(const char *command, const tool_error *err)
{
    print_message(command, err->message);
    (void)fprintf(stderr, "Try '%s --help'.\n", command);
    return TOOL_EXIT_USAGE;
}

int tool_failure(const char *tool, const tool_error *err)
{
    print_message(tool, err->message);
    return TOOL_EXIT_FAILED;
}

void tool_note(const char *tool, const char *format, ...)
{
    char text[NOTE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_message(tool, text);
}

bool tool_flush_output(tool_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return true;
    return tool_fail_errno(err, "standard output", errno ? errno : EIO);
}

bool tool_fail_caption(tool_error *err, const char *name, const caption_error *error)
{
    const size_t length = strlen(name);
    const char *reason = error->message[0] ? error->message : caption_status_string(error->status);
    if (strncmp(reason, name, length) == 0 && strncmp(reason + length, ": ", 2) == 0) {
        return tool_fail(err, "%s", reason);
    }
    return tool_fail(err, "%s: %s", name, reason);
}
