/* Command lines: numbers in a range, names from a list, messages, exit codes.
 *
 * Numbers are read the same in every locale, and nothing but the number may stand in the text.  Messages go
 * to standard error, one line each, with control characters escaped. */
#ifndef TOOLS_COMMON_CLI_H
#define TOOLS_COMMON_CLI_H

#include <stdint.h>

#include <caption.h>

#include "tools/common/error.h"

enum { TOOL_EXIT_OK = 0, TOOL_EXIT_FAILED = 1, TOOL_EXIT_USAGE = 2 };

/* What every main() does first, with the tool's name.  Takes the locale's character set from the environment,
 * and calls tool_json_begin and tool_mapped_start.  Where standard input, output or error is closed, opens a
 * stand-in on which reading or writing fails: else the next file opened would get that number, and be written
 * to by mistake.  Ends the program where no stand-in opens.  SIGXFSZ is ignored: the write then fails, and
 * the message names the file. */
void tool_start(const char *tool);

/* Each reads `text`, given for `option`, into *value.  The message names the option, the text and the range.
 */
bool tool_parse_int(int *value, const char *option, const char *text, int min, int max, tool_error *err);
bool tool_parse_u64(uint64_t *value, const char *option, const char *text, uint64_t min, uint64_t max,
                    tool_error *err);
bool tool_parse_float(float *value, const char *option, const char *text, float min, float max,
                      tool_error *err);

/* The same for an amount of memory, 1 to `max` bytes: a number of bytes, or of 1024 (K), 1024^2 (M) or 1024^3
 * (G) of them. */
bool tool_parse_bytes(uint64_t *value, const char *option, const char *text, uint64_t max, tool_error *err);

/* `names` ends in NULL; *index becomes the position of `text` in it. */
bool tool_parse_choice(int *index, const char *option, const char *text, const char *const *names,
                       tool_error *err);

/* The processors of this machine, 1 to `most`: the default of --threads in every tool. */
int tool_processors(int most);

/* Prints "TOOL: message" and "Try 'COMMAND --help'." on standard error; returns TOOL_EXIT_USAGE.  `command`
 * starts with the tool's name ("capeval run"). */
int tool_usage_error(const char *command, const tool_error *err);

/* Prints "TOOL: message" on standard error; returns TOOL_EXIT_FAILED. */
int tool_failure(const char *tool, const tool_error *err);

/* Prints "TOOL: text" on standard error, where nothing has failed. */
void tool_note(const char *tool, const char *format, ...) TOOL_PRINTF(2, 3);

/* Flushes standard output; false when anything written to it was lost. */
bool tool_flush_output(tool_error *err);

/* "NAME: reason" from the library's error.  A reason that already starts with the name is kept as it is. */
bool tool_fail_caption(tool_error *err, const char *name, const caption_error *error);

#endif
