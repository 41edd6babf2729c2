/* Reads a command line by a table of options, and prints the table; see command.h. */
#include "tools/common/command.h"

#include <limits.h>
#include <string.h>

#include "tools/common/cli.h"

enum {
    HELP_COLUMN = 24, /* where the explanation of an option starts */
    HELP_WIDTH = 80,
    MAX_NAMES = 64,
    NAME_BYTES = 32,
    SYNOPSIS_FIRST = 7 /* columns of "Usage: " */
};

const tool_option tool_help_options[] = {
    {.name = "help", .code = 'h', .help = "this text"},
    {.name = "version", .code = 'V', .help = "the version"},
    {.name = NULL},
};

/* ---- the nearest name ---- */

static int least(int a, int b, int c)
{
    const int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many letters must be added, dropped, replaced or swapped with their neighbour to make b of a
 * (Damerau-Levenshtein distance, every part changed once at most).  Words of NAME_BYTES letters and more
 * count as too far.
 */
static int distance(const char *a, const char *b)
{
    const int rows = (int)strlen(a), columns = (int)strlen(b);
    if (rows >= NAME_BYTES || columns >= NAME_BYTES) return INT_MAX;
    int d[NAME_BYTES + 1][NAME_BYTES + 1]; /* [i][j]: the first i letters of a to the first j of b */
    for (int i = 0; i <= rows; i++) d[i][0] = i;
    for (int j = 0; j <= columns; j++) d[0][j] = j;
    for (int i = 1; i <= rows; i++) {
        for (int j = 1; j <= columns; j++) {
            const int other = a[i - 1] != b[j - 1];
            d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + other);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = least(d[i][j], d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[rows][columns];
}

const char *tool_nearest(const char *word, const char *const *names)
{
    const char *nearest = NULL;
    int best = ((int)strlen(word) + 2) / 3 + 1; /* one letter in three may be wrong */
    for (size_t i = 0; names[i]; i++) {
        const int d = distance(word, names[i]);
        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

/* ---- finding options ---- */

/* Steps through the options of all groups: start with {command, 0, 0}; NULL at the end. */
typedef struct walk {
    const tool_command *command;
    size_t group, index;
} walk;

static const tool_option *next_option(walk *w)
{
    for (; w->command->groups[w->group].title; w->group++, w->index = 0) {
        const tool_option *option = &w->command->groups[w->group].options[w->index];
        if (option->name) {
            w->index++;
            return option;
        }
    }
    return NULL;
}

static bool unknown_option(const tool_command *command, const char *shown, const char *word, tool_error *err)
{
    const char *names[MAX_NAMES + 1] = {NULL};
    size_t count = 0;
    walk w = {command, 0, 0};
    for (const tool_option *option; count < MAX_NAMES && (option = next_option(&w)) != NULL;) {
        if (option->help) names[count++] = option->name;
    }
    const char *nearest = tool_nearest(word, names);
    if (!nearest) return tool_fail(err, "%s: unknown option", shown);
    return tool_fail(err, "%s: unknown option; did you mean --%s?", shown, nearest);
}

static bool ambiguous_option(const tool_command *command, const char *word, tool_error *err)
{
    char list[512] = "";
    size_t used = 0;
    walk w = {command, 0, 0};
    for (const tool_option *option; (option = next_option(&w)) != NULL;) {
        if (!option->help || strncmp(option->name, word, strlen(word)) != 0) continue;
        const int wrote =
            snprintf(list + used, sizeof list - used, "%s--%s", used ? " or " : "", option->name);
        if (wrote > 0 && (size_t)wrote < sizeof list - used) used += (size_t)wrote;
    }
    return tool_fail(err, "--%s: ambiguous: %s", word, list);
}

/* The option that `word` names in full or begins; NULL with a message where there is none, or several. */
static const tool_option *find_long(const tool_command *command, const char *word, tool_error *err)
{
    const tool_option *found = NULL;
    int count = 0;
    walk w = {command, 0, 0};
    for (const tool_option *option; (option = next_option(&w)) != NULL;) {
        if (strcmp(option->name, word) == 0) return option;
        if (option->help && strncmp(option->name, word, strlen(word)) == 0) {
            found = option;
            count++;
        }
    }
    if (count == 1) return found;
    if (count > 1) {
        (void)ambiguous_option(command, word, err);
    } else {
        char shown[NAME_BYTES * 8];
        (void)snprintf(shown, sizeof shown, "--%s", word);
        (void)unknown_option(command, shown, word, err);
    }
    return NULL;
}

static const tool_option *find_letter(const tool_command *command, char letter)
{
    walk w = {command, 0, 0};
    for (const tool_option *option; (option = next_option(&w)) != NULL;) {
        if (option->code == (unsigned char)letter) return option;
    }
    return NULL;
}

/* ---- reading ---- */

typedef struct reader {
    const tool_command *command;
    void *options;
    int argc, next; /* argv[next] is the next to be read */
    char **argv;
    int last; /* 'h' or 'V' once --help or --version was read, else 0 */
    tool_error err;
} reader;

static bool hand_over(reader *r, const tool_option *option, const char *value)
{
    if (option->code == 'h' || option->code == 'V') {
        r->last = option->code;
    } else {
        r->command->take(r->options, option->code, value, &r->err);
    }
    return !r->err.message[0] && !r->last;
}

/* The value of an option: what stands behind it in its own word, or else the next word.  `shown` is how the
 * option was written, for the message. */
static const char *value_of(reader *r, const tool_option *option, const char *behind, const char *shown)
{
    if (behind) return behind;
    if (r->next < r->argc) return r->argv[r->next++];
    (void)tool_fail(&r->err, "%s: needs a value: %s %s", shown, shown, option->argument);
    return NULL;
}

/* word: "name" or "name=value", without the dashes */
static bool read_long(reader *r, const char *word)
{
    char name[NAME_BYTES * 4];
    const size_t length = strcspn(word, "=");
    const char *value = word[length] ? word + length + 1 : NULL;
    (void)snprintf(name, sizeof name, "%.*s", (int)length, word);
    const tool_option *option = find_long(r->command, name, &r->err);
    if (!option) return false;
    char shown[NAME_BYTES * 2];
    (void)snprintf(shown, sizeof shown, "--%s", option->name);
    if (!option->argument) {
        if (value) return tool_fail(&r->err, "%s: takes no value", shown);
        return hand_over(r, option, NULL);
    }
    value = value_of(r, option, value, shown);
    return value && hand_over(r, option, value);
}

/* word: "-abc", one or more letters */
static bool read_letters(reader *r, const char *word)
{
    for (const char *p = word + 1; *p; p++) {
        const char shown[] = {'-', *p, '\0'};
        const tool_option *option = find_letter(r->command, *p);
        if (!option) { /* a long option with one dash is written so: "-beams" */
            const bool alone = p == word + 1 && p[1];
            return unknown_option(r->command, alone ? word : shown, alone ? word + 1 : "", &r->err);
        }
        if (option->argument) {
            const char *value = value_of(r, option, p[1] ? p + 1 : NULL, shown);
            return value && hand_over(r, option, value);
        }
        if (!hand_over(r, option, NULL)) return false;
    }
    return true;
}

/* Moves the operands to the front of argv and counts them in *argc. */
static bool read_all(reader *r, int *argc)
{
    int operands = 1;
    bool only_operands = false;
    while (r->next < r->argc) {
        char *word = r->argv[r->next++];
        if (only_operands || word[0] != '-' || !word[1]) {
            r->argv[operands++] = word;
        } else if (strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!(word[1] == '-' ? read_long(r, word + 2) : read_letters(r, word))) {
            return false;
        }
    }
    *argc = operands;
    return true;
}

int tool_read_options(const tool_command *command, void *options, int *argc, char **argv)
{
    reader r = {.command = command, .options = options, .argc = *argc, .next = 1, .argv = argv};
    if (read_all(&r, argc)) return -1;
    if (!r.last) return tool_usage_error(command->name, &r.err);
    if (r.last == 'h') {
        tool_print_help(command, stdout);
    } else {
        (void)printf("%.*s (libcaption) %s\n", (int)strcspn(command->name, " "), command->name,
                     caption_version());
    }
    return tool_flush_output(&r.err) ? TOOL_EXIT_OK : tool_failure(command->name, &r.err);
}

/* ---- help ---- */

static void print_synopsis(const tool_command *command, FILE *stream)
{
    const char *line = command->synopsis;
    for (bool first = true; *line; first = false) {
        const size_t length = strcspn(line, "\n");
        (void)fprintf(stream, "%-*s%s %.*s\n", SYNOPSIS_FIRST, first ? "Usage:" : "", command->name,
                      (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* Prints words from `column` on and breaks lines before HELP_WIDTH; returns the column reached. */
static int print_words(FILE *stream, const char *text, int column)
{
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (column + 1 + length > HELP_WIDTH) {
            (void)fprintf(stream, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            (void)fputc(' ', stream);
            column++;
        }
        (void)fprintf(stream, "%.*s", length, text);
        column += length;
        text += length + (text[length] == ' ');
    }
    return column;
}

static void print_option(const tool_option *option, FILE *stream)
{
    char letter[8] = "", initial[256] = "";
    if (option->code < 256) (void)snprintf(letter, sizeof letter, "-%c, ", option->code);
    char left[NAME_BYTES * 3];
    (void)snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name, option->argument ? " " : "",
                   option->argument ? option->argument : "");
    (void)fputs(left, stream);
    if (strlen(left) + 2 > HELP_COLUMN) {
        (void)fprintf(stream, "\n%*s", HELP_COLUMN, "");
    } else {
        (void)fprintf(stream, "%*s", HELP_COLUMN - (int)strlen(left), "");
    }
    const int column = print_words(stream, option->help, HELP_COLUMN);
    if (option->initial) {
        const int length = snprintf(initial, sizeof initial, "(default: %s)", option->initial);
        const bool fits = column + 1 + length <= HELP_WIDTH || HELP_COLUMN + length > HELP_WIDTH;
        (void)print_words(stream, initial, fits ? column : HELP_WIDTH); /* else on a line of its own */
    }
    (void)fputc('\n', stream);
}

void tool_print_help(const tool_command *command, FILE *stream)
{
    print_synopsis(command, stream);
    (void)fputs(command->about, stream);
    for (const tool_group *group = command->groups; group->title; group++) {
        if (group == command->groups || strcmp(group[-1].title, group->title) != 0) {
            (void)fprintf(stream, "\n%s:\n", group->title);
        }
        for (const tool_option *option = group->options; option->name; option++) {
            if (option->help) print_option(option, stream);
        }
    }
    (void)fputs("\nExit code: 0, or 1 when something failed, or 2 for wrong usage.\n", stream);
}
