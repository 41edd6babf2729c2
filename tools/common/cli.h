/* Command lines: numbers in a range, names from a list, and what a tool says about a bad option.
 *
 * Called by the tools' option parsers.  Numbers are read the same in every locale; nothing but the number may
 * stand in the text.  Only tool_usage_error prints. */
#ifndef TOOLS_COMMON_CLI_H
#define TOOLS_COMMON_CLI_H

#include <getopt.h>
#include <stdint.h>

#include <caption.h>

#include "tools/common/error.h"

enum { TOOL_EXIT_OK = 0, TOOL_EXIT_FAILED = 1, TOOL_EXIT_USAGE = 2 };

/* Each reads `text`, given for `option`, into *value; the message names the option, the text and the range.
 */
bool tool_parse_int(int *value, const char *option, const char *text, int min, int max, tool_error *err);
bool tool_parse_u64(uint64_t *value, const char *option, const char *text, uint64_t min, uint64_t max,
                    tool_error *err);
bool tool_parse_float(float *value, const char *option, const char *text, float min, float max,
                      tool_error *err);

/* `names` ends in NULL; *index is the position of `text` in it. */
bool tool_parse_choice(int *index, const char *option, const char *text, const char *const *names,
                       tool_error *err);

/* What a tool's options are.  The tables are getopt_long's; h and V, --help and --version, are answered by
 * tool_read_options, every other option is taken by `take`, whose value is in optarg. */
typedef struct tool_command {
    const char *tool;          /* for messages: "capinfo" */
    const char *usage;         /* what --help prints */
    const char *short_options; /* starts with ':' */
    const struct option *long_options;
    void (*take)(void *options, int code, tool_error *err);
} tool_command;

/* Reads all options.  Returns -1 to go on with argv[optind], or the exit code: help and version were printed,
 * or a bad option reported. */
int tool_read_options(const tool_command *command, void *options, int argc, char **argv);

/* Prints "TOOL: message" and where to find help on stderr; returns TOOL_EXIT_USAGE. */
int tool_usage_error(const char *tool, const tool_error *err);

/* Prints "TOOL: message" on stderr; returns TOOL_EXIT_FAILED. */
int tool_failure(const char *tool, const tool_error *err);

/* Prints "TOOL (libcaption) VERSION"; returns TOOL_EXIT_OK. */
int tool_print_version(const char *tool);

/* Flushes standard output: false when anything written to it was lost. */
bool tool_flush_output(tool_error *err);

/* "NAME: reason" from the library's error; reasons that already start with the name are kept. */
bool tool_fail_caption(tool_error *err, const char *name, const caption_error *error);

#endif
