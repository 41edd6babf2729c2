/* One table holds the options of a command: it is what the command line is read by, and what --help prints.
 *
 * Long options may be cut short as long as one option alone begins so.  Short options may stand together
 * (-qr), with a value behind (-m FILE, -mFILE).  Options and operands come in any order; "--" ends the
 * options.
 */
#ifndef TOOLS_COMMON_COMMAND_H
#define TOOLS_COMMON_COMMAND_H

#include <stdio.h>

#include "tools/common/error.h"

typedef struct tool_option {
    const char *name; /* the long name without dashes; NULL ends the list */
    int code;         /* the number that `take` gets; below 256 it is the letter of the short option, too */
    const char *argument; /* what the help calls its value, "FILE"; NULL: it has none */
    const char *help;     /* NULL: the option is accepted, in full length, but not shown */
    const char *initial;  /* its default in words; NULL: off, or nothing to say */
} tool_option;

/* Options under a headline; neighbours of the same title share it. */
typedef struct tool_group {
    const char *title; /* NULL ends the list */
    const tool_option *options;
} tool_group;

typedef struct tool_command {
    const char *name;     /* as typed, "capinfo" or "capeval run" */
    const char *synopsis; /* what follows the name; one form of use a line */
    const char *about;    /* lines of at most 80 characters, the last with its newline */
    const tool_group *groups;
    /* Takes every option but --help and --version; an error is left in *err. */
    void (*take)(void *options, int code, const char *value, tool_error *err);
} tool_command;

/* The last group of every command: --help and --version. */
extern const tool_option tool_help_options[];

/* Reads all options.  Returns -1 to go on: argv[1] to argv[*argc - 1] are the operands then.  Else returns
 * the exit code: help or the version was printed, or a wrong option was reported. */
int tool_read_options(const tool_command *command, void *options, int *argc, char **argv);

/* What --help prints. */
void tool_print_help(const tool_command *command, FILE *stream);

/* The one of `names` (ended by NULL) that `word` was probably meant to be; NULL where none is near. */
const char *tool_nearest(const char *word, const char *const *names);

#endif
